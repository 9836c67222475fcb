"""Gradient penalties against discriminators whose gradients are known by heart."""

import numpy as np
import pytest
import tensorflow as tf

from gan_core.config.sections import DiscriminatorConfig
from gan_core.engine.networks import DataStatistics, build_discriminator
from gan_core.engine.penalties import interpolate, logits_and_squared_gradients, norm_penalty, perturb, zero_centred

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype(np.float32)
W = np.array([[1.0], [-2.0], [0.5]], np.float32)


def linear(x):
    """D(x) = w·x: the gradient is w wherever one looks, and ||w||² is 1 + 4 + 1/4."""
    return tf.matmul(x, W)[:, 0]


def quadratic(x):
    """D(x) = ||x||² / 2: the gradient at x is x."""
    return tf.reduce_sum(x**2, axis=1) / 2


def test_a_linear_discriminator():
    logits, squared = logits_and_squared_gradients(linear, tf.constant(X))
    assert logits.numpy() == pytest.approx((X @ W)[:, 0], rel=1e-6)
    assert squared.numpy().tolist() == [5.25] * 6
    assert float(zero_centred(squared, 10.0)) == 10 / 2 * 5.25


def test_a_quadratic_discriminator():
    logits, squared = logits_and_squared_gradients(quadratic, tf.constant(X))
    assert squared.numpy() == pytest.approx((X**2).sum(1), rel=1e-6)
    assert logits.numpy() == pytest.approx((X**2).sum(1) / 2, rel=1e-6)
    assert float(zero_centred(squared, 0.5)) == pytest.approx(0.25 * (X**2).sum(1).mean(), rel=1e-6)


def test_images_count_every_pixel():
    images = tf.constant(RNG.normal(size=(4, 2, 3, 1)), tf.float32)
    _, squared = logits_and_squared_gradients(lambda x: quadratic(tf.reshape(x, (4, 6))), images)
    assert squared.numpy() == pytest.approx((images.numpy() ** 2).sum((1, 2, 3)), rel=1e-6)


def test_real_and_fake_halves_are_not_mixed():
    """What one half holds does not touch the other half's penalty."""
    both = np.concatenate([X, 100 * X])
    _, squared = logits_and_squared_gradients(quadratic, tf.constant(both))
    on_real, on_fake = (half.numpy() for half in tf.split(squared, 2))
    assert on_real == pytest.approx((X**2).sum(1), rel=1e-6)
    assert on_fake == pytest.approx(1e4 * (X**2).sum(1), rel=1e-6)


@pytest.fixture(scope="module")
def network():
    data = DataStatistics((2, 2, 1), np.full((2, 2, 1), 0.4, np.float32), 1.0)
    discriminator = build_discriminator(DiscriminatorConfig(hidden=(16, 8)), data, seed=1)
    return lambda x: discriminator(x)[:, 0]


def test_our_discriminator_by_finite_differences(network):
    x, h = RNG.uniform(size=(5, 2, 2, 1)), 1e-3
    expected = np.zeros(5)
    for i in range(4):
        e = h * np.eye(4)[i].reshape(2, 2, 1)
        expected += ((network(x + e).numpy().astype(float) - network(x - e).numpy()) / (2 * h)) ** 2
    logits, squared = logits_and_squared_gradients(network, tf.constant(x, tf.float32))
    assert squared.numpy() == pytest.approx(expected, rel=5e-3)
    assert logits.numpy() == pytest.approx(network(x).numpy(), rel=1e-6)


def test_every_sample_has_its_own_gradient(network):
    """No layer mixes samples: alone or among others, a sample's value is the same."""
    x = tf.constant(RNG.uniform(size=(5, 2, 2, 1)), tf.float32)
    together = logits_and_squared_gradients(network, x)[1].numpy()
    alone = [float(logits_and_squared_gradients(network, x[i : i + 1])[1][0]) for i in range(5)]
    assert together == pytest.approx(alone, rel=1e-5)
    assert len(set(np.round(together, 6))) > 1


