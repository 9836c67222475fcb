"""The one place where storage form and measured form of samples meet.

Storage: uint8 images (n, h, w, c), float32 points (n, d). Measured: float32 images in [0, 1], the same points.
"""

from __future__ import annotations

import numpy as np


def to_unit(x: np.ndarray) -> np.ndarray:
    """Storage form -> measured form: uint8 becomes float32 in [0, 1]; floats become float32 unchanged."""
    x = np.asarray(x)
    return x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32, copy=False)


def to_storage(x: np.ndarray) -> np.ndarray:
    """Measured form -> storage form: images (4 axes) become uint8, clipped and rounded; points stay float32.

    Not-a-number pixels become 0: a diverged generator has to be recognised before it is drawn.
    """
    x = np.asarray(x)
    if x.ndim != 4 or x.dtype == np.uint8:
        return x if x.dtype == np.uint8 else x.astype(np.float32, copy=False)
    return np.clip(np.nan_to_num(x) * 255 + 0.5, 0, 255).astype(np.uint8)


def flatten(x: np.ndarray) -> np.ndarray:
    """Measured form as rows of vectors (n, d), float32: what every distance is computed on."""
    x = to_unit(x)
    return x.reshape(len(x), -1)
