"""The two forms of samples, and the conversions between them.

Storage form: uint8 images (n, h, w, c), float32 points (n, d). Measured form, which networks and distances use: float32
images in [0, 1], and the same points.
"""

from __future__ import annotations

import numpy as np


def to_unit(x: np.ndarray) -> np.ndarray:
    """Storage form -> measured form: uint8 becomes float32 in [0, 1]; floats become float32 with the same values."""
    x = np.asarray(x)
    return x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32, copy=False)


def to_storage(x: np.ndarray) -> np.ndarray:
    """Measured form -> storage form: images (4 axes) become uint8, clipped and rounded; points stay float32.

    Pixels that are not a number become 0: callers that care check for a diverged generator before.
    """
    x = np.asarray(x)
    if x.ndim != 4 or x.dtype == np.uint8:
        return x if x.dtype == np.uint8 else x.astype(np.float32, copy=False)
    return np.clip(np.nan_to_num(x) * 255 + 0.5, 0, 255).astype(np.uint8)


def flatten(x: np.ndarray) -> np.ndarray:
    """Samples in either form as vectors (n, d), float32 in measured form: the input of every distance."""
    x = to_unit(x)
    return x.reshape(len(x), -1)
