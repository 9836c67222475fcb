"""Energy distance against dcor, scipy, hand arithmetic, and identities that hold exactly."""

import itertools

import dcor
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist, pdist
from sklearn.datasets import load_digits

from gan_core.distances import pairwise
from gan_core.distances.energy import EnergyDistance, energy
from gan_core.records import MeasureError

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
    means = [pairwise.within(x, exponent=2).mean * (len(x) - 1) / len(x) for x in (real, fake)]
    assert 2 * pairwise.across(real=real, fake=fake, exponent=2).mean - sum(means) == pytest.approx(gap, rel=1e-9)


def test_a_known_real_part_gives_the_same_result():
    real, fake = gaussian(20, 5), gaussian(30, 5, 1)
    known = pairwise.within(real, exponent=1.5)
    assert energy(real=real, fake=fake, exponent=1.5, real_within=known) == energy(real=real, fake=fake, exponent=1.5)
    for wrong in (pairwise.within(real[1:], exponent=1.5), pairwise.within(real)):
        with pytest.raises(MeasureError, match="real_within holds"):
            energy(real=real, fake=fake, exponent=1.5, real_within=wrong)


def test_one_sample_has_no_spread():
    with pytest.raises(MeasureError, match="only 1 sample"):
        energy(real=A, fake=B[:1])


def test_the_names_reports_use():
    values = EnergyDistance(n=4, m=2, rr=1.0, ff=2.0, rf=3.0).as_metrics()
    assert values == {
        "mean_real_real": 1.0,
        "mean_fake_fake": 2.0,
        "mean_real_fake": 3.0,
        "energy_distance": 3.0,  # 6 - 1 - 2
        "energy_coefficient": pytest.approx(4.25 / 6),  # V = 6 - 3/4 - 1
    }


sizes = st.tuples(st.integers(2, 12), st.integers(2, 12), st.integers(1, 14), st.integers(0, 2**32 - 1))


def drawn(size):
    n, m, d, seed = size
    return gaussian(n, d, seed), gaussian(m, d, seed + 1, shift=0.3)


@settings(max_examples=40, deadline=None)
@given(sizes, st.floats(-1e4, 1e4))
def test_moving_both_changes_nothing(size, shift):
    real, fake = drawn(size)
    one, moved = energy(real=real, fake=fake), energy(real=real + shift, fake=fake + shift)
    # Adding the shift rounds the data itself by up to 1e4 · 2^-53.
    assert (moved.u, moved.h) == pytest.approx((one.u, one.h), rel=1e-9, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(sizes)
def test_turning_both_changes_nothing(size):
    real, fake = drawn(size)
    rotation, _ = np.linalg.qr(gaussian(real.shape[1], real.shape[1], size[3] + 2))
    one, turned = energy(real=real, fake=fake), energy(real=real @ rotation, fake=fake @ rotation)
    assert (turned.u, turned.h) == pytest.approx((one.u, one.h), rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(sizes, st.floats(1e-6, 1e6))
def test_scaling_both_scales_the_distance_and_not_the_coefficient(size, scale):
    real, fake = drawn(size)
    one, scaled = energy(real=real, fake=fake), energy(real=real * scale, fake=fake * scale)
    assert scaled.u == pytest.approx(one.u * scale, rel=1e-9, abs=1e-12 * scale)
    assert scaled.h == pytest.approx(one.h, rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(sizes)
def test_the_root_of_v_obeys_the_triangle_inequality(size):
    a, b = drawn(size)
    c = gaussian(size[0], size[2], size[3] + 3, shift=-0.3)
    ab, bc, ac = (np.sqrt(energy(real=x, fake=y).v) for x, y in ((a, b), (b, c), (a, c)))
    assert ac <= ab + bc + 1e-9
