"""Which parts of the real distribution are generated, and how often: by known modes, by class, by k-means cell.

Distances average over everything, so a missing tenth of the data may drown in noise. Counting does not average:
every sample goes to its nearest centre, labelled row or cell, and shares are compared with what they ought to be.
"""

# scikit-learn has no type stubs, so pyright knows only a part of their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize, stats
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from gan_core.arrays import Array, ArrayLike, Bools, Floats, Ints, Reals
from gan_core.distances import pairwise
from gan_core.distances.threads import look, one_thread
from gan_core.records import MeasureError

REACH = 3
"""High quality means nearer to a centre than this many standard deviations (PacGAN, Lin et al. 2018)."""

ROWS_PER_BIN = 50
FITTED_ROWS = 10_000  # cells only have to be a sensible partition, so k-means need not see every row
BINS_DRAW, PRD_DRAW = 71, 72  # keep the draws of one seed apart

# ---------------------------------------------------------------- modes known in advance


@dataclass(frozen=True)
class ModeCounts:
    """Where the m fakes fall among K equal Gaussians; `counts` (K,) are the high-quality fakes of each.

    `captured` modes have one such fake or more, `balanced` ones at least m/(2K). `high_quality` is a share of all m;
    real samples reach `ideal_high_quality`, which is below 1. `kl` is the divergence of counts from uniform in nats,
    (K-1)/(2m) on average for real samples. `spread` is the rms distance from the centres as a multiple of the true
    one. Both are None when no fake is of high quality.
    """

    captured: int
    balanced: int
    high_quality: float
    counts: tuple[int, ...]
    kl: float | None
    spread: float | None
    ideal_high_quality: float


def mode_counts(*, fake: ArrayLike, centres: ArrayLike, std: float) -> ModeCounts:
    """Count `fake` (m, d) by nearest mode: `centres` (K, d), and one standard deviation per axis.

    Raises MeasureError for unusable arrays and for a std that is not a positive number.
    """
    if not 0 < std < math.inf:
        raise MeasureError(f"std is {std}; give the modes' standard deviation, a positive number")
    fake, centres = pairwise.pair(real=fake, fake=centres, names=("fake", "centres"))
    distances, indices = pairwise.nearest(queries=fake, points=centres, k=1)
    good = distances[:, 0] < REACH * std
    counts = np.bincount(indices[good, 0], minlength=len(centres))
    d = fake.shape[1]
    kl = spread = None
    if good.any():
        # r²/std² is chi-squared with d degrees; cut off at 9 its mean is d·F(9; d+2)/F(9; d).
        true = std * math.sqrt(d * stats.chi2.cdf(REACH**2, d + 2) / stats.chi2.cdf(REACH**2, d))
        spread = float(np.sqrt(np.mean(distances[good, 0] ** 2)) / true)
        kl = kl_to_uniform(counts)
    return ModeCounts(
        captured=int(np.count_nonzero(counts)),
        balanced=int(np.count_nonzero(2 * len(centres) * counts >= len(fake))),
        high_quality=float(good.mean()),
        counts=tuple(counts.tolist()),
        kl=kl,
        spread=spread,
        ideal_high_quality=float(stats.chi2.cdf(REACH**2, d)),
    )


def kl_to_uniform(counts: ArrayLike) -> float:
    """Kullback-Leibler divergence of `counts` (K,) from K equal shares, in nats: 0 when equal, log K when one has all.

    N draws that are uniform give (K-1)/(2N) on average, not 0. Raises MeasureError when nothing was counted.
    """
    counts = np.asarray(counts)
    if counts.ndim != 1 or not counts.sum() > 0 or (counts < 0).any():
        raise MeasureError(f"counts is {counts.tolist()}; give one count for each mode, none negative, not all 0")
    return max(float(stats.entropy(counts, np.ones(len(counts)))), 0.0)  # equal shares may round to just below 0


# ---------------------------------------------------------------- classes


