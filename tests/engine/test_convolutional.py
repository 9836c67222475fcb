"""Convolutional networks of every kind and size: shapes, first images and layers, and two layers against SciPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from gan_core.config.run_config import RunConfig, override
from gan_core.config.sections import DiscriminatorConfig, GeneratorConfig
from gan_core.engine.base_model import Batch, LiveHyperparameters
from gan_core.engine.convolutional import DISCRIMINATORS, GENERATORS, _residual_block
from gan_core.engine.gan import GAN
from gan_core.engine.layer_factory import LayerFactory
from gan_core.engine.networks import DataStatistics, build_discriminator, build_generator

RNG = np.random.default_rng(0)
SIZES = [(8, 8, 1), (12, 12, 3), (20, 16, 1), (28, 28, 1), (32, 32, 3)]
ODD = [(9, 8, 1), (17, 23, 3)]
every_kind = pytest.mark.parametrize("kind", GENERATORS)
every_size = pytest.mark.parametrize("shape", SIZES, ids=str)


def data_of(shape):
    """A mean image whose every pixel is another."""
    return DataStatistics(shape, np.random.default_rng(1).uniform(0.1, 0.9, shape).astype(np.float32), 1.0)


def generator(kind, shape, seed=0, latent_dim=6, **options):
    return build_generator(GeneratorConfig(kind, latent_dim, **options), data_of(shape), seed=seed)


def discriminator(kind, shape, seed=0, **options):
    return build_discriminator(DiscriminatorConfig(kind, **options), data_of(shape), seed=seed)


def trainable_parameters(network):
    return sum(np.asarray(v).size for v in network.trainable_variables)


def layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_every_kind_has_both_networks():
    assert set(GENERATORS) == set(DISCRIMINATORS) == {"dcgan", "subpixel", "residual"}


# ---------------------------------------------------------------- shapes


@every_kind
@pytest.mark.parametrize("shape", SIZES + ODD, ids=str)
def test_latents_become_images_and_images_logits(kind, shape):
    one, other = generator(kind, shape), discriminator(kind, shape)
    images = one(RNG.normal(size=(3, 6)).astype(np.float32)).numpy()
    assert images.shape == (3, *shape) and one.output_shape == (None, *shape)
    assert 0 < images.min() and images.max() < 1
    logits = other(images).numpy()
    assert logits.shape == (3, 1) and np.isfinite(logits).all()
    assert other.get_layer("features").output.shape[1:] == (other.layers[-1].kernel.shape[0],)


@every_kind
@every_size
def test_all_of_their_weights_matter(kind, shape):
    """Each has a gradient from the output, so none is cut off; and every pixel is seen."""
    for network, x in (
        (generator(kind, shape, output_gain=1.0), RNG.normal(size=(4, 6))),
        (discriminator(kind, shape), RNG.uniform(size=(4, *shape))),
    ):
        x = tf.constant(x, tf.float32)
        for layer in network.layers:  # what a residual block starts with at zero would hide what comes before it
            if hasattr(layer, "kernel") and not np.any(layer.kernel):
                layer.kernel.assign(RNG.normal(size=layer.kernel.shape))
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = tf.reduce_sum(network(x) ** 2)
        on_x, *on_weights = tape.gradient(result, [x, *network.trainable_variables])
        assert all(np.any(g) for g in on_weights)
        assert (on_x.numpy() != 0).mean() > 0.99


@every_kind
@every_size
def test_they_are_small_enough_for_two_cores(kind, shape):
    assert trainable_parameters(generator(kind, shape, latent_dim=64)) < 200_000
    assert trainable_parameters(discriminator(kind, shape)) < 200_000


# ---------------------------------------------------------------- first weights


@every_kind
@pytest.mark.parametrize("shape", [*SIZES, ODD[1]], ids=str)
def test_the_first_images_are_the_average_image(kind, shape):
    first = generator(kind, shape, output_gain=0.0)(RNG.normal(size=(3, 6)).astype(np.float32)).numpy()
    assert first == pytest.approx(np.broadcast_to(data_of(shape).mean, first.shape), rel=1e-5)
    near = generator(kind, shape, output_gain=0.05)(RNG.normal(size=(3, 6)).astype(np.float32)).numpy()
    assert 0 < np.abs(near - data_of(shape).mean).mean() < 0.05


@every_kind
def test_without_an_output_bias_they_are_grey(kind):
    network = generator(kind, (12, 12, 3), output_gain=0.0, output_bias=False)
    assert network(RNG.normal(size=(3, 6)).astype(np.float32)).numpy() == pytest.approx(0.5, rel=1e-6)


@every_kind
def test_the_seed_alone_decides_the_first_weights(kind):
    for build in (generator, discriminator):
        one, same, other = (build(kind, (12, 12, 3), seed=seed).get_weights() for seed in (3, 3, 4))
        assert all((a == b).all() for a, b in zip(one, same))
        kernels = [i for i, w in enumerate(one) if w.ndim > 1 and w.any() and w.shape != (12, 12, 3)]
        assert kernels and all((one[i] != other[i]).mean() > 0.99 for i in kernels)


# ---------------------------------------------------------------- layers


def test_a_new_residual_block_changes_nothing():
    """Its second kernel is zero: what comes in goes out, and the first kernel is like any other."""
    seen = keras.Input((8, 8, 4))
    block = keras.Model(seen, _residual_block(LayerFactory(GeneratorConfig("residual"), 0), seen, 4))
    x = RNG.normal(size=(2, 8, 8, 4)).astype(np.float32)
    assert (block(x).numpy() == x).all()
    first, second = (np.asarray(layer.kernel) for layer in layers(block, keras.layers.Conv2D))
    assert first.any() and not second.any()


def test_a_residual_pair_starts_as_if_its_blocks_were_not_there():
    for network in (generator("residual", (28, 28, 1)), discriminator("residual", (28, 28, 1))):
        assert len(layers(network, keras.layers.Add)) == (3 if "generator" in network.name else 2)
        adds = layers(network, keras.layers.Add)
        inside = keras.Model(network.inputs, [[add.input[0], add.output] for add in adds])
        x = RNG.uniform(size=(2, *network.input_shape[1:])).astype(np.float32)
        for before, after in inside([x]):
            assert (before.numpy() == after.numpy()).all()


@pytest.mark.parametrize(
    ("kind", "shape", "in_generator", "in_discriminator"),
    [
        ("dcgan", (8, 8, 1), 1, 0),
        ("dcgan", (28, 28, 1), 2, 1),
        ("subpixel", (8, 8, 1), 4, 2),
        ("subpixel", (28, 28, 1), 6, 3),
        ("residual", (28, 28, 1), 7, 5),
    ],
)
def test_how_many_layers_are_normalised_over_the_batch(kind, shape, in_generator, in_discriminator):
    """Every hidden one but a discriminator's first convolution (dcgan); and none unless asked for."""
    kinds = keras.layers.BatchNormalization
    for build, expected in ((generator, in_generator), (discriminator, in_discriminator)):
        assert len(layers(build(kind, shape, batch_norm=True), kinds)) == expected
        assert not layers(build(kind, shape), kinds)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1)])
