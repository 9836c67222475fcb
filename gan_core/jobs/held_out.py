"""Held-out real samples with all that the browser of samples shows of them; worked out once for each data set.

Only handlers import it: it loads SciPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gan_core.config.rules import MOST_CLASSES
from gan_core.data.datasets import Dataset
from gan_core.distances import maps, neighbours, pairwise, reference

REAL_ROWS = 1_000
"""Held-out rows beside the samples: those that stand for real in a report of as many."""
K = 5
"""Neighbours that make the balls of realism and rarity, as in reports."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Up to 1,000 held-out rows `x` of a data set, their `labels`, and the plane of the data set's map.

    `distances` lead to the nearest training rows; `class_distances` are between the rows at even and at odd places.
    """

    x: np.ndarray
    labels: np.ndarray
    distances: np.ndarray
    balls: pairwise.Within
    plane: maps.Plane
    class_distances: np.ndarray | None


@lru_cache(maxsize=2)  # as many data sets as a worker keeps
def held_out(dataset: Dataset, threads: int | None) -> HeldOut:
    """The held-out rows of a data set."""
    rows = reference.test_rows(np.arange(len(dataset.test)), min(REAL_ROWS, len(dataset.test)))
    x, labels, classes = dataset.test.x[rows], dataset.test.y[rows], dataset.classes
    distances, _ = neighbours.nearest_real(real=dataset.train.x, fake=x, k=1, threads=threads)
    between = None
    if 1 < len(classes) <= MOST_CLASSES:
        halves = dict(real=x[::2], fake=x[1::2], real_labels=labels[::2], fake_labels=labels[1::2])
        between = maps.class_distances(**halves, classes=classes, threads=threads)
    balls = pairwise.within(x, k=min(K, len(x) - 1), threads=threads)
    return HeldOut(x, labels, distances[:, 0].astype(np.float32), balls, maps.Plane.of(dataset.train.x), between)
