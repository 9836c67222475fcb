"""The layers that Keras does not have: against NumPy, SciPy and its singular values."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from gan_core.config.sections import DiscriminatorConfig
from gan_core.engine import checkpoints
from gan_core.engine.layers import (
    Bias,
    ClassEmbedding,
    ClassProjection,
    DepthToSpace,
    FourierFeatures,
    OneChannelConv2D,
    SpaceToDepth,
    SpectralClassProjection,
    SpectralConv2D,
    SpectralDense,
)
from gan_core.engine.networks import DataStatistics, build_discriminator

RNG = np.random.default_rng(0)
NORMAL = keras.initializers.RandomNormal(seed=1)
IMAGE = DataStatistics((8, 8, 1), np.full((8, 8, 1), 0.4, np.float32), 1.0)


def dense(inputs=7, outputs=5, **options):
    layer = SpectralDense(outputs, kernel_initializer=keras.initializers.HeNormal(seed=2), **options)
    layer.build((None, inputs))
    return layer


def convolution(strides=1):
    layer = SpectralConv2D(4, 3, strides, padding="same", kernel_initializer=keras.initializers.HeNormal(seed=2))
    layer.build((None, 6, 6, 2))
    return layer


def largest(kernel):
    """The largest singular value of a kernel, read as (inputs, outputs)."""
    kernel = np.asarray(kernel, np.float64)
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


def settle(layer, times=200):
    for _ in range(times):
        layer.power_iteration()


# ---------------------------------------------------------------- spectral normalization


@pytest.mark.parametrize("make", [dense, convolution])
def test_power_iteration_finds_the_largest_singular_value(make):
    layer = make()
    matrix = np.asarray(layer.kernel, np.float64).reshape(-1, layer.kernel.shape[-1])
    left, values, right = np.linalg.svd(matrix)
    settle(layer)
    sigma = np.asarray(layer.v) @ matrix @ np.asarray(layer.u)
    assert sigma == pytest.approx(values[0], rel=1e-5)
    assert abs(np.asarray(layer.v) @ left[:, 0]) == pytest.approx(1, rel=1e-4)
    assert abs(np.asarray(layer.u) @ right[0]) == pytest.approx(1, rel=1e-4)
    assert layer.normalised_kernel().numpy() == pytest.approx(np.asarray(layer.kernel) / values[0], rel=1e-4)
    assert largest(layer.normalised_kernel()) == pytest.approx(1, rel=1e-5)


def test_each_iteration_is_that_of_the_paper():
    """v ← W u / |W u|, then u ← W' v / |W' v|: algorithm 1, one step at a time."""
    layer = dense()
    matrix = np.asarray(layer.kernel, np.float64)
    for _ in range(3):
        v = matrix @ np.asarray(layer.u)
        v /= np.linalg.norm(v)
        u = matrix.T @ v
        u /= np.linalg.norm(u)
        layer.power_iteration()
        assert np.asarray(layer.v) == pytest.approx(v, rel=1e-5, abs=1e-6)
        assert np.asarray(layer.u) == pytest.approx(u, rel=1e-5, abs=1e-6)


def test_it_follows_a_kernel_that_moves():
    layer = dense()
    settle(layer)
    layer.kernel.assign(RNG.normal(size=layer.kernel.shape))
    settle(layer)
    assert largest(layer.normalised_kernel()) == pytest.approx(1, rel=1e-5)


def test_the_normalised_layer_stretches_by_1_at_most_and_somewhere_by_1():
    layer = dense()
    layer.kernel.assign(30 * layer.kernel)
    settle(layer)
    a, b = RNG.normal(size=(2, 500, 7)).astype(np.float32)
    stretch = np.linalg.norm(layer(a) - layer(b), axis=1) / np.linalg.norm(a - b, axis=1)
    assert 0.5 < stretch.max() <= 1 + 1e-5
    along = np.stack([np.asarray(layer.v), np.zeros(7, np.float32)])
    assert np.linalg.norm(np.subtract(*layer(along).numpy())) == pytest.approx(1, rel=1e-5)


def test_its_gradient_passes_through_sigma_with_u_and_v_held():
    """Finite differences of Σ c_ij (W / (v' W u))_ij, in NumPy."""
    layer = dense(4, 3)
    c = RNG.normal(size=(4, 3))
    u, v, w = (np.asarray(x, np.float64) for x in (layer.u, layer.v, layer.kernel))

    def total(w):
        return (c * w).sum() / (v @ w @ u)

    with tf.GradientTape() as tape:
        result = tf.reduce_sum(tf.constant(c, tf.float32) * layer.normalised_kernel())
    assert float(result) == pytest.approx(total(w), rel=1e-5)
    by_kernel, by_u, by_v = tape.gradient(result, [layer.kernel.value, layer.u.value, layer.v.value])
    assert by_u is by_v is None
    found, h = by_kernel.numpy(), 1e-6
    for index in np.ndindex(w.shape):
        e = np.zeros_like(w)
        e[index] = h
        assert found[index] == pytest.approx((total(w + e) - total(w - e)) / (2 * h), rel=1e-3, abs=1e-4)


def test_the_size_of_a_kernel_does_not_matter_and_its_gradient_says_so():
    """Nothing changes along the kernel itself, once u and v have settled."""
    layer = dense()
    settle(layer)
    x = RNG.normal(size=(6, 7)).astype(np.float32)
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(layer(x) ** 2)
    before = layer(x).numpy()
    along = float(tf.reduce_sum(tape.gradient(result, layer.kernel) * layer.kernel))
    assert along == pytest.approx(0, abs=1e-4 * float(result))
    layer.kernel.assign(9 * layer.kernel)
    assert layer(x).numpy() == pytest.approx(before, rel=1e-4, abs=1e-6)


def test_calling_it_changes_nothing():
    layer = dense()
    before = [np.asarray(w).tobytes() for w in layer.weights]
    layer(RNG.normal(size=(6, 7)).astype(np.float32), training=True)
    assert [np.asarray(w).tobytes() for w in layer.weights] == before


def test_u_and_v_are_saved_with_the_weights_and_never_trained():
    config = DiscriminatorConfig(hidden=(6,), spectral_norm=True)
    one, other = (build_discriminator(config, IMAGE, seed=seed) for seed in (1, 2))
    layers = [layer for layer in one.layers if isinstance(layer, SpectralDense)]
    assert [len(layer.trainable_variables) for layer in layers] == [2, 2]
    assert [len(layer.weights) for layer in layers] == [4, 4]
    for layer in layers:
        settle(layer, 3)
    x = RNG.random((3, 8, 8, 1)).astype(np.float32)
    assert (one(x).numpy() != other(x).numpy()).all()
    checkpoints.load_weights(other, checkpoints.weights_to_bytes(one.weights))
    assert (one(x).numpy() == other(x).numpy()).all()


@pytest.mark.parametrize("architecture", ["mlp", "dcgan", "subpixel", "residual"])
def test_every_layer_of_a_normalised_discriminator_stretches_by_1_and_can_be_learned(architecture):
    """No kernel may start at zero: nothing can be divided by a largest stretch of 0."""
    config = DiscriminatorConfig(architecture, hidden=(6,), channels=4, spectral_norm=True)
    discriminator = build_discriminator(config, IMAGE, seed=1)
    kernels = [layer for layer in discriminator.layers if hasattr(layer, "kernel")]
    assert kernels and all(isinstance(layer, (SpectralDense, SpectralConv2D)) for layer in kernels)
    for layer in kernels:
        settle(layer, 50)
        assert largest(layer.normalised_kernel()) == pytest.approx(1, rel=0.02)
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(discriminator(RNG.random((3, 8, 8, 1)).astype(np.float32)))
    sizes = [float(tf.norm(g)) for g in tape.gradient(result, discriminator.trainable_variables)]
    assert np.isfinite(sizes).all() and max(sizes) < 1e4


@pytest.mark.parametrize("strides", [1, 2])
def test_a_normalised_convolution_against_scipy(strides):
    layer = convolution(strides)
    layer.bias.assign(RNG.normal(size=4))
    x = RNG.normal(size=(2, 6, 6, 2)).astype(np.float32)
    matrix = np.asarray(layer.kernel, np.float64)
    sigma = np.asarray(layer.v) @ matrix.reshape(-1, 4) @ np.asarray(layer.u)
    found = layer(x).numpy()
    for n in range(2):
        for out in range(4):
            whole = sum(correlate2d(x[n, :, :, i], matrix[:, :, i, out], mode="same") for i in range(2)) / sigma
            # With an even side and stride 2 TensorFlow pads below only, so the windows start at the second pixel.
            expected = whole if strides == 1 else whole[1::2, 1::2]
            assert found[n, :, :, out] == pytest.approx(expected + float(layer.bias[out]), rel=1e-4, abs=1e-5)


# ---------------------------------------------------------------- one filter


def single_filter_and_keras(shape):
    """The layer and Keras' own with the same weights."""
    layer = OneChannelConv2D(kernel_initializer=NORMAL)
    layer.build((None, *shape))
    layer.bias.assign([0.3])
    keras_own = keras.layers.Conv2D(1, 3, padding="same")
    keras_own.build((None, *shape))
    keras_own.set_weights(layer.get_weights())
    return layer, keras_own


@pytest.mark.parametrize("shape", [(5, 4, 2), (4, 7, 1), (1, 1, 3), (9, 9, 16)])
def test_a_single_filter_against_scipy(shape):
    layer, _ = single_filter_and_keras(shape)
    x = RNG.normal(size=(3, *shape)).astype(np.float32)
    kernel = np.asarray(layer.kernel, np.float64)
    around = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for picture, found in zip(around, layer(x).numpy()):
        valid = [correlate2d(picture[..., i], kernel[..., i, 0], mode="valid") for i in range(shape[-1])]
        assert found[..., 0] == pytest.approx(sum(valid) + 0.3, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("shape", [(5, 4, 2), (9, 9, 16)])
def test_a_single_filter_has_the_gradients_of_keras_the_second_too(shape):
    x = tf.constant(RNG.normal(size=(3, *shape)), tf.float32)

    def gradients(layer):
        weights = layer.trainable_variables
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                result = tf.reduce_sum(tf.sin(layer(x)))
            on_x, on_kernel, on_bias = inner.gradient(result, [x, *weights])
            of_gradients = tf.reduce_sum(on_x**2) + tf.reduce_sum(on_kernel**2)
        return on_x, on_kernel, on_bias, *outer.gradient(of_gradients, [x, *weights])

    for run in (gradients, tf.function(gradients)):
        for found, expected in zip(*map(run, single_filter_and_keras(shape)), strict=True):
            assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-3)


# ---------------------------------------------------------------- sines, classes, biases


def test_sines_and_cosines_of_points():
    x = RNG.normal(size=(5, 2)).astype(np.float32)
    waves = [np.pi / 2 * x, np.pi * x, 2 * np.pi * x]
    expected = np.concatenate([x, *map(np.sin, waves), *map(np.cos, waves)], axis=1)
    assert FourierFeatures(3)(x).numpy() == pytest.approx(expected, abs=1e-5)
    assert FourierFeatures(3)(keras.Input((2,))).shape == (None, 2 * 7)


def test_a_class_stands_beside_the_latents_as_a_vector_of_its_own():
    layer = ClassEmbedding(3, (0.5, 0.25, 0.25), NORMAL)
    z, classes = RNG.normal(size=(4, 3)).astype(np.float32), np.array([2, 0, 2, 1])
    found = layer(np.concatenate([z, np.eye(3, dtype=np.float32)[classes]], axis=1)).numpy()
    embedding = np.asarray(layer.embedding)
    assert embedding.shape == (3, 3) and (embedding != 0).all()
    assert (found == np.concatenate([z, embedding[classes]], axis=1)).all()
    assert len(layer.trainable_variables) == 1
    assert np.asarray(layer.frequencies).tolist() == [0.5, 0.25, 0.25]


def test_a_projection_is_the_product_with_the_vector_of_the_class():
    layer = ClassProjection(NORMAL)
    features, classes = RNG.normal(size=(4, 6)).astype(np.float32), np.array([2, 0, 2, 1])
    found = layer([features, np.eye(3, dtype=np.float32)[classes]]).numpy()
    vectors = np.asarray(layer.kernel)[classes]
    assert found == pytest.approx((vectors * features).sum(axis=1, keepdims=True), rel=1e-5)
    assert len(layer.trainable_variables) == len(layer.weights) == 1


def test_a_normalised_projection_divides_its_vectors_by_their_largest_stretch():
    """Also in a discriminator whose other layers are normalised."""
    layer = SpectralClassProjection(NORMAL)
    features, classes = RNG.normal(size=(4, 6)).astype(np.float32), np.eye(3, dtype=np.float32)[[2, 0, 2, 1]]
    layer([features, classes])
    settle(layer)
    vectors = np.asarray(layer.kernel, np.float64) / largest(layer.kernel)
    expected = (classes @ vectors * features).sum(axis=1, keepdims=True)
    assert layer([features, classes]).numpy() == pytest.approx(expected, rel=1e-4)
    told = replace(IMAGE, class_frequencies=(0.5, 0.25, 0.25))
    kinds = {}
    for spectral in (False, True):
        discriminator = build_discriminator(DiscriminatorConfig(hidden=(6,), spectral_norm=spectral), told, seed=1)
        kinds[spectral] = {type(layer) for layer in discriminator.layers if hasattr(layer, "kernel")}
    assert kinds == {False: {keras.layers.Dense, ClassProjection}, True: {SpectralDense, SpectralClassProjection}}


def test_every_element_has_a_bias_that_learns():
    start = RNG.normal(size=(2, 3, 1)).astype(np.float32)
    layer, x = Bias(start), RNG.normal(size=(4, 2, 3, 1)).astype(np.float32)
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(layer(x))
    assert layer(x).numpy() == pytest.approx(x + start)
    assert tape.gradient(result, layer.trainable_variables[0]).numpy() == pytest.approx(np.full((2, 3, 1), 4.0))


# ---------------------------------------------------------------- pixels and channels


def test_four_pixels_become_the_channels_of_one():
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    assert SpaceToDepth()(x).numpy()[0].tolist() == [[[0, 1, 4, 5], [2, 3, 6, 7]], [[8, 9, 12, 13], [10, 11, 14, 15]]]


@pytest.mark.parametrize("shape", [(4, 6, 3), (2, 2, 1)])
def test_there_and_back_again(shape):
    x = RNG.normal(size=(3, *shape)).astype(np.float32)
    assert (DepthToSpace()(SpaceToDepth()(x)).numpy() == x).all()
    small = SpaceToDepth()(x)
    assert (small.numpy() == tf.nn.space_to_depth(x, 2).numpy()).all()
    assert (SpaceToDepth()(DepthToSpace()(small)).numpy() == small.numpy()).all()


@pytest.mark.parametrize("shape", [(5, 4, 2), (4, 7, 1), (5, 7, 3)])
def test_an_odd_side_is_filled_up_with_zeros(shape):
    x = RNG.normal(size=(3, *shape)).astype(np.float32)
    back = DepthToSpace()(SpaceToDepth()(x)).numpy()
    filled = np.zeros((3, shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, shape[2]))
    filled[:, : shape[0], : shape[1]] = x
    assert (back == filled).all()


def test_they_say_their_shapes_in_advance():
    small = SpaceToDepth()(keras.Input((5, 8, 3)))
    assert small.shape == (None, 3, 4, 12) and DepthToSpace()(small).shape == (None, 6, 8, 3)
