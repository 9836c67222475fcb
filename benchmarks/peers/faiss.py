"""faiss: the five nearest rows by exhaustive search, within each set and between both. No counts, no means."""

from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np


def summary(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    def work() -> dict:
        ours, theirs = (faiss.IndexFlatL2(real.shape[1]) for _ in range(2))
        ours.add(real)
        theirs.add(fake)
        found = {
            "real_to_real": ours.search(real, 6),  # the first one is the row itself
            "fake_to_fake": theirs.search(fake, 6),
            "fake_to_real": ours.search(fake, 5),
            "real_to_fake": theirs.search(real, 5),
        }
        return {name: float(np.sqrt(np.maximum(squares, 0)).mean()) for name, (squares, _) in found.items()}

    return work
