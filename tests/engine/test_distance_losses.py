"""Distances between two batches as something to minimise: against SciPy, and gradients by finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize
from scipy.spatial.distance import cdist, pdist

from gan_core.engine.distance_losses import mean_distance, nearest_distance, relative_energy_distance, spread

RNG = np.random.default_rng(0)
POINTS, OTHERS = RNG.normal(size=(6, 3)), RNG.normal(0.5, 2, size=(6, 3))


def energy(real, fake):
    return float(relative_energy_distance(real=tf.constant(real), fake=tf.constant(fake)))


def test_the_energy_distance_of_two_batches():
    within = pdist(POINTS).mean()
    expected = (2 * cdist(POINTS, OTHERS).mean() - within - pdist(OTHERS).mean()) / within
    assert energy(POINTS, OTHERS) == pytest.approx(expected, rel=1e-9)
    assert energy(7 * POINTS, 7 * OTHERS) == pytest.approx(expected, rel=1e-9)


def test_its_gradient_by_finite_differences():
    fake, h = tf.constant(OTHERS), 1e-6
    with tf.GradientTape() as tape:
        tape.watch(fake)
        result = relative_energy_distance(real=tf.constant(POINTS), fake=fake)
    found = tape.gradient(result, fake).numpy()
    for index in np.ndindex(OTHERS.shape):
        e = np.zeros_like(OTHERS)
        e[index] = h
        slope = (energy(POINTS, OTHERS + e) - energy(POINTS, OTHERS - e)) / (2 * h)
        assert found[index] == pytest.approx(slope, abs=1e-7)


def test_samples_that_coincide_have_a_finite_gradient():
    """A collapsed batch, on top of a real sample: in single precision, as in training."""
    real, fake = tf.constant(POINTS, tf.float32), tf.constant(np.tile(POINTS[:1], (6, 1)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        result = relative_energy_distance(real=real, fake=fake)
    assert np.isfinite(tape.gradient(result, fake).numpy()).all() and float(result) > 0


def test_the_repulsion_is_what_makes_it_proper():
    """The best single point has the smallest mean distance to real samples; by the energy distance, spread wins."""
    real, fresh = RNG.normal(size=(2, 400, 2))
    point = np.zeros_like(fresh)  # the geometric median of this distribution
    assert cdist(real, point).mean() < cdist(real, fresh).mean()
    assert energy(real, fresh) < 0.02 < energy(real, point)


# ---------------------------------------------------------------- the improper ones, and the spread


def both(loss, real, fake):
    """A loss and its gradient with respect to generated samples."""
    fake = tf.constant(fake)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        result = loss(real=tf.constant(real), fake=fake)
    return float(result), tape.gradient(result, fake).numpy()


IMPROPER = {
    mean_distance: lambda x, y: np.linalg.norm(x - y, axis=1).mean() / pdist(x).mean(),
    nearest_distance: lambda x, y: cdist(y, x).min(axis=1).mean() / pdist(x).mean(),
}
LATENTS = RNG.normal(size=(6, 2))


def spread_of(fake, z=LATENTS, real=POINTS):
    def length(x):
        return np.linalg.norm(x[:3] - x[3:], axis=1)

    ratio = (length(fake) / length(real).mean()) / (length(z) / length(z).mean())
    return np.minimum(1, ratio).mean()


@pytest.mark.parametrize("loss", IMPROPER)
def test_the_improper_distances_against_scipy_and_finite_differences(loss):
    value, gradient = both(loss, POINTS, OTHERS)
    assert value == pytest.approx(IMPROPER[loss](POINTS, OTHERS), rel=1e-9)
    assert both(loss, 7 * POINTS, 7 * OTHERS)[0] == pytest.approx(value, rel=1e-9)
    for index in np.ndindex(OTHERS.shape):
        e = np.zeros_like(OTHERS)
        e[index] = 1e-6
        slope = (IMPROPER[loss](POINTS, OTHERS + e) - IMPROPER[loss](POINTS, OTHERS - e)) / 2e-6
        assert gradient[index] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("loss", IMPROPER)
def test_they_are_finite_where_samples_coincide_and_where_there_is_one(loss):
    for count in (6, 1):
        real = POINTS[:count].astype(np.float32)
        for fake in (real, np.tile(real[:1], (count, 1))):
            value, gradient = both(loss, real, fake)
            assert np.isfinite(value) and np.isfinite(gradient).all()
    assert both(loss, POINTS[:1], OTHERS[:1])[0] == pytest.approx(np.linalg.norm(POINTS[0] - OTHERS[0]))


def test_the_mean_distance_is_lowest_for_one_point_at_the_geometric_median():
    real, fresh = RNG.exponential(size=(2, 300, 2)) * [1, 3]
    median = minimize(lambda p: np.linalg.norm(real - p, axis=1).mean(), real.mean(0), tol=1e-10).x
    best, _ = both(mean_distance, real, np.tile(median, (300, 1)))
    others = [np.tile(median + shift, (300, 1)) for shift in ([0.05, 0], [-0.05, 0], [0, 0.05], [0, -0.05])]
    others += [fresh, np.tile(real.mean(0), (300, 1)), np.tile(median, (300, 1)) + RNG.normal(0, 0.2, (300, 2))]
    assert all(best < both(mean_distance, real, fake)[0] for fake in others)


def test_the_nearest_distance_is_lowest_for_copies_of_a_single_sample():
    real, fresh = RNG.normal(size=(2, 100, 2))
    copies = np.tile(real[:1], (100, 1))
    assert both(nearest_distance, real, copies)[0] == pytest.approx(0, abs=1e-5)
    assert both(nearest_distance, real, fresh)[0] > 0.02


def test_only_the_energy_distance_prefers_fresh_samples_to_either_collapse():
    real, fresh = RNG.normal(size=(2, 300, 2))
    point, copy = np.zeros((300, 2)), np.tile(real[:1], (300, 1))
    assert energy(real, fresh) < min(energy(real, point), energy(real, copy))
    assert both(mean_distance, real, point)[0] < both(mean_distance, real, fresh)[0]
    assert both(nearest_distance, real, copy)[0] < both(nearest_distance, real, fresh)[0]


def test_the_spread_by_hand_and_its_gradient_by_finite_differences():
    fake, real, z = (tf.constant(x) for x in (0.4 * OTHERS, POINTS, LATENTS))
    with tf.GradientTape() as tape:
        tape.watch(fake)
        result = spread(fake=fake, z=z, real=real)
    found = tape.gradient(result, fake).numpy()
    assert float(result) == pytest.approx(spread_of(0.4 * OTHERS), rel=1e-6)
    assert 0 < float(result) < 1
    for index in np.ndindex(OTHERS.shape):
        e = np.zeros_like(OTHERS)
        e[index] = 1e-6
        slope = (spread_of(0.4 * OTHERS + e) - spread_of(0.4 * OTHERS - e)) / 2e-6
        assert found[index] == pytest.approx(slope, abs=1e-6)


def test_the_spread_runs_from_ignored_latents_to_as_far_apart_as_real_samples():
    """And no further: beyond it nothing is gained, so samples are not driven out of the data."""
    wide = 1e3 * OTHERS
    for fake, expected in ((np.tile(OTHERS[:1], (6, 1)), 0), (wide, 1)):
        value, gradient = both(lambda real, fake: spread(fake=fake, z=tf.constant(LATENTS), real=real), POINTS, fake)
        assert value == pytest.approx(expected, abs=1e-5)
        assert np.isfinite(gradient).all()
    assert not gradient.any()
