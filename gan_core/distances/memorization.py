"""Did the generator copy its training data? Samples are compared with train rows and as many rows it never saw.

A distance to the training data alone proves nothing: good samples are near it, and so are blurred ones. New
samples lie as near to unseen rows as to train rows; only copies lie nearer to train rows. No number here is a guarantee
of privacy: a copy moved by one pixel is far away in Euclidean distance.
"""

# scikit-learn has no type stubs, so pyright knows only a part of their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import stats
from sklearn.decomposition import PCA

from gan_core.arrays import Array, ArrayLike, Floats, Ints, Reals
from gan_core.distances import pairwise
from gan_core.distances.modes import Bins, bins_of
from gan_core.distances.threads import one_thread
from gan_core.records import MeasureError

RARE = 0.01
"""A fake counts as a copy when it is nearer to train than all but this share of the unseen rows."""

AXES = 64  # principal components that the cells of ct_score are cut in
FEW = 20  # a cell with no more fakes says nothing (Meehan et al. 2020)
ROWS_AT_ONCE = 4096
POOLS_DRAW = 81  # keeps this module's draws of a seed apart


@dataclass(frozen=True, eq=False)
class Pools:
    """As many different rows of train as of holdout, in storage or measured form, and their nearest train rows.

    `train_index` (T,) are places in the array that `train` (T, ...) was drawn from. `holdout_to_train` (T,) holds
    the distances from holdout; `duplicates` rows were left out before drawing.
    """

    train: Array
    holdout: Array
    train_index: Ints
    holdout_to_train: Floats
    duplicates: int

    @cached_property
    def search_indexes(self) -> tuple[pairwise.SearchIndex, pairwise.SearchIndex]:
        """Train and holdout, in which one set of fakes after the other looks for its nearest rows."""
        return pairwise.SearchIndex.of(self.train, "train"), pairwise.SearchIndex.of(self.holdout, "holdout")


@dataclass(frozen=True, eq=False)
class Distances:
    """From every fake to the nearest row of each pool: distances (m,) and indices (m,) into the pools' rows.

    `unique` is the number of different fakes, `pool_size` that of the rows in either pool.
    """

    to_train: Floats
    to_train_index: Ints
    to_holdout: Floats
    to_holdout_index: Ints
    unique: int
    pool_size: int


class Share(NamedTuple):
    """A share of the fakes, the standard error it has when nothing was copied, and the p-value of one as large."""

    value: float
    standard_error: float
    p: float


class Copy(NamedTuple):
    """Fake number `fake` and row `train` of the original training array, `to_train` apart; all else is further."""

    fake: int
    train: int
    to_train: float
    to_holdout: float


def pools_of(*, train: ArrayLike, holdout: ArrayLike, most: int | None = None, seed: int = 0) -> Pools:
    """Draw pools of equal size, at most `most` rows each, from `train` (n, ...) and `holdout` (p, ...).

    Nearest distances shrink as a pool grows, hence the equal size. Of equal rows within one array the first stays;
    rows that are in both arrays leave both, since a distance of 0 to either would say nothing about copying.
    Raises MeasureError for unusable arrays, and when fewer than 2 rows would be in a pool.
    """
    train, holdout = np.asarray(train), np.asarray(holdout)
    pairwise.same_shape(real=train, fake=holdout, names=("train", "holdout"))
    of_train, of_holdout = _first_rows(train, "train"), _first_rows(holdout, "holdout")
    kept = [np.array([i for key, i in one.items() if key not in other], dtype=np.int64)
            for one, other in ((of_train, of_holdout), (of_holdout, of_train))]  # fmt: skip
    size = min(len(kept[0]), len(kept[1]), len(train) if most is None else most)
    if size < 2:
        raise MeasureError(
            f"{size} rows can be drawn from {len(kept[0])} train and {len(kept[1])} holdout rows that are not in both; "
            "a pool needs at least 2"
        )
    rng = np.random.default_rng([seed, POOLS_DRAW])
    in_train, in_holdout = (np.sort(rng.choice(rows, size, replace=False)) for rows in kept)
    t, p = train[in_train], holdout[in_holdout]
    distances, _ = pairwise.nearest(queries=p, points=t, k=1)
    return Pools(
        train=t,
        holdout=p,
        train_index=in_train,
        holdout_to_train=distances[:, 0],
        duplicates=len(train) + len(holdout) - len(kept[0]) - len(kept[1]),
    )


