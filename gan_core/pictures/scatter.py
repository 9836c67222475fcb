"""Points in the plane as pictures: generated ones are orange crosses, real ones are blue discs.

Points are (n, d). A picture shows the first two coordinates, or a single one along a horizontal line.
"""

from __future__ import annotations

import numpy as np

from gan_core.pictures.colours import FAKE, REAL, rgb
from gan_core.pictures.png import png
from gan_core.records import GanometerError

Limits = tuple[tuple[float, float], tuple[float, float]]
"""The part of the plane that a picture shows: ((left, right), (bottom, top)) in the data's units."""

FINE = 3
"""Anti-aliasing: a picture is computed with this many times as many pixels a side, then averaged."""


def scatter(
    *, fake: np.ndarray, real: np.ndarray | None = None, size: int = 320, limits: Limits | None = None
) -> bytes:
    """Generated points over real ones, both (n, d): a PNG of `size` × `size` pixels on a transparent background.

    `limits` defaults to the window of the real points, or else of the generated ones; points outside are not drawn. The
    colour is deeper where points overlap. For a good generator there is blue wherever there is orange, and vice versa.
    Raises GanometerError if the points are not (n, d).
    """
    limits = limits or window(fake if real is None else real)
    radius = max(1.7, size / 130)
    above = coverage(fake, limits, size, cross(radius), opacity=0.65)
    below = 0 * above if real is None else coverage(real, limits, size, disc(radius), opacity=0.45)
    return png(pixels(above=above, below=below))


def plane(points: np.ndarray) -> np.ndarray:
    """The coordinates that a picture of points (n, d) shows: (m, 2) float64.

    With more than two coordinates the first two; a single one becomes a line at height 0. Points that are not finite
    are left out. Raises GanometerError if the points are not (n, d).
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] == 0:
        raise GanometerError(f"the points have shape {points.shape}; give (n, d) with d at least 1")
    points = points[np.isfinite(points).all(axis=1)]
    return points[:, :2] if points.shape[1] > 1 else np.column_stack([points, np.zeros(len(points))])


def window(points: np.ndarray) -> Limits:
    """The smallest square around points (n, d) with a margin of a twentieth of its side."""
    shown = plane(points)
    if not len(shown):
        return ((-1.0, 1.0), (-1.0, 1.0))
    low, high = shown.min(axis=0), shown.max(axis=0)
    half = (high - low).max() * 0.55 or 1.0
    (x, y) = (low + high) / 2
    return ((float(x - half), float(x + half)), (float(y - half), float(y + half)))


# ---------------------------------------------------------------- rasterisation


def coverage(points: np.ndarray, limits: Limits, size: int, symbol: np.ndarray, *, opacity: float) -> np.ndarray:
    """The fraction of each pixel, (size, size) in [0, 1], that is covered by `symbol` drawn at every point (n, d).

    `symbol` is a `disc` or a `cross`. A symbol of opacity o drawn k times covers 1 − (1 − o)^k.
    """
    fine = size * FINE
    (left, right), (bottom, top) = limits
    shown = plane(points)
    across = (shown[:, 0] - left) / (right - left)
    down = (top - shown[:, 1]) / (top - bottom)
    # Points outside are dropped first: the coordinates of a diverged one would overflow an integer.
    inside = (across >= 0) & (across <= 1) & (down >= 0) & (down <= 1)
    place = (np.column_stack([down, across])[inside] * fine).astype(np.int64)
    place = (place[:, None, :] + symbol).reshape(-1, 2)
    place = place[((place >= 0) & (place < fine)).all(axis=1)]
    times = np.bincount(place[:, 0] * fine + place[:, 1], minlength=fine * fine)
    touched = np.flatnonzero(times)  # few of all fine pixels
    covered = 1 - (1 - opacity) ** times[touched]
    coarse = touched // fine // FINE * size + touched % fine // FINE
    return np.bincount(coarse, covered, minlength=size * size).reshape(size, size) / FINE**2


def pixels(*, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """RGBA uint8 (size, size, 4) of the coverage by generated points, `above`, and by real ones, `below`."""
    below = below * (1 - above)
    drawn = above + below > 0
    above, below = above[drawn][:, None], below[drawn][:, None]
    alpha = above + below
    colour = (above * np.array(rgb(FAKE)) + below * np.array(rgb(REAL))) / alpha
    out = np.zeros((*drawn.shape, 4), np.uint8)
    out[drawn] = np.concatenate([colour, 255 * alpha], axis=1).round().astype(np.uint8)
    return out


def disc(radius: float) -> np.ndarray:
    """The fine pixels of a disc, as offsets (k, 2) from its middle; `radius` is in pixels of the picture."""
    offsets = _offsets(radius)
    return offsets[np.hypot(*offsets.T) <= radius * FINE]


def cross(radius: float) -> np.ndarray:
    """The fine pixels of a diagonal cross, as offsets (k, 2) from its middle; `radius` is in pixels of the picture."""
    offsets = _offsets(radius)
    return offsets[abs(abs(offsets[:, 0]) - abs(offsets[:, 1])) <= max(1, radius * FINE / 4)]


def _offsets(radius: float) -> np.ndarray:
    reach = int(np.ceil(radius * FINE))
    steps = np.arange(-reach, reach + 1)
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
