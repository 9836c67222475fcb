"""Models that are used again: the same structure is compiled once, and a second run is what a new model would give."""

import numpy as np
import pytest
import tensorflow as tf

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.engine import models
from gan_core.engine.base_model import LiveHyperparameters, draw_block
from gan_core.engine.distance_matching import DistanceMatching
from gan_core.engine.gan import GAN
from gan_core.engine.networks import statistics
from gan_core.engine.vae import VAE

X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
SMALL = {"generator.hidden": "5", "discriminator.hidden": "5", "training.batch": 4, "training.steps": 50}
CONFIG = override(preset("auto", shape=(2,)), SMALL)
OTHER = override(
    CONFIG,
    {
        "seed": 5,
        "objective.r1": 0.7,
        "objective.r2": 0.3,
        "optimizer.learning_rate_generator": 1e-2,
        "training.steps": 40,
        "recording.log_every": 7,
    },
)


def walked(model, config):
    rows = model.chunk(tf.constant(X), draw_block(config, len(X), 0), 0, 20, 0, LiveHyperparameters.of(config))
    return rows, {name: np.asarray(variable) for name, variable in model.state.items()}


@pytest.mark.parametrize(("loss", "kind"), [("relativistic", GAN), ("energy", DistanceMatching), ("vae", VAE)])
def test_a_loss_says_which_model(loss, kind):
    off = {"objective.r1": 0, "objective.r2": 0} if kind is not GAN else {}
    assert type(models.build(override(CONFIG, {"objective.loss": loss, **off}), statistics(X))) is kind


def test_a_second_run_of_the_same_structure_compiles_nothing_and_computes_what_a_new_model_would():
    compiled = models.CompiledModels()
    first = compiled.borrow(CONFIG, statistics(X))
    walked(first, CONFIG)
    compiled.give_back(first)
    again = compiled.borrow(OTHER, statistics(X))
    assert again is first
    rows, state = walked(again, OTHER)
    assert first._compiled.experimental_get_tracing_count() == 1
    new_rows, new_state = walked(GAN(OTHER, statistics(X)), OTHER)
    assert rows.tobytes() == new_rows.tobytes()
    assert {name: value.tobytes() for name, value in state.items()} == {n: v.tobytes() for n, v in new_state.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"generator.hidden": "6"},
        {"objective.loss": "hinge"},
        {"objective.r2": 0},
        {"objective.energy_weight": 0.1},
        {"optimizer.beta1": 0.5},
        {"training.batch": 8},
        {"training.discriminator_steps": 2},
        {"generator.ema": 0.5},
    ],
)
def test_another_structure_is_another_model(change):
    data = statistics(X)
    assert models.structure(override(CONFIG, change), data) != models.structure(CONFIG, data)


def test_other_data_are_another_model():
    assert models.structure(CONFIG, statistics(X)) != models.structure(CONFIG, statistics(X + 1))


def test_a_model_in_use_is_not_lent_twice():
    data = statistics(X)
    compiled = models.CompiledModels()
    one = compiled.borrow(CONFIG, data)
    assert compiled.borrow(CONFIG, data) is not one


def test_only_the_newest_models_are_kept():
    configs = [override(CONFIG, {"generator.hidden": str(20 + i)}) for i in range(4)]
    compiled = models.CompiledModels()
    built = [compiled.borrow(config, statistics(X)) for config in configs]
    for model in built:
        compiled.give_back(model)
    found = [compiled.borrow(config, statistics(X)) for config in configs]
    assert [a is b for a, b in zip(found, built)] == [False, True, True, True]


def test_compilations_are_counted_and_timed_once_for_each_model():
    compiled = models.CompiledModels()
    model = compiled.borrow(CONFIG, statistics(X))
    assert compiled.seconds_to_compile(model) is None and compiled.compilations == 0
    for _ in range(2):
        with compiled.timed(model):
            walked(model, CONFIG)
    assert compiled.compilations == 1
    assert compiled.seconds_to_compile(model) is None  # nothing is left to compile
    other = compiled.borrow(override(CONFIG, {"generator.hidden": "6"}), statistics(X))
    assert compiled.seconds_to_compile(other) > 0
