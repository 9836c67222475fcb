"""What a discriminator is shown: shifts against NumPy, the size of the noise, and who stands beside whom."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gan_core.engine import penalties
from gan_core.engine.augment import add_noise, pack, translate

RNG = np.random.default_rng(0)
SEED = tf.constant([3, 7], tf.int64)


def moved(image, down, right):
    """An image (h, w, c) shifted by whole pixels, with zeros where nothing comes in."""
    out = np.zeros_like(image)
    h, w = image.shape[:2]
    out[max(down, 0) : h + min(down, 0), max(right, 0) : w + min(right, 0)] = image[
        max(-down, 0) : h - max(down, 0), max(-right, 0) : w - max(right, 0)
    ]
    return out


def shifts(n, shape, share, seed=SEED, view=translate):
    """(n, 2): where the one bright pixel in the middle of each black image has gone."""
    x = np.zeros((n, *shape, 1), np.float32)
    middle = np.array(shape) // 2
    x[:, middle[0], middle[1]] = 1
    out = view(tf.constant(x), share, seed).numpy()
    assert (out.reshape(n, -1).sum(axis=1) == 1).all()
    return np.argwhere(out[..., 0] == 1)[:, 1:] - middle


def test_images_are_shifted_with_zeros_coming_in():
    x = RNG.uniform(0.1, 1, (60, 9, 8, 3)).astype(np.float32)
    found = translate(tf.constant(x), 0.25, SEED).numpy()
    where = shifts(60, (9, 8), 0.25)
    assert len(np.unique(where, axis=0)) > 10
    for image, out, (down, right) in zip(x, found, where):
        assert (out == moved(image, down, right)).all()


@pytest.mark.parametrize("view", [translate, tf.function(translate, jit_compile=True)], ids=["eager", "compiled"])
def test_shifts_go_up_to_their_share_of_each_side_and_to_every_pixel_between(view):
    where = shifts(2000, (20, 16), 0.125, view=view)
    assert {*where[:, 0]} == set(range(-3, 4)) and {*where[:, 1]} == set(range(-2, 3))  # 2.5 pixels are rounded up
    assert abs(stats.pearsonr(where[:, 0], where[:, 1]).statistic) < 0.08  # the two are drawn apart
    assert np.abs(where.mean(axis=0)).max() < 0.2
    for along in where.T:  # every shift is as likely as any other, the outermost too
        assert stats.chisquare(np.unique(along, return_counts=True)[1]).pvalue > 0.01


def test_a_share_of_nothing_shifts_nothing():
    x = tf.constant(RNG.uniform(size=(5, 6, 7, 1)), tf.float32)
    assert (translate(x, 0.0, SEED).numpy() == x.numpy()).all()


def test_half_a_side_is_the_most_and_a_quarter_of_each_image_stays_in_sight():
    seen = translate(tf.ones((500, 8, 8, 1)), 0.5, SEED).numpy().reshape(500, -1).mean(axis=1)
    assert seen.min() == 0.25 and seen.max() == 1


def test_the_same_seed_is_the_same_view_and_another_is_not():
    x = tf.constant(RNG.uniform(size=(20, 8, 8, 1)), tf.float32)
    for view in (lambda seed: translate(x, 0.25, seed), lambda seed: add_noise(x, 0.1, seed)):
        same, again, other = (view(tf.constant(seed, tf.int64)).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
        assert (same == again).all() and (same != other).any()


def test_the_gradient_of_a_shift_is_the_shift_back():
    x, weight = tf.constant(RNG.uniform(size=(6, 8, 8, 1)), tf.float32), RNG.normal(size=(6, 8, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = tf.reduce_sum(translate(x, 0.25, SEED) * weight.astype(np.float32))
    expected = [moved(image, -down, -right) for image, (down, right) in zip(weight, shifts(6, (8, 8), 0.25))]
    assert tape.gradient(result, x).numpy() == pytest.approx(np.stack(expected), rel=1e-6)


def test_a_penalty_passes_through_a_shift():
    """D(x) = s/2 ||shifted x||²: its gradient is s times what stayed in sight, and the penalty is its square."""
    x, s = RNG.uniform(0.1, 1, (6, 8, 8, 1)).astype(np.float32), tf.Variable(3.0)
    stayed = [moved(image, *shift) for image, shift in zip(x, shifts(6, (8, 8), 0.25))]
    squares = np.mean([(image**2).sum() for image in stayed])

    def logits(x):
        return s / 2 * tf.reduce_sum(translate(x, 0.25, SEED) ** 2, axis=(1, 2, 3))

    with tf.GradientTape() as tape:
        penalty = penalties.zero_centred(penalties.logits_and_squared_gradients(logits, tf.constant(x))[1], 2.0)
    assert float(penalty) == pytest.approx(9 * squares, rel=1e-5)
    assert float(tape.gradient(penalty, s)) == pytest.approx(2 * 3 * squares, rel=1e-5)


@pytest.mark.parametrize("view", [add_noise, tf.function(add_noise, jit_compile=True)], ids=["eager", "compiled"])
@pytest.mark.parametrize("shape", [(2000, 2), (100, 5, 4, 2)])
def test_noise_is_normal_and_of_its_deviation(view, shape):
    x = RNG.normal(size=shape).astype(np.float32)
    noise = view(tf.constant(x), 0.3, SEED).numpy() - x
    assert stats.kstest(noise.ravel() / 0.3, "norm").pvalue > 0.01
    assert (view(tf.constant(x), 0.0, SEED).numpy() == x).all()


def test_neighbours_of_the_batch_stand_side_by_side():
    points = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert pack(tf.constant(points), 3).numpy().tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert pack(tf.constant(points), 1).numpy().tolist() == points.tolist()
    images = RNG.normal(size=(6, 3, 4, 2)).astype(np.float32)
    packed = pack(tf.constant(images), 2).numpy()
    assert packed.shape == (3, 3, 4, 4)
    for i in range(3):
        assert (packed[i] == np.concatenate([images[2 * i], images[2 * i + 1]], axis=-1)).all()
