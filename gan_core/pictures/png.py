"""An array of pixels as a PNG file; the same pixels always give the same bytes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def png(pixels: np.ndarray) -> bytes:
    """uint8 (h, w, c) -> PNG; c is 2 (grey and alpha), 3 or 4 (with alpha)."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=6)
    return file.getvalue()
