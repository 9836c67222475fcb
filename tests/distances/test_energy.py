"""Energy distance and MMD against dcor, scipy, scikit-learn, hand arithmetic, and identities that hold exactly."""

import itertools
from functools import partial

import dcor
import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist, pdist
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import polynomial_kernel

from gan_core.distances import pairwise
from gan_core.distances.energy import (
    EnergyDistance,
    energy,
    median_distance,
    mmd_polynomial,
    polynomial_own,
    two_sample_test,
)
from gan_core.records import MeasureError

pytestmark = pytest.mark.filterwarnings("error")

A = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]
B = [[1, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1]]


def gaussian(n, d, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_the_golden_numbers_of_dcor():
    """The examples in the docstrings of dcor's energy distance, cut (not rounded) after 7 decimals."""
    result = energy(real=A, fake=B)
    assert result.v == pytest.approx(20.5780594, abs=1e-7)
    assert result.t == pytest.approx(35.2766732, abs=1e-7)
    assert energy(real=A, fake=B, exponent=1.5).v == pytest.approx(99.7863955, abs=1e-7)


@pytest.mark.parametrize("exponent", [0.3, 1.0, 1.5, 1.9])
@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 20), (33, 50, 3), (2, 9, 12)])
def test_agrees_with_dcor(n, m, d, exponent):
    real, fake = gaussian(n, d), gaussian(m, d, 1, shift=0.5)
    result = energy(real=real, fake=fake, exponent=exponent)
    assert result.v == pytest.approx(dcor.energy_distance(real, fake, exponent=exponent), rel=1e-9)
    assert result.t == pytest.approx(dcor.homogeneity.energy_test_statistic(real, fake, exponent=exponent), rel=1e-9)
    unbiased = dcor.energy_distance(real, fake, exponent=exponent, estimation_stat="u")
    assert result.u == pytest.approx(unbiased, rel=1e-9)


def test_agrees_with_scipy_in_one_dimension():
    """scipy returns the root of D²: {0,1,3} against {5,6,8} is 22/3."""
    x, y = [0.0, 1, 3], [5.0, 6, 8]
    v = energy(real=np.c_[x], fake=np.c_[y]).v
    assert v == pytest.approx(22 / 3, rel=1e-12)
    assert v == pytest.approx(stats.energy_distance(x, y) ** 2, rel=1e-12)


def test_the_means_are_those_of_scipy_and_v_is_u_plus_the_bias():
    real, fake = gaussian(31, 15), gaussian(17, 15, 1)
    r = energy(real=real, fake=fake)
    assert (r.rr, r.ff, r.rf) == pytest.approx((pdist(real).mean(), pdist(fake).mean(), cdist(real, fake).mean()))
    assert r.u == pytest.approx(2 * cdist(real, fake).mean() - pdist(real).mean() - pdist(fake).mean(), rel=1e-9)
    assert r.v == pytest.approx(r.u + r.rr / 31 + r.ff / 17, rel=1e-12)
    assert r.h == pytest.approx(r.v / (2 * cdist(real, fake).mean()), rel=1e-12)


def test_over_all_splits_of_equal_samples_u_is_0_and_v_is_its_known_bias():
    """E[V | P=Q] = (1/n + 1/m)·E|X-X'|, exactly, when every split of one set into two is as likely."""
    pooled, n = gaussian(8, 12), 3
    m = len(pooled) - n
    splits = [list(chosen) for chosen in itertools.combinations(range(len(pooled)), n)]
    results = [energy(real=pooled[s], fake=np.delete(pooled, s, axis=0)) for s in splits]
    mean = pdist(pooled).mean()
    assert np.mean([r.u for r in results]) == pytest.approx(0, abs=1e-12 * mean)
    assert np.mean([r.v for r in results]) == pytest.approx((1 / n + 1 / m) * mean, rel=1e-12)


def test_equal_sets_are_at_zero():
    x = gaussian(30, 20, shift=1000)
    assert energy(real=x, fake=x[::-1]).v == pytest.approx(0, abs=1e-12)
    assert energy(real=np.ones((4, 3)), fake=np.ones((5, 3))).h == 0


def test_v_is_never_negative_by_rounding():
    rr, rf = 0.1, 0.1 - 0.1 / 7  # equal sets of 7: rr·6/7 = rf, but in floating point 2·rf is 3e-17 short
    assert EnergyDistance(n=7, m=7, rr=rr, ff=rr, rf=rf).v == 0


