"""Which real samples lie nearest to the generated ones, and of which class they are."""

from __future__ import annotations

import numpy as np

from gan_core.distances import pairwise
from gan_core.records import MeasureError


def nearest_real(*, real, fake, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The k real rows nearest to every fake: (distances (m, k), indices into real (m, k)), nearest first.

    Equal distances come in the order of the real rows. Raises MeasureError when k is not in 1..n.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    return pairwise.nearest(queries=fake, points=real, k=k)


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
