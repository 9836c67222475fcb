"""What metrics share: the real side, worked out once, and one set of fakes held against it.

Everything is computed when the first metric asks for it and kept, so metrics can be written as if alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gan_core.distances import energy, memorization, modes, neighbours, pairwise, transport
from gan_core.records import MeasureError, Reference

BINS = 90
DIRECTIONS = 512
CLOSE = 1e-6
"""All fakes within this share of the real spread are one sample, rounded in float32."""


@dataclass(frozen=True)
class KnownModes:
    """The equal Gaussians some 2-D data are drawn from: `centres` (K, d), and their standard deviation per axis."""

    centres: np.ndarray
    std: float


@dataclass(frozen=True, eq=False)
class RealPart:
    """What a measurement needs of the real samples alone: keep it, and measure any number of fakes against it.

    `rows` (n, d); `train` and `holdout` (N, d) in the same space, with labels if there are any; `k` neighbours.
    `pool`: how many rows of train and holdout the metrics of copying look at; all of them unless said.
    """

    rows: np.ndarray
    shape: tuple[int, ...]
    k: int = 5
    seed: int = 0
    pool: int | None = None
    train: np.ndarray | None = None
    holdout: np.ndarray | None = None
    train_labels: np.ndarray | None = None
    holdout_labels: np.ndarray | None = None
    precision: pairwise.Precision | None = None
    threads: int | None = None

    @classmethod
    def of(cls, real, *, train=None, holdout=None, **options) -> RealPart:
        """Raises MeasureError when `real`, (n, d) or (n, h, w, c), has n < 2, is not finite, or the others differ."""
        rows = pairwise.rows(real, "real")
        if len(rows) < 2:
            raise MeasureError(f"real has {len(rows)} sample; give at least 2")
        others = {}
        for name, x in (("train", train), ("holdout", holdout)):
            if x is not None:
                pairwise.same_shape(real=real, fake=x, names=("real", name))
                others[name] = pairwise.rows(x, name)
        return cls(rows, np.shape(real)[1:], **others, **options)

    def __len__(self) -> int:
        return len(self.rows)

    def of_rows(self, real) -> RealPart:
        """The same with other real samples."""
        return replace(self, rows=pairwise.rows(real, "real"))

    @cached_property
    def edges(self) -> np.ndarray:
        """Of the histograms: from 0 to a bound of every real distance, so they stand still while a generator learns."""
        offsets = self.rows - self.rows.mean(axis=0, dtype=np.float64)
        return np.linspace(0, 2 * float(np.sqrt((offsets**2).sum(axis=1).max())) or 1.0, BINS + 1)

    @cached_property
    def within(self) -> pairwise.Within:
        k = min(self.k, len(self.rows) - 1)
        return pairwise.within(self.rows, k=k, edges=self.edges, precision=self.precision, threads=self.threads)

    @cached_property
    def bandwidth(self) -> float:
        return energy.median_distance(self.rows, threads=self.threads)

    @cached_property
    def projections(self) -> transport.Projections:
        return transport.Projections.of(self.rows, directions=DIRECTIONS, seed=self.seed)

    @cached_property
    def gaussian(self) -> transport.Gaussian:
        return transport.Gaussian.of(self.rows)

    @cached_property
    def polynomial_own(self) -> float:
        return energy.polynomial_own(self.rows, threads=self.threads)

    @cached_property
    def pools(self) -> memorization.Pools:
        return memorization.pools_of(train=self.train, holdout=self.holdout, most=self.pool, seed=self.seed)

    @cached_property
    def pool_of_train(self) -> np.ndarray:
        return _some(self.train, self.pool, self.seed)

    @cached_property
    def sought(self) -> pairwise.Sought:
        """The train rows, to be searched for those nearest to one set of fakes after the other."""
        return pairwise.Sought.of(self.train, "train")

    @cached_property
    def sought_pool(self) -> pairwise.Sought:
        return pairwise.Sought.of(self.pool_of_train, "train")

    @cached_property
    def train_apart(self) -> np.ndarray:
        return memorization.distances_apart(self.pool_of_train)

    @cached_property
    def authenticity_of_holdout(self) -> float | None:
        """What rows that nobody was trained on score: the only thing authenticity can be compared with."""
        if self.holdout is None:
            return None
        unseen = _some(self.holdout, self.pool, self.seed)
        return memorization.authenticity(train=self.pool_of_train, fake=unseen, apart=self.train_apart)

    @cached_property
    def labeller(self) -> modes.Labeller:
        known = {} if self.holdout_labels is None else dict(holdout=self.holdout, holdout_labels=self.holdout_labels)
        return modes.Labeller.of(train=self.train, train_labels=self.train_labels, **known)

    @cached_property
    def label_shares(self) -> np.ndarray:
        return self.labeller.shares(self.rows)

    @cached_property
    def cells(self) -> memorization.Cells:
        return memorization.cells_of(self.pools, seed=self.seed)

    @cached_property
    def bins(self) -> modes.Bins:
        return modes.bins_of(self.train, seed=self.seed)


def _some(x: np.ndarray, most: int | None, seed: int) -> np.ndarray:
    if most is None or len(x) <= most:
        return x
    return x[np.sort(np.random.default_rng([seed, 5]).choice(len(x), most, replace=False))]


@dataclass(frozen=True, eq=False)
class Case:
    """One set of fakes, rows (m, d), against the real side."""

    part: RealPart
    fake: np.ndarray
    modes: KnownModes | None = None
    permutations: int = 199
    reference: Reference | None = None

    @cached_property
    def within(self) -> pairwise.Within:
        part = self.part
        k = min(part.within.k, len(self.fake) - 1)
        return pairwise.within(self.fake, k=k, edges=part.edges, precision=part.precision, threads=part.threads)

    @cached_property
    def across(self) -> pairwise.Across:
        part = self.part
        return pairwise.across(
            real=part.within, fake=self.within, edges=part.edges, precision=part.precision, threads=part.threads
        )

    @cached_property
    def energy(self) -> energy.EnergyDistance:
        rr, ff, rf = (x.moments.mean for x in (self.part.within, self.within, self.across))
        return energy.EnergyDistance(len(self.part), len(self.fake), rr, ff, rf)

    @cached_property
    def bandwidth(self) -> float:
        """Of the RBF kernel: the reference's own, so that values and calibration speak of one kernel."""
        known = self.reference.bandwidth if self.reference else None
        return known or self.part.bandwidth

    @cached_property
    def test(self) -> energy.TwoSampleTest:
        return energy.two_sample_test(
            real=self.part.rows,
            fake=self.fake,
            bandwidth=self.bandwidth,
            permutations=self.permutations,
            seed=self.part.seed,
            threads=self.part.threads,
        )

    @cached_property
    def accuracies(self) -> neighbours.Accuracies:
        return neighbours.nn_accuracy(
            real=self.part.within,
            fake=self.within,
            across=self.across,
            permutations=self.permutations,
            seed=self.part.seed,
        )

    @cached_property
    def manifold(self) -> neighbours.Manifold:
        return neighbours.manifold(real=self.part.within, fake=self.within, across=self.across)

    @cached_property
    def nearest_train(self) -> tuple[np.ndarray, np.ndarray]:
        """The distance (m,) to the nearest train row, and its place (m,): copies, regions and classes ask for it."""
        return memorization.nearest_row(fake=self.fake, pool=self.part.sought)

    @cached_property
    def nearest_in_pool(self) -> tuple[np.ndarray, np.ndarray]:
        part = self.part
        if part.pool_of_train is part.train:
            return self.nearest_train
        return memorization.nearest_row(fake=self.fake, pool=part.sought_pool)

    @cached_property
    def to_pools(self) -> memorization.Distances:
        pools = self.part.pools
        known = self.nearest_train if len(pools.train) == len(self.part.train) else None
        # Where no fake has another one at a distance of 0, all are different, and none needs to be looked for.
        different = self.within.k and self.within.distances[:, 0].all()
        return memorization.distances_to(
            pools, fake=self.fake, to_train=known, unique=len(self.fake) if different else None
        )

    @property
    def collapsed(self) -> bool:
        return self.within.moments.largest <= CLOSE * self.part.within.moments.mean
