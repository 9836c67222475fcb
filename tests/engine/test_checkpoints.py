"""Checkpoints: the same bits come back, in another object too, and strangers' bytes are turned away whole."""

import io

import numpy as np
import pytest
import tensorflow as tf

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.engine import checkpoints, models
from gan_core.engine.base_model import Batch, LiveHyperparameters, draw_block
from gan_core.engine.gan import GAN
from gan_core.engine.networks import DataStatistics, build_generator, statistics
from gan_core.records import Unreadable
from gan_core.store.progress import MOST_SNAPSHOTS

DATA = DataStatistics((2,), np.array([1.0, -1.0], np.float32), 2.0)
TINY = {
    "generator.hidden": "4,4",
    "discriminator.hidden": "5",
    "discriminator.fourier": 0,
    "training.fresh_samples": True,
    "training.batch": 3,
    "optimizer.beta1": 0.5,
    "generator.latent_dim": 2,
    "generator.ema": 0.9,
}
CONFIG = override(preset("auto", shape=(2,)), TINY)
X = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
WINDOW = np.arange(15, dtype=np.float32).reshape(3, 5) / 7


def new(seed=0, **changes):
    return GAN(override(CONFIG, {"seed": seed} | changes), DATA)


def walk(gan, first, last):
    """Steps first ... last − 1 with the draws of seed 0, whatever the networks started from."""
    draws = draw_block(CONFIG, len(X), 0)
    for step in range(first, last):
        batch = Batch(tf.gather(X, draws.rows[step]), draws.z[step])
        gan.update(tf.constant(step, tf.int64), LiveHyperparameters.of(CONFIG), batch)


def bits(gan):
    """Every number a GAN consists of."""
    networks = (gan.generator, gan.discriminator, gan.ema_generator)
    optimizers = (gan.generator_optimizer, gan.discriminator_optimizer)
    variables = [w for network in networks for w in network.weights] + [v for o in optimizers for v in o.variables]
    return [np.asarray(v).tobytes() for v in variables]


@pytest.fixture(scope="module")
def trained():
    gan = new()
    walk(gan, 0, 5)
    return gan, checkpoints.capture(gan, 5, WINDOW)


def test_every_bit_comes_back(trained):
    gan, data = trained
    other = new(seed=9)
    assert not set(bits(other)) & {b for b in bits(gan) if len(b) > 16}
    step, window = checkpoints.restore(other, data)
    assert bits(other) == bits(gan)
    assert (step, int(other.step)) == (5, 5)
    assert (window == WINDOW).all() and window.dtype == np.float32


def test_going_on_is_like_never_having_stopped(trained):
    _, data = trained
    undisturbed, continued = new(), new(seed=9)
    walk(undisturbed, 0, 8)
    checkpoints.restore(continued, data)
    walk(continued, 5, 8)
    assert bits(continued) == bits(undisturbed)


def test_both_optimizers_are_in_it(trained):
    """Their moments and counters: without them the next step would be another one."""
    gan, data = trained
    arrays = np.load(io.BytesIO(data), allow_pickle=False)
    for part, network in (("generator", gan.generator), ("discriminator", gan.discriminator)):
        names = [name for name in arrays if name.startswith(f"{part}_optimizer.")]
        # For each variable a mean and a mean square, then the number of steps and the learning rate.
        assert len(names) == 2 * len(network.trainable_variables) + 2
        assert any(arrays[name].shape == () and arrays[name] == 5 for name in names)
        assert sum(arrays[name].ndim > 0 and arrays[name].any() for name in names) == len(names) - 2


def test_capturing_changes_nothing_and_is_repeatable(trained):
    gan, data = trained
    before = bits(gan)
    assert checkpoints.capture(gan, 5, WINDOW) == data
    assert bits(gan) == before


def test_an_empty_window_keeps_its_shape(trained):
    gan, _ = trained
    _, window = checkpoints.restore(new(), checkpoints.capture(gan, 0, np.zeros((0, 5), np.float32)))
    assert window.shape == (0, 5) and window.dtype == np.float32


@pytest.mark.parametrize("make", ["capture", "weights"])
def test_no_pickle_is_ever_needed(trained, make):
    gan, data = trained
    data = data if make == "capture" else checkpoints.weights_to_bytes(gan.generator.weights)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fiu" for name in arrays)


def test_a_pickle_is_refused(trained):
    gan, _ = trained
    out = io.BytesIO()
    np.savez(out, **{"generator.0": np.array([{"an": "object"}], dtype=object)})
    before = bits(gan)
    for load in (
        lambda: checkpoints.restore(gan, out.getvalue()),
        lambda: checkpoints.load_weights(gan.generator, out.getvalue()),
    ):
        with pytest.raises(Unreadable, match="cannot be read: their bytes are no file of plain arrays"):
            load()
    assert bits(gan) == before


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"generator.hidden": "4,3"}, r"needs shape \(4, 3\), found shape \(4, 4\)"),
        ({"generator.hidden": "4"}, r"needs shape \(4, 2\), found shape \(4, 4\)"),
        ({"discriminator.hidden": "6"}, r"needs shape \(2, 6\), found shape \(2, 5\)"),
        ({"generator.latent_dim": 3}, r"needs shape \(3, 4\), found shape \(2, 4\)"),
    ],
)
def test_bytes_of_other_networks_are_named_and_change_nothing(trained, changes, found):
    _, data = trained
    other = new(**changes)
    before = bits(other)
    with pytest.raises(Unreadable, match=f"the stored weights are of another network: .*{found}"):
        checkpoints.restore(other, data)
    assert bits(other) == before and int(other.step) == 0


