"""The two networks against NumPy, their first weights, and the layer widths of the classic article."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.codec import to_storage, to_unit
from gan_core.config.presets import preset
from gan_core.config.run_config import differences
from gan_core.config.sections import DiscriminatorConfig, GeneratorConfig
from gan_core.engine.gan import GAN
from gan_core.engine.layers import Affine
from gan_core.engine.networks import DataStatistics, build_discriminator, build_generator, statistics

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (50, 3, 2, 1), dtype=np.uint8)
POINTS = RNG.normal([5.0, -2.0], [3.0, 0.1], (200, 2)).astype(np.float32)
MNIST = DataStatistics((28, 28, 1), np.full((28, 28, 1), 0.13, np.float32), 1.0)


def trainable_parameters(network):
    return sum(np.asarray(v).size for v in network.trainable_variables)


def dense_layers(network):
    """(kernel, bias) of each dense layer, float64."""
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    return [[np.asarray(w, np.float64) for w in layer.get_weights()] for layer in layers]


def forward(network, x):
    """The dense layers in NumPy: leaky ReLU of slope .2 after all but the last."""
    *hidden, (kernel, bias) = dense_layers(network)
    for w, b in hidden:
        x = x @ w + b
        x = np.where(x > 0, x, 0.2 * x)
    return x @ kernel + bias


# ---------------------------------------------------------------- what they compute


def test_an_image_generator_is_leaky_relus_and_a_sigmoid():
    generator = build_generator(GeneratorConfig(latent_dim=4, hidden=(7, 5)), statistics(IMAGES), seed=3)
    z = RNG.normal(size=(20, 4)) * 3
    expected = 1 / (1 + np.exp(-forward(generator, z)))
    assert generator(z).numpy().reshape(20, 6) == pytest.approx(expected, rel=1e-5)
    assert generator(z).shape == (20, 3, 2, 1)


def test_a_point_generator_speaks_data_units():
    generator = build_generator(GeneratorConfig(latent_dim=4, hidden=(7,)), statistics(POINTS), seed=3)
    z = RNG.normal(size=(20, 4))
    mean, scale = POINTS.mean(0), np.sqrt(((POINTS - POINTS.mean(0)) ** 2).mean())
    assert generator(z).numpy() == pytest.approx(scale * forward(generator, z) + mean, rel=1e-4)


@pytest.mark.parametrize("centre", [True, False])
def test_an_image_discriminator_gives_logits(centre):
    """Linear to the last: no sigmoid, so a logit may be any number."""
    data = statistics(IMAGES)
    discriminator = build_discriminator(DiscriminatorConfig(hidden=(7, 5), centre=centre), data, seed=3)
    x = RNG.uniform(size=(20, 3, 2, 1)).astype(np.float32)
    shown = 2 * (x - data.mean) if centre else x
    expected = forward(discriminator, shown.reshape(20, 6))
    assert discriminator(x).numpy() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    kernel, bias = discriminator.layers[-1].weights
    kernel.assign(1e4 * kernel)
    assert np.ptp(discriminator(x).numpy()) == pytest.approx(1e4 * np.ptp(expected), rel=1e-3)


@pytest.mark.parametrize("centre", [True, False])
def test_a_point_discriminator_sees_standardised_points(centre):
    discriminator = build_discriminator(DiscriminatorConfig(hidden=(7,), centre=centre), statistics(POINTS), seed=3)
    scale = np.sqrt(((POINTS - POINTS.mean(0)) ** 2).mean())
    expected = forward(discriminator, (POINTS.astype(float) - POINTS.mean(0)) / scale)
    assert discriminator(POINTS).numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_samples_stay_in_the_range_of_the_data():
    generator = build_generator(GeneratorConfig(latent_dim=4, hidden=(7,), output_gain=10), statistics(IMAGES))
    fake = generator(RNG.normal(size=(200, 4)) * 50).numpy()
    assert 0 <= fake.min() < 0.01 and 0.99 < fake.max() <= 1


def test_scaling_is_saved_with_the_weights_and_never_trained():
    generator = build_generator(GeneratorConfig(latent_dim=2, hidden=(3,)), statistics(POINTS))
    (affine,) = [layer for layer in generator.layers if isinstance(layer, Affine)]
    assert not affine.trainable_variables and len(affine.weights) == 2
    assert len(generator.weights) == len(generator.trainable_variables) + 2
    assert np.asarray(affine.offset) == pytest.approx(POINTS.mean(0), rel=1e-6)


# ---------------------------------------------------------------- what they know of the data


def test_statistics_of_images():
    data = statistics(IMAGES)
    assert data.shape == (3, 2, 1) and data.is_image and data.scale == 1
    assert data.mean == pytest.approx(IMAGES.astype(float).mean(0) / 255, rel=1e-6)


def test_statistics_of_points():
    data = statistics(np.array([[0, 0], [0, 8]], np.float32))
    assert data.shape == (2,) and not data.is_image
    assert data.mean.tolist() == [0, 4]
    assert data.scale == np.sqrt((0 + 0 + 16 + 16) / 4)  # one scale for all axes


def test_points_that_are_all_the_same_have_scale_one():
    assert statistics(np.full((5, 2), 3, np.float32)).scale == 1


@given(st.lists(st.integers(0, 255), min_size=1, max_size=300))
def test_one_codec_for_the_range_of_pixels(values):
    """Stored pixels survive the way to [0, 1] and back, whatever they are."""
    stored = np.array(values, np.uint8).reshape(-1, 1, 1, 1)
    unit = to_unit(stored)
    assert unit.dtype == np.float32 and unit == pytest.approx(stored / 255, rel=1e-6)
    assert (to_storage(unit) == stored).all()


# ---------------------------------------------------------------- first weights


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_first_weights_follow_from_the_seed(build):
    config = (GeneratorConfig if build is build_generator else DiscriminatorConfig)(hidden=(8, 8))
    one, same, other = (build(config, statistics(IMAGES), seed=seed).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same))
    kernels = [i for i, w in enumerate(one) if w.ndim == 2]
    assert all((one[i] != other[i]).all() for i in kernels)


def test_layers_of_one_shape_start_differently():
    first, second, third = dense_layers(build_discriminator(DiscriminatorConfig(hidden=(6, 6)), statistics(IMAGES)))
    assert first[0].shape == second[0].shape and (first[0] != second[0]).all()


def test_he_normal_has_variance_2_over_fan_in():
    network = build_discriminator(DiscriminatorConfig(hidden=(400, 300), init="he_normal"), MNIST)
    for kernel, bias in dense_layers(network)[:2]:
        n = kernel.size
        assert kernel.var() == pytest.approx(2 / kernel.shape[0], rel=4 * np.sqrt(2 / n))  # four standard errors
        assert kernel.mean() == pytest.approx(0, abs=4 * np.sqrt(2 / kernel.shape[0] / n))
        assert not bias.any()


def test_glorot_uniform_is_flat_up_to_its_bound():
    network = build_discriminator(DiscriminatorConfig(hidden=(400, 300), init="glorot_uniform"), MNIST)
    for kernel, bias in dense_layers(network)[:2]:
        bound = np.sqrt(6 / sum(kernel.shape))
        assert 0.999 * bound < np.abs(kernel).max() <= bound * (1 + 1e-6)
        assert kernel.var() == pytest.approx(bound**2 / 3, rel=0.02)
        assert not bias.any()


def test_output_gain_scales_the_last_kernel_only():
    full, small = (
        dense_layers(build_generator(GeneratorConfig(hidden=(6,), output_gain=gain), statistics(IMAGES), seed=4))
        for gain in (1.0, 0.25)
    )
    assert (small[0][0] == full[0][0]).all()
    assert small[1][0] == pytest.approx(0.25 * full[1][0], rel=1e-6)


def test_output_bias_starts_from_the_average_image():
    """Between .01 and .99: the logit of black is out of reach."""
    data = DataStatistics((1, 4, 1), np.array([0, 0.25, 0.5, 1], np.float32).reshape(1, 4, 1), 1.0)
    for bias, expected in ((True, [0.01, 0.25, 0.5, 0.99]), (False, [0.5] * 4)):
        config = GeneratorConfig(latent_dim=3, hidden=(4,), output_gain=0.0, output_bias=bias)
        first = build_generator(config, data)(RNG.normal(size=(1, 3))).numpy()
        assert first.ravel() == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------- the classic article


@pytest.fixture(scope="module", params=["classic-2014", "non-saturating"])
def classic(request):
    return GAN(preset(request.param, data="mnist", shape=(28, 28, 1)), MNIST)


def test_the_articles_widths(classic):
    def widths(network):
        kernels = [kernel for kernel, _ in dense_layers(network)]
        return [kernels[0].shape[0], *(kernel.shape[1] for kernel in kernels)]

    assert widths(classic.generator) == [100, 128, 128, 784]
    assert widths(classic.discriminator) == [784, 128, 128, 1]


def test_the_articles_parameters(classic):
    """(inputs + 1 bias) · outputs, layer by layer."""
    assert trainable_parameters(classic.generator) == 101 * 128 + 129 * 128 + 129 * 784 == 130_576
    assert trainable_parameters(classic.discriminator) == 785 * 128 + 129 * 128 + 129 * 1 == 117_121
    assert classic.generator.count_params() == 130_576 and classic.discriminator.count_params() == 117_121


def test_the_articles_layers(classic):
    for network, last in ((classic.generator, "sigmoid"), (classic.discriminator, "linear")):
        leaky = [layer for layer in network.layers if isinstance(layer, keras.layers.LeakyReLU)]
        assert [layer.negative_slope for layer in leaky] == [0.2, 0.2]
        assert network.layers[-1].activation.__name__ == last
        assert not [layer for layer in network.layers if isinstance(layer, (Affine, keras.layers.BatchNormalization))]
    assert classic.generator.output_shape == (None, 28, 28, 1)
    assert classic.discriminator.output_shape == (None, 1)


def test_the_articles_first_weights_are_glorot_and_zero_biases(classic):
    for network in (classic.generator, classic.discriminator):
        for kernel, bias in dense_layers(network):
            assert 0.9 < np.abs(kernel).max() / np.sqrt(6 / sum(kernel.shape)) <= 1 + 1e-6
            assert not bias.any()


def test_the_articles_training(classic):
    config = classic.settings
    assert config.training.batch == 128
    assert (config.optimizer.warmup_steps, config.optimizer.decay_from) == (0, 1)
    assert (config.objective.r1, config.objective.r2, config.generator.ema) == (0, 0, 0)
    assert config.optimizer.learning_rate_generator == config.optimizer.learning_rate_discriminator == 2e-4
    for adam in (classic.generator_optimizer, classic.discriminator_optimizer):
        assert (type(adam), adam.beta_1, adam.beta_2) == (keras.optimizers.Adam, 0.9, 0.999)


def test_the_repair_changes_the_loss_and_nothing_else():
    article, repair = (preset(name, shape=(28, 28, 1)) for name in ("classic-2014", "non-saturating"))
    assert differences(repair, article) == {
        "preset": ("non-saturating", "classic-2014"),
        "objective.loss": ("non-saturating", "minimax"),
    }


def test_least_squares_is_the_articles_gan_with_another_loss_and_its_papers_momentum():
    article, squares = (preset(name, shape=(28, 28, 1)) for name in ("classic-2014", "lsgan"))
    assert differences(squares, article) == {
        "preset": ("lsgan", "classic-2014"),
        "objective.loss": ("least-squares", "minimax"),
        "optimizer.beta1": (0.5, 0.9),
    }