def test_it_can_be_trained_on_and_pulls_weights_to_zero():
    """d/dw of γ/2 ||w||² is γ w."""
    w = tf.Variable(W)
    with tf.GradientTape() as tape:
        _, squared = logits_and_squared_gradients(lambda x: tf.matmul(x, w)[:, 0], tf.constant(X))
        penalty = zero_centred(squared, 3.0)
    assert tape.gradient(penalty, w).numpy() == pytest.approx(3 * W, rel=1e-6)


def test_a_gradient_of_zero_is_no_trouble():
    """A square root would have no derivative there, and training would end in not-a-number."""
    w = tf.Variable(np.zeros((3, 1), np.float32))
    with tf.GradientTape() as tape:
        _, squared = logits_and_squared_gradients(lambda x: tf.matmul(x, w)[:, 0], tf.constant(X))
        penalty = zero_centred(squared, 3.0)
    assert float(penalty) == 0
    assert tape.gradient(penalty, w).numpy().tolist() == [[0], [0], [0]]


def test_a_weight_of_zero_is_no_penalty():
    assert float(zero_centred(tf.constant([1.0, 2.0]), 0.0)) == 0


def test_the_weight_is_a_factor():
    values = tf.constant([1.0, 2.0, 6.0])
    assert [float(zero_centred(values, w)) for w in (1.0, 2.0, tf.constant(4.0))] == [1.5, 3.0, 6.0]


def test_a_logit_of_several_samples_has_the_gradient_of_all_of_them():
    """As with packing: D((x, y)) = ||x||² / 2 + ||y||² / 2 for three pairs of neighbours."""
    logits, squared = logits_and_squared_gradients(lambda x: quadratic(tf.reshape(x, (3, 6))), tf.constant(X))
    assert logits.shape == squared.shape == (3,)
    assert squared.numpy() == pytest.approx((X**2).sum(1).reshape(3, 2).sum(1), rel=1e-6)


# ---------------------------------------------------------------- interpolate real and generated samples


@pytest.mark.parametrize(("target", "scale"), [(1.0, 1.0), (1.0, 0.5), (0.0, 1.0), (0.0, 0.5)])
def test_a_slope_away_from_its_target_by_hand(target, scale):
    """The linear discriminator's slope is sqrt(5.25) everywhere, and `scale` is the unit it is seen in."""
    _, squared = logits_and_squared_gradients(linear, tf.constant(X))
    expected = 10 * (scale * np.sqrt(5.25) - target) ** 2
    assert float(norm_penalty(target, squared, 10.0, scale)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_flat_discriminator_has_a_finite_penalty_and_a_gradient_of_zero(target):
    w = tf.Variable(np.zeros((3, 1), np.float32))
    with tf.GradientTape() as tape:
        _, squared = logits_and_squared_gradients(lambda x: tf.matmul(x, w)[:, 0], tf.constant(X))
        penalty = norm_penalty(target, squared, 10.0)
    assert float(penalty) == pytest.approx(10 * target, rel=1e-5)
    assert tape.gradient(penalty, w).numpy().tolist() == [[0], [0], [0]]


def test_points_between_lie_where_their_share_says():
    real, fake = (tf.constant(RNG.normal(size=(3, 2, 2, 1)), tf.float32) for _ in range(2))
    points = interpolate(real=real, fake=fake, fraction=tf.constant([0.0, 0.25, 1.0])).numpy()
    assert points[0] == pytest.approx(real[0].numpy())
    assert points[1] == pytest.approx(0.75 * real[1].numpy() + 0.25 * fake[1].numpy(), rel=1e-5, abs=1e-6)
    assert points[2] == pytest.approx(fake[2].numpy(), rel=1e-5, abs=1e-6)


def test_points_around_lie_on_the_way_to_a_disturbed_sample():
    """Half the standard deviation of all values of the batch, times noise of [0, 1)."""
    noise, share = RNG.random(X.shape).astype(np.float32), RNG.random(6).astype(np.float32)
    points = perturb(real=tf.constant(X), noise=tf.constant(noise), fraction=tf.constant(share)).numpy()
    assert points == pytest.approx(X + share[:, None] * 0.5 * X.std() * noise, rel=1e-5, abs=1e-6)
