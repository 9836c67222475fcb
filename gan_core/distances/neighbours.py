"""Which real samples lie nearest to the generated ones, and of which class they are."""

from __future__ import annotations

import numpy as np

from gan_core.distances import pairwise
from gan_core.records import MeasureError

ROWS_AT_ONCE = 4096
"""Real rows held in float64 at a time: MNIST's 50,000 would fill a gigabyte with their centred copies."""


def nearest_real(*, real, fake, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The k real rows nearest to every fake: (distances (m, k), indices into real (m, k)), nearest first.

    Both in storage or measured form. Equal distances come in the order of the real rows. Raises MeasureError
    when k is not in 1..n.
    """
    real = np.asarray(real)
    if not 1 <= k <= len(real):
        raise MeasureError(f"k is {k}, but {len(real)} neighbours can be found; choose k from 1 to {len(real)}")
    distances, indices = np.empty((len(fake), 0)), np.empty((len(fake), 0), dtype=np.int64)
    for start in range(0, len(real), ROWS_AT_ONCE):
        some, queries = pairwise.pair(real=real[start : start + ROWS_AT_ONCE], fake=fake)
        closer, rows = pairwise.nearest(queries=queries, points=some, k=min(k, len(some)))
        distances, indices = np.hstack([distances, closer]), np.hstack([indices, rows + start])
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]  # stable: earlier rows stay first among equals
        distances, indices = np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)
    return distances, indices


def class_shares(*, real, fake, labels, classes=None) -> dict:
    """For every class, the share of fakes whose nearest real row carries that label.

    `labels` (n,) belong to `real`; `classes` fixes which are listed and in what order (default: all, sorted).
    The shares sum to 1 unless `classes` leaves some labels out. Raises MeasureError when labels do not fit real.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(real),):
        raise MeasureError(f"labels is {labels.shape} for {len(real)} real samples; give one label for each")
    _, indices = nearest_real(real=real, fake=fake, k=1)
    found = labels[indices[:, 0]]
    listed = np.unique(labels) if classes is None else np.asarray(classes)
    return {name: float(np.mean(found == name)) for name in listed.tolist()}
