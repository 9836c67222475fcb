"""The two forms of samples, and the conversions between them.

Storage: uint8 images (n, h, w, c), points (n, d) in float32, or in float64 where float32 would lose digits.
Measured: images in [0, 1], the same points, both in the precision they came in. Networks work in float32: they are
trained on `to_storage` of what is stored, and make float32 samples.
"""

from __future__ import annotations

import numpy as np


def to_unit(x: np.ndarray) -> np.ndarray:
    """Storage form -> measured form: uint8 becomes float32 in [0, 1]; other numbers keep their values.

    They come in the smallest type from float32 on that holds them: float64 stays float64, and so do large integers.
    """
    x = np.asarray(x)
    if x.dtype == np.uint8:
        return x.astype(np.float32) / np.float32(255)
    return x.astype(np.result_type(x.dtype, np.float32), copy=False)


def to_storage(x: np.ndarray) -> np.ndarray:
    """What networks see and make, in storage form: images (4 axes) as uint8, clipped and rounded; points as float32.

    Pixels that are not a number become 0: callers that care check for a diverged generator before.
    """
    x = np.asarray(x)
    if x.ndim != 4 or x.dtype == np.uint8:
        return x if x.dtype == np.uint8 else x.astype(np.float32, copy=False)
    return np.clip(np.nan_to_num(x) * 255 + 0.5, 0, 255).astype(np.uint8)


def flatten(x: np.ndarray) -> np.ndarray:
    """Measured form as rows of vectors (n, d): what every distance is computed on."""
    x = to_unit(x)
    return x.reshape(len(x), -1)
