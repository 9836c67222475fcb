"""Batches of samples -> one PNG (bytes): grids, evolution strips, neighbour rows and scatter pictures.

    st.image(images.embedded(images.grid(snapshot.samples)), alt="64 samples")

Everything here is a pure function, and the same input always gives the same bytes, so a page that shows
an unchanged picture again sends nothing. Images are uint8 (n, h, w, c) with c 1 or 3, points (n, d).
Gaps and backgrounds are transparent: the pictures sit on a light page and on a dark one.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gan_core.codec import to_storage
from gan_core.records import GanometerError

WIDTH = 640
"""A picture is at most this many pixels wide, as far as whole-number scales allow."""
CELL = 112
"""... and one sample in it at most this many, so that three samples do not fill the page."""

REAL, FAKE = (0x3B, 0x82, 0xF6), (0xE0, 0x68, 0x2B)

Limits = tuple[tuple[float, float], tuple[float, float]]
"""A window on the plane: ((left, right), (bottom, top)) in the data's units."""


def embedded(png: bytes) -> str:
    """A picture as an address that holds it.

    Given bytes, Streamlit serves a file and forgets it at the next rerun: a browser that is slower asks in vain.
    """
    return "data:image/png;base64," + base64.b64encode(png).decode()


# ---------------------------------------------------------------- images


def grid(images: np.ndarray, *, columns: int = 8, scale: int | None = None, gap: int = 1) -> bytes:
    """Samples side by side, row after row: (n, h, w, c) -> PNG.

    Every pixel becomes a crisp square of `scale` pixels (default: the largest that keeps `columns` samples
    within WIDTH); `gap` is in pixels of the picture. Samples wider than WIDTH / `columns` are not shrunk.
    Raises GanometerError if `images` is not such a batch, or empty.
    """
    images = _checked(images)
    n, (height, width) = len(images), images.shape[1:3]
    scale = scale or _scale(width, columns, gap * (columns - 1))
    columns = min(columns, n)
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, *images.shape[1:3], images.shape[3] + 1), np.uint8)
    cells[:n] = _opaque(images)
    return _compose(cells.reshape(rows, columns, height, width, -1), scale, gap, [gap] * (columns - 1))


def strip(steps: Sequence[np.ndarray], *, scale: int | None = None, gap: int = 2) -> bytes:
    """How samples grew: one column a step, one row a latent; each step is an (n, h, w, c) batch from the same latents.

    Raises GanometerError if a step is not such a batch or the steps differ in shape.
    """
    steps = [_checked(step) for step in steps]
    shapes = {step.shape for step in steps}
    if len(shapes) != 1:
        raise GanometerError(f"the steps hold batches of shapes {sorted(shapes)}; give one or more of one shape")
    table = np.stack(steps, axis=1)
    gaps = [gap] * (len(steps) - 1)
    return _compose(_opaque(table), scale or _scale(table.shape[3], len(steps), sum(gaps)), gap, gaps)


def pairs(queries: np.ndarray, neighbours: np.ndarray, *, scale: int | None = None, gap: int = 1) -> bytes:
    """Each generated sample (n, h, w, c), a wider gap, then its k nearest real images (n, k, h, w, c), nearest first.

    Raises GanometerError if the two do not belong together.
    """
    queries, neighbours = _checked(queries), np.asarray(neighbours)
    fits = neighbours.ndim == 5 and neighbours.shape[1] > 0 and neighbours.dtype == np.uint8
    if not fits or (len(neighbours), *neighbours.shape[2:]) != queries.shape:
        raise GanometerError(
            f"the queries have shape {queries.shape} and their neighbours {neighbours.shape} "
            f"({neighbours.dtype}); give uint8 neighbours of shape (n, k, h, w, c)"
        )
    table = np.concatenate([queries[:, None], neighbours], axis=1)
    gaps = [8 + gap] + [gap] * (neighbours.shape[1] - 1)
    return _compose(_opaque(table), scale or _scale(table.shape[3], table.shape[1], sum(gaps)), gap, gaps)


def shrunk(picture: np.ndarray, *, width: int) -> bytes:
    """One picture of any size, uint8 (h, w, 3) -> PNG at most `width` pixels wide and four times as high."""
    image = Image.fromarray(picture)
    image.thumbnail((width, 4 * width))
    return _png(np.asarray(image))


def png_grid(images: np.ndarray, columns: int = 8, scale: int = 3) -> bytes:
    """A sheet of images (n, h, w, c in {1, 3}, either form), `columns` in a row, every pixel `scale` wide."""
    drawn = sheet(images, columns).repeat(scale, 0).repeat(scale, 1)
    out = io.BytesIO()
    Image.fromarray(drawn[..., 0] if drawn.shape[2] == 1 else drawn).save(out, "PNG")
    return out.getvalue()