def test_h_is_one_at_most():
    """Two different points: V is all of 2·rf."""
    assert energy(real=np.zeros((5, 3)), fake=np.ones((4, 3))).h == pytest.approx(1, rel=1e-12)


def test_the_average_image_looks_close_by_mean_distance_and_far_by_energy():
    """The article's number is improper: showing only the mean image beats real samples, and energy is not fooled."""
    digits = np.random.default_rng(0).permutation(load_digits().data / 16)
    real, other, mean = digits[:600], digits[600:1200], np.repeat(digits[1200:].mean(axis=0)[None], 600, axis=0)
    perfect, average = energy(real=real, fake=other), energy(real=real, fake=mean)
    assert average.rf < 0.8 * perfect.rr
    assert average.u > 0.5 > 0.05 > abs(perfect.u)
    assert average.h > 20 * perfect.h


@pytest.mark.parametrize("exponent", [2, 2.0, 3, 0, -1, float("nan")])
def test_exponents_that_do_not_compare_distributions_are_refused(exponent):
    with pytest.raises(MeasureError, match=f"exponent is {exponent}.*only the means"):
        energy(real=A, fake=B, exponent=exponent)


def test_exponent_2_would_compare_only_the_means():
    """The reason for refusing it: whatever the spreads, V of squared distances is 2·|difference of the means|²."""
    real, fake = gaussian(30, 9), 5 * gaussian(40, 9, 1)
    gap = 2 * np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    almost = energy(real=real, fake=fake, exponent=2 - 1e-10).v
    assert almost == pytest.approx(gap, rel=1e-6)


def test_the_means_of_a_sweep_are_those_of_every_single_distance():
    real, fake = gaussian(300, 30), gaussian(200, 30, 1)
    ours, theirs = pairwise.within(real), pairwise.within(fake)
    means = [part.moments.mean for part in (ours, theirs, pairwise.across(real=ours, fake=theirs))]
    swept, one_by_one = EnergyDistance(300, 200, *means), energy(real=real, fake=fake)
    assert (swept.u, swept.v, swept.h) == pytest.approx((one_by_one.u, one_by_one.v, one_by_one.h), rel=1e-9)


@pytest.mark.parametrize("measure", [energy, mmd_polynomial, partial(two_sample_test, bandwidth=1.0)])
def test_what_cannot_be_measured_is_named(measure):
    for real, fake, said in (
        (A, B[:1], "only 1 sample"),
        (A[:1], B, "only 1 sample"),
        (A, np.eye(3), r"real is \(4, 4\) and fake is \(3, 3\)"),
        (A, [[np.nan] * 4] * 2, "8 of 8"),
        ([["a"] * 4] * 2, B, "U1"),
    ):
        with pytest.raises(MeasureError, match=said):
            measure(real=real, fake=fake)


# ---------------------------------------------------------------- the two-sample test


def unbiased(within_real, within_fake, between):
    """MMD² from whole kernel matrices, the diagonals left out: Gretton et al. 2012, equation 3."""
    n, m = len(within_real), len(within_fake)
    own = (within_real.sum() - within_real.trace()) / (n * (n - 1))
    other = (within_fake.sum() - within_fake.trace()) / (m * (m - 1))
    return own + other - 2 * between.mean()


def rbf(x, y, bandwidth):
    return np.exp(-cdist(x, y, "sqeuclidean") / (2 * bandwidth**2))


@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 20), (33, 50, 3), (2, 9, 12), (900, 700, 9)])
@pytest.mark.parametrize("bandwidth", [0.5, 4.0])
def test_both_statistics_agree_with_whole_matrices(n, m, d, bandwidth):
    real, fake = gaussian(n, d), gaussian(m, d, 1, shift=0.1)
    test = two_sample_test(real=real, fake=fake, bandwidth=bandwidth, permutations=3)
    oracle = unbiased(*(rbf(x, y, bandwidth) for x, y in ((real, real), (fake, fake), (real, fake))))
    assert test.mmd == pytest.approx(oracle, rel=1e-10, abs=1e-12)
    assert test.energy_v == pytest.approx(dcor.energy_distance(real, fake), rel=1e-9)
    assert test.energy_v == pytest.approx(energy(real=real, fake=fake).v, rel=1e-9)


