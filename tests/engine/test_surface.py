"""The drawn game: the surface against the discriminator asked point by point, pushes against finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from scipy.stats import norm

from gan_core import records
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.config.sections import DISTANCE_LOSSES
from gan_core.engine import checkpoints, models, objectives, sampling, surface
from gan_core.engine.networks import statistics

REAL = np.random.default_rng(0).normal([3, -1], [2, 0.5], (200, 2)).astype(np.float32)
LABELS = (REAL[:, 0] > 3).astype(np.int64)
TINY = {"generator.hidden": "4", "discriminator.hidden": "5", "generator.latent_dim": 2}
PLAIN = {"objective.r1": 0, "objective.r2": 0, "objective.loss": "non-saturating", "discriminator.fourier": 0}
STEP = 30


def configured(loss="non-saturating", **changes):
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    return override(preset("auto", shape=(2,)), TINY | PLAIN | {"objective.loss": loss} | changes)


def snapshot(config, labels=None):
    """A model that never trained and what a training would keep of it, for data of which it knows."""
    model = models.build(config, statistics(REAL, labels))
    rng = np.random.default_rng(1)
    for weight in model.state.values():
        weight.assign(np.asarray(weight) + rng.normal(0, 0.3, weight.shape).astype(weight.dtype))
    others = {name: n.weights for name, n in model.networks.items() if name == "discriminator"}
    return model, checkpoints.weights_to_bytes(model.ema_generator.weights, **others)


def drawn(config, labels=None, label=None):
    model, weights = snapshot(config, labels)
    return model, surface.compute(config, weights, STEP, REAL, labels=labels, label=label)


def sigmoid(a):
    return 1 / (1 + np.exp(-np.asarray(a, np.float64)))


# ---------------------------------------------------------------- what the discriminator believes


@pytest.mark.parametrize(
    "loss, read",
    [
        ("non-saturating", lambda a, fake: sigmoid(a)),
        ("hinge", lambda a, fake: sigmoid(a)),
        ("least-squares", lambda a, fake: np.clip(a, 0, 1)),
        ("relativistic", lambda a, fake: sigmoid(a - fake.mean())),
    ],
)
def test_the_surface_is_the_discriminator_asked_point_by_point(loss, read):
    model, found = drawn(configured(loss))
    on_fake = model.discriminator(found["points"]).numpy()
    assert found["belief"].shape == (len(found["y"]), len(found["x"])) == (surface.GRID_SIDE, surface.GRID_SIDE)
    for i, j in [(0, 0), (0, 60), (60, 0), (17, 42), (30, 5)]:
        logit = model.discriminator(np.array([[found["x"][j], found["y"][i]]])).numpy()[0, 0]
        assert found["belief"][i, j] == pytest.approx(read(logit, on_fake), abs=1e-5)


def test_the_surface_covers_the_data_in_a_square():
    _, found = drawn(configured())
    low, high = REAL.min(axis=0), REAL.max(axis=0)
    for axis, middle in zip((found["x"], found["y"]), (low + high) / 2):
        assert axis[[0, -1]] == pytest.approx(middle + np.array([-0.625, 0.625]) * np.ptp(REAL[:, 0]), rel=1e-5)
        assert np.diff(axis) == pytest.approx(np.ptp(axis) / 60, rel=1e-3)


def test_data_in_one_place_still_have_a_square():
    x, y = surface.axes(np.full((5, 2), 7.0), 3)
    assert x == pytest.approx([6.375, 7, 7.625]) and y == pytest.approx(x)


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_a_class_has_its_own_surface_and_all_together_the_highest_of_them(loss):
    """A rank is compared with generated samples of its own class: classes are never compared with each other."""
    config = configured(loss, data__conditional=True)
    model, both = drawn(config, LABELS)
    each = [drawn(config, LABELS, label)[1]["belief"] for label in (0, 1)]
    place = tf.constant([[both["x"][40], both["y"][20]]])
    asked = [model.discriminator([place, tf.one_hot([c], 2)]).numpy()[0, 0] for c in (0, 1)]
    if loss == "relativistic":
        alone = [drawn(config, LABELS, c)[1]["points"] for c in (0, 1)]
        asked -= np.array(
            [model.discriminator([tf.constant(x), tf.one_hot([c] * 64, 2)]).numpy().mean() for c, x in enumerate(alone)]
        )
    assert [belief[20, 40] for belief in each] == pytest.approx(sigmoid(asked), abs=1e-5)
    if loss == "relativistic":
        return  # together, other samples stand for each class
    assert both["belief"] == pytest.approx(np.maximum(*each), abs=1e-6)
    assert (each[0] != each[1]).mean() > 0.5


# ---------------------------------------------------------------- what the generator reaches


def test_points_are_those_of_the_runs_own_snapshot():
    config = configured()
    model, found = drawn(config)
    z = sampling.latents(config.seed, 64, 2, sampling.PREVIEW)
    assert (found["points"] == model.ema_generator(z).numpy()).all()


def test_the_manifold_is_the_generator_asked_point_by_point():
    model, found = drawn(configured())
    at = norm.ppf((np.arange(21) + 0.5) / 21)
    assert found["manifold"].shape == (1, 21, 21, 2)
    for i, j in [(0, 0), (0, 20), (7, 13)]:
        z = np.array([[at[j], at[i]]], np.float32)
        assert found["manifold"][0, i, j] == pytest.approx(model.ema_generator(z).numpy()[0], rel=1e-4, abs=1e-5)


def test_every_class_has_its_own_manifold():
    model, found = drawn(configured(data__conditional=True), LABELS)
    at = norm.ppf(0.5 / 21)
    made = model.ema_generator(np.array([[at, at, 1, 0], [at, at, 0, 1]], np.float32)).numpy()
    assert found["manifold"].shape == (2, 21, 21, 2)
    assert found["manifold"][:, 0, 0] == pytest.approx(made, rel=1e-4, abs=1e-5)


def test_cells_between_latents_are_equally_likely():
    """Along one line of the grid, each step holds one 21st of the normal distribution."""
    grid = surface.latent_grid(2, 0, 21)
    assert np.diff(norm.cdf(grid[5, :, 0].astype(float))) == pytest.approx(np.full(20, 1 / 21), rel=1e-5)
    assert (grid == grid[..., ::-1].swapaxes(0, 1)).all()


@pytest.mark.parametrize("dim", [3, 64])
def test_of_many_latents_a_plane_is_shown_where_they_are_as_long_as_usual(dim):
    """E||z||² of `dim` normal numbers is `dim`, and 2 of those on the plane."""
    plane, flat = surface.latent_grid(dim, 5, 7), surface.latent_grid(2, 5, 7)
    stretched = np.sqrt(dim / 2) * cdist(*[flat.reshape(-1, 2)] * 2)
    assert cdist(*[plane.reshape(-1, dim)] * 2) == pytest.approx(stretched, abs=1e-4)
    assert np.linalg.matrix_rank(plane.reshape(-1, dim), tol=1e-4) == 2
    assert (plane == surface.latent_grid(dim, 5, 7)).all() and (plane != surface.latent_grid(dim, 6, 7)).any()


def test_of_one_latent_the_manifold_is_a_line():
    grid = surface.latent_grid(1, 0, 5)
    assert grid.shape == (5, 5, 1) and (grid == grid[:1]).all() and (np.diff(grid[0, :, 0]) > 0).all()


# ---------------------------------------------------------------- where points are pushed


def discriminator(model, x):
    """One leaky layer in NumPy, between the scaling of the data and the logit, in float64."""
    gain, offset, w, b, v, c = (np.asarray(weight, np.float64) for weight in model.discriminator.weights)
    hidden = (gain * x + offset) @ w + b
    return (np.where(hidden > 0, hidden, 0.2 * hidden) @ v + c)[:, 0]


def by_finite_differences(loss, x, h=1e-5):
    """−n · dL/dx_i for a loss that is a function of all points (n, 2)."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = h
        found[place] = -len(x) * (loss(x + step) - loss(x - step)) / (2 * h)
    return found