def sheet(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """Images (n, h, w, c), either form, side by side in one uint8 picture (rows · h, columns · w, c)."""
    x = to_storage(images)
    n, h, w, c = x.shape
    rows = -(-n // columns)
    x = np.concatenate([x, np.zeros((rows * columns - n, h, w, c), np.uint8)])
    return x.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)


def _checked(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3) or images.size == 0:
        raise GanometerError(
            f"the images have shape {images.shape} and type {images.dtype}; "
            "give at least one as uint8 of shape (n, h, w, 1) or (n, h, w, 3)"
        )
    return images


def _opaque(images: np.ndarray) -> np.ndarray:
    """(..., c) -> (..., c + 1): an alpha channel of 255, so that what stays 0 is transparent."""
    return np.concatenate([images, np.full_like(images[..., :1], 255)], axis=-1)


def _scale(width: int, columns: int, gaps: int) -> int:
    return max(1, min(CELL, (WIDTH - gaps) // columns) // width)


def _compose(table: np.ndarray, scale: int, gap: int, gaps: list[int]) -> bytes:
    """(rows, columns, h, w, channels) -> PNG; `gaps` are the free pixels between columns, `gap` between rows."""
    rows, columns, height, width, channels = table.shape
    height, width = height * scale, width * scale
    canvas = np.zeros((rows * (height + gap) - gap, columns * width + sum(gaps), channels), np.uint8)
    for column in range(columns):
        left = column * width + sum(gaps[:column])
        for row in range(rows):
            top = row * (height + gap)
            cell = table[row, column].repeat(scale, axis=0).repeat(scale, axis=1)
            canvas[top : top + height, left : left + width] = cell
    return _png(canvas)


def _png(canvas: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "PNG", compress_level=6)
    return file.getvalue()


# ---------------------------------------------------------------- points


def plane(points: np.ndarray) -> np.ndarray:
    """The part of (n, d) points a picture can show: (m, 2) float64.

    More than two coordinates: the first two. One: a line at height 0. Points that are not finite are left out.
    Raises GanometerError if `points` has not two axes.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] == 0:
        raise GanometerError(f"the points have shape {points.shape}; give (n, d) with d at least 1")
    points = points[np.isfinite(points).all(axis=1)]
    return points[:, :2] if points.shape[1] > 1 else np.column_stack([points, np.zeros(len(points))])


def window(points: np.ndarray) -> Limits:
    """The smallest square window on (n, d) points with a margin of a twentieth of its side all round.

    Pass the real points' window to every `scatter` of a run, so that steps can be compared by eye.
    """
    shown = plane(points)
    if not len(shown):
        return ((-1.0, 1.0), (-1.0, 1.0))
    low, high = shown.min(axis=0), shown.max(axis=0)
    half = (high - low).max() * 0.55 or 1.0
    (x, y) = (low + high) / 2
    return ((float(x - half), float(x + half)), (float(y - half), float(y + half)))


def scatter(
    points: np.ndarray, real: np.ndarray | None = None, *, size: int = 320, limits: Limits | None = None
) -> bytes:
    """Generated points (orange crosses) over real ones (blue discs), both (n, d): a PNG of `size` x `size` pixels.

    `limits` defaults to the window of the real points, else of the generated; what lies outside is not drawn.
    Where points crowd the colour deepens. A good generator leaves no blue without orange, and no orange without blue.
    """
    limits = limits or window(points if real is None else real)
    radius = max(1.7, size / 130)
    above = _ink(plane(points), limits, size, _cross(radius), 0.65)
    below = 0 * above if real is None else _ink(plane(real), limits, size, _disc(radius), 0.45)
    below = below * (1 - above)
    alpha = above + below
    colour = above[..., None] * np.array(FAKE) + below[..., None] * np.array(REAL)
    colour /= np.maximum(alpha, 1e-9)[..., None]
    return _png(np.concatenate([colour, 255 * alpha[..., None]], axis=-1).round().astype(np.uint8))


def thumbnail(
    samples: np.ndarray, *, real: np.ndarray | None = None, size: int = 160, limits: Limits | None = None
) -> bytes:
    """A small picture about `size` pixels wide: the first 16 images, or all points over the `real` ones if given.

    Images have four axes (n, h, w, c), points two (n, d); `real` and `limits` matter to points only.
    """
    if np.ndim(samples) != 4:
        return scatter(samples, real, size=size, limits=limits)
    samples = _checked(samples)
    return grid(samples[:16], columns=4, scale=max(1, (size - 3) // (4 * samples.shape[2])))


_FINE = 3
"""A picture of points is drawn this many times finer and averaged: that is the anti-aliasing."""


def _ink(points: np.ndarray, limits: Limits, size: int, stamp: np.ndarray, opacity: float) -> np.ndarray:
    """How much of each pixel (size, size) is covered, in [0, 1], when `stamp` is pressed on every point."""
    fine = size * _FINE
    (left, right), (bottom, top) = limits
    across = (points[:, 0] - left) / (right - left)
    down = (top - points[:, 1]) / (top - bottom)
    # A stamp that would only reach in from outside is dropped: a diverged point must not overflow an integer.
    inside = (across >= 0) & (across <= 1) & (down >= 0) & (down <= 1)
    place = (np.column_stack([down, across])[inside] * fine).astype(np.int64)
    place = (place[:, None, :] + stamp).reshape(-1, 2)
    place = place[((place >= 0) & (place < fine)).all(axis=1)]
    times = np.bincount(place[:, 0] * fine + place[:, 1], minlength=fine * fine)
    covered = 1 - (1 - opacity) ** times
    return covered.reshape(size, _FINE, size, _FINE).mean(axis=(1, 3))


def _offsets(radius: float) -> np.ndarray:
    reach = int(np.ceil(radius * _FINE))
    steps = np.arange(-reach, reach + 1)
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)


def _disc(radius: float) -> np.ndarray:
    offsets = _offsets(radius)
    return offsets[np.hypot(*offsets.T) <= radius * _FINE]


def _cross(radius: float) -> np.ndarray:
    offsets = _offsets(radius)
    return offsets[abs(abs(offsets[:, 0]) - abs(offsets[:, 1])) <= max(1, radius * _FINE / 4)]
