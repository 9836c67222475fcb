"""Metrics of nearest neighbours and of k-NN balls around samples, counted in one pass over the pairs.

    real, fake = within(real, k=5), within(fake, k=5)
    both = across(real=real, fake=fake)
    manifold(real=real, fake=fake, across=both).symmetric_precision

The ball of a row reaches to its k-th neighbour in its own set, border included (prdc leaves the border out, which
makes everything 0 on discrete data: Räisä et al. 2025).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from gan_core.arrays import ArrayLike, Floats, Ints, Reals
from gan_core.distances import pairwise
from gan_core.distances.pairwise import Across, Within
from gan_core.records import MeasureError

ROWS_AT_ONCE = 2048
"""Real rows held in float64 at a time: MNIST's 50,000 would fill a gigabyte with their centred copies."""


@dataclass(frozen=True)
class Accuracies:
    """How often a nearest-neighbour classifier tells real from fake, for each kind apart; p is two-sided."""

    real: float
    fake: float
    real_p: float
    fake_p: float


def nn_accuracy(*, real: Within, fake: Within, across: Across, permutations: int = 199, seed: int = 0) -> Accuracies:
    """Leave-one-out 1-NN two-sample test over the pooled rows (Lopez-Paz & Oquab 2017; Xu et al. 2018).

    Each share is that of rows whose nearest other row is of their own kind; a tie counts one half. Two equal
    distributions give (n-1)/(2n-1); 1 means that real and fake can always be told apart, and both below .5 that fakes
    are copies. Their average hides failures, so there are two. The permutations relabel the rows over the fixed
    nearest neighbours.
    Raises MeasureError when n and m differ, or k is 0.
    """
    n = len(real)
    if n != len(fake):
        raise MeasureError(f"there are {n} real and {len(fake)} fake samples; this test needs as many of each")
    if not real.k or not fake.k:
        raise MeasureError("k is 0, so the nearest neighbours are not known; measure with k of at least 1")
    same = np.concatenate([real.distances[:, 0], fake.distances[:, 0]])
    other = np.concatenate([across.real_nearest, across.fake_nearest])
    right = (same < other) + 0.5 * (same == other)
    accuracies = right[:n].mean(), right[n:].mean()
    # Where the nearest row of one's own kind, and that of the other kind, stand in the pooled set.
    own = np.concatenate([real.indices[:, 0], fake.indices[:, 0] + n])
    cross = np.concatenate([across.real_nearest_index + n, across.fake_nearest_index])
    nearest = np.where(same <= other, own, cross), np.where(same < other, own, cross)  # two where there is a tie
    rng = np.random.default_rng([seed, 3])
    kinds = np.array([rng.permutation(2 * n) < n for _ in range(permutations)], dtype=bool).reshape(-1, 2 * n)
    halves = sum((kinds[:, index] == kinds).astype(np.int8) for index in nearest)
    permuted = np.stack([(halves * kind).sum(axis=1) for kind in (kinds, ~kinds)], axis=1) / (2 * n)
    chance = (n - 1) / (2 * n - 1)
    reached = abs(permuted - chance) >= abs(np.array(accuracies) - chance) - 1e-12
    p = (1 + reached.sum(axis=0)) / (1 + permutations)
    return Accuracies(*map(float, accuracies), *map(float, p))


@dataclass(frozen=True)
class Chamfer:
    """Mean (squared) distances to the nearest row of the other set, each direction apart."""

    real_to_fake: float
    fake_to_real: float
    minimum_matching_distance: float
    matching_coverage: float


def chamfer(*, across: Across) -> Chamfer:
    """Chamfer halves, and MMD-match and COV of Achlioptas et al. 2018.

    Squared distances for the halves, plain ones for the minimum matching distance. Coverage is the share of real
    rows that are some fake's nearest: about .56 for perfect samples, never 1.
    """
    matched = len(np.unique(across.fake_nearest_index))
    return Chamfer(
        float(np.mean(across.real_nearest**2)),
        float(np.mean(across.fake_nearest**2)),
        float(np.mean(across.real_nearest)),
        matched / len(across.real_nearest),
    )


