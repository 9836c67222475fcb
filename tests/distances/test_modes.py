"""Counting by mode, class and cell against hand counts, closed forms, scipy and simulation."""

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from gan_core.distances import modes
from gan_core.distances.modes import (
    Labeller,
    bins_of,
    class_histogram,
    class_test,
    kl_to_uniform,
    mode_counts,
    ndb,
    prd_curve,
)
from gan_core.records import MeasureError, Modes

ANGLES = np.arange(8) * np.pi / 4
RING = Modes(np.c_[np.cos(ANGLES), np.sin(ANGLES)], 0.01)
GRID = Modes(2.0 * np.array(list(itertools.product(range(-2, 3), repeat=2))), 0.05)


def histogram(*, real, fake, **known):
    return class_histogram(real=real, fake=fake, labeller=Labeller.of(**known))


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def draw(given, n, seed=0, std=None):
    """n draws from equal Gaussians."""
    rng = np.random.default_rng(seed)
    chosen = given.centres[rng.integers(len(given.centres), size=n)]
    return chosen + (given.std if std is None else std) * rng.normal(size=chosen.shape)


def gaussian(n, d, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


# ---------------------------------------------------------------- modes known in advance


def test_mode_counts_by_hand():
    """Three modes and six fakes: two at the first, one at the second, one exactly 3 std away, two far away."""
    centres = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]
    fake = [[0.0, 1.0], [0.0, -1.0], [11.0, 0.0], [0.0, 13.0], [50.0, 0.0], [5.0, 0.0]]
    found = mode_counts(fake=fake, centres=centres, std=1.0)
    assert found.counts == (2, 1, 0)
    assert (found.captured, found.balanced) == (2, 2)
    assert found.high_quality == 0.5
    assert found.kl == pytest.approx(2 / 3 * math.log(2) + 1 / 3 * math.log(1), rel=1e-12)  # shares 2/3 and 1/3 of 3
    # All three lie at 1 std; 2 - 9e/(1 - e), with e = exp(-4.5), is the mean of r² below 3 for the density r·exp(-r²/2)
    e = math.exp(-4.5)
    assert found.spread == pytest.approx(1 / math.sqrt(2 - 9 * e / (1 - e)), rel=1e-12)


def test_a_sample_within_reach_of_two_modes_belongs_to_the_nearer():
    assert mode_counts(fake=[[0.4], [0.9]], centres=[[0.0], [1.0]], std=1.0).counts == (1, 1)


def test_a_mode_with_less_than_half_its_share_is_captured_but_not_balanced():
    centres = [[0.0], [100.0]]
    for here, balanced in ((25, 2), (24, 1), (1, 1)):  # half the expected share of 100 fakes in 2 modes is 25
        fake = np.repeat([[0.0], [100.0]], [here, 100 - here], axis=0)
        found = mode_counts(fake=fake, centres=centres, std=1.0)
        assert (found.captured, found.balanced) == (2, balanced)


@pytest.mark.parametrize("given", [RING, GRID], ids=["ring-8", "grid-25"])
def test_real_samples_reach_the_ideal_which_is_below_one(given):
    n = 100_000
    found = mode_counts(fake=draw(given, n).astype(np.float32), centres=given.centres, std=given.std)
    assert found.ideal_high_quality == pytest.approx(1 - math.exp(-4.5), rel=1e-12)
    assert found.high_quality == pytest.approx(0.98889, abs=5 * math.sqrt(0.98889 * 0.01111 / n))
    assert found.captured == found.balanced == len(given.centres)
    assert sum(found.counts) == round(found.high_quality * n)
    assert found.spread == pytest.approx(1, abs=5 * 0.5 / math.sqrt(n))  # a root's relative error is half the square's


@pytest.mark.parametrize("d", [1, 3, 5, 30])
def test_ideal_and_spread_in_other_dimensions(d):
    n = 100_000
    found = mode_counts(fake=gaussian(n, d), centres=np.zeros((1, d)), std=1.0)
    p = stats.chi2.cdf(9, d)
    assert found.ideal_high_quality == pytest.approx(p, rel=1e-12)
    assert found.high_quality == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / n))
    assert found.spread == pytest.approx(1, abs=5 / math.sqrt(found.high_quality * n))


