"""The types of arrays that signatures name. Shapes stand in the docstrings, because a type cannot say them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
"""Of any type: samples in storage form (uint8, float32 or float64), labels of any kind."""

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating[Any]]
"""float32 or float64, as the samples came."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
ArrayLike = npt.ArrayLike
"""Whatever numpy.asarray takes: an array, or nested lists of numbers."""
