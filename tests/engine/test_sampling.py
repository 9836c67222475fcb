"""Latents as a function of what they are for, and samples however they are cut into batches."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gan_core.config.sections import GeneratorConfig
from gan_core.engine.networks import DataStatistics, build_generator
from gan_core.engine.sampling import MEASURE, PREVIEW, REQUEST, generate, inputs, latents, slerp
from gan_core.records import GanometerError


def test_latents_are_standard_normal():
    z = latents(0, 500, 20, PREVIEW)
    assert z.shape == (500, 20) and z.dtype == np.float32
    assert stats.kstest(z.ravel(), "norm").pvalue > 0.01
    correlations = np.corrcoef(z, rowvar=False)[np.triu_indices(20, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(500)


def test_latents_of_old_runs_stay_what_they_were():
    """Written down once: stored snapshots and checkpoints only make sense with these very numbers."""
    assert latents(0, 1, 3, PREVIEW)[0] == pytest.approx([-0.1409119, 0.8753360, 0.7073396], abs=1e-6)
    assert latents(7, 1, 3, MEASURE, 50)[0] == pytest.approx([-0.2777490, -0.7135391, 1.0275301], abs=1e-6)


def test_the_same_arguments_give_the_same_bits():
    assert (latents(3, 9, 4, REQUEST) == latents(3, 9, 4, REQUEST)).all()
    assert (latents(3, 9, 4, REQUEST)[:5] == latents(3, 5, 4, REQUEST)).all()  # more begin with the same


def test_every_purpose_index_and_seed_has_its_own_latents():
    kinds = itertools.product((0, 1, 2**31 - 1), (PREVIEW, MEASURE, REQUEST), (0, 1, 12_000))
    draws = [latents(seed, 2, 3, purpose, index) for seed, purpose, index in kinds]
    assert len(np.unique(np.concatenate(draws).ravel())) == 27 * 2 * 3


@pytest.mark.parametrize("n", [1, 3, 499, 500, 501, 1201])
def test_batches_are_put_together_in_order(n):
    weights = np.array([[1.0, -1.0], [0.5, 2.0]])
    seen = []

    def linear(z, training):
        seen.append((len(z), training))
        return tf.constant(z @ weights)

    z = np.random.default_rng(0).normal(size=(n, 2))
    assert (generate(linear, z) == z @ weights).all()
    assert max(size for size, _ in seen) <= 500 and {training for _, training in seen} == {False}


@pytest.mark.parametrize("shape", [(2,), (4, 3, 1)])
def test_a_generators_samples(shape):
    data = DataStatistics(shape, np.full(shape, 0.5, np.float32), 1.0)
    generator = build_generator(GeneratorConfig(latent_dim=3, hidden=(5,)), data)
    z = latents(0, 7, 3, PREVIEW)
    fake = generate(generator, z, batch=3)
    assert fake.shape == (7, *shape) and fake.dtype == np.float32
    assert fake == pytest.approx(generate(generator, z), abs=1e-6)
    assert generate(generator, z[:0]).shape == (0, *shape)
    assert generate(generator, z[:0]).dtype == np.float32


# ---------------------------------------------------------------- with classes

SHARES = (0.5, 0.3, 0.2)


@pytest.fixture(scope="module")
def told():
    """A generator that is told of three classes."""
    data = DataStatistics((2,), np.zeros(2, np.float32), 1.0, SHARES)
    return build_generator(GeneratorConfig(latent_dim=3, hidden=(4,)), data)


@pytest.fixture(scope="module")
def untold():
    return build_generator(GeneratorConfig(latent_dim=3, hidden=(4,)), DataStatistics.blank((2,)))


def classes(z):
    """Class numbers from what stands behind the three latents."""
    hot = z[:, 3:]
    assert hot.shape[1] == 3 and (hot.sum(axis=1) == 1).all() and set(np.unique(hot)) <= {0, 1}
    return hot.argmax(axis=1)


@pytest.mark.parametrize("purpose", [PREVIEW, MEASURE, REQUEST])
def test_a_generator_that_is_not_told_needs_latents_only(untold, purpose):
    assert (inputs(untold, 5, 9, purpose, 2) == latents(5, 9, 3, purpose, 2)).all()


@pytest.mark.parametrize("purpose", [PREVIEW, MEASURE, REQUEST])
def test_a_class_stands_behind_the_same_latents(told, purpose):
    z = inputs(told, 5, 9, purpose, 2)
    assert (z[:, :3] == latents(5, 9, 3, purpose, 2)).all() and z.dtype == np.float32
    assert classes(z).tolist() == classes(inputs(told, 5, 9, purpose, 2)).tolist()


def test_a_preview_deals_the_classes_out_in_turn(told):
    assert classes(inputs(told, 5, 8, PREVIEW)).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("purpose", [MEASURE, REQUEST])
def test_everything_else_draws_classes_as_often_as_the_data_have_them(told, purpose):
    counts = np.bincount(classes(inputs(told, 5, 2000, purpose)), minlength=3)
    assert stats.chisquare(counts, 2000 * np.array(SHARES)).pvalue > 0.01
    other = classes(inputs(told, 5, 2000, purpose, 1))
    assert (other != classes(inputs(told, 5, 2000, purpose))).any()


def test_one_class_may_be_asked_for(told):
    for label in range(3):
        z = inputs(told, 5, 9, REQUEST, label=label)
        assert set(classes(z)) == {label} and (z[:, :3] == latents(5, 9, 3, REQUEST)).all()


def test_a_class_that_the_generator_does_not_know_is_refused(told, untold):
    for label in (-1, 3):
        with pytest.raises(GanometerError, match=f"class number {label} was requested; this generator has 0 to 2"):
            inputs(told, 5, 9, REQUEST, label=label)
    with pytest.raises(GanometerError, match="was trained without class labels, so no class can be chosen"):
        inputs(untold, 5, 9, REQUEST, label=0)


# ---------------------------------------------------------------- from one to another


def test_a_quarter_turn_is_a_quarter_of_a_circle():
    path = slerp(np.float32([2, 0, 0]), np.float32([0, 2, 0]), 7)
    angles = np.pi / 2 * np.arange(7) / 6
    assert path == pytest.approx(2 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1), abs=1e-6)


def test_the_formula_of_the_paper_holds_between_latents_of_different_length():
    a, b = latents(1, 2, 50, REQUEST)
    omega = math.acos(float(a @ b) / (math.hypot(*a.tolist()) * math.hypot(*b.tolist())))
    path = slerp(a, b, 11)
    for i, z in enumerate(path):
        t = i / 10
        by_hand = (math.sin((1 - t) * omega) * a + math.sin(t * omega) * b) / math.sin(omega)
        assert z == pytest.approx(by_hand, abs=1e-5)
    assert (path[0] == a).all() and (path[-1] == b).all() and path.dtype == np.float32


@pytest.mark.parametrize("end", [[1, 2, 3], [2, 4, 6], [-1, -2, -3], [0, 0, 0]])
def test_where_a_turn_says_nothing_the_way_is_straight(end):
    start, end = np.float32([1, 2, 3]), np.float32(end)
    assert slerp(start, end, 5) == pytest.approx(np.linspace(start, end, 5), abs=1e-6)
