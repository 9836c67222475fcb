"""Parzen log-likelihood, the metric of 2014: how likely are test images under Gaussian kernels on the samples?

In many dimensions the number says more about the kernels' width than about the samples: centroids of k-means, which
are blurred averages, get a higher likelihood than real images do (Theis et al. 2016). So it is kept only as a piece of
history, and shown beside those of real images and of centroids.
"""

# scikit-learn has no type stubs, so pyright knows only a part of their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from gan_core.arrays import ArrayLike, Floats, Reals
from gan_core.distances import pairwise
from gan_core.distances.threads import one_thread
from gan_core.records import MeasureError

SIGMAS = np.logspace(-1, 0, 10)
"""Widths to choose from, for pixels in [0, 1] (Goodfellow et al. 2014)."""

HOLDOUT_ROWS = 1000
MOST_CENTROIDS = 1000  # with a centroid for nearly every row, k-means would only give the rows back
COMPARISON_DRAW = 101  # keeps this module's draws of a seed apart


@dataclass(frozen=True)
class ParzenLikelihood:
    """`value`: the mean log-likelihood of the test rows in nats, and its `standard_error`, sd / sqrt(rows).

    `sigma`: the kernels' width in the data's units; `at_edge`: it is an end of the grid, so a better one may exist.
    """

    value: float
    standard_error: float
    sigma: float
    at_edge: bool


def parzen_log_likelihood(
    *,
    samples: ArrayLike,
    holdout: ArrayLike,
    test: ArrayLike,
    sigmas: ArrayLike | None = None,
    threads: int | None = None,
) -> ParzenLikelihood:
    """Mean log-likelihood of `test` under Gaussian kernels on `samples`, all (n, d) or (n, h, w, c).

    log p(x) = log mean_j exp(-|x - y_j|² / (2 sigma²)) - d/2 · log(2 pi sigma²), by the protocol of Goodfellow et al.
    2014: the sigma of the grid `sigmas` that is best for the first 1,000 rows of `holdout`, np.logspace(-1, 0, 10)
    unless given. A density, so it may be positive, and only compares within one data set and scale. Raises
    MeasureError for unusable arrays, or sigmas that are not positive numbers.
    """
    grid = _checked(SIGMAS if sigmas is None else sigmas)
    pairwise.same_shape(real=samples, fake=holdout, names=("samples", "holdout"))
    pairwise.same_shape(real=samples, fake=test, names=("samples", "test"))
    samples, test = pairwise.rows(samples, "samples"), pairwise.rows(test, "test")
    chosen_on = pairwise.rows(np.asarray(holdout)[:HOLDOUT_ROWS], "holdout")
    best = int(_log_densities(chosen_on, samples, grid, threads).mean(axis=1).argmax())
    found = _log_densities(test, samples, grid[best : best + 1], threads)[0]
    error = float(found.std()) / math.sqrt(len(test))
    return ParzenLikelihood(float(found.mean()), error, float(grid[best]), best in (0, len(grid) - 1))


def parzen_comparison(
    *,
    real_train: ArrayLike,
    fake: ArrayLike,
    holdout: ArrayLike,
    test: ArrayLike,
    seed: int = 0,
    centroids: int | None = None,
) -> dict[str, ParzenLikelihood]:
    """The same for "generated", "real training samples" and "k-means centroids" of the latter, which score highest.

    All with one number of kernels: `centroids`, 1,000 unless given, or all of `fake` or `real_train` when they are
    fewer. Larger sets are drawn from by `seed`. Raises MeasureError as parzen_log_likelihood does, or when `centroids`
    is below 1.
    """
    if centroids is not None and centroids < 1:
        raise MeasureError(f"centroids is {centroids}; give at least 1")
    for name, x in (("fake", fake), ("holdout", holdout), ("test", test)):
        pairwise.same_shape(real=real_train, fake=x, names=("real_train", name))
    train, fake = pairwise.rows(real_train, "real_train"), pairwise.rows(fake, "fake")
    holdout, test = pairwise.rows(holdout, "holdout"), pairwise.rows(test, "test")
    count = min(MOST_CENTROIDS if centroids is None else centroids, len(fake), len(train))
    rng = np.random.default_rng([seed, COMPARISON_DRAW])
    rows = {
        "generated": fake[rng.choice(len(fake), count, replace=False)],
        "real training samples": train[rng.choice(len(train), count, replace=False)],
        "k-means centroids": _centroids(train, count, rng),
    }
    return {name: parzen_log_likelihood(samples=x, holdout=holdout, test=test) for name, x in rows.items()}


def _log_densities(queries: Reals, samples: Reals, sigmas: Floats, threads: int | None) -> Floats:
    """(len(sigmas), n): log p of each query. The nearest kernel is taken out of the sum, which is then at least 1."""

    def densities(_: slice, distances: Floats) -> list[Floats]:
        squares = distances
        squares *= distances
        nearest = squares.min(axis=1)
        squares -= nearest[:, None]
        found: list[Floats] = []
        for sigma in sigmas:
            terms = squares / (-2 * sigma**2)
            np.exp(terms, out=terms)
            found.append(np.log(terms.sum(axis=1)) - nearest / (2 * sigma**2))
        return found

    found = np.concatenate(pairwise.map_blocks(densities, queries, samples, threads=threads), axis=1)
    volumes = samples.shape[1] / 2 * np.log(2 * np.pi * sigmas**2)
    return found - math.log(len(samples)) - volumes[:, None]


def _centroids(rows: Reals, count: int, rng: np.random.Generator) -> Floats:
    """k-means centroids (count, d). One thread: several would add up in an order that changes from run to run."""
    state = int(rng.integers(2**31))
    # pyright takes the default of n_init, a text, for its type.
    means = MiniBatchKMeans(count, init="random", n_init=1, random_state=state)  # pyright: ignore[reportArgumentType]
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than centroids is no mistake here
        return np.asarray(means.fit(rows.astype(np.float64)).cluster_centers_)


def _checked(sigmas: ArrayLike) -> Floats:
    grid = np.asarray(sigmas, dtype=np.float64)
    if grid.ndim != 1 or not len(grid) or not ((1 / pairwise.LARGEST <= grid) & (grid <= pairwise.LARGEST)).all():
        raise MeasureError(f"sigmas is {sigmas}; give a list of positive numbers that float32 can hold")
    return grid
