"""Latents as a function of what they are for, and samples however they are cut into batches."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gan_core.config import GeneratorConfig
from gan_core.engine.networks import DataStatistics, build_generator
from gan_core.engine.sampling import MEASURE, PREVIEW, REQUEST, generate, latents


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
