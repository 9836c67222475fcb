"""One table of contracts over every objective: what its losses are worth, who takes part, and who moves when."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from gan_core.config.presets import preset
from gan_core.config.run_config import ConfigError, override
from gan_core.config.sections import ADVERSARIAL_LOSSES, LOSSES
from gan_core.engine import models
from gan_core.engine.base_model import Batch, LiveHyperparameters, batches_per_step
from gan_core.engine.gan import GAN
from gan_core.engine.networks import DataStatistics
from gan_core.engine.objectives import OBJECTIVES

LOG2 = math.log(2)
GAME_ROW = ("loss_discriminator", "loss_generator", "score_real", "score_fake", "penalty")
DATA = {
    "points": DataStatistics((2,), np.array([1.0, -1.0], np.float32), 2.0),
    "images": DataStatistics((8, 8, 1), np.full((8, 8, 1), 0.4, np.float32), 1.0),
}
every_kind = pytest.mark.parametrize("kind", DATA)


class Contract(NamedTuple):
    """Of one objective. The first five are of games only; all numbers are by hand."""

    zero: float | None = None
    """What the discriminator's loss is worth where it knows nothing, all logits 0."""
    losing: float | None = None
    """What pushes a generator whose logit is −40: the derivative of its loss with respect to it."""
    level: float | None = None
    """The same at a logit of 0."""
    shifts: bool = False
    """Whether a constant added to all logits leaves what both sides learn as it was."""
    paired: bool = False
    """Whether the generator's loss looks at real logits too."""
    others: tuple[str, ...] = ("discriminator",)
    """The networks that learn beside the generator."""
    row: tuple[str, ...] = GAME_ROW
    """What a step reports."""


CONTRACTS = {
    "minimax": Contract(2 * LOG2, losing=0, level=-0.5),
    "non-saturating": Contract(2 * LOG2, losing=-1, level=-0.5),
    "least-squares": Contract(0.5, losing=-41, level=-1),
    "hinge": Contract(2, losing=-1, level=-1),
    "wasserstein": Contract(0, losing=-1, level=-1, shifts=True),
    "relativistic": Contract(LOG2, losing=-1, level=-0.5, shifts=True, paired=True),
    "energy": Contract(others=(), row=("loss_generator",)),
    "mean-distance": Contract(others=(), row=("loss_generator",)),
    "nearest-distance": Contract(others=(), row=("loss_generator",)),
    "vae": Contract(others=("encoder",), row=("loss_generator", "loss_reconstruction", "loss_divergence")),
}
of_games = pytest.mark.parametrize(
    ("loss", "contract"), [(k, c) for k, c in CONTRACTS.items() if k in ADVERSARIAL_LOSSES]
)
of_all = pytest.mark.parametrize(("loss", "contract"), CONTRACTS.items())


def test_every_objective_has_a_contract():
    assert tuple(CONTRACTS) == LOSSES, "CONTRACTS in this file has a line for each loss, in the order of sections.py"


# ---------------------------------------------------------------- losses of games, on logits alone


def sides(loss, real, fake):
    """(loss, derivatives by real logits, derivatives by fake logits) of the discriminator and of the generator."""
    found = []
    for side in ("discriminator", "generator"):
        logits = [tf.constant(np.atleast_1d(x), tf.float32) for x in (real, fake)]
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = getattr(OBJECTIVES[loss], side)(real_logits=logits[0], fake_logits=logits[1])
        pulls = tape.gradient(value, logits, unconnected_gradients="zero")
        found.append((float(value), *(g.numpy() for g in pulls)))
    return found


@of_games
def test_what_it_is_worth_where_nothing_is_known(loss, contract):
    (value, *_), _ = sides(loss, [0, 0], [0, 0])
    assert value == pytest.approx(contract.zero, abs=1e-6)


@of_games
def test_who_pulls_where(loss, contract):
    """The discriminator wants real logits up and fake ones down, the generator fake ones up."""
    (_, real, fake), (_, _, by_generator) = sides(loss, 0.2, 0.3)
    assert real < 0 < fake and by_generator < 0
    assert sides(loss, 0, 0)[1][2] == pytest.approx(contract.level)


@of_games
def test_how_hard_a_losing_generator_is_pushed(loss, contract):
    assert sides(loss, 0, -40)[1][2] == pytest.approx(contract.losing, abs=1e-6)


@of_games
def test_whether_only_differences_count(loss, contract):
    real, fake = np.array([0.5, -1.0, 2.0]), np.array([0.25, 1.5, -0.5])
    still, moved = sides(loss, real, fake), sides(loss, real + 3, fake + 3)
    same = all(np.allclose(a, b, atol=1e-6) for a, b in zip([*still[0], *still[1][1:]], [*moved[0], *moved[1][1:]]))
    assert same == contract.shifts


@of_games
def test_whether_the_generator_looks_at_real_samples(loss, contract):
    _, (value, by_real, _) = sides(loss, [0.5, 1.0], [0.1, 0.2])
    assert by_real.any() == contract.paired == OBJECTIVES[loss].paired
    assert (sides(loss, [2.5, -1.0], [0.1, 0.2])[1][0] != value) == contract.paired


@of_games
@pytest.mark.parametrize("size", [1e3, 1e6])
def test_no_logit_is_too_large(loss, contract, size):
    for real in (-size, size):
        for fake in (-size, size):
            for value, *pulls in sides(loss, real, fake):
                assert np.isfinite(value) and np.isfinite(pulls).all()