def distances_to(
    pools: Pools, *, fake: ArrayLike, to_train: tuple[Floats, Ints] | None = None, unique: int | None = None
) -> Distances:
    """Measure `fake` (m, ...) against both pools. Raises MeasureError for an unusable array or another shape.

    `to_train`, the distances (m,) and indices (m,) of the nearest rows in the train pool, and `unique`, how many
    different rows `fake` has: both only if they are known already.
    """
    fake = np.asarray(fake)
    train, holdout = pools.search_indexes
    pairwise.same_shape(real=train, fake=fake, names=("train", "fake"))
    unique = len(_first_rows(fake, "fake")) if unique is None else unique
    near, i = nearest_row(fake=fake, pool=train) if to_train is None else to_train
    to_holdout, j = nearest_row(fake=fake, pool=holdout)
    return Distances(near, i, to_holdout, j, unique, len(pools.train))


def nearest_row(*, fake: ArrayLike, pool: ArrayLike | pairwise.SearchIndex) -> tuple[Floats, Ints]:
    """The nearest row of `pool` (rows or a `SearchIndex`) to every fake: its distance (m,) and its index (m,)."""
    distances, indices = pairwise.nearest(queries=fake, points=pool, k=1)
    return distances[:, 0], indices[:, 0]


def dcr_share(distances: Distances) -> Share:
    """The share of fakes nearer to train than to holdout, ties counting half (distance to the closest record).

    It is .5 whatever the quality, unless train rows were copied (Platzer & Reutterer 2021). If the generator never
    saw train, any pool row might as well have been in the other pool. Over all such exchanges the share has mean .5
    and variance N/(4(N-1)) · (sum of w² - 1/N): w are the shares of fakes that each of the N pool rows is nearest
    to. So equal fakes count as one, and fakes that crowd around few rows as few. `p` is from the normal distribution.
    """
    m, size = len(distances.to_train), distances.pool_size
    gap = distances.to_holdout - distances.to_train
    nearer = (gap > 0) + 0.5 * (gap == 0)
    at_train = np.bincount(distances.to_train_index, nearer, size) / m
    at_holdout = np.bincount(distances.to_holdout_index, 1 - nearer, size) / m
    value, n = float(nearer.mean()), 2 * size
    crowding = float((at_train**2).sum() + (at_holdout**2).sum()) - 1 / n
    error = math.sqrt(max(n / (n - 1) / 4 * crowding, 0.0))
    # Without an error every row has the same share of the fakes, and each pool half of them.
    return Share(value, error, float(stats.norm.sf((value - 0.5) / error)) if error else 0.5)


def copy_share(pools: Pools, distances: Distances) -> Share:
    """The share of fakes nearer to train than the 1 % quantile of holdout-to-train: about .01 for new samples.

    Distances of new samples and of holdout rows have the same distribution. So the share of new samples below the
    r-th smallest of P holdout distances is beta(r, P + 1 - r), with r = 1 + (P - 1)/100 here, rounded up, and their
    number is beta-binomial. `p` is the chance of a number as large; equal fakes count as one.
    """
    n = distances.unique
    value = float(np.mean(distances.to_train < _copy_limit(pools)))
    total = len(pools.holdout_to_train) + 1
    rank = math.ceil(1 + RARE * (total - 2))  # NumPy's quantile is not above this one of the sorted distances
    new = (n, rank, total - rank)
    p = float(stats.betabinom.pmf(np.arange(round(value * n), n + 1), *new).sum())
    return Share(value, float(stats.betabinom.std(*new)) / n, min(p, 1.0))


def copy_list(pools: Pools, distances: Distances, most: int = 20) -> tuple[Copy, ...]:
    """The fakes that `copy_share` counts with the train rows they are like, nearest first, at most `most`."""
    nearest = np.argsort(distances.to_train, kind="stable")[:most]
    nearest = nearest[distances.to_train[nearest] < _copy_limit(pools)]
    rows = pools.train_index[distances.to_train_index[nearest]]
    columns = (nearest, rows, distances.to_train[nearest], distances.to_holdout[nearest])
    return tuple(Copy(*row) for row in zip(*(column.tolist() for column in columns)))


def authenticity(
    *,
    train: ArrayLike,
    fake: ArrayLike,
    to_train: tuple[Floats, Ints] | None = None,
    apart: Floats | None = None,
) -> float:
    """The share of fakes that are further from their nearest train row than any other train row is from it.

    Alaa et al. 2022. What new samples score depends on the data, so measure held-out rows in the place of `fake`
    too. It is blind to quality: a generator that always shows the average of well-separated modes has 1.
    `to_train` as in `distances_to`, `apart` the result of `distances_apart(train)` when it is known already. Raises
    MeasureError for unusable arrays, or fewer than 2 train rows.
    """
    fake, train = pairwise.pair(real=fake, fake=train, names=("fake", "train"))
    distances, indices = nearest_row(fake=fake, pool=train) if to_train is None else to_train
    apart = distances_apart(train) if apart is None else apart
    return float(np.mean(distances > apart[indices]))


