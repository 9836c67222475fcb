"""A training as an animated picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gan_core.records import GanometerError

KINDS = ("gif", "webp")
WIDTH = 480
"""Pixels of a frame, at most, as far as whole-number scales allow."""
LAST_SECONDS = 2.0
"""The end stays in sight before it begins anew."""
GAP = 1


def film(frames: Sequence[np.ndarray], kind: str, *, seconds: float = 0.2, columns: int = 8) -> bytes:
    """An endless animation: each frame is a batch of images, uint8 (n, h, w, c), as a grid of `columns`.

    Every pixel is a crisp square; a WebP is lossless. Raises GanometerError for another kind, and without frames.
    """
    if kind not in KINDS:
        raise GanometerError(f"{str(kind)[:20]!r} is no kind of film; choose one of {', '.join(KINDS)}")
    if not len(frames) or any(np.ndim(batch) != 4 or batch.dtype != np.uint8 for batch in frames):
        raise GanometerError("a film needs at least one batch of images, uint8 (n, h, w, c); points have none")
    pictures = [Image.fromarray(_grid(batch, columns)) for batch in frames]
    lasts = [round(1000 * seconds)] * (len(pictures) - 1) + [round(1000 * LAST_SECONDS)]
    out, first = io.BytesIO(), pictures[0]
    about = dict(save_all=True, append_images=pictures[1:], duration=lasts, loop=0)
    if kind == "gif":
        first.save(out, "GIF", optimize=False, **about)
    else:
        first.save(out, "WEBP", lossless=True, method=2, **about)
    return out.getvalue()


def _grid(batch: np.ndarray, columns: int) -> np.ndarray:
    """(n, h, w, c) -> one picture (H, W) or (H, W, 3), enlarged by a whole number."""
    n, height, width, channels = batch.shape
    columns, rows = min(columns, n), -(-n // columns)
    scale = max(1, (WIDTH - GAP * (columns - 1)) // columns // width)
    large = batch.repeat(scale, axis=1).repeat(scale, axis=2)
    step = (height * scale + GAP, width * scale + GAP)
    canvas = np.full((rows * step[0] - GAP, columns * step[1] - GAP, channels), 127, np.uint8)
    for place, sample in enumerate(large):
        top, left = place // columns * step[0], place % columns * step[1]
        canvas[top : top + height * scale, left : left + width * scale] = sample
    return canvas[..., 0] if channels == 1 else canvas