@dataclass(frozen=True)
class Manifold:
    """Shares and densities of balls around samples; fields carry the names reports use.

    The two clipped ones end at 1, where perfect samples pile up; `before_clipping` says how far each would go.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    symmetric_precision: float
    symmetric_recall: float
    clipped_density: float
    clipped_coverage: float
    before_clipping: tuple[float, float]


def manifold(*, real: Within, fake: Within, across: Across) -> Manifold:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), their symmetric
    forms (Khayatkhoei & AbdAlmageed 2023) and clipped ones (Salvy et al. 2026), with the k of `real` and `fake`.

    Raises MeasureError when the two were not measured with the same k >= 1.
    """
    k = real.k
    if not k or fake.k != k:
        raise MeasureError(f"real has k {k} and fake has k {fake.k}; measure both with the same k of at least 1")
    precision, recall = (float(np.mean(count > 0)) for count in (across.in_real_balls, across.in_fake_balls))
    coverage, complement = (float(np.mean(count > 0)) for count in (across.fakes_in_ball, across.reals_in_ball))
    filled = float(np.minimum(across.in_clipped_real_balls / k, 1).mean())
    perfect = float(np.minimum(real.in_clipped / k, 1).mean())
    covered = float(np.minimum(across.fakes_in_ball / k, 1).mean())
    clipped, unclipped = _as_share_of_good(covered, n=len(real), m=len(fake), k=k)
    return Manifold(
        precision,
        recall,
        float(across.in_real_balls.mean() / k),
        coverage,
        min(precision, complement),
        min(recall, coverage),
        min(1.0, filled / perfect),
        clipped,
        (filled / perfect, unclipped),
    )


def expected_coverage(n: int, m: int, k: int) -> float:
    """The mean of coverage for equal continuous distributions: 1 - prod_{s=1..k} (n-s)/(n+m-s) (Naeem et al. 2020)."""
    s = np.arange(1, k + 1)
    return float(1 - np.prod((n - s) / (n + m - s)))


def _as_share_of_good(covered: float, *, n: int, m: int, k: int) -> tuple[float, float]:
    """Which share of good samples would fill the balls as much (Salvy et al. 2026, clipped coverage).

    With g good samples of m, a real row's ball holds a beta-binomial(g, k, n - k) number of them; the mean of
    min(number / k, 1) rises with g, and is inverted. Second, the same extrapolated beyond 1 by a straight line
    through the last tenth.
    """
    if n <= k:
        return 1.0, 1.0
    good = np.arange(m + 1)[:, None]
    chances = stats.betabinom.pmf(np.arange(k), good, k, n - k)
    expected = 1 - (chances * (k - np.arange(k))).sum(axis=1) / k
    share = float(np.searchsorted(expected, covered) / (m + 1))
    tenth = m // 10 + 1
    slope = (expected[-1] - expected[-1 - tenth]) / (tenth / m)
    return share, share if share < 1 else 1 + float((covered - expected[-1]) / slope)