@pytest.mark.parametrize("z", [0.0, 3.0])
@pytest.mark.parametrize(("n", "m", "d"), [(30, 30, 10), (12, 50, 2)])
def test_mmd_with_the_distance_kernel_is_half_the_energy_distance(n, m, d, z):
    """Sejdinovic et al. 2013: k(x, y) = (|x - z| + |y - z| - |x - y|) / 2, for any z."""
    real, fake = gaussian(n, d), gaussian(m, d, 1, shift=0.3)

    def kernel(x, y):
        to_z = [np.linalg.norm(points - z, axis=1) for points in (x, y)]
        return (np.add.outer(*to_z) - cdist(x, y)) / 2

    rr, ff, rf = kernel(real, real), kernel(fake, fake), kernel(real, fake)
    result = energy(real=real, fake=fake)
    assert unbiased(rr, ff, rf) == pytest.approx(result.u / 2, rel=1e-10, abs=1e-12)
    assert rr.mean() + ff.mean() - 2 * rf.mean() == pytest.approx(result.v / 2, rel=1e-10)


def test_p_counts_the_labellings_that_reach_the_statistic():
    """Two against three on a line: all ten labellings by brute force, each as likely among the permutations."""
    pooled = np.array([[0.0], [1.0], [5.0], [7.0], [12.0]])

    def v(chosen):
        return energy(real=pooled[list(chosen)], fake=np.delete(pooled, chosen, axis=0)).v

    everything = [v(chosen) for chosen in itertools.combinations(range(5), 2)]
    share = np.mean([value >= everything[0] - 1e-9 for value in everything])
    test = two_sample_test(real=pooled[:2], fake=pooled[2:], bandwidth=3.0, permutations=4999)
    assert share == 0.1
    assert test.energy_p == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 5000))