@dataclass(frozen=True)
class ClassHistogram:
    """The share of each class among real and fake samples, in the order of `labels`.

    `raw_real` and `raw_fake` are shares of the labels that were found, `real` and `fake` what they imply about the
    true ones, given the labeller's mistakes. `accuracy` is its accuracy on the holdout; without one it is None and
    nothing is corrected.
    """

    labels: tuple[Any, ...]
    real: tuple[float, ...]
    fake: tuple[float, ...]
    raw_real: tuple[float, ...]
    raw_fake: tuple[float, ...]
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Labeller:
    """Labels rows by their nearest `train` row (N, d): row i has the label `labels[known[i]]` of the K labels.

    `confusion` (K, K) and `accuracy` are what it makes of the holdout, whose labels are known too.
    """

    train: Reals
    known: Ints
    labels: Array
    confusion: Floats | None = None
    accuracy: float | None = None

    @classmethod
    def of(
        cls,
        *,
        train: ArrayLike,
        train_labels: ArrayLike,
        holdout: ArrayLike | None = None,
        holdout_labels: ArrayLike | None = None,
    ) -> Labeller:
        """Raises MeasureError when arrays do not fit, or a holdout label is not a train label."""
        labels, known = np.unique(_labels(train, train_labels, "train"), return_inverse=True)
        labeller = cls(pairwise.rows(train, "train"), known, labels)
        if holdout is None:
            return labeller
        true = _labels(holdout, holdout_labels, "holdout")
        if unknown := set(true.tolist()) - set(labels.tolist()):
            raise MeasureError(f"holdout has the label {min(unknown)}, which no train row has; leave such rows out")
        true, found = np.searchsorted(labels, true), labeller.find(pairwise.rows(holdout, "holdout"))
        right: Bools = true == found
        return replace(labeller, confusion=_confusion(true, found, len(labels)), accuracy=float(np.mean(right)))

    def find(self, x: Reals) -> Ints:
        """The index (n,) in `labels` of each row's label."""
        return self.known[pairwise.nearest(queries=x, points=self.train, k=1)[1][:, 0]]

    def shares(self, x: Reals) -> Floats:
        """The share (K,) of each label among the rows of x, as found."""
        return self.shares_of(self.find(x))

    def shares_of(self, found: Ints) -> Floats:
        """The share (K,) of each label among found ones, given by their indices (n,)."""
        return np.bincount(found, minlength=len(self.labels)) / len(found)


def class_histogram(
    *,
    real: ArrayLike,
    fake: ArrayLike,
    labeller: Labeller,
    real_shares: Floats | None = None,
    fake_shares: Floats | None = None,
) -> ClassHistogram:
    """Label `real` (n, ...) and `fake` (m, ...) and count; the shares as found of either if they are known already.

    C[c, c'], the share of holdout rows of class c that are labelled c', turns true shares p into q = Cᵀp on average;
    the corrected shares solve this for p >= 0 with sum 1, by least squares. A class the holdout lacks is taken to be
    labelled without mistakes. Raises MeasureError when arrays do not fit.
    """
    of_real = labeller.shares(pairwise.rows(real, "real")) if real_shares is None else real_shares
    of_fake = labeller.shares(pairwise.rows(fake, "fake")) if fake_shares is None else fake_shares
    raw = of_real, of_fake
    corrected = raw if labeller.confusion is None else tuple(_unmixed(q, labeller.confusion) for q in raw)
    columns = (tuple(column.tolist()) for column in (labeller.labels, *corrected, *raw))
    return ClassHistogram(*columns, accuracy=labeller.accuracy)


def class_test(histogram: ClassHistogram, n_real: int, n_fake: int) -> float:
    """The p-value of Pearson's chi-squared test that both sets have the same share of every label that was found.

    `n_real` and `n_fake` are the numbers of samples behind the histogram. Labels that nobody has do not count.
    """
    table = np.rint([np.multiply(histogram.raw_real, n_real), np.multiply(histogram.raw_fake, n_fake)])
    found = stats.chi2_contingency(table[:, table.any(axis=0)], correction=False)
    return float(found.pvalue)


def _labels(rows: ArrayLike, labels: ArrayLike | None, name: str) -> Array:
    found, n = np.asarray(labels), len(np.asarray(rows))
    if found.shape != (n,):
        raise MeasureError(f"the labels of {name} are {found.shape} for {n} rows; give one for each row")
    return found


def _confusion(true: Ints, predicted: Ints, k: int) -> Floats:
    counts = np.bincount(true * k + predicted, minlength=k * k).reshape(k, k)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.eye(k))


def _unmixed(q: Floats, confusion: Floats) -> Floats:
    # A heavy last equation makes the sum 1 to about 1e-8 where the others disagree; the division does the rest.
    heavy = 1e4
    system = np.vstack([confusion.T, np.full(len(q), heavy)])
    shares, _ = optimize.nnls(system, np.append(q, heavy))
    return shares / shares.sum()


# ---------------------------------------------------------------- cells found by k-means


@dataclass(frozen=True, eq=False)
class Bins:
    """A partition of the space: a sample belongs to the nearest of `centres` (K, d), float64."""

    centres: Floats
    seed: int

    def find(self, x: ArrayLike) -> Ints:
        """The bin (n,) of every row of x (n, ...). Raises MeasureError when x does not fit the centres."""
        return pairwise.nearest(queries=pairwise.rows(x), points=self.centres, k=1)[1][:, 0]


