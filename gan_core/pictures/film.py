"""Pictures in a row: an animated GIF, or an animated WebP without loss."""

from __future__ import annotations

import io
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_core.pictures.grid import sheet
from gan_core.records import GanometerError

FORMATS = ("gif", "webp")
FASTEST = 50
"""Frames per second: a GIF counts in hundredths of a second, and browsers show no frame for less than two of them."""
WIDTH = 480
"""Pixels that a film is about wide: every pixel of a picture becomes a square of whole ones."""

PAPER, INK, LINE = (255, 255, 255), (85, 99, 122), (213, 219, 227)
REAL, FAKE = (0x3B, 0x82, 0xF6), (0xE0, 0x68, 0x2B)
"""The colours of real and of generated, as on all charts."""
HEAD, DOT, CROSS = 28, 4, 4
"""Pixels: the line of words above a picture of points, the radius of a real point, the reach of a generated one."""
FINE = 3
"""A picture of points is drawn so many times finer and averaged."""
WIDEST = 2.0
"""A film of points shows at most so many times the square that the real ones need."""


def film(frames: Sequence[np.ndarray], format: str = "gif", fps: float = 6, *, last: float = 2.0) -> bytes:
    """Frames one after the other, for ever; the last one stays for `last` seconds.

    A frame is a picture (h, w, c), c in {1, 3}, uint8, or images (n, h, w, c) of either form, laid out eight in a row.
    A GIF has 256 colours a frame: all there are of grey, the closest ones of others. Raises GanometerError for another
    format, a speed beyond 0.1 to 50 frames a second, and frames that are none or not all of one shape.
    """
    if format not in FORMATS:
        raise GanometerError(f"{format!r} is no format of a film; choose {' or '.join(FORMATS)}")
    if not 0.1 <= fps <= FASTEST:
        raise GanometerError(f"fps is {fps}; give 0.1 to {FASTEST} frames a second")
    pictures = [sheet(frame) if np.ndim(frame) == 4 else np.asarray(frame) for frame in frames]
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1 or any(p.ndim != 3 or p.dtype != np.uint8 or p.shape[2] not in (1, 3) for p in pictures):
        raise GanometerError(
            f"the frames have shapes {', '.join(map(str, sorted(shapes))) or '(there are none)'}; "
            "give at least one, all of one shape: pictures (h, w, 1 or 3) of uint8, or images (n, h, w, 1 or 3)"
        )
    scale = max(1, WIDTH // pictures[0].shape[1])
    drawn = [_drawn(picture.repeat(scale, 0).repeat(scale, 1)) for picture in pictures]
    durations = [round(1000 / fps)] * (len(drawn) - 1) + [round(1000 * last)]
    how = dict(optimize=False) if format == "gif" else dict(lossless=True, quality=0, method=0)
    out = io.BytesIO()
    drawn[0].save(out, format, save_all=True, append_images=drawn[1:], duration=durations, loop=0, **how)
    return out.getvalue()


def _drawn(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)


# ---------------------------------------------------------------- points


def scatters(samples: Sequence[np.ndarray], steps: Sequence[int], *, real: np.ndarray) -> list[np.ndarray]:
    """A picture of each step's generated points (n, 2), orange crosses, on real ones (m, 2), blue discs.

    All show the same part of the plane: the square around the real points, and wider, up to twice, where generated ones
    lie outside it; what lies outside of that, or is not finite, is left out. Raises GanometerError for other points.
    """
    shapes = {np.shape(points)[1:] for points in (real, *samples)}
    if shapes != {(2,)} or len(samples) != len(steps):
        raise GanometerError(
            f"there are points of {', '.join(str(shape[0] if shape else 0) for shape in sorted(shapes))} coordinates "
            f"at {len(samples)} of {len(steps)} steps; a film shows points of 2 coordinates, some at every step"
        )
    centre, half = _square(np.asarray(real, np.float64), [np.asarray(points, np.float64) for points in samples])
    return [_scatter(points, step, real, centre, half) for points, step in zip(samples, steps)]


def _square(real: np.ndarray, samples: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """The middle of the part of the plane that a film shows, and half of its side."""
    low, high = real.min(axis=0), real.max(axis=0)
    centre, needed = (low + high) / 2, float((high - low).max()) / 2 or 1.0
    generated = np.concatenate(samples)
    reach = np.abs(generated[np.isfinite(generated).all(axis=1)] - centre).max(initial=0.0)
    return centre, 1.1 * float(np.clip(reach, needed, WIDEST * needed))


def _scatter(points: np.ndarray, step: int, real: np.ndarray, centre: np.ndarray, half: float) -> np.ndarray:
    field = Image.new("RGB", (WIDTH * FINE, WIDTH * FINE), PAPER)
    pen = ImageDraw.Draw(field)
    for x, y in _pixels(real, centre, half):
        pen.ellipse((x - DOT * FINE, y - DOT * FINE, x + DOT * FINE, y + DOT * FINE), fill=REAL)
    for x, y in _pixels(points, centre, half):
        for down in (-CROSS * FINE, CROSS * FINE):
            pen.line((x - CROSS * FINE, y - down, x + CROSS * FINE, y + down), fill=FAKE, width=2 * FINE)
    picture = Image.new("RGB", (WIDTH, HEAD + WIDTH), PAPER)
    picture.paste(field.reduce(FINE), (0, HEAD))
    pen, font, middle = ImageDraw.Draw(picture), ImageFont.load_default(14), HEAD // 2
    pen.rectangle((0, HEAD, WIDTH - 1, HEAD + WIDTH - 1), outline=LINE)
    pen.text((8, middle), f"step {step:,}", fill=INK, font=font, anchor="lm")
    left = WIDTH - 160
    pen.ellipse((left - DOT, middle - DOT, left + DOT, middle + DOT), fill=REAL)
    pen.text((left + 10, middle), "real", fill=INK, font=font, anchor="lm")
    left += 62
    for down in (-CROSS, CROSS):
        pen.line((left - CROSS, middle - down, left + CROSS, middle + down), fill=FAKE, width=2)
    pen.text((left + 10, middle), "generated", fill=INK, font=font, anchor="lm")
    return np.asarray(picture)


def _pixels(points: np.ndarray, centre: np.ndarray, half: float) -> np.ndarray:
    """Where the points lie that can be seen, in the finer picture."""
    points = np.asarray(points, np.float64)
    places = (points[np.isfinite(points).all(axis=1)] - centre) / half * [1, -1]
    return (places[(np.abs(places) <= 1).all(axis=1)] + 1) / 2 * (WIDTH * FINE - 1)