def realism(*, real: Within, fake: ArrayLike, threads: int | None = None) -> Floats:
    """How typical each fake is, (m,): max of radius / distance over the real balls not larger than the median one.

    At least 1 inside one of them (Kynkäänniemi et al. 2019, section 5); infinite for an exact copy of a real row.
    Raises MeasureError when the samples differ in length, or k is 0.
    """
    rows = _fitting(real, fake)
    balls = np.sqrt(real.square_radii)
    kept = real.square_radii <= np.median(real.square_radii)

    def of(part: slice, distances: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(distances > 0, balls[kept] / distances, np.inf).max(axis=1)

    return np.concatenate(pairwise.map_blocks(of, rows, real.rows[kept], threads=threads))


def rarity(*, real: Within, fake: ArrayLike, threads: int | None = None) -> Floats:
    """How rare each fake is, (m,): the smallest real ball that holds it; NaN outside all of them (Han et al. 2023).

    Raises MeasureError when the samples differ in length, or k is 0.
    """
    rows = _fitting(real, fake)
    balls = np.sqrt(real.square_radii)
    reach = balls * (1 + 1e-9)  # on the border is inside, and the distances below are rounded

    def of(part: slice, distances: Floats) -> Floats:
        smallest = np.where(distances <= reach, balls, np.inf).min(axis=1)
        return np.where(np.isinf(smallest), np.nan, smallest)

    return np.concatenate(pairwise.map_blocks(of, rows, real.rows, threads=threads))


def _fitting(real: Within, fake: ArrayLike) -> Reals:
    """The fakes as rows, checked: the real balls are known, and samples have the same length."""
    rows = pairwise.rows(fake, "fake")
    pairwise.same_shape(real=real.rows, fake=rows)
    if not real.k:
        raise MeasureError("k is 0, so the balls are not known; measure with k of at least 1")
    return rows


@dataclass(frozen=True)
class NearestCurves:
    """Quantiles 0, 1 ... 100 % of nearest distances; `auc` is P(fake nearer to real than real to another real)."""

    real_to_real: tuple[float, ...]
    fake_to_real: tuple[float, ...]
    real_to_fake: tuple[float, ...]
    auc: float
    largest_gap: float
    intrinsic_dimension: float | None


def nearest_curves(*, real: Within, across: Across) -> NearestCurves:
    """Nearest distances of fakes to real rows beside those of real rows to each other (metrics of one pass).

    `auc` is .5 and `largest_gap` (Kolmogorov-Smirnov) about 0 for equal distributions. The intrinsic dimension of
    the real rows is TwoNN's (Facco et al. 2017); None with duplicates only, or k < 2.
    """
    own, generated = real.distances[:, 0], across.fake_nearest
    grid = np.linspace(0, 1, 101)
    test = stats.mannwhitneyu(own, generated)
    gap = stats.ks_2samp(own, generated)
    return NearestCurves(
        tuple(np.quantile(own, grid).tolist()),
        tuple(np.quantile(generated, grid).tolist()),
        tuple(np.quantile(across.real_nearest, grid).tolist()),
        float(test.statistic / (len(own) * len(generated))),
        float(gap.statistic),
        _two_nn(real),
    )


def _two_nn(real: Within) -> float | None:
    if real.k < 2:
        return None
    first, second = real.distances[:, 0], real.distances[:, 1]
    apart = first > 0
    ratio = np.sort(second[apart] / first[apart])
    if len(ratio) < 10 or ratio[-1] <= 1:
        return None
    kept = ratio[: int(0.9 * len(ratio))]  # the paper leaves the largest tenth out
    x, y = np.log(kept), -np.log1p(-np.arange(1, len(kept) + 1) / (len(ratio) + 1))
    return float((x @ y) / (x @ x)) if x @ x > 0 else None


def nearest_real(*, real: ArrayLike, fake: ArrayLike, k: int = 5, threads: int | None = None) -> tuple[Floats, Ints]:
    """The k real rows nearest to every fake: (distances (m, k), indices into real (m, k)), nearest first.

    Both in storage or measured form. Equal distances come in the order of the real rows. Raises MeasureError
    when k is not in 1..n.
    """
    real, fake = np.asarray(real), np.asarray(fake)
    if not 1 <= k <= len(real):
        raise MeasureError(f"k is {k}, but {len(real)} neighbours can be found; choose k from 1 to {len(real)}")
    distances, indices = np.empty((len(fake), 0)), np.empty((len(fake), 0), dtype=np.int64)
    for start in range(0, len(real), ROWS_AT_ONCE):
        some, queries = pairwise.pair(real=real[start : start + ROWS_AT_ONCE], fake=fake)
        closer, rows = pairwise.nearest(queries=queries, points=some, k=min(k, len(some)), threads=threads)
        distances, indices = np.hstack([distances, closer]), np.hstack([indices, rows + start])
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]  # stable: earlier rows stay first among equals
        distances, indices = np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)
    return distances, indices