def test_spread_tells_collapsed_modes_from_fuzzy_ones():
    tight, fuzzy = (mode_counts(fake=draw(RING, 5000, std=s), centres=RING.centres, std=0.01) for s in (0.001, 0.03))
    assert tight.spread == pytest.approx(0.1, rel=0.05) and tight.high_quality == 1
    assert fuzzy.spread > 1.3 and fuzzy.high_quality < 0.5


def test_nothing_of_high_quality_leaves_nothing_to_describe():
    found = mode_counts(fake=np.zeros((10, 2)), centres=RING.centres, std=RING.std)
    assert (found.captured, found.balanced, found.high_quality) == (0, 0, 0)
    assert found.kl is None and found.spread is None


def test_fakes_all_at_one_centre():
    found = mode_counts(fake=np.repeat(RING.centres[:1], 9, axis=0), centres=RING.centres, std=RING.std)
    assert (found.captured, found.high_quality, found.spread) == (1, 1, 0)
    assert found.kl == pytest.approx(math.log(8), rel=1e-12)


@pytest.mark.parametrize("std", [0, -1.0, math.nan, math.inf])
def test_a_std_that_is_not_positive_is_refused(std):
    with pytest.raises(MeasureError, match=f"std is {std}"):
        mode_counts(fake=[[0.0]], centres=[[0.0]], std=std)


def test_fakes_that_cannot_be_counted_are_refused():
    with pytest.raises(MeasureError, match="fake has 1 of 2 values"):
        mode_counts(fake=[[0.0, math.nan]], centres=RING.centres, std=1.0)
    with pytest.raises(MeasureError, match=r"fake is \(1, 3\) and centres is \(8, 2\)"):
        mode_counts(fake=[[0.0, 0.0, 0.0]], centres=RING.centres, std=1.0)


def test_divergence_from_uniform_by_hand():
    assert kl_to_uniform([5, 5, 5]) == 0
    assert kl_to_uniform([7, 0, 0, 0]) == pytest.approx(math.log(4), rel=1e-12)
    assert kl_to_uniform([3, 1]) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), rel=1e-12)
    assert kl_to_uniform([1 / 3] * 103) == 0  # rounding alone would leave it below


@pytest.mark.parametrize(("k", "n"), [(8, 2500), (25, 2500), (1000, 26_000)])
def test_uniform_draws_have_the_known_divergence(k, n):
    """(K-1)/(2N) and the next term, (K²-1)/(12N²). For the 1,000 stacked digits: .0192, never 0."""
    draws = np.random.default_rng(0).multinomial(n, np.full(k, 1 / k), size=200)
    values = [kl_to_uniform(counts) for counts in draws]
    expected = (k - 1) / (2 * n) + (k**2 - 1) / (12 * n**2)
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / math.sqrt(len(values)))


@pytest.mark.parametrize("counts", [[0, 0], [2, -1], [[1, 2]], []])
def test_counts_that_count_nothing_are_refused(counts):
    with pytest.raises(MeasureError, match="give one count for each mode"):
        kl_to_uniform(counts)


# ---------------------------------------------------------------- classes


def test_class_histogram_by_hand():
    train, labels = [[0.0], [10.0], [20.0]], ["a", "b", "c"]
    found = histogram(real=[[1.0], [9.0], [19.0], [21.0]], fake=[[0.0], [2.0]], train=train, train_labels=labels)
    assert found.labels == ("a", "b", "c")
    assert found.real == found.raw_real == (0.25, 0.25, 0.5)
    assert found.fake == found.raw_fake == (1, 0, 0)
    assert found.accuracy is None


def test_known_mistakes_are_taken_out_by_hand():
    """Of class 0 a quarter is labelled 1, of class 1 a half is labelled 0: q = (.75·.2 + .5·.8, .25·.2 + .5·.8)."""
    train, labels = [[0.0], [10.0]], [0, 1]
    holdout, truth = [[0.0], [0.0], [0.0], [10.0], [0.0], [10.0]], [0, 0, 0, 0, 1, 1]
    fake = np.repeat([[0.0], [10.0]], [55, 45], axis=0)
    found = histogram(real=fake, fake=fake, train=train, train_labels=labels, holdout=holdout, holdout_labels=truth)
    assert found.raw_fake == (0.55, 0.45)
    assert found.fake == pytest.approx((0.2, 0.8), rel=1e-9)
    assert found.real == found.fake
    assert found.accuracy == pytest.approx(4 / 6, rel=1e-12)


