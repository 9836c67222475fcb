"""What the metrics are computed from: the real side, prepared once, and one set of generated samples beside it.

Everything is computed on first use and kept, so each metric is written as if it were the only one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from gan_core.arrays import Array, ArrayLike, Floats, Ints, Reals
from gan_core.distances import energy, memorization, modes, neighbours, pairwise, transport
from gan_core.records import MeasureError, Modes, Reference

Given = TypeVar("Given")

BINS = 90
DIRECTIONS = 512
CLOSE = 1e-6
"""All fakes within this share of the real spread are one sample, rounded in float32."""


@dataclass(frozen=True, eq=False)
class RealPart:
    """What a measurement needs of the real samples alone: keep it, and measure any number of fakes against it.

    `rows` (n, d) are the real samples and `shape` is one sample's; `train` and `holdout` (N, d) are other real samples
    in the same space, with labels (N,) if there are any, for the metrics of copying and of classes. `k`: neighbours of
    the k-NN metrics. `pool`: how many rows of train and holdout the metrics of copying look at; all of them unless
    given. `precision` of sums of distances: float64 up to 2,000 samples, float32 above, unless given.
    """

    rows: Reals
    shape: tuple[int, ...]
    k: int = 5
    seed: int = 0
    pool: int | None = None
    train: Reals | None = None
    holdout: Reals | None = None
    train_labels: Array | None = None
    holdout_labels: Array | None = None
    precision: pairwise.Precision | None = None
    threads: int | None = None

    @classmethod
    def of(
        cls,
        real: ArrayLike,
        *,
        train: ArrayLike | None = None,
        holdout: ArrayLike | None = None,
        train_labels: Array | None = None,
        holdout_labels: Array | None = None,
        k: int = 5,
        seed: int = 0,
        pool: int | None = None,
        precision: pairwise.Precision | None = None,
        threads: int | None = None,
    ) -> RealPart:
        """Of `real`, (n, d) or (n, h, w, c), and of `train` and `holdout` of the same shape.

        Raises MeasureError when real has fewer than 2 samples or is not finite, another shape differs, or k < 1.
        """
        if k < 1:
            raise MeasureError(f"k is {k}; choose at least 1 neighbour")
        rows = pairwise.rows(real, "real")
        if len(rows) < 2:
            raise MeasureError(f"real has {len(rows)} sample; a measurement needs 2 samples of each")
        others: dict[str, Reals] = {}
        for name, x in (("train", train), ("holdout", holdout)):
            if x is not None:
                pairwise.same_shape(real=real, fake=x, names=("real", name))
                others[name] = pairwise.rows(x, name)
        return cls(
            rows,
            np.shape(real)[1:],
            k=k,
            seed=seed,
            pool=pool,
            **others,
            train_labels=train_labels,
            holdout_labels=holdout_labels,
            precision=precision,
            threads=threads,
        )

    def __len__(self) -> int:
        return len(self.rows)

    def of_rows(self, real: ArrayLike) -> RealPart:
        """The same with other real samples (n, ...) of the same shape."""
        return replace(self, rows=pairwise.rows(real, "real"))

    @cached_property
    def edges(self) -> Floats:
        """Of the histograms: from 0 to a bound of every real distance, the same while a generator learns."""
        offsets = self.rows - self.rows.mean(axis=0, dtype=np.float64)
        return np.linspace(0, 2 * float(np.sqrt((offsets**2).sum(axis=1).max())) or 1.0, BINS + 1)

    @cached_property
    def within(self) -> pairwise.Within:
        """The distances between the real samples, and the nearest k of each, or n - 1 where there are fewer."""
        k = min(self.k, len(self.rows) - 1)
        return pairwise.within(self.rows, k=k, edges=self.edges, precision=self.precision, threads=self.threads)

    @cached_property
    def bandwidth(self) -> float:
        """Of the RBF kernel: the median distance between real samples."""
        return energy.median_distance(self.rows, threads=self.threads)

    @cached_property
    def projections(self) -> transport.Projections:
        """The real samples along 512 directions, sorted, for the sliced distance."""
        return transport.Projections.of(self.rows, directions=DIRECTIONS, seed=self.seed)

    @cached_property
    def gaussian(self) -> transport.Gaussian:
        """The mean and the covariance of the real samples, for the Fréchet distance."""
        return transport.Gaussian.of(self.rows)

    @cached_property
    def polynomial_own(self) -> float:
        """The real side of the polynomial MMD (see `energy.polynomial_own`)."""
        return energy.polynomial_own(self.rows, threads=self.threads)

    @cached_property
    def pools(self) -> memorization.Pools:
        """As many train as holdout rows, at most `pool` of each. Raises MeasureError where either was not given."""
        return memorization.pools_of(
            train=required(self.train, "train"),
            holdout=required(self.holdout, "holdout"),
            most=self.pool,
            seed=self.seed,
        )

    @cached_property
    def pool_of_train(self) -> Reals:
        """At most `pool` train rows, (p, d). Raises MeasureError where there are none."""
        return _some(required(self.train, "train"), self.pool, self.seed)

    @cached_property
    def train_index(self) -> pairwise.SearchIndex:
        """The train rows, in which one set of fakes after the other looks for its nearest ones."""
        return pairwise.SearchIndex.of(required(self.train, "train"), "train")

    @cached_property
    def pool_index(self) -> pairwise.SearchIndex:
        """The same for `pool_of_train`."""
        return pairwise.SearchIndex.of(self.pool_of_train, "train")

    @cached_property
    def train_apart(self) -> Floats:
        """The distance (p,) of every row of `pool_of_train` to the nearest other one."""
        return memorization.distances_apart(self.pool_of_train)

    @cached_property
    def authenticity_of_holdout(self) -> float | None:
        """The authenticity of held-out rows: the only value that the authenticity of fakes can be compared with."""
        if self.holdout is None:
            return None
        unseen = _some(self.holdout, self.pool, self.seed)
        return memorization.authenticity(train=self.pool_of_train, fake=unseen, apart=self.train_apart)

    @cached_property
    def labeller(self) -> modes.Labeller:
        """Labels rows by their nearest train row."""
        return modes.Labeller.of(
            train=required(self.train, "train"),
            train_labels=required(self.train_labels, "train_labels"),
            holdout=None if self.holdout_labels is None else self.holdout,
            holdout_labels=self.holdout_labels,
        )

    @cached_property
    def label_shares(self) -> Floats:
        """The share (K,) of each label among the real samples, as found."""
        return self.labeller.shares(self.rows)

    @cached_property
    def cells(self) -> memorization.Cells:
        """The partition of the space for `memorization.ct_score`."""
        return memorization.cells_of(self.pools, seed=self.seed)

    @cached_property
    def bins(self) -> modes.Bins:
        """The partition of the space for `modes.ndb`, by k-means on the train rows."""
        return modes.bins_of(required(self.train, "train"), seed=self.seed)


def required(x: Given | None, name: str) -> Given:
    """x itself. Raises MeasureError when it was not given; steps of the registry check that beforehand."""
    if x is None:
        raise MeasureError(f"{name} was not given; this metric needs it")
    return x


def _some(x: Reals, most: int | None, seed: int) -> Reals:
    """At most `most` rows of x, drawn by `seed`, in their order."""
    if most is None or len(x) <= most:
        return x
    return x[np.sort(np.random.default_rng([seed, 5]).choice(len(x), most, replace=False))]


@dataclass(frozen=True, eq=False)
class Inputs:
    """One set of generated samples `fake`, rows (m, d), beside the real side: what every metric is a function of.

    `modes` are those the data are drawn from, if they are known; `reference` is the calibration, if there is one.
    """

    real_part: RealPart
    fake: Reals
    modes: Modes | None = None
    permutations: int = 199
    reference: Reference | None = None

    @cached_property
    def within(self) -> pairwise.Within:
        """The distances between the fakes, and the nearest ones of each: as many as of real samples, if there are."""
        real_part = self.real_part
        k = min(real_part.within.k, len(self.fake) - 1)
        return pairwise.within(
            self.fake, k=k, edges=real_part.edges, precision=real_part.precision, threads=real_part.threads
        )

    @cached_property
    def across(self) -> pairwise.Across:
        """The distances between real samples and fakes."""
        real_part = self.real_part
        return pairwise.across(
            real=real_part.within,
            fake=self.within,
            edges=real_part.edges,
            precision=real_part.precision,
            threads=real_part.threads,
        )

    @cached_property
    def energy_distance(self) -> energy.EnergyDistance:
        """The energy distance, from the mean distances within and across, in the data's units."""
        rr, ff, rf = (x.moments.mean for x in (self.real_part.within, self.within, self.across))
        return energy.EnergyDistance(len(self.real_part), len(self.fake), rr, ff, rf)

    @cached_property
    def bandwidth(self) -> float:
        """Of the RBF kernel: the reference's own, so that values and calibration use one kernel."""
        known = self.reference.bandwidth if self.reference else None
        return known or self.real_part.bandwidth

    @cached_property
    def test(self) -> energy.TwoSampleTest:
        """The permutation test of whether both sets have one distribution."""
        return energy.two_sample_test(
            real=self.real_part.rows,
            fake=self.fake,
            bandwidth=self.bandwidth,
            permutations=self.permutations,
            seed=self.real_part.seed,
            threads=self.real_part.threads,
        )

    @cached_property
    def accuracies(self) -> neighbours.Accuracies:
        """How often the nearest other sample is on the same side (1-NN two-sample test)."""
        return neighbours.nn_accuracy(
            real=self.real_part.within,
            fake=self.within,
            across=self.across,
            permutations=self.permutations,
            seed=self.real_part.seed,
        )

    @cached_property
    def manifold(self) -> neighbours.Manifold:
        """Precision, recall, density and coverage, from the k-NN balls of both sets."""
        return neighbours.manifold(real=self.real_part.within, fake=self.within, across=self.across)

    @cached_property
    def nearest_train(self) -> tuple[Floats, Ints]:
        """The distance (m,) to the nearest train row, and its index (m,): copies, regions and classes need it."""
        return memorization.nearest_row(fake=self.fake, pool=self.real_part.train_index)

    @cached_property
    def nearest_in_pool(self) -> tuple[Floats, Ints]:
        """The distance (m,) to the nearest row of `pool_of_train`, and its index (m,)."""
        real_part = self.real_part
        if real_part.pool_of_train is real_part.train:
            return self.nearest_train
        return memorization.nearest_row(fake=self.fake, pool=real_part.pool_index)

    @cached_property
    def to_pools(self) -> memorization.Distances:
        """The distances of the fakes to the nearest train and holdout rows of the pools."""
        pools = self.real_part.pools
        known = self.nearest_train if len(pools.train) == len(required(self.real_part.train, "train")) else None
        # Where no fake has another one at a distance of 0, all are different: equal ones need not be looked for.
        different = self.within.k and self.within.distances[:, 0].all()
        return memorization.distances_to(
            pools, fake=self.fake, to_train=known, unique=len(self.fake) if different else None
        )

    @property
    def collapsed(self) -> bool:
        """Whether all fakes are one sample, up to rounding."""
        return self.within.moments.largest <= CLOSE * self.real_part.within.moments.mean