# ---------------------------------------------------------------- whole models, one step at a time


def settings(loss, **changes):
    off = {} if loss in ADVERSARIAL_LOSSES else {"objective.r1": 0, "objective.r2": 0}
    small = {
        "generator.hidden": "5",
        "generator.latent_dim": 3,
        "discriminator.hidden": "6",
        "discriminator.fourier": 0,
        "objective.loss": loss,
        "objective.penalty_every": 2,
        "training.batch": 4,
        "training.steps": 50,
        "training.fresh_samples": True,
        "optimizer.warmup_steps": 0,
    }
    return override(preset("auto", shape=(2,)), small | off | changes)


def model_of(loss, kind="points", **changes):
    return models.build(settings(loss, **changes), DATA[kind])


def batch_for(model):
    rng, n = np.random.default_rng(0), batches_per_step(model.settings)
    size = n, model.settings.training.batch
    real, z = rng.uniform(size=(*size, *model.data.shape)), rng.normal(size=(*size, 3))
    return Batch(tf.constant(real, tf.float32), tf.constant(z, tf.float32))


def step(model, number=0):
    return [
        float(x)
        for x in model.update(tf.constant(number, tf.int64), LiveHyperparameters.of(model.settings), batch_for(model))
    ]


def bits(variables):
    return [np.asarray(v).tobytes() for v in variables]


def state(model):
    """Of every network what learns, and of every optimizer everything."""
    parts = {name: bits(network.trainable_variables or network.weights) for name, network in model.networks.items()}
    return parts | {name: bits(optimizer.variables) for name, optimizer in model.optimizers.items()}


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@of_all
def test_which_networks_there_are_and_what_a_step_reports(loss, contract):
    model = model_of(loss)
    assert isinstance(model, GAN) == (loss in ADVERSARIAL_LOSSES)
    assert set(model.networks) == {"generator", "ema", *contract.others}
    assert set(model.optimizers) == {f"{name}_optimizer" for name in ("generator", *contract.others)}
    assert type(model).STEP_METRICS == contract.row
    assert len(step(model)) == len(contract.row)


@of_all
def test_a_step_moves_every_network_by_its_own_optimizer(loss, contract):
    model = model_of(loss)
    before = state(model)
    step(model)
    assert changed(before, state(model)) == set(before)
    assert [int(o.iterations.numpy()) for o in model.optimizers.values()] == [1] * len(model.optimizers)


@of_games
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objective.energy_weight": 1, "objective.feature_matching": 1, "objective.diversity": 1},
        {"discriminator.spectral_norm": True, "discriminator.packing": 2, "objective.instance_noise": 0.1},
        {"objective.r1": 0, "objective.r2": 0, "discriminator.clip": 1, "discriminator.batch_norm": True},
    ],
    ids=["plain", "terms", "augmented", "normal"],
)
def test_each_half_of_a_game_moves_its_own_network_alone(loss, contract, changes):
    """Bit for bit, the averaged generator and the other one's optimizer included."""
    model, number = model_of(loss, **changes), tf.constant(0, tf.int64)
    batch, live = batch_for(model), LiveHyperparameters.of(model.settings)
    before = state(model)
    gradients, *_ = model.discriminator_gradients(number, live, batch.real[0], batch.z[0])
    model.update_discriminator(number, live, gradients)
    middle = state(model)
    assert changed(before, middle) == {"discriminator", "discriminator_optimizer"}
    model.update_generator(number, live, batch.real[1], batch.z[1])
    assert changed(middle, state(model)) == {"generator", "generator_optimizer"}


PENALTIES = [
    {"objective.r1": 0, "objective.r2": 0},
    {"objective.r1": 1, "objective.r2": 0},
    {"objective.r1": 0, "objective.r2": 1},
    *({"objective.r1": 0, "objective.r2": 0, "objective.gradient_penalty": kind} for kind in ("wgan-gp", "wgan-gp0")),
    {"objective.r1": 1, "objective.r2": 1, "objective.gradient_penalty": "dragan"},
]


@every_kind
@of_all
def test_three_steps_with_every_penalty_stay_finite(kind, loss, contract):
    """All that may be combined; what is refused is refused for every model without a discriminator, and for none else
    but a Wasserstein critic without a bound."""
    refused, tried = 0, PENALTIES if kind == "points" else [PENALTIES[0], PENALTIES[-1]]
    for penalty in tried:
        try:
            model = model_of(loss, kind, **penalty)
        except ConfigError:
            refused += 1
            continue
        for number in range(3):
            row = dict(zip(contract.row, step(model, number)))
            assert np.isfinite(list(row.values())).all()
            if loss in ADVERSARIAL_LOSSES:
                assert (row["penalty"] > 0) == (number != 1 and penalty is not PENALTIES[0])
        assert all(np.isfinite(np.asarray(v)).all() for v in model.state.values())
        assert model.ema_generator(np.zeros((7, 3), np.float32)).shape == (7, *DATA[kind].shape)
    assert refused == (len(tried) - 1 if loss not in ADVERSARIAL_LOSSES else int(loss == "wasserstein"))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_same_seed_and_batch_are_the_same_step(loss):
    one, same = (model_of(loss) for _ in range(2))
    assert step(one) == step(same) and state(one) == state(same)