def test_correction_finds_the_true_shares_of_overlapping_classes():
    """Classes 1.5 std apart, so about a third is mislabelled: 90/10 looks like 70/30 and is corrected."""
    rng = np.random.default_rng(3)

    def part(ones, zeros):
        labels = np.repeat([1, 0], [ones, zeros])
        return rng.normal(size=(len(labels), 1)) + 1.5 * labels[:, None], labels

    (train, train_labels), (holdout, holdout_labels) = part(500, 500), part(4000, 4000)
    found = histogram(
        real=part(2000, 2000)[0], fake=part(400, 3600)[0], train=train, train_labels=train_labels,
        holdout=holdout, holdout_labels=holdout_labels,
    )  # fmt: skip
    assert found.raw_fake[0] < 0.75
    # The error of a corrected share is that of the raw ones, .01 at most, over 2·accuracy - 1.
    assert found.fake[0] == pytest.approx(0.9, abs=4 * 0.01 / (2 * found.accuracy - 1))
    assert sum(found.fake) == pytest.approx(1, rel=1e-12)


def test_corrected_shares_are_the_best_possible_ones():
    """Against a general optimiser on the simplex, where the raw shares cannot be reached exactly."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        confusion = 0.5 * np.eye(5) + 0.5 * rng.dirichlet(np.ones(5), size=5)
        q = rng.dirichlet(np.full(5, 0.2))
        found = modes._unmixed(q, confusion)

        def misfit(p, q=q, confusion=confusion):
            return np.sum((confusion.T @ p - q) ** 2)

        best = optimize.minimize(
            misfit, np.full(5, 0.2), bounds=[(0, 1)] * 5, method="SLSQP", options={"ftol": 1e-14, "maxiter": 500},
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        )  # fmt: skip
        assert found.min() >= 0 and found.sum() == pytest.approx(1, rel=1e-12)
        np.testing.assert_allclose(found, best.x, atol=1e-4)
        assert misfit(found) <= misfit(best.x) + 1e-9


def test_classes_that_the_holdout_lacks_are_taken_as_labelled():
    found = histogram(
        real=[[0.0], [30.0]], fake=[[20.0], [30.0], [30.0], [30.0]],
        train=[[0.0], [10.0], [20.0], [30.0]], train_labels=[1, 2, 3, 4],
        holdout=[[0.0], [10.0]], holdout_labels=[1, 2],
    )  # fmt: skip
    assert found.real == pytest.approx((0.5, 0, 0, 0.5)) and found.fake == pytest.approx((0, 0, 0.25, 0.75))


def test_class_histogram_of_digits_finds_a_missing_class():
    x, y = load_digits(return_X_y=True)
    x, y = np.uint8(x * 15).reshape(-1, 8, 8, 1), y
    fake = x[1000:1400][y[1000:1400] != 4]
    found = histogram(
        real=x[1400:], fake=fake, train=x[:600], train_labels=y[:600], holdout=x[600:1000], holdout_labels=y[600:1000]
    )
    assert found.labels == tuple(range(10))
    assert found.accuracy > 0.9
    assert found.fake[4] < 0.01 < 0.08 < found.real[4]
    assert class_test(found, len(x) - 1400, len(fake)) < 1e-4


def test_the_class_test_is_pearsons():
    found = histogram(
        real=[[0.0]] * 30 + [[10.0]] * 70, fake=[[0.0]] * 20 + [[10.0]] * 20,
        train=[[0.0], [10.0], [20.0]], train_labels=[0, 1, 2],
    )  # fmt: skip
    observed = np.array([[30, 70], [20, 20]])  # nobody has label 2
    expected = observed.sum(1, keepdims=True) * observed.sum(0) / observed.sum()
    statistic = ((observed - expected) ** 2 / expected).sum()
    assert class_test(found, 100, 40) == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-9)


def test_the_class_test_of_a_single_class_finds_no_difference():
    found = histogram(real=[[0.0]] * 3, fake=[[0.1]] * 4, train=[[0.0], [9.0]], train_labels=[0, 1])
    assert class_test(found, 3, 4) == 1


def test_the_class_test_is_right_as_often_as_it_says():
    shares = np.random.default_rng(0).multinomial(500, np.full(10, 0.1), size=(400, 2)) / 500
    p = [class_test(modes.ClassHistogram((), (), (), *pair, None), 500, 500) for pair in shares]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_labels_that_do_not_fit_are_refused():
    one = {"real": [[0.0]], "fake": [[0.0]], "train": [[0.0], [1.0]]}
    with pytest.raises(MeasureError, match=r"labels of train are \(1,\) for 2 rows"):
        histogram(**one, train_labels=[0])
    with pytest.raises(MeasureError, match=r"labels of holdout are \(\) for 1 rows"):
        histogram(**one, train_labels=[0, 1], holdout=[[0.0]])
    with pytest.raises(MeasureError, match="holdout has the label 7, which no train row has"):
        histogram(**one, train_labels=[0, 1], holdout=[[0.0]], holdout_labels=[7])


# ---------------------------------------------------------------- cells found by k-means


def test_bins_are_the_clusters_of_train_and_find_is_the_nearest_centre():
    bins = bins_of(draw(GRID, 5000), count=25)
    assert bins.centres.shape == (25, 2)
    x = draw(GRID, 300, seed=1)
    np.testing.assert_array_equal(bins.find(x), cdist(x, bins.centres).argmin(axis=1))
    # A k-means centre is the mean of its rows, so every grid point within reach of one has a centre close by.
    assert np.median(cdist(GRID.centres, bins.centres).min(axis=1)) < 0.02


@pytest.mark.parametrize(("n", "count", "expected"), [(5000, 100, 100), (1000, 100, 20), (60, 100, 2), (1, 5, 1)])
def test_no_more_bins_than_the_rows_can_fill(n, count, expected):
    assert len(bins_of(gaussian(n, 3), count=count).centres) == expected


def test_equal_rows_make_one_bin():
    assert bins_of(np.ones((200, 3))).centres.tolist() == [[1, 1, 1]]
    assert len(bins_of(np.repeat(np.eye(2), 500, axis=0), count=10).centres) == 2


def test_bins_depend_on_the_seed_and_on_nothing_else():
    x = gaussian(12_000, 5)
    with threadpool_limits(1):
        one = bins_of(x, count=20, seed=1)
    two, other = bins_of(x, count=20, seed=1), bins_of(x, count=20, seed=2)
    np.testing.assert_array_equal(one.centres, two.centres)
    assert one.seed == 1 and not np.array_equal(one.centres, other.centres)


def test_one_bin_is_refused():
    with pytest.raises(MeasureError, match="count is 1"):
        bins_of(gaussian(100, 2), count=1)


def test_ndb_is_the_two_proportion_test():
    """Its square is Pearson's statistic of a 2 x 2 table, without a correction."""
    real, fake = gaussian(300, 2), gaussian(200, 2, 1, shift=0.3)
    bins = bins_of(gaussian(1000, 2, 2), count=12)
    found = ndb(real=real, fake=fake, bins=bins)
    for which, p in enumerate(found.p_values):
        a, b = np.sum(bins.find(real) == which), np.sum(bins.find(fake) == which)
        oracle = stats.chi2_contingency([[a, 300 - a], [b, 200 - b]], correction=False).pvalue
        assert p == pytest.approx(oracle, rel=1e-9)
    assert found.different == tuple(i for i, p in enumerate(found.p_values) if p < 0.05)
    assert found.share == len(found.different) / 12


