"""A map of samples in the plane, and how far the classes are from each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gan_core.arrays import Array, ArrayLike, Floats
from gan_core.distances import pairwise
from gan_core.distances.features import Pca

FITTED_ROWS = 10_000


@dataclass(frozen=True, eq=False)
class Plane:
    """Where samples lie on the map: points of up to two coordinates as they are, others on two principal axes.

    `explained` (2,) is the share of the real samples' variance along each axis.
    """

    pca: Pca | None
    explained: Floats

    @classmethod
    def of(cls, train: ArrayLike) -> Plane:
        """From the first 10,000 training rows, (n, d) or (n, h, w, c) in either form: the same for all runs on them."""
        train = pairwise.samples(train, "train")[:FITTED_ROWS]
        pca = Pca.of(train, 2) if math.prod(train.shape[1:]) > 2 else None
        along = _two(pca.transform(train) if pca else pairwise.rows(train)).var(axis=0, dtype=np.float64)
        return cls(pca, along / ((pca.variance if pca else along.sum()) or 1.0))

    def place(self, x: ArrayLike) -> npt.NDArray[np.float32]:
        """Coordinates (n, 2) of samples x (n, ...). Raises MeasureError for samples of another shape."""
        return _two(self.pca.transform(x) if self.pca else pairwise.rows(x)).astype(np.float32)


def class_distances(
    *,
    real: ArrayLike,
    fake: ArrayLike,
    real_labels: ArrayLike,
    fake_labels: ArrayLike,
    classes: ArrayLike,
    threads: int | None = None,
) -> Floats:
    """(c, c): the mean distance between `real` samples of class i and `fake` ones of class j; NaN where one has none.

    A row whose label is not in `classes` (c,) counts nowhere. Raises MeasureError for samples that do not fit.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    of_real, of_fake = (
        (np.asarray(labels)[:, None] == np.asarray(classes)).astype(np.float64) for labels in (real_labels, fake_labels)
    )
    parts = pairwise.map_blocks(
        lambda part, distances: of_real[part].T @ (distances @ of_fake), real, fake, threads=threads
    )
    pairs = np.outer(of_real.sum(axis=0), of_fake.sum(axis=0))
    return np.divide(np.sum(parts, axis=0), pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def _two(rows: Array) -> Array:
    """The first two columns; a second one of zeros beside a single one."""
    return np.pad(rows[:, :2], [(0, 0), (0, max(0, 2 - rows.shape[1]))])
