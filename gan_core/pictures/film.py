"""Films: frames as an animated GIF, or as a lossless animated WebP."""

from __future__ import annotations

import io
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_core.codec import to_storage
from gan_core.pictures.colours import INK, LINE, PAPER
from gan_core.pictures.grid import grid_pixels
from gan_core.pictures.scatter import Limits, coverage, cross, disc, pixels
from gan_core.records import GanometerError

FORMATS = ("gif", "webp")
FASTEST = 50
"""Frames per second: a GIF counts in hundredths of a second, and browsers show each frame for at least two of them."""
WIDTH = 480
"""About the width of a film in pixels: every pixel of a frame becomes a square of whole pixels."""

HEAD, RADIUS = 28, 4
"""Pixels: the height of the text above a frame of points, and the radius of the symbols of points."""
WIDEST = 2.0
"""A film of points shows at most this many times the square that the real points need."""


def film(frames: Sequence[np.ndarray], format: str = "gif", fps: float = 6, *, last: float = 2.0) -> bytes:
    """An endless film of the frames, whose last one stays for `last` seconds; the bytes of a file.

    A frame is one image (h, w, c) uint8 with c 1 or 3, or a batch (n, h, w, c) in either form, shown eight in a row. A
    GIF has 256 colours a frame: exact for grey images, the closest ones for others. Raises GanometerError for another
    format, for fewer than 0.1 or more than 50 frames a second, and for no frames or frames of several shapes.
    """
    if format not in FORMATS:
        raise GanometerError(f"{format!r} is not a format of films; choose {' or '.join(FORMATS)}")
    if not 0.1 <= fps <= FASTEST:
        raise GanometerError(f"fps is {fps}; give 0.1 to {FASTEST} frames a second")
    pictures = [_in_rows(frame) if np.ndim(frame) == 4 else np.asarray(frame) for frame in frames]
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


def _in_rows(images: np.ndarray) -> np.ndarray:
    """A batch (n, h, w, c) in either form as one image without gaps, black behind the last one."""
    return grid_pixels(to_storage(images))[..., :-1]


def _drawn(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)


# ---------------------------------------------------------------- points


def scatter_frames(samples: Sequence[np.ndarray], steps: Sequence[int], *, real: np.ndarray) -> list[np.ndarray]:
    """A frame (h, w, 3) of each step's generated points (n, 2), orange crosses, over real ones (m, 2), blue discs.

    All frames show the same part of the plane: the square around the real points, or around the last generated ones
    where there are no real ones, or up to twice as wide where generated points lie outside it. Points further away, or
    not finite, are left out. Raises GanometerError for points that do not have two coordinates, and unless there is one
    step for each array of points.
    """
    shapes = {np.shape(points)[1:] for points in (real, *samples)}
    if shapes != {(2,)} or len(samples) != len(steps):
        raise GanometerError(
            f"there are points of {', '.join(str(shape[0] if shape else 0) for shape in sorted(shapes))} coordinates "
            f"at {len(samples)} of {len(steps)} steps; a film shows points of 2 coordinates, some at every step"
        )
    limits = _limits(np.asarray(real, np.float64), [np.asarray(points, np.float64) for points in samples])
    below, empty, frames = coverage(real, limits, WIDTH, disc(RADIUS), opacity=1.0), _empty_frame(), []
    for fake, step in zip(samples, steps):
        frame = empty.copy()
        _paste(frame, (0, HEAD), above=coverage(fake, limits, WIDTH, cross(RADIUS), opacity=1.0), below=below)
        pen = ImageDraw.Draw(frame)
        pen.rectangle((0, HEAD, WIDTH - 1, HEAD + WIDTH - 1), outline=LINE)
        _write(pen, 8, f"step {step:,}")
        frames.append(np.asarray(frame))
    return frames


def _limits(real: np.ndarray, samples: Sequence[np.ndarray]) -> Limits:
    """The part of the plane that a film shows."""
    around = real if len(real) else samples[-1][np.isfinite(samples[-1]).all(axis=1)]
    low, high = (around.min(axis=0), around.max(axis=0)) if len(around) else (np.zeros(2), np.ones(2))
    (x, y), needed = (low + high) / 2, float((high - low).max()) / 2 or 1.0
    generated = np.concatenate(samples)
    reach = np.abs(generated[np.isfinite(generated).all(axis=1)] - (x, y)).max(initial=0.0)
    half = 1.1 * float(np.clip(reach, needed, WIDEST * needed))
    return ((x - half, x + half), (y - half, y + half))


def _empty_frame() -> Image.Image:
    """What all frames share: the paper, and a legend at the top."""
    frame = Image.new("RGB", (WIDTH, HEAD + WIDTH), PAPER)
    centre, nothing, unit = np.zeros((1, 2)), np.zeros((HEAD, HEAD)), ((-1.0, 1.0), (-1.0, 1.0))
    real, fake = (coverage(centre, unit, HEAD, symbol(RADIUS), opacity=1.0) for symbol in (disc, cross))
    for left, text, above, below in ((320, "real", nothing, real), (382, "generated", fake, nothing)):
        _paste(frame, (left - HEAD // 2, 0), above=above, below=below)
        _write(ImageDraw.Draw(frame), left + 10, text)
    return frame


def _paste(frame: Image.Image, corner: tuple[int, int], *, above: np.ndarray, below: np.ndarray) -> None:
    points = Image.fromarray(pixels(above=above, below=below))
    frame.paste(points, corner, mask=points)


def _write(pen: ImageDraw.ImageDraw, left: int, text: str) -> None:
    pen.text((left, HEAD // 2), text, fill=INK, font=ImageFont.load_default(14), anchor="lm")