def test_bins_with_nobody_or_everybody_never_differ():
    bins = modes.Bins(np.array([[0.0], [10.0], [20.0]]), 0)
    assert ndb(real=[[0.0]] * 9, fake=[[1.0]] * 9, bins=bins).p_values == (1, 1, 1)
    assert ndb(real=[[0.0]] * 9, fake=[[9.0]] * 9, bins=bins).different == (0, 1)


def test_about_a_twentieth_of_the_bins_differ_between_real_sets():
    bins = bins_of(gaussian(5000, 4), count=100)
    shares = [ndb(real=gaussian(2000, 4, 10 + i), fake=gaussian(2000, 4, 50 + i), bins=bins).share for i in range(20)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.015)


def test_ndb_names_the_bins_of_a_dropped_mode():
    bins = bins_of(draw(RING, 5000), count=40)
    real, fake = draw(RING, 2000, seed=1), draw(Modes(RING.centres[1:], RING.std), 2000, seed=2)
    found = ndb(real=real, fake=fake, bins=bins)
    dropped = set(bins.find(RING.centres[:1])) | set(bins.find(real[cdist(real, RING.centres).argmin(axis=1) == 0]))
    assert dropped <= set(found.different)
    assert found.share > 0.1


def atoms(shares, n):
    """n samples on distant points, in these shares."""
    return np.repeat(10.0 * np.arange(len(shares)), np.rint(np.multiply(shares, n)).astype(int))[:, None]


