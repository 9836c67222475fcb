"""In which orders pages list many samples of one generator."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Order(NamedTuple):
    """`array` names what the samples are sorted by; with `sign` -1 the largest come first."""

    title: str
    array: str
    sign: int
    sentence: str


ORDERS = {
    "drawn": Order("As they were drawn", "", 1, ""),
    "copied": Order("Nearest to a training sample first", "distances", 1, "The first ones are the most likely copies."),
    "unlike": Order(
        "Farthest from the training samples first", "distances", -1, "The first ones are unlike any training sample."
    ),
    "realistic": Order(
        "Most realistic first",
        "realism",
        -1,
        "Realism measures how deep a sample lies inside the k-NN balls of the real samples. Above 1 it is inside one "
        "of them (Kynkäänniemi et al. 2019, arXiv:1904.06991).",
    ),
    "unrealistic": Order(
        "Least realistic first", "realism", 1, "The first ones lie outside the k-NN balls of the real samples."
    ),
    "rare": Order(
        "Rarest first",
        "rarity",
        -1,
        "Rarity is the radius of the smallest k-NN ball of a real sample that contains the generated one (Han et al. "
        "2022, arXiv:2206.08549). It is large where real samples are sparse. Samples outside all balls come last.",
    ),
    "convincing": Order(
        "Highest discriminator output first", "scores", -1, "The output of the discriminator at this step."
    ),
}


def ordered(found: Mapping[str, np.ndarray], name: str, label: int | None = None) -> np.ndarray:
    """The indices of the samples of a `browse` answer in an order of ORDERS; only of one class if `label` names it.

    Samples without a value come last.
    """
    places = np.arange(len(found["x"]))
    if label is not None:
        places = places[found["labels"] == label]
    order = ORDERS[name]
    if not order.array:
        return places
    values = order.sign * found[order.array][places].astype(np.float64)
    return places[np.lexsort((values, np.isnan(values)))]
