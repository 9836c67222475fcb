"""What must not change a measurement, or must change it in a known way, on data drawn at random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_core.distances.energy import energy, mmd_polynomial, two_sample_test
from gan_core.distances.neighbours import chamfer, manifold, nearest_curves, nn_accuracy
from gan_core.distances.pairwise import across, within

K = 3
# n, m, d, and a seed: the numbers themselves are Gaussian, so that no tie can be broken by rounding.
few = settings(max_examples=25)
sizes = st.tuples(st.integers(K + 1, 60), st.integers(K + 1, 60), st.integers(1, 20), st.integers(0, 2**32 - 1))
precisions = st.sampled_from(["float64", "float32"])


def drawn(size):
    n, m, d, seed = size
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.2 * rng.normal(size=(m, d)) + 0.3


def measured(real, fake, precision="float64"):
    """(lengths, shares): what scales with the data, and what is counted."""
    ours, theirs = (within(x, k=K, precision=precision) for x in (real, fake))
    both = across(real=ours, fake=theirs, precision=precision)
    both_halves = chamfer(across=both)
    lengths = {
        "rr": ours.moments.mean,
        "ff": theirs.moments.mean,
        "rf": both.moments.mean,
        "largest": both.moments.largest,
        "radius": np.sqrt(ours.square_radii).mean(),
        "clipped": np.sqrt(theirs.clipped_square_radii).mean(),
        "root of chamfer": np.sqrt(both_halves.real_to_fake),
        "root of the other half": np.sqrt(both_halves.fake_to_real),
        "minimum matching distance": both_halves.minimum_matching_distance,
    }
    shares = {**vars(manifold(real=ours, fake=theirs, across=both)), "matching coverage": both_halves.matching_coverage}
    del shares["before_clipping"]
    curves = nearest_curves(real=ours, across=both)
    shares |= {"auc": curves.auc, "gap": curves.largest_gap}
    if len(real) == len(fake):
        shares |= vars(nn_accuracy(real=ours, fake=theirs, across=both, permutations=9))
    return lengths, shares


def is_kept(before, after, scale=1.0, precision="float64"):
    lengths, shares = before
    expected = {name: value * scale for name, value in lengths.items()}
    assert after[0] == pytest.approx(expected, rel=1e-9 if precision == "float64" else 5e-6)
    assert after[1] == shares


@few
@given(sizes, precisions)
def test_turning_both_changes_nothing(size, precision):
    real, fake = drawn(size)
    rotation, _ = np.linalg.qr(np.random.default_rng(size[3]).normal(size=(size[2], size[2])))
    turned = real @ rotation, fake @ rotation
    is_kept(measured(real, fake, precision), measured(*turned, precision), precision=precision)
    one, other = energy(real=real, fake=fake), energy(real=turned[0], fake=turned[1])
    assert (other.u, other.h) == pytest.approx((one.u, one.h), rel=1e-9, abs=1e-12)


@few
@given(sizes, precisions, st.floats(-1e4, 1e4))
def test_moving_both_changes_nothing(size, precision, shift):
    """Up to the rounding of the data themselves: by 1e4 · 2^-53."""
    real, fake = drawn(size)
    is_kept(measured(real, fake, precision), measured(real + shift, fake + shift, precision), precision=precision)
    one, other = energy(real=real, fake=fake), energy(real=real + shift, fake=fake + shift)
    assert (other.u, other.h) == pytest.approx((one.u, one.h), rel=1e-9, abs=1e-10)


@few
@given(sizes, precisions, st.floats(1e-12, 1e12))
def test_scaling_both_scales_lengths_and_no_share(size, precision, scale):
    real, fake = drawn(size)
    is_kept(measured(real, fake, precision), measured(real * scale, fake * scale, precision), scale, precision)
    one, other = energy(real=real, fake=fake), energy(real=real * scale, fake=fake * scale)
    assert other.u == pytest.approx(one.u * scale, rel=1e-9, abs=1e-12 * scale)
    assert other.h == pytest.approx(one.h, rel=1e-9, abs=1e-12)


@few
@given(sizes, st.floats(1e-6, 1e6))
def test_a_kernel_as_wide_as_the_data_makes_mmd_free_of_units(size, scale):
    real, fake = drawn(size)
    one = two_sample_test(real=real, fake=fake, bandwidth=2.0, permutations=19)
    other = two_sample_test(real=real * scale, fake=fake * scale, bandwidth=2.0 * scale, permutations=19)
    assert other.mmd == pytest.approx(one.mmd, rel=1e-9, abs=1e-12)
    assert (other.mmd_p, other.energy_p) == (one.mmd_p, one.energy_p)
    assert other.energy_v == pytest.approx(one.energy_v * scale, rel=1e-9, abs=1e-12 * scale)


@few
@given(sizes)
def test_the_order_of_rows_changes_nothing(size):
    real, fake = drawn(size)
    rng = np.random.default_rng(size[3])
    shuffled = rng.permutation(real), rng.permutation(fake)
    lengths, shares = measured(real, fake)
    again, counted = measured(*shuffled)
    for of in (shares, counted):  # the p values come from labels dealt out to rows, so they depend on their order
        of.pop("real_p", None), of.pop("fake_p", None)
    assert again == pytest.approx(lengths, rel=1e-12)
    assert counted == pytest.approx(shares, rel=1e-12)  # means of the same counts, added in another order
    assert energy(real=shuffled[0], fake=shuffled[1]).u == pytest.approx(energy(real=real, fake=fake).u, abs=1e-12)
    other = mmd_polynomial(real=shuffled[0], fake=shuffled[1])
    assert other == pytest.approx(mmd_polynomial(real=real, fake=fake), rel=1e-9, abs=1e-10)


@few
@given(sizes)
def test_exchanging_real_and_fake_exchanges_what_has_a_direction(size):
    real, fake = drawn(size)
    ours, theirs = within(real, k=K), within(fake, k=K)
    there, back = across(real=ours, fake=theirs), across(real=theirs, fake=ours)
    assert back.moments.mean == pytest.approx(there.moments.mean, rel=1e-12)
    for one, other in (
        ("real_nearest", "fake_nearest"),
        ("real_nearest_index", "fake_nearest_index"),
        ("fakes_in_ball", "reals_in_ball"),
        ("in_fake_balls", "in_real_balls"),
    ):
        np.testing.assert_array_equal(getattr(there, one), getattr(back, other))
        np.testing.assert_array_equal(getattr(there, other), getattr(back, one))
    forth, reverse = manifold(real=ours, fake=theirs, across=there), manifold(real=theirs, fake=ours, across=back)
    assert (forth.precision, forth.recall) == (reverse.recall, reverse.precision)
    # Coverage is the complement of recall, and with the roles exchanged that of precision.
    assert forth.symmetric_precision == min(forth.precision, reverse.coverage) == reverse.symmetric_recall
    assert forth.symmetric_recall == min(forth.recall, forth.coverage) == reverse.symmetric_precision
    a, b = chamfer(across=there), chamfer(across=back)
    assert (a.real_to_fake, a.fake_to_real) == (b.fake_to_real, b.real_to_fake)
    one, other = energy(real=real, fake=fake), energy(real=fake, fake=real)
    assert (other.u, other.v, other.h) == pytest.approx((one.u, one.v, one.h), rel=1e-9, abs=1e-12)
    assert (other.rr, other.ff) == (one.ff, one.rr)
    test, swapped = (two_sample_test(real=x, fake=y, bandwidth=2.0) for x, y in ((real, fake), (fake, real)))
    assert (swapped.mmd, swapped.energy_v) == pytest.approx((test.mmd, test.energy_v), rel=1e-9, abs=1e-12)


@few
@given(st.integers(K + 1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_exchanging_real_and_fake_exchanges_the_accuracies(n, d, seed):
    real, fake = drawn((n, n, d, seed))
    ours, theirs = within(real, k=1), within(fake, k=1)
    there = nn_accuracy(real=ours, fake=theirs, across=across(real=ours, fake=theirs))
    back = nn_accuracy(real=theirs, fake=ours, across=across(real=theirs, fake=ours))
    assert (there.real, there.fake) == (back.fake, back.real)


@few
@given(sizes)
def test_the_root_of_v_obeys_the_triangle_inequality(size):
    a, b = drawn(size)
    c = np.random.default_rng(size[3] + 1).normal(size=a.shape) - 0.3
    ab, bc, ac = (np.sqrt(energy(real=x, fake=y).v) for x, y in ((a, b), (b, c), (a, c)))
    assert ac <= ab + bc + 1e-9
    assert ab <= ac + bc + 1e-9


@few
@given(sizes, precisions)
def test_doubling_every_row_doubles_every_count(size, precision):
    """And puts every row next to its twin: at exactly 0, in either precision, however many coordinates."""
    real, fake = drawn(size)
    twice, doubled = np.repeat(real, 2, axis=0), np.repeat(fake, 2, axis=0)
    ours, theirs = within(real, k=1), within(twice, k=2, precision=precision)
    np.testing.assert_array_equal(theirs.indices[:, 0], np.arange(len(twice)) ^ 1)
    assert not theirs.distances[:, 0].any()
    np.testing.assert_array_equal(theirs.square_radii, np.repeat(ours.square_radii, 2))
    one = across(real=ours, fake=within(fake, k=1))
    other = across(real=theirs, fake=within(doubled, k=2, precision=precision), precision=precision)
    for name in ("fakes_in_ball", "in_fake_balls", "reals_in_ball", "in_real_balls", "in_clipped_real_balls"):
        np.testing.assert_array_equal(getattr(other, name), 2 * np.repeat(getattr(one, name), 2))
