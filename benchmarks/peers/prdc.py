"""prdc: precision, recall, density and coverage by the authors of the latter two. Nothing else, and n x m matrices."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from prdc import compute_prdc


def summary(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    return lambda: {name: float(x) for name, x in compute_prdc(real, fake, nearest_k=5).items()}