def test_the_curve_of_two_atoms_is_known():
    """p = (.5, .5) and q = (.8, .2): at slope l precision is min(l/2, .8) + min(l/2, .2)."""
    found = prd_curve(real=atoms((0.5, 0.5), 100), fake=atoms((0.8, 0.2), 100), clusters=2, runs=3, angles=101)
    slope = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 101))
    precision = np.minimum(slope / 2, 0.8) + np.minimum(slope / 2, 0.2)
    np.testing.assert_allclose(found.precision, precision, rtol=1e-9)
    np.testing.assert_allclose(found.recall, precision / slope, rtol=1e-9)
    assert found.precision[50] == pytest.approx(1 - 0.3, rel=1e-9)  # at 45 degrees it is 1 - total variation
    for f, beta in ((found.f8, 8), (found.f1_8, 1 / 8)):
        best = max((1 + beta**2) * p * r / (beta**2 * p + r) for p, r in zip(precision, precision / slope))
        assert f == pytest.approx(best, rel=1e-9)


def test_at_45_degrees_the_curve_is_one_minus_the_total_variation():
    """Samples on the eight points of the ring, and more clusters than points: no cluster holds two of them."""
    which = np.random.default_rng(0).integers(8, size=400), np.random.default_rng(1).integers(5, size=400)
    found = prd_curve(real=RING.centres[which[0]], fake=RING.centres[which[1]], clusters=40, runs=2)
    p, q = (np.bincount(mode, minlength=8) / 400 for mode in which)
    assert found.precision[500] == pytest.approx(1 - np.abs(p - q).sum() / 2, rel=1e-9)


def test_equal_sets_have_everything_and_disjoint_sets_nothing():
    x = gaussian(500, 10)
    same = prd_curve(real=x, fake=x[::-1])
    assert same.precision[500] == pytest.approx(1, rel=1e-9) and same.recall[500] == pytest.approx(1, rel=1e-9)
    assert (same.f8, same.f1_8) == pytest.approx((1, 1), rel=1e-9)
    apart = prd_curve(real=x, fake=x + 100)
    assert apart.precision.max() == apart.recall.max() == apart.f8 == apart.f1_8 == 0


def test_missing_modes_cost_recall_and_invented_ones_precision():
    half = Modes(RING.centres[:4], RING.std)
    dropped = prd_curve(real=draw(RING, 1000), fake=draw(half, 1000, seed=1))
    invented = prd_curve(real=draw(half, 1000), fake=draw(RING, 1000, seed=1))
    assert dropped.f8 < 0.7 and dropped.f1_8 > 0.9
    assert invented.f1_8 < 0.7 and invented.f8 > 0.9


def test_one_sample_of_each_and_constant_data():
    assert prd_curve(real=[[0.0]], fake=[[1.0]]).f8 == 0
    assert prd_curve(real=np.ones((30, 2)), fake=np.ones((30, 2))).f8 == pytest.approx(1, rel=1e-9)


def test_the_curve_does_not_depend_on_threads_origin_or_unit():
    real, fake = gaussian(600, 20), gaussian(600, 20, 1, shift=0.5)
    with threadpool_limits(1):
        one = prd_curve(real=real, fake=fake, runs=3, seed=4)
    again = prd_curve(real=real, fake=fake, runs=3, seed=4)
    np.testing.assert_array_equal(one.precision, again.precision)
    moved = prd_curve(real=4096 * real + 2**20, fake=4096 * fake + 2**20, runs=3, seed=4)
    assert (moved.f8, moved.f1_8) == pytest.approx((one.f8, one.f1_8), abs=0.01)
    assert not np.array_equal(one.precision, prd_curve(real=real, fake=fake, runs=3, seed=5).precision)


def test_unequal_numbers_and_empty_wishes_are_refused():
    with pytest.raises(MeasureError, match="3 real and 2 fake"):
        prd_curve(real=np.eye(3), fake=np.eye(3)[:2])
    for wish in ({"clusters": 0}, {"runs": 0}, {"angles": 0}):
        with pytest.raises(MeasureError, match="each has to be at least 1"):
            prd_curve(real=np.eye(3), fake=np.eye(3), **wish)