def test_a_seed_gives_the_same_p_and_another_seed_another():
    real, fake = gaussian(30, 4), gaussian(30, 4, 1)
    one, same, other = (two_sample_test(real=real, fake=fake, bandwidth=2.0, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert (one.energy_v, one.mmd) == (other.energy_v, other.mmd)
    assert (one.energy_p, one.mmd_p) != (other.energy_p, other.mmd_p)


def test_p_is_uniform_when_the_distributions_are_equal():
    rng = np.random.default_rng(0)
    tests = [
        two_sample_test(real=x[:12], fake=x[12:], bandwidth=2.0, permutations=99, seed=seed)
        for seed, x in enumerate(rng.normal(size=(200, 30, 4)))
    ]
    for p in (np.array([t.energy_p for t in tests]), np.array([t.mmd_p for t in tests])):
        assert stats.kstest(p, "uniform").pvalue > 0.01
        assert 0.01 <= np.mean(p <= 0.05) <= 0.10
        assert (p * 100 == pytest.approx(np.round(p * 100))) and p.min() >= 0.01


def test_a_clear_difference_has_the_smallest_p():
    test = two_sample_test(real=gaussian(40, 5), fake=gaussian(50, 5, 1, shift=1), bandwidth=3.0, permutations=199)
    assert (test.energy_p, test.mmd_p, test.permutations) == (1 / 200, 1 / 200, 199)


@pytest.mark.parametrize("seed", range(5))
def test_equal_sets_reach_everything(seed):
    """V of a set and itself is 0: a labelling that gives 0 again must not miss it by rounding."""
    x = gaussian(6, 3, seed)
    test = two_sample_test(real=x, fake=x[::-1], bandwidth=1.0)
    assert (test.energy_p, test.mmd_p) == (1.0, 1.0)
    assert test.energy_v == pytest.approx(0, abs=1e-12)


def test_equal_samples_cannot_be_told_apart():
    test = two_sample_test(real=np.full((8, 20), 0.3), fake=np.full((5, 20), 0.3), bandwidth=1.0)
    assert (test.energy_v, test.energy_p, test.mmd, test.mmd_p) == (0.0, 1.0, pytest.approx(0, abs=1e-12), 1.0)


@pytest.mark.parametrize("scale", [1e-170, 1e30])
def test_units_far_from_1_are_no_trouble(scale):
    """The square of the bandwidth would be 0 in one of them, and a distance of 0 divided by it not a number."""
    real, fake = gaussian(20, 3), gaussian(20, 3, 1)
    test = two_sample_test(real=real * scale, fake=fake * scale, bandwidth=2 * scale)
    assert np.isfinite((test.energy_v, test.mmd)).all() and min(test.energy_p, test.mmd_p) > 0


@pytest.mark.parametrize("bandwidth", [0, -1, float("nan")])
def test_a_kernel_without_width_is_refused(bandwidth):
    with pytest.raises(MeasureError, match=f"bandwidth is {bandwidth}"):
        two_sample_test(real=A, fake=B, bandwidth=bandwidth)


# ---------------------------------------------------------------- the median


@pytest.mark.parametrize(
    "x",
    [
        gaussian(2, 3),
        gaussian(3, 3),
        gaussian(50, 2),
        gaussian(51, 20, shift=1e6),
        gaussian(2000, 2),
        gaussian(2001, 2),
        gaussian(2500, 2),
        gaussian(2500, 20),
        gaussian(2500, 20, shift=1000),
        gaussian(2500, 20).astype(np.float32),
        gaussian(2500, 2) * 1e-12,
        gaussian(2500, 20) * 1e20,
        np.random.default_rng(0).integers(0, 3, (2500, 2)),
        np.random.default_rng(0).integers(0, 3, (2500, 20)),
        np.concatenate([gaussian(2500, 20), np.full((1, 20), 1e4)]),
    ],
    ids=lambda x: f"{x.shape} of {x.dtype} up to {x.max():.3g}",
)
def test_the_median_is_numpys(x):
    assert median_distance(x) == pytest.approx(np.median(pdist(x.astype(float))), rel=1e-12)


@pytest.mark.parametrize("d", [2, 20])
def test_a_median_on_the_outermost_edge(d):
    """Two heaps: just over half of the distances are the largest one, which is twice the radius, and the last edge."""
    x = np.zeros((2500, d))
    x[:1250, 0], x[1250:, 0] = -1, 1
    assert median_distance(x) == pytest.approx(2, rel=1e-12)


@pytest.mark.parametrize("place", [16, 23, 27, 28])
def test_a_median_on_an_edge_between_two_bins(place):
    """In float32 such a distance may be counted next door: the second pass has to look there too."""
    edge = np.linspace(0, 11, 1001)[place]
    x = np.zeros((2502, 20))
    x[:1250, 0], x[1250:2500, 0] = -edge / 2, edge / 2  # just over half of the distances
    x[2500, 1], x[2501, 1] = -5.5, 5.5  # the first pass counts in 1,000 bins up to 11
    assert median_distance(x) == pytest.approx(edge, rel=1e-12)


def test_the_median_of_equal_samples_is_0():
    assert median_distance(np.full((30, 4), 0.3)) == 0
    assert median_distance(np.full((2100, 2), 0.3)) == 0


def test_one_sample_has_no_median():
    with pytest.raises(MeasureError, match="only 1 sample"):
        median_distance(np.zeros((1, 2)))


# ---------------------------------------------------------------- the polynomial kernel


@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 20), (33, 50, 3), (2, 9, 12), (600, 550, 8)])
def test_the_polynomial_mmd_agrees_with_scikit_learn(n, m, d):
    real, fake = gaussian(n, d), gaussian(m, d, 1, shift=0.3)
    kernel = partial(polynomial_kernel, degree=3, gamma=1 / d, coef0=1)
    expected = unbiased(kernel(real, real), kernel(fake, fake), kernel(real, fake))
    assert mmd_polynomial(real=real, fake=fake) == pytest.approx(expected, rel=1e-9)
    own = polynomial_own(real)
    assert own == pytest.approx((kernel(real).sum() - kernel(real).trace()) / (n * (n - 1)), rel=1e-9)
    assert mmd_polynomial(real=real, fake=fake, real_own=own) == mmd_polynomial(real=real, fake=fake)


def test_the_polynomial_mmd_reads_bytes_as_zero_to_one():
    x = np.random.default_rng(0).integers(0, 256, (40, 3, 3, 1), dtype=np.uint8)
    kernel = partial(polynomial_kernel, degree=3, gamma=1 / 9, coef0=1)
    a, b = np.split(x.reshape(40, 9) / 255, 2)
    found = mmd_polynomial(real=x[:20], fake=x[20:])
    assert found == pytest.approx(unbiased(kernel(a), kernel(b), kernel(a, b)), abs=1e-6)
