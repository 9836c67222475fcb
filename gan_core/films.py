"""Pictures in a row: an animated GIF, or an animated WebP without loss."""

from __future__ import annotations

import io
from typing import Sequence

import numpy as np
from PIL import Image

from gan_core.export import sheet
from gan_core.records import GanometerError

FORMATS = ("gif", "webp")
FASTEST = 50
"""Frames per second: a GIF counts in hundredths of a second, and browsers show no frame for less than two of them."""
WIDTH = 480
"""Pixels that a film is about wide: every pixel of a picture becomes a square of whole ones."""


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
