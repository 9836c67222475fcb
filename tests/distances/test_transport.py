"""Transport against brute force, closed forms, scipy, and numbers that POT 0.9.7 gave. 1e-9 relative unless said."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import linalg, stats
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from gan_core.distances.transport import (
    Gaussian,
    Projections,
    frechet_distance,
    max_sliced,
    sliced_wasserstein,
    wasserstein2,
)
from gan_core.records import MeasureError

ROW, COLUMN = np.arange(40)[:, None], np.arange(6)
A = (7.0 * ROW * ROW + 3 * COLUMN * COLUMN + ROW * COLUMN) % 31
B = (5.0 * ROW * ROW + 2 * COLUMN + 3 * ROW * COLUMN * COLUMN) % 37
EVERY = (wasserstein2, sliced_wasserstein, max_sliced, frechet_distance)


def close(value, rel=1e-9, scale=0.0):
    return pytest.approx(value, rel=rel, abs=1e-12 * scale)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def gaussian(n, d, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def squares_along(real, fake, directions):
    """W2² along each direction: every value repeated until both sets are equally large, then sorted."""
    x, y = (np.sort(a @ directions, axis=0) for a in (real, fake))
    size = np.lcm(len(x), len(y))
    return ((x.repeat(size // len(x), axis=0) - y.repeat(size // len(y), axis=0)) ** 2).mean(axis=0)


def digits(n, m):
    x = np.random.default_rng(0).permutation(load_digits().data / 16)
    return x[:n], x[n : n + m]


# ---------------------------------------------------------------- exact


@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 1), (5, 2), (7, 4)])
def test_the_pairing_is_the_best_of_all_permutations(n, d):
    real, fake = gaussian(n, d), gaussian(n, d, 1, shift=0.4)
    pairings = (fake[list(order)] for order in itertools.permutations(range(n)))
    best = min(((real - paired) ** 2).sum(axis=1).mean() for paired in pairings)
    assert wasserstein2(real=real, fake=fake) == close(np.sqrt(best))


def test_wasserstein2_is_that_of_pot():
    assert wasserstein2(real=A, fake=B) == close(20.998214209784603)  # ot.emd2 of squared distances, rooted


def test_in_one_dimension_the_best_pairing_is_sorting():
    real, fake = gaussian(300, 1), gaussian(300, 1, 1) ** 3
    assert wasserstein2(real=real, fake=fake) == close(np.sqrt(squares_along(real, fake, np.ones((1, 1)))[0]))


def test_wasserstein2_is_at_least_the_linear_programme_of_scipy_for_wasserstein1():
    real, fake = gaussian(12, 3), gaussian(12, 3, 1)
    first = stats.wasserstein_distance_nd(real, fake)
    assert first <= wasserstein2(real=real, fake=fake) <= 2 * first


def test_a_subset_is_drawn_when_sizes_differ_or_are_large():
    """One repeat is one of the possible subsets; the mean of five lies between the extremes of them."""
    real, fake = gaussian(5, 2), gaussian(6, 2, 1)
    possible = [
        wasserstein2(real=real[list(i)], fake=fake[list(j)])
        for i in itertools.combinations(range(5), 3)
        for j in itertools.combinations(range(6), 3)
    ]
    for seed in range(4):
        one = wasserstein2(real=real, fake=fake, most=3, repeats=1, seed=seed)
        assert np.abs(np.array(possible) / one - 1).min() < 1e-9
        assert min(possible) < wasserstein2(real=real, fake=fake, most=3, seed=seed) < max(possible)
    unequal = [wasserstein2(real=real, fake=np.delete(fake, i, axis=0)) for i in range(6)]
    one = wasserstein2(real=real, fake=fake, repeats=1)
    assert np.abs(np.array(unequal) / one - 1).min() < 1e-9


def test_subsets_come_from_the_seed():
    real, fake = gaussian(30, 2), gaussian(40, 2, 1)
    values = [wasserstein2(real=real, fake=fake, most=10, seed=seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("options", [{"most": 0}, {"repeats": 0}])
def test_no_rows_or_repeats_are_refused(options):
    with pytest.raises(MeasureError, match="at least 1"):
        wasserstein2(real=A, fake=B, **options)


# ---------------------------------------------------------------- along many directions


@pytest.mark.parametrize(("n", "m", "d"), [(30, 30, 5), (30, 7, 3), (8, 12, 90), (1, 4, 2), (9, 1, 2)])
def test_sliced_is_the_sorted_difference_along_its_directions(n, m, d):
    real, fake = gaussian(n, d, shift=3), gaussian(m, d, 1)
    known = Projections.of(real, directions=70, seed=4)
    expected = np.sqrt(d * squares_along(real, fake, known.directions).mean())
    assert sliced_wasserstein(real=real, fake=fake, projections=known) == close(expected)
    assert sliced_wasserstein(real=real, fake=fake, directions=70, seed=4) == close(expected)


def test_sliced_is_that_of_pot():
    along = np.array([[3, 4, 0], [0, 5, 12], [8, 0, 15]]).T / np.array([5, 13, 17])
    real, fake = A[:, :3], B[:25, :3]
    centre = real.mean(axis=0)
    known = Projections(along, centre, np.sort(along.T @ (real - centre).T, axis=1))
    expected = 7.375865605869114 * np.sqrt(3)  # ot.sliced_wasserstein_distance is without the factor d
    assert sliced_wasserstein(real=real, fake=fake, projections=known) == close(expected)


def test_in_one_dimension_there_is_one_direction():
    x, y = np.array([0.0, 7, 3, 10, 6, 2, 9, 5]), np.array([2.0, 8, 11, 11, 8])
    assert Projections.of(x[:, None]).directions.shape == (1, 1)
    for directions in (1, 2, 512):
        value = sliced_wasserstein(real=x[:, None], fake=y[:, None], directions=directions)
        assert value == close(np.sqrt(10.2))  # ot.wasserstein_1d(p=2)
    real, fake = gaussian(50, 1), gaussian(50, 1, 1)
    assert sliced_wasserstein(real=real, fake=fake) == close(wasserstein2(real=real, fake=fake))


def test_directions_are_unit_uniform_and_depend_on_d_l_and_seed_only():
    one = Projections.of(gaussian(10, 50), directions=2000, seed=3).directions
    assert np.linalg.norm(one, axis=0) == close(1)
    assert np.abs(one @ one.T / 2000 * 50 - np.eye(50)).max() < 0.2  # isotropic: the covariance is I/d, sd about .03
    assert (one == Projections.of(gaussian(7, 50, 5), directions=2000, seed=3).directions).all()
    assert (one != Projections.of(gaussian(10, 50), directions=2000, seed=4).directions).all()


@pytest.mark.parametrize("d", [2, 100, 784])
def test_a_shift_counts_about_its_length(d):
    """Exactly sqrt(d · mean (v·t)²), whose square has a relative sd of sqrt(2/L) at most: 5 sd of L = 512."""
    real, v = gaussian(60, d), gaussian(1, d, 1)[0]
    known = Projections.of(real)
    value = sliced_wasserstein(real=real, fake=real + v, projections=known)
    assert value == close(np.sqrt(d * ((v @ known.directions) ** 2).mean()))
    assert value == pytest.approx(np.linalg.norm(v), rel=5 * np.sqrt(2 / 512) / 2)


@pytest.mark.parametrize(("n", "d", "shift"), [(101, 64, 0), (999, 17, 0), (50, 3, 1e6), (7, 784, 0.1), (20, 1, -5)])
def test_a_set_and_the_same_set_shuffled_three_times_are_at_exactly_0(n, d, shift):
    real = gaussian(n, d, shift=shift)
    fake = np.random.default_rng(1).permutation(np.concatenate([real] * 3))
    assert sliced_wasserstein(real=real, fake=fake) == 0


def test_a_large_offset_costs_no_digits():
    real, fake = (np.round(gaussian(40, 9, seed) * 2**20) / 2**20 for seed in (0, 1))  # exact after the shift
    value = sliced_wasserstein(real=real, fake=fake)
    assert sliced_wasserstein(real=real + 2**20, fake=fake + 2**20) == close(value)


def test_a_small_difference_is_not_taken_for_rounding():
    real = gaussian(50, 20)
    assert sliced_wasserstein(real=real, fake=real + 1e-9) == pytest.approx(1e-9 * np.sqrt(20), rel=0.2)


def test_more_rows_than_a_block_holds():
    real, fake = gaussian(5000, 3), gaussian(4500, 3, 1)
    known = Projections.of(real, directions=5)
    expected = np.sqrt(3 * squares_along(real, fake, known.directions).mean())
    assert sliced_wasserstein(real=real, fake=fake, projections=known) == close(expected)


def test_projections_of_other_rows_are_refused():
    for wrong in (A[:-1], A[:, :-1]):
        with pytest.raises(MeasureError, match=r"give Projections.of\(real\)"):
            sliced_wasserstein(real=A, fake=B, projections=Projections.of(wrong))
    with pytest.raises(MeasureError, match="directions is 0"):
        Projections.of(A, directions=0)


# ---------------------------------------------------------------- along the worst direction


@pytest.mark.parametrize(("n", "d"), [(60, 1), (60, 2), (200, 30), (40, 100)])
def test_a_pure_shift_is_found(n, d):
    real, v = gaussian(n, d, shift=2), gaussian(1, d, 1)[0]
    found = max_sliced(real=real, fake=real + v)
    assert found.value == close(np.linalg.norm(v))
    assert found.direction == pytest.approx(v / np.linalg.norm(v), abs=1e-6)


@pytest.mark.parametrize("factor", [3, 0.2])
@pytest.mark.parametrize("d", [2, 20, 100])
def test_a_coordinate_of_another_spread_is_found(d, factor):
    real, fake = gaussian(1000, d), gaussian(1000, d, 1)
    fake[:, d // 2] *= factor
    found = max_sliced(real=real, fake=fake)
    assert abs(found.direction[d // 2]) > 0.9  # with 1,000 rows chance turns it a little
    assert found.value >= 0.99 * np.sqrt(squares_along(real, fake, np.eye(d))[d // 2])


@pytest.mark.parametrize(("n", "m"), [(150, 150), (80, 60)])
def test_in_the_plane_no_angle_is_worse(n, m):
    """Against 20,000 angles, on the ring of eight modes, where many directions are local maxima."""
    rng = np.random.default_rng(2)
    modes = np.exp(2j * np.pi * rng.integers(8, size=n + m) / 8)
    x = np.c_[modes.real, modes.imag] + 0.05 * rng.normal(size=(n + m, 2))
    angles, step = np.linspace(0, np.pi, 20_000, retstep=True)
    worst = np.sqrt(squares_along(x[:n], x[n:], np.stack([np.cos(angles), np.sin(angles)])).max())
    # Between two angles the distance cannot rise by more than the turn times the lengths of the rows.
    lengths = sum(np.sqrt((part**2).sum(axis=1).mean()) for part in (x[:n], x[n:]))
    assert worst * (1 - 1e-9) <= max_sliced(real=x[:n], fake=x[n:]).value <= worst + step / 2 * lengths


def test_the_value_is_that_of_the_direction_and_no_random_one_is_worse():
    real, fake = digits(300, 200)
    found = max_sliced(real=real, fake=fake)
    assert np.linalg.norm(found.direction) == close(1)
    assert found.value == close(np.sqrt(squares_along(real, fake, found.direction[:, None])[0]))
    others = np.random.default_rng(5).normal(size=(64, 500))
    others /= np.linalg.norm(others, axis=0)
    assert found.value > 1.5 * np.sqrt(squares_along(real, fake, others).max())
    assert found.value >= np.sqrt(squares_along(real, fake, np.eye(64)).max())


def test_fakes_have_the_larger_mean_along_it():
    real, fake = digits(200, 200)
    there, back = max_sliced(real=real, fake=fake).direction, max_sliced(real=fake, fake=real).direction
    for direction, one, other in ((there, real, fake), (back, fake, real)):
        assert one.mean(axis=0) @ direction < other.mean(axis=0) @ direction


def test_where_nothing_differs_any_direction_is_worst():
    for x in (np.ones((5, 3)), gaussian(6, 4), np.ones((3, 1))):
        found = max_sliced(real=x, fake=x[::-1])
        assert found.value == pytest.approx(0, abs=1e-12)
        assert np.linalg.norm(found.direction) == close(1)


def test_units_scale_the_value_and_not_the_direction():
    real, fake = gaussian(50, 4), gaussian(50, 4, 1, shift=0.5)
    one, scaled = max_sliced(real=real, fake=fake), max_sliced(real=real * 1e20, fake=fake * 1e20)
    assert scaled.value == pytest.approx(one.value * 1e20, rel=1e-6)
    assert scaled.direction == pytest.approx(one.direction, abs=1e-3)


# ---------------------------------------------------------------- between Gaussians


def with_moments(n, mean, sds, seed):
    """n samples whose mean is exactly `mean`, and whose covariance is exactly diagonal with `sds`."""
    x = gaussian(n, len(sds), seed)
    return mean + np.linalg.qr(x - x.mean(axis=0))[0] * np.sqrt(n - 1) * sds


@pytest.mark.parametrize(("n", "m", "d"), [(50, 50, 4), (30, 90, 20), (2, 3, 1), (5000, 4100, 6)])
def test_diagonal_gaussians_have_a_closed_form(n, m, d):
    rng = np.random.default_rng(d)
    (a, b), (s, t) = rng.normal(size=(2, d)), rng.uniform(0.1, 2, size=(2, d))
    real, fake = with_moments(n, a, s, 1), with_moments(m, b, t, 2)
    assert frechet_distance(real=real, fake=fake) == close(((a - b) ** 2).sum() + ((s - t) ** 2).sum())


@pytest.mark.parametrize("d", [2, 5, 12])
def test_agrees_with_the_root_of_the_product_of_covariances(d):
    real, fake = gaussian(40, d) @ gaussian(d, d, 3), gaussian(60, d, 1, shift=0.5) @ gaussian(d, d, 4)
    s, t = np.cov(real.T), np.cov(fake.T)
    root = linalg.sqrtm(s @ t).real
    expected = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum() + np.trace(s + t - 2 * root)
    assert frechet_distance(real=real, fake=fake) == close(expected)


def test_the_frechet_distance_is_that_of_pot():
    # ot.gaussian.bures_wasserstein_distance of the sample moments, squared; it takes roots of matrices: 1e-8.
    assert frechet_distance(real=A, fake=B) == close(147.9199994399402, rel=1e-8)


@pytest.mark.parametrize("d", [1, 3, 500])
def test_two_samples_each_have_a_closed_form(d):
    """Covariances u·uᵀ and v·vᵀ with u, v = (x1 - x2)/sqrt(2): the trace of the root is |u·v|."""
    real, fake = gaussian(2, d), gaussian(2, d, 1)
    u, v = ((x[0] - x[1]) / np.sqrt(2) for x in (real, fake))
    expected = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum() + u @ u + v @ v - 2 * abs(u @ v)
    assert frechet_distance(real=real, fake=fake) == close(expected, scale=d)


@pytest.mark.parametrize(("n", "d", "shift"), [(100, 5, 0), (20, 300, 0), (200, 64, 1000), (5000, 30, 0)])
def test_equal_moments_are_at_0(n, d, shift):
    """Shuffled, doubled in number (ddof 1 changes the covariance a little), or with many coordinates at zero."""
    x = gaussian(n, d, shift=shift)
    x[:, : d // 3] = 0
    spread = np.trace(np.atleast_2d(np.cov(x.T)))
    assert 0 <= frechet_distance(real=x, fake=x[::-1]) <= 1e-9 * spread
    # Twice the rows: S·(2n-2)/(2n-1) in the place of S.
    ratio = np.sqrt((2 * n - 2) / (2 * n - 1))
    expected = spread * (1 - ratio) ** 2
    assert frechet_distance(real=x, fake=np.concatenate([x, x])) == pytest.approx(expected, abs=1e-12 * spread)


def test_constant_samples_are_apart_by_the_square_of_the_difference():
    assert frechet_distance(real=np.zeros((4, 3)), fake=np.full((5, 3), 2.0)) == close(12)


def test_a_known_gaussian_gives_the_same_result():
    known = Gaussian.of(A)
    assert known.factor.T @ known.factor == close(np.cov(A.T), scale=100)
    assert frechet_distance(real=A, fake=B, real_gaussian=known) == frechet_distance(real=A, fake=B)
    with pytest.raises(MeasureError, match=r"give Gaussian.of\(real\)"):
        frechet_distance(real=A, fake=B, real_gaussian=Gaussian.of(A[:, :3]))


def test_one_sample_has_no_covariance():
    with pytest.raises(MeasureError, match="only 1 sample"):
        frechet_distance(real=A, fake=B[:1])


# ---------------------------------------------------------------- all of them


def value_of(measure, real, fake, **options):
    found = measure(real=real, fake=fake, **options)
    return getattr(found, "value", found)


@pytest.mark.parametrize("measure", EVERY)
def test_images_of_bytes_are_read_as_0_to_1(measure):
    images = np.random.default_rng(0).integers(256, size=(2, 12, 4, 3, 1), dtype=np.uint8)
    rows = images.reshape(2, 12, -1) / 255.0
    rel = 1e-4 if measure is max_sliced else 1e-6  # bytes become float32, and an ascent ends a little elsewhere
    assert value_of(measure, *images) == pytest.approx(value_of(measure, *rows), rel=rel)


@pytest.mark.parametrize("measure", EVERY)
def test_large_sets_in_float32_are_measured_in_float64(measure):
    """Rows stay float32 beyond 2,000 of them; the numbers must be those of the same rows in float64."""
    real, fake = (gaussian(2100, 3, seed, shift=100).astype(np.float32) for seed in (0, 1))
    options = {"most": 200} if measure is wasserstein2 else {}
    expected = value_of(measure, real.astype(np.float64), fake.astype(np.float64), **options)
    assert value_of(measure, real, fake, **options) == close(expected)


@pytest.mark.parametrize("measure", EVERY)
def test_the_number_of_threads_changes_nothing(measure):
    real, fake = digits(600, 600)
    values = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            values.append(value_of(measure, real, fake))
    assert values[0] == close(values[1], rel=1e-12)


@pytest.mark.parametrize("measure", EVERY)
@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (A, B[:, :5], "must agree"),
        (A, np.where(B == B[3, 3], np.nan, B), "NaN"),
        (A, B[:0], "give numbers"),
        (A[:, 0], B[:, 0], "give numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused(measure, real, fake, message):
    with pytest.raises(MeasureError, match=message):
        measure(real=real, fake=fake)