def distances_apart(x: ArrayLike) -> Floats:
    """The distance (n,) of every row of x (n, ...) to the nearest other one. Raises MeasureError when n < 2."""
    return pairwise.within(x, k=1).distances[:, 0]


# ---------------------------------------------------------------- C_T, cell by cell


@dataclass(frozen=True, eq=False)
class Cells:
    """A partition for `ct_score`: bins in the principal components of `pca`, or in the coordinates when it is None."""

    pca: PCA | None
    bins: Bins

    def find(self, x: ArrayLike) -> Ints:
        """The cell (n,) of every row of x (n, ...)."""
        x = pairwise.rows(x)
        return self.bins.find(_reduced(self.pca, x) if self.pca else x)


def cells_of(pools: Pools, *, count: int = 3, seed: int = 0) -> Cells:
    """Cut the space into `count` cells by k-means on the train pool, in 64 principal components when there are more.

    Fewer cells when there would be under 50 rows in each (see `bins_of`). Raises MeasureError for a count below 2.
    """
    train = pairwise.rows(pools.train)
    if train.shape[1] <= AXES:
        return Cells(None, bins_of(train, count=count, seed=seed))
    with one_thread():  # several threads would add up in another order
        pca = PCA(min(AXES, len(train)), svd_solver="covariance_eigh").fit(train.astype(np.float64))
    return Cells(pca, bins_of(_reduced(pca, train), count=count, seed=seed))


def ct_score(
    pools: Pools, distances: Distances, *, fake: ArrayLike, cells: Cells | None = None, seed: int = 0
) -> float:
    """C_T of Meehan et al. 2020: far below 0 when fakes are nearer to train than unseen rows are, far above when not.

    In each cell Z is the standardised Mann-Whitney count of distances to train, fakes over holdout rows; C_T is its
    mean, weighted by holdout rows, over cells with more than 20 fakes (over everything when there is none). It is
    blind to quality: blurred samples are nearer to train than real ones too, so read it beside `dcr_share`.
    `fake` (m, ...) is what `distances` were measured for, `cells` the result of `cells_of` when it is known already.
    Raises MeasureError when `fake` has another number of rows.
    """
    fake = np.asarray(fake)
    if len(fake) != len(distances.to_train):
        raise MeasureError(f"distances are of {len(distances.to_train)} fakes, not {len(fake)}; give the same fakes")
    cells = cells or cells_of(pools, seed=seed)
    of_holdout, of_fake = cells.find(pools.holdout), cells.find(fake)
    scores: list[float] = []
    weights: list[int] = []
    for cell in range(len(cells.bins.centres)):
        held_out, generated = pools.holdout_to_train[of_holdout == cell], distances.to_train[of_fake == cell]
        if len(generated) > FEW and len(held_out):
            scores.append(mann_whitney_z(generated, held_out))
            weights.append(len(held_out))
    if not scores:
        return mann_whitney_z(distances.to_train, pools.holdout_to_train)
    return float(np.average(scores, weights=weights))


def mann_whitney_z(x: Floats, y: Floats) -> float:
    """(U - (mn/2 - 1/2)) / sqrt(mn(m + n + 1)/12), where U counts the pairs with x > y (m, n), ties as half.

    The half is Meehan et al.'s, a continuity correction in favour of the generator.
    """
    y, m, n = np.sort(y), len(x), len(y)
    u = (np.searchsorted(y, x, "left").sum() + np.searchsorted(y, x, "right").sum()) / 2
    return float((u - (m * n / 2 - 0.5)) / math.sqrt(m * n * (m + n + 1) / 12))


def _reduced(pca: PCA, rows: Reals) -> Floats:
    with one_thread():
        return np.asarray(pca.transform(rows.astype(np.float64)), np.float64)


def _copy_limit(pools: Pools) -> float:
    return float(np.quantile(pools.holdout_to_train, RARE))


def _first_rows(x: Array, name: str) -> dict[bytes, int]:
    """The index of the first of every set of equal rows, by a digest of its values."""
    places: dict[bytes, int] = {}
    for start in range(0, len(x), ROWS_AT_ONCE):  # float64 rows of a whole training set would fill memory
        rows = pairwise.rows(x[start : start + ROWS_AT_ONCE], name).astype(np.float64) + 0.0  # -0 becomes 0
        for i, row in enumerate(np.ascontiguousarray(rows), start):
            places.setdefault(hashlib.blake2b(row, digest_size=16).digest(), i)
    return places