@pytest.mark.parametrize("kind", ["vae", "energy"])
def test_bytes_of_another_kind_of_model_are_refused_whole(trained, kind):
    """The generators are alike; what teaches them is not."""
    _, data = trained
    off = {"objective.loss": kind, "objective.r1": 0, "objective.r2": 0}
    other = models.build(override(CONFIG, {"seed": 9} | off), DATA)
    before = {name: np.asarray(variable).tobytes() for name, variable in other.state.items()}
    with pytest.raises(Unreadable, match="the stored weights are of another network"):
        checkpoints.restore(other, data)
    with pytest.raises(Unreadable, match="the stored weights are of another network"):
        checkpoints.restore(new(seed=9), checkpoints.capture(other, 0, WINDOW))
    assert {name: np.asarray(variable).tobytes() for name, variable in other.state.items()} == before


def test_text_is_no_weights(trained):
    gan, _ = trained
    before = bits(gan)
    weights = [np.asarray(weight).astype("S8") for weight in gan.generator.weights]
    with pytest.raises(Unreadable, match=r"are \|S8, not numbers"):
        checkpoints.load_weights(gan.generator, checkpoints.weights_to_bytes(weights))
    with pytest.raises(Unreadable, match="cannot be read"):
        checkpoints.load_weights(gan.generator, b"noise")
    assert bits(gan) == before


def test_weights_alone_are_no_checkpoint(trained):
    gan, _ = trained
    with pytest.raises(ValueError, match=r"needs shape \(2, 4\), found nothing"):
        checkpoints.restore(new(), checkpoints.weights_to_bytes(gan.generator.weights))


# ---------------------------------------------------------------- one network


def test_weights_of_one_network_come_back(trained):
    gan, _ = trained
    blank = build_generator(CONFIG.generator, DataStatistics((2,), np.zeros(2, np.float32), 1.0), seed=4)
    checkpoints.load_weights(blank, checkpoints.weights_to_bytes(gan.ema_generator.weights))
    z = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    assert (blank(z).numpy() == gan.ema_generator(z).numpy()).all()  # the scaling layer came along


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        ([(2, 4), (4,)], r"needs shape \(4, 4\), found nothing"),
        ([(2, 4), (4,), (4, 4), (4,), (4, 2), (2,), (), (2,), (3,)], r"8 needs nothing, found shape \(3,\)"),
    ],
)
def test_too_few_or_too_many_weights_are_another_network(shapes, found):
    generator = new().generator
    before = generator.get_weights()
    data = checkpoints.weights_to_bytes([np.ones(shape, np.float32) for shape in shapes])
    with pytest.raises(ValueError, match=found):
        checkpoints.load_weights(generator, data)
    assert all((a == b).all() for a, b in zip(before, generator.get_weights()))


def test_a_run_of_the_article_s_networks_takes_at_most_40_megabytes():
    """Two checkpoints and as many snapshots as there may be, with their samples; curves and reports are small."""
    image = DataStatistics((28, 28, 1), np.full((28, 28, 1), 0.13, np.float32), 1.0)
    gan = models.build(preset("classic-2014", data="mnist", shape=(28, 28, 1)), image)
    state = checkpoints.capture(gan, 0, np.zeros((0, len(GAN.STEP_METRICS)), np.float32))
    snapshot = len(checkpoints.weights_to_bytes(gan.ema_generator.weights)) + 64 * 28 * 28
    assert 2 * len(state) + MOST_SNAPSHOTS * snapshot < 40e6


@pytest.mark.parametrize(
    "preset_name", ["auto", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dcgan", "r3gan-lite"))]
)
def test_convolutions_come_back_bit_for_bit(preset_name):
    """Weights, moments, averages and counters after some steps, in another object."""
    config = preset(preset_name, data="digits", shape=(16, 16, 1), seconds=600)
    config = override(config, {"training.batch": 4, "generator.channels": 4, "discriminator.channels": 4})
    pixels = np.random.default_rng(1).integers(0, 256, (20, 16, 16, 1), dtype=np.uint8)
    data = statistics(pixels)
    gan = models.build(config, data)
    gan.chunk(tf.constant(pixels), draw_block(config, 20, 0), 0, 3, 0, LiveHyperparameters.of(config))
    kept = checkpoints.capture(gan, 3, WINDOW)
    other = models.build(override(config, {"seed": 9}), data)
    assert checkpoints.restore(other, kept)[0] == 3
    assert checkpoints.capture(other, 3, WINDOW) == kept
