"""Named feature spaces: what a sample is turned into before distances are measured. Arrays in, arrays out.

    pixels      the sample itself, its numbers in one row
    pca64       its coordinates along the 64 directions in which the training rows differ most
    classifier  the last hidden layer of a network that learned the data set's labels; trained once, kept in the store

Images that look alike can be far apart in pixels; in the other two spaces they lie closer together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from gan_core.arrays import Array, ArrayLike, Floats, Reals
from gan_core.distances import pairwise
from gan_core.records import MeasureError

SPACES = ("pixels", "pca64", "classifier")
DIMENSIONS = 64
ROWS_AT_ONCE = 2048
"""Rows held as numbers at a time: all of MNIST's 50,000 would fill 160 MB, and 300 more where they are centred."""


def space_of(name: str, *, train: ArrayLike) -> Callable[[ArrayLike], Reals]:
    """A function from samples, (n, d) or (n, h, w, c) in either form, to their rows (n, features) in the space.

    `train` are the real samples that pca64 is fitted on; pixels needs none. Raises MeasureError for a name that
    is not in SPACES, and for classifier, which is learned from labels.
    """
    if name == "pixels":
        return pairwise.rows
    if name == "pca64":
        return Pca.of(train).transform
    if name == "classifier":
        raise MeasureError(
            "the space 'classifier' is learned from labels and comes from the store, not from arrays; "
            "choose pixels or pca64"
        )
    raise MeasureError(f"{name!r} is not a feature space; choose one of {', '.join(SPACES)}")


@dataclass(frozen=True, eq=False)
class Pca:
    """Principal axes, not whitened: `components` (k, d) are orthonormal rows, by falling variance around `mean` (d,).

    `variance` is that of the training rows along all directions together, those left out too.
    Distances between projections are in the units of the data, and never longer than between the samples.
    """

    mean: Floats
    components: Floats
    variance: float

    @classmethod
    def of(cls, train: ArrayLike, dimensions: int = DIMENSIONS) -> Pca:
        """The first min(dimensions, d, n) axes of `train`, (n, d) or (n, h, w, c), from its exact covariance.

        Of each axis the largest coordinate is positive, as in scikit-learn. With all d axes it is a rotation.
        Raises MeasureError for unusable samples, fewer than 2 of them, or dimensions < 1.
        """
        if dimensions < 1:
            raise MeasureError(f"dimensions is {dimensions}; a space has at least 1")
        train = pairwise.samples(train, "train")
        n, d = len(train), math.prod(train.shape[1:])
        if n < 2:
            raise MeasureError(f"train has only {n} sample, so it differs in no direction; give at least 2")
        mean = sum((rows.sum(axis=0, dtype=np.float64) for rows in _parts(train)), start=np.zeros(d)) / n
        scatter = np.zeros((d, d))
        for rows in _parts(train):
            centred = rows - mean
            scatter += centred.T @ centred
        kept = min(dimensions, d, n)
        _, axes = linalg.eigh(scatter, subset_by_index=(d - kept, d - 1))  # by rising variance
        components = np.ascontiguousarray(axes.T[::-1])
        largest = np.abs(components).argmax(axis=1)
        components *= np.sign(components[np.arange(kept), largest])[:, None]
        return cls(mean, components, float(np.trace(scatter)) / n)

    def transform(self, x: ArrayLike) -> Floats:
        """Coordinates (n, k) float64 of samples of the same shape. Raises MeasureError for others."""
        x = pairwise.samples(x)
        if (values := math.prod(x.shape[1:])) != len(self.mean):
            raise MeasureError(
                f"the samples have {values} values each and the space {len(self.mean)}; "
                "give samples like those it was fitted on"
            )
        return np.concatenate([(rows - self.mean) @ self.components.T for rows in _parts(x)])


def _parts(x: Array) -> Iterator[Reals]:
    """The rows of all samples, ROWS_AT_ONCE of them at a time."""
    return (pairwise.rows(x[start : start + ROWS_AT_ONCE]) for start in range(0, len(x), ROWS_AT_ONCE))