def pushed(config, n=8, batches=3):
    model, _ = snapshot(config)
    rng = np.random.default_rng(2)
    fake = rng.normal([3, -1], 1, (n, 2)).astype(np.float32)
    reals = rng.choice(REAL, (batches, n))
    z = rng.normal(size=(n, 2)).astype(np.float32)
    return (
        model,
        fake.astype(np.float64),
        reals.astype(np.float64),
        surface.negative_gradients(model, STEP, fake=fake, z=z, reals=reals),
    )


def energy_distance(real, fake):
    within = cdist(real, real).sum() / (len(real) * (len(real) - 1))
    return (2 * cdist(real, fake).mean() - within - cdist(fake, fake).sum() / (len(fake) * (len(fake) - 1))) / within


LOSSES = {
    "non-saturating": lambda real, fake: np.logaddexp(0, -fake).mean(),
    "minimax": lambda real, fake: -np.logaddexp(0, fake).mean(),
    "wasserstein": lambda real, fake: -fake.mean(),
    "relativistic": lambda real, fake: np.logaddexp(0, real - fake).mean(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_push_is_the_slope_of_the_generators_loss(loss):
    model, fake, reals, found = pushed(configured(loss, discriminator__spectral_norm=False, objective__r1=1))

    def mean_loss(x):
        return np.mean([LOSSES[loss](discriminator(model, real), discriminator(model, x)) for real in reals])

    assert found == pytest.approx(by_finite_differences(mean_loss, fake), rel=1e-3, abs=1e-5)


def test_the_energy_term_pushes_too():
    model, fake, reals, found = pushed(configured(objective__energy_weight=0.7))

    def mean_loss(x):
        game = LOSSES["non-saturating"](None, discriminator(model, x))
        return game + 0.7 * np.mean([energy_distance(real, x) for real in reals])

    assert found == pytest.approx(by_finite_differences(mean_loss, fake), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("loss", DISTANCE_LOSSES)
def test_distances_push_without_any_discriminator(loss):
    model, fake, reals, found = pushed(configured(loss))
    unit = [cdist(real, real).sum() / (len(real) * (len(real) - 1)) for real in reals]
    losses = {
        "energy": energy_distance,
        "mean-distance": lambda real, x: np.linalg.norm(real - x, axis=1).mean(),
        "nearest-distance": lambda real, x: cdist(x, real).min(axis=1).mean(),
    }

    def mean_loss(x):
        by = np.ones(len(reals)) if loss == "energy" else unit
        return np.mean([losses[loss](real, x) / u for real, u in zip(reals, by)])

    assert found == pytest.approx(by_finite_differences(mean_loss, fake), rel=1e-3, abs=1e-4)


def test_a_point_is_set_beside_real_ones_of_its_class():
    wanted = np.array([0, 1, 1, 0])
    found = surface.real_batches(np.arange(200)[:, None], LABELS, wanted, 3)
    assert found.shape == (surface.BATCHES, 4, 1) and (LABELS[found[..., 0]] == wanted).all()


# ---------------------------------------------------------------- every kind of run


KINDS = {
    "game": ({}, {"points", "manifold", "x", "y", "belief", "pushes"}),
    "packed": ({"discriminator.packing": 5, "training.batch": 5}, {"points", "manifold", "pushes"}),
    "energy": ({"objective.loss": "energy"}, {"points", "manifold", "pushes"}),
    "vae": ({"objective.loss": "vae"}, {"points", "manifold"}),
    "all at once": (
        {
            "discriminator.batch_norm": True,
            "discriminator.spectral_norm": True,
            "discriminator.fourier": 2,
            "objective.instance_noise": 0.1,
            "objective.diversity": 0.5,
            "objective.feature_matching": 0.5,
            "objective.energy_weight": 0.5,
            "objective.energy_space": "features",
            "generator.latent_dim": 5,
        },
        {"points", "manifold", "x", "y", "belief", "pushes"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_is_drawn_as_far_as_it_can_be(kind):
    changes, parts = KINDS[kind]
    _, found = drawn(override(configured(), changes))
    assert set(found) == parts and all(np.isfinite(array).all() for array in found.values())
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    assert found["points"].shape == (64, 2)
    assert found.get("pushes", np.zeros((64, 2))).shape == ((60, 2) if kind == "packed" else (64, 2))


def test_a_snapshot_of_an_earlier_version_says_what_is_missing():
    config = configured()
    model, _ = snapshot(config)
    alone = checkpoints.weights_to_bytes(model.ema_generator.weights)
    with pytest.raises(records.GanometerError, match="has no discriminator.*train the run again"):
        surface.compute(config, alone, STEP, REAL)


def test_every_objective_says_how_its_outputs_are_read():
    assert {o.logit for o in objectives.OBJECTIVES.values()} == {"log-odds", "probability", "rank"}