def test_the_first_convolution_of_a_dcgan_discriminator_is_not_normalised(shape):
    network = discriminator("dcgan", shape, batch_norm=True)
    (first, *rest) = [i for i, layer in enumerate(network.layers) if isinstance(layer, keras.layers.Conv2D)]
    normal = [i for i, layer in enumerate(network.layers) if isinstance(layer, keras.layers.BatchNormalization)]
    assert isinstance(network.layers[first + 1], keras.layers.LeakyReLU)
    assert normal == [i + 1 for i in rest]


@every_kind
def test_the_last_layer_of_each_is_not_normalised(kind):
    for build in (generator, discriminator):
        network = build(kind, (12, 12, 3), batch_norm=True)
        last = max(i for i, layer in enumerate(network.layers) if hasattr(layer, "kernel"))
        assert not [x for x in network.layers[last:] if isinstance(x, keras.layers.BatchNormalization)]


def test_channels_scale_every_convolution():
    narrow, wide = (discriminator("dcgan", (28, 28, 1), channels=c) for c in (8, 16))
    widths = [[layer.filters for layer in layers(network, keras.layers.Conv2D)] for network in (narrow, wide)]
    assert widths == [[8, 16], [16, 32]]


@every_kind
@pytest.mark.parametrize("spectral", [False, True])
def test_a_penalised_step_moves_every_weight_and_stays_finite(kind, spectral):
    """Penalties differentiate every layer twice."""
    shape = (16, 16, 1)
    small = {"generator.latent_dim": 6, "generator.channels": 4, "discriminator.channels": 4, "training.batch": 4}
    kinds = {
        "generator.architecture": kind,
        "discriminator.architecture": kind,
        "discriminator.spectral_norm": spectral,
    }
    penalties = {
        "objective.loss": "non-saturating",
        "objective.penalty_every": 1,
        "objective.gradient_penalty": "dragan",
    }
    gan = GAN(override(RunConfig(), small | kinds | penalties | {"objective.translation": 0.125}), data_of(shape))
    weights = gan.generator.trainable_variables + gan.discriminator.trainable_variables
    before = [np.asarray(w) for w in weights]
    for number in range(2):  # a block's first convolution learns only once its second has left zero
        batch = Batch(tf.constant(RNG.uniform(size=(2, 4, *shape)), tf.float32), tf.random.normal((2, 4, 6)))
        row = gan.update(tf.constant(number, tf.int64), LiveHyperparameters.of(gan.settings), batch)
        assert np.isfinite([float(x) for x in row]).all()
    still = [w.path for w, old in zip(weights, before) if not (np.asarray(w) != old).any()]
    assert not still
    assert max(np.abs(np.asarray(w) - old).max() for w, old in zip(weights, before)) < 0.1


# ---------------------------------------------------------------- one layer of each kind against SciPy


def test_a_convolution_is_scipys_correlation():
    layer = LayerFactory(GeneratorConfig(), 0).convolution(2)
    x = RNG.normal(size=(1, 5, 6, 3)).astype(np.float32)
    found, kernel = layer(x).numpy(), np.asarray(layer.kernel, np.float64)
    for out in range(2):
        expected = sum(correlate2d(x[0, :, :, i], kernel[:, :, i, out], mode="same") for i in range(3))
        assert found[0, :, :, out] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_transposed_convolution_is_a_correlation_of_pixels_set_apart():
    """Zeros between the pixels, the kernel turned round, and the borders cut to twice the side."""
    layer = LayerFactory(GeneratorConfig(), 0).transposed_convolution(2, 4)
    x = RNG.normal(size=(1, 3, 4, 3)).astype(np.float32)
    found, kernel = layer(x).numpy(), np.asarray(layer.kernel, np.float64)  # (4, 4, out, in)
    assert found.shape == (1, 6, 8, 2)
    apart = np.zeros((5, 7, 3))
    apart[::2, ::2] = x[0]
    for out in range(2):
        whole = sum(correlate2d(apart[:, :, i], kernel[::-1, ::-1, out, i], mode="full") for i in range(3))
        assert whole.shape == (8, 10)
        assert found[0, :, :, out] == pytest.approx(whole[1:7, 1:9], rel=1e-4, abs=1e-5)