def bins_of(train: ArrayLike, *, count: int = 100, seed: int = 0) -> Bins:
    """Cut the space into `count` cells by k-means on `train` (n, ...): fewer when a cell would have under 50 rows.

    There are at least 2, unless all rows are equal. Raises MeasureError for an unusable array or a count below 2.
    """
    if count < 2:
        raise MeasureError(f"count is {count}; ask for at least 2 bins")
    train = pairwise.rows(train, "train")
    count = min(count, max(2, len(train) // ROWS_PER_BIN), len(train))
    rng = np.random.default_rng([seed, BINS_DRAW])
    if len(train) > FITTED_ROWS:
        train = train[np.sort(rng.choice(len(train), FITTED_ROWS, replace=False))]
    # pyright takes the default of n_init, a text, for its type.
    means = KMeans(count, n_init=1, max_iter=50, random_state=int(rng.integers(2**31)))  # pyright: ignore[reportArgumentType]
    labels = _fitted(means, train.astype(np.float64, copy=False))
    centres: Floats = np.asarray(means.cluster_centers_, np.float64)
    return Bins(centres[np.unique(labels)], seed)  # equal rows may leave a centre without any


@dataclass(frozen=True)
class NDB:
    """Number of statistically different bins (Richardson & Weiss 2018): `share` of them, which, and all p-values.

    Two sets of the same distribution differ in about 5 % of the bins.
    """

    share: float
    different: tuple[int, ...]
    p_values: tuple[float, ...]


def ndb(*, real: ArrayLike, fake: ArrayLike, bins: Bins, level: float = 0.05) -> NDB:
    """Compare the shares of `real` (n, ...) and `fake` (m, ...) bin by bin: the pooled two-proportion z-test.

    `bins` come from other rows than `real`, or these would be counted where k-means put them. A bin with none or all
    of the samples never differs. Raises MeasureError for arrays that do not fit.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    n, m, k = len(real), len(fake), len(bins.centres)
    of_real, of_fake = (np.bincount(bins.find(x), minlength=k) for x in (real, fake))
    pooled = (of_real + of_fake) / (n + m)
    scale = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.divide(of_real / n - of_fake / m, scale, out=np.zeros(k), where=scale > 0)
    p = 2 * stats.norm.sf(np.abs(z))
    return NDB(float(np.mean(p < level)), tuple(np.flatnonzero(p < level).tolist()), tuple(p.tolist()))


@dataclass(frozen=True, eq=False)
class PRD:
    """Precision and recall (angles,) for every exchange rate between them, and the best F of each preference.

    `f8` weights recall eight times, so it falls when real samples are missing; `f1_8` weights precision eight times,
    so it falls when fakes are wrong. Both are 1 for equal distributions.
    """

    precision: Floats
    recall: Floats
    f8: float
    f1_8: float


def prd_curve(
    *, real: ArrayLike, fake: ArrayLike, clusters: int = 20, runs: int = 10, angles: int = 1001, seed: int = 0
) -> PRD:
    """Precision and recall for distributions (Sajjadi et al. 2018), averaged over `runs` k-means of the pooled rows.

    With p and q the shares of `real` and `fake` (n, ...) in each cluster, precision(l) = sum of min(l p, q) and
    recall(l) = precision(l) / l, at slopes l = tan(angle). Raises MeasureError when n differs from m, for then the
    larger set would draw the clusters, and when there is no run, no cluster or no angle.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    n = len(real)
    if n != len(fake):
        raise MeasureError(f"there are {n} real and {len(fake)} fake samples; give as many of each")
    if min(clusters, runs, angles) < 1:
        raise MeasureError(f"clusters, runs and angles are {clusters}, {runs} and {angles}; each has to be at least 1")
    pooled = np.concatenate([real, fake], dtype=np.float64)
    pooled = pooled - pooled.mean(axis=0)  # k-means knows neither origin nor unit, and float32 is twice as fast
    pooled = (pooled / (np.abs(pooled).max() or 1)).astype(np.float32)
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, angles))[:, None]
    precision = np.zeros(angles)
    look_first = look()
    for state in np.random.default_rng([seed, PRD_DRAW]).integers(2**31, size=runs):
        look_first()
        # pyright takes the default of n_init, a text, for its type.
        means = MiniBatchKMeans(min(clusters, 2 * n), n_init=1, random_state=int(state))  # pyright: ignore[reportArgumentType]
        labels = _fitted(means, pooled)
        p, q = (np.bincount(part, minlength=clusters) / n for part in (labels[:n], labels[n:]))
        precision += np.minimum(slopes * p, q).sum(axis=1) / runs
    recall = precision / slopes[:, 0]
    return PRD(
        np.minimum(precision, 1),
        np.minimum(recall, 1),
        _best_f(precision, recall, 8),
        _best_f(precision, recall, 1 / 8),
    )


def _best_f(precision: Floats, recall: Floats, beta: float) -> float:
    below = beta**2 * precision + recall
    f = np.divide((1 + beta**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0)
    return min(float(f.max()), 1.0)


def _fitted(means: KMeans | MiniBatchKMeans, rows: Reals) -> Ints:
    """The cluster (n,) of every row. One thread: several would add up in an order that changes from run to run."""
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters is no mistake here
        return np.asarray(means.fit(rows).labels_)
