"""A metric over the training, small enough for a card: its curve, and the band of real samples."""

from __future__ import annotations

import base64
import html

import numpy as np

from gan_core import is_logarithmic
from gan_core.pictures.colours import FAKE, REAL
from ui.charts.training import SPREADS, decimate, on_log_axis

POINTS = 60
"""A small curve has at most so many."""
WIDTH, HEIGHT, EDGE = 100, 40, 4
"""Of the picture in its own units: the page makes it as wide as its card, and leaves lines as thick as they are."""
ALIKE = 1e-5
"""Values that differ by less than this share are one value: a line through the middle."""
COLOURS = {name: colour for name, _, colour in SPREADS}


def spark(
    name: str, steps: np.ndarray, values: np.ndarray, *, mean: float | None, sd: float | None, step: int, alt: str
) -> str:
    """A metric's curve as a picture, in HTML, with a dot at `step`; "" where there are not two numbers to draw.

    The band is that of the large curve: `mean` ± 2 `sd` of real against real, or a line where there is no spread.
    Distances are drawn on a log scale, as there. Look for a curve that comes into the band.
    """
    steps, drawn = _thinned(steps, values, step)
    if np.isfinite(drawn).sum() < 2:
        return ""
    low = high = mean
    if mean is not None and sd:
        low, high = mean - 2 * sd, mean + 2 * sd
    if is_logarithmic(name) and sd and low is not None and high is not None:
        drawn, low, high, *_ = on_log_axis(drawn, low, high, sd)
        drawn, low, high = np.log10(drawn), np.log10(low), np.log10(high)
    finite = np.isfinite(drawn)
    bottom = min(float(drawn[finite].min()), low if low is not None else np.inf)
    top = max(float(drawn[finite].max()), high if high is not None else -np.inf)
    if top - bottom <= ALIKE * max(abs(top), abs(bottom)):
        bottom, top = bottom - 1, top + 1

    def across(at) -> np.ndarray:
        return EDGE + (WIDTH - 2 * EDGE) * (at - steps[0]) / (steps[-1] - steps[0])

    def up(value) -> np.ndarray:
        return HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - bottom) / (top - bottom)

    line = 'fill="none" stroke-linecap="round" stroke-linejoin="round" style="vector-effect: non-scaling-stroke"'
    parts = []
    if low is not None and high is not None:
        edge = f'stroke="{REAL}" stroke-width="1" {line}'
        parts.append(
            f'<rect x="0" y="{up(high):.2f}" width="{WIDTH}" height="{up(low) - up(high):.2f}" fill="{REAL}" '
            'fill-opacity="0.25"/>'
        )
        parts += [f'<path d="M0 {y:.2f}H{WIDTH}" {edge}/>' for y in dict.fromkeys((up(high), up(low)))]
    colour = COLOURS.get(name, FAKE)
    joined = np.append(False, finite[:-1])  # what is not a number is a gap, and a number between two of them a dot
    points = zip(across(steps[finite]), up(drawn[finite]), joined[finite])
    places = "".join(f"L{x:.2f} {y:.2f}" if on else f"M{x:.2f} {y:.2f}h0" for x, y, on in points)
    parts.append(f'<path d="{places}" stroke="{colour}" stroke-width="1.75" {line}/>')
    here = int(np.where(finite, np.abs(steps - step), np.inf).argmin())
    dot = f"M{across(steps[here]):.2f} {up(drawn[here]):.2f}h0"
    parts.append(f'<path d="{dot}" stroke="{colour}" stroke-width="7" {line}/>')
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
    source = base64.b64encode(f"<svg {frame}>{''.join(parts)}</svg>".encode()).decode()
    about = f'alt="{html.escape(alt)}" style="display: block; width: 100%; height: {HEIGHT}px"'
    return f'<img src="data:image/svg+xml;base64,{source}" {about}>'


def _thinned(steps: np.ndarray, values: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Few points of a curve, and always the one measured nearest to `step`: the dot lies on what was measured."""
    kept, drawn = decimate(steps, values, POINTS)
    if len(kept):
        nearest = np.abs(np.asarray(steps) - step).argmin()
        at, value = decimate(steps[nearest : nearest + 1], values[nearest : nearest + 1])
        if at[0] not in kept:
            place = np.searchsorted(kept, at[0])
            kept, drawn = np.insert(kept, place, at), np.insert(drawn, place, value)
    return kept, drawn
