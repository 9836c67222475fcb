"""Named feature spaces: what a sample is turned into before distances are measured. Arrays in, arrays out.

    pixels      the sample itself, its numbers in one row
    pca64       its coordinates along the 64 directions in which the training rows differ most
    classifier  what a network that learned the data set's labels sees in it; it is trained once and kept in the store

Pictures that look alike can be far apart in pixels; the other two spaces see more of what a person sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from gan_core.distances import pairwise
from gan_core.records import MeasureError

SPACES = ("pixels", "pca64", "classifier")
DIMENSIONS = 64
ROWS_AT_ONCE = 4096
"""Rows held centred in float64 at a time: all of MNIST's 50,000 would fill 300 MB."""


def space_of(name: str, *, train) -> Callable[[np.ndarray], np.ndarray]:
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

    Distances between projections are in the units of the data, and never longer than between the samples.
    """

    mean: np.ndarray
    components: np.ndarray

    @classmethod
    def of(cls, train, dimensions: int = DIMENSIONS) -> Pca:
        """The first min(dimensions, d, n) axes of `train`, (n, d) or (n, h, w, c), from its exact covariance.

        Of each axis the largest coordinate is positive, as in scikit-learn. With all d axes it is a rotation.
        Raises MeasureError for unusable samples, fewer than 2 of them, or dimensions < 1.
        """
        if dimensions < 1:
            raise MeasureError(f"dimensions is {dimensions}; a space has at least 1")
        train = pairwise.rows(train, "train")
        n, d = train.shape
        if n < 2:
            raise MeasureError(f"train has only {n} sample, so it differs in no direction; give at least 2")
        mean, scatter = train.mean(axis=0, dtype=np.float64), np.zeros((d, d))
        for part in _slices(n):
            centred = train[part] - mean
            scatter += centred.T @ centred
        kept = min(dimensions, d, n)
        _, axes = linalg.eigh(scatter, subset_by_index=(d - kept, d - 1))  # by rising variance
        components = np.ascontiguousarray(axes.T[::-1])
        largest = np.abs(components).argmax(axis=1)
        return cls(mean, components * np.sign(components[np.arange(kept), largest])[:, None])

    def transform(self, x) -> np.ndarray:
        """Coordinates (n, k) float64 of samples of the same shape. Raises MeasureError for others."""
        x = pairwise.rows(x)
        if x.shape[1] != len(self.mean):
            raise MeasureError(
                f"the samples have {x.shape[1]} values each and the space {len(self.mean)}; "
                "give samples like those it was fitted on"
            )
        return np.concatenate([(x[part] - self.mean) @ self.components.T for part in _slices(len(x))])


def _slices(n: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, n, ROWS_AT_ONCE))
