"""A generator without any discriminator: what each of its three distances makes it do, against SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist, pdist

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.config.sections import DISTANCE_LOSSES
from gan_core.engine.base_model import Batch, LiveHyperparameters
from gan_core.engine.distance_losses import LOSSES
from gan_core.engine.distance_matching import DistanceMatching
from gan_core.engine.networks import DataStatistics

RNG = np.random.default_rng(0)
DATA = DataStatistics((2,), np.array([1.0, -1.0], np.float32), 2.0)
REAL, Z = RNG.normal(2.0, 1.0, (6, 2)).astype(np.float32), RNG.normal(size=(6, 3)).astype(np.float32)
SMALL = {
    "generator.hidden": "6",
    "generator.latent_dim": 3,
    "training.batch": 6,
    "training.steps": 100,
    "optimizer.warmup_steps": 0,
    "optimizer.decay_from": 1,
    "optimizer.beta1": 0.5,
}
every_distance = pytest.mark.parametrize("loss", DISTANCE_LOSSES)


def new(loss, data=DATA, **changes):
    settings = SMALL | {"objective.loss": loss} | {key.replace("__", "."): value for key, value in changes.items()}
    return DistanceMatching(override(preset("energy-only", shape=data.shape), settings), data)


def step(model, number=0, real=REAL, z=Z):
    batch = Batch(tf.constant(real[None]), tf.constant(z[None]))
    (loss,) = model.update(tf.constant(number, tf.int64), LiveHyperparameters.of(model.settings), batch)
    return float(loss)


DISTANCE = {
    "energy": lambda x, y: (2 * cdist(x, y).mean() - pdist(x).mean() - pdist(y).mean()) / pdist(x).mean(),
    "mean-distance": lambda x, y: np.linalg.norm(x - y, axis=1).mean() / pdist(x).mean(),
    "nearest-distance": lambda x, y: cdist(x, y).min(axis=0).mean() / pdist(x).mean(),
}


def generate(weights, z):
    w, b, v, c = weights
    before = z @ w + b
    return DATA.scale * (np.where(before > 0, before, 0.2 * before) @ v + c) + DATA.mean


def test_every_distance_of_the_settings_is_there():
    assert set(DISTANCE_LOSSES) == set(LOSSES) == set(DISTANCE)


@every_distance
def test_its_loss_and_gradient_by_finite_differences(loss):
    model, real = new(loss), REAL.astype(float)
    weights = [np.asarray(v, np.float64) for v in model.generator.trainable_variables]
    assert step(model) == pytest.approx(DISTANCE[loss](real, generate(weights, Z)), rel=1e-4)
    taken = [np.asarray(v) / 0.5 for v in model.generator_optimizer.variables if "momentum" in v.path]
    h = 1e-6
    for w, found in zip(weights, taken):
        for index in np.ndindex(w.shape):
            kept, values = w[index], []
            for moved in (kept + h, kept - h):
                w[index] = moved
                values.append(DISTANCE[loss](real, generate(weights, Z)))
            w[index] = kept
            assert found[index] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-3, abs=1e-5)


@every_distance
def test_there_is_no_discriminator(loss):
    model = new(loss)
    assert set(model.networks) == {"generator", "ema"} and set(model.optimizers) == {"generator_optimizer"}
    assert DistanceMatching.STEP_METRICS == ("loss_generator",)


def ends_with(loss):
    """Real samples and what a generator draws from 200 fresh latents, after 300 steps on two distant clusters."""
    rng = np.random.default_rng(1)
    real = rng.normal(0, 0.3, (3000, 2)) + np.where(rng.random((3000, 1)) < 0.5, -3, 3) * [1, 0]
    data = DataStatistics((2,), real.mean(0).astype(np.float32), float(real.std()))
    settings = {"generator.hidden": "24", "training.batch": 64, "optimizer.learning_rate_generator": 0.01}
    model = new(loss, data, **{key.replace(".", "__"): value for key, value in settings.items()})
    learn = tf.function(model.update, autograph=False)
    live = LiveHyperparameters.of(model.settings)
    for number in range(300):
        rows, z = rng.integers(0, 3000, 64), rng.normal(size=(64, 3))
        batch = Batch(tf.constant(real[rows][None], tf.float32), tf.constant(z[None], tf.float32))
        learn(tf.constant(number, tf.int64), live, batch)
    return real, model.generator(rng.normal(size=(200, 3)).astype(np.float32)).numpy()


def test_the_proper_distance_finds_both_clusters_and_the_improper_one_neither():
    """By the mean distance the best answer is one point between the clusters, where no real sample is."""
    real, drawn = ends_with("energy")
    within = pdist(real[:500]).mean()
    assert 0.3 < (drawn[:, 0] > 0).mean() < 0.7 and pdist(drawn).mean() == pytest.approx(within, rel=0.35)
    assert DISTANCE["energy"](real[:500], drawn) < 0.1
    real, drawn = ends_with("mean-distance")
    assert pdist(drawn).mean() < 0.35 * within
    assert DISTANCE["energy"](real[:500], drawn) > 0.2
