"""The way back to a latent, of generators whose answer is known in closed form."""

import keras
import numpy as np
import pytest

from gan_core.config.presets import preset
from gan_core.engine import projection, sampling
from gan_core.engine.networks import DataStatistics, build_generator

RNG = np.random.default_rng(0)


def linear(matrix: np.ndarray, offset: np.ndarray) -> keras.Model:
    """G(z) = matrix z + offset."""
    z = keras.Input((matrix.shape[1],))
    model = keras.Model(z, keras.layers.Dense(len(matrix))(z))
    model.layers[-1].set_weights([matrix.T, offset])
    return model


def of_usual_length(dim: int) -> np.ndarray:
    z = RNG.normal(size=dim)
    return (z * np.sqrt(dim) / np.linalg.norm(z)).astype(np.float32)


MATRIX, OFFSET = RNG.normal(size=(30, 6)).astype(np.float32), RNG.normal(size=30).astype(np.float32)
LINEAR = linear(MATRIX, OFFSET)


def test_a_linear_generator_is_answered_by_least_squares():
    """The target lies off what can be made: the nearest sample is its foot, of a latent that is as long as usual."""
    aside = RNG.normal(size=30)
    aside -= MATRIX @ np.linalg.lstsq(MATRIX, aside, rcond=None)[0]
    target = (MATRIX @ of_usual_length(6) + OFFSET + aside).astype(np.float32)
    best, *_ = np.linalg.lstsq(MATRIX.astype(float), (target - OFFSET).astype(float), rcond=None)
    found = projection.project(LINEAR, target, seed=3, steps=400)
    assert found.z == pytest.approx(best, abs=2e-3)
    assert found.distance == pytest.approx(np.linalg.norm(MATRIX @ best + OFFSET - target), rel=1e-5)
    assert found.x == pytest.approx(MATRIX @ found.z + OFFSET, abs=1e-4)


def test_what_the_generator_made_is_found_again():
    z = of_usual_length(6)
    found = projection.project(LINEAR, MATRIX @ z + OFFSET, seed=3, steps=400)
    assert found.z == pytest.approx(z, abs=2e-3) and found.distance < 0.01 * found.start_distance


def test_the_start_is_the_best_of_a_thousand():
    target = (10 * RNG.normal(size=30)).astype(np.float32)
    found = projection.project(LINEAR, target, seed=5, steps=50, starts=4)
    candidates = sampling.latents(5, 1000, 6, sampling.PROJECTION) @ MATRIX.T + OFFSET
    far = np.linalg.norm(candidates - target, axis=1)
    assert found.start_distance == pytest.approx(far.min(), rel=1e-5)
    assert found.start == pytest.approx(candidates[far.argmin()], abs=1e-4)


def test_the_curve_is_the_best_so_far_and_ends_at_what_was_found():
    told = []
    found = projection.project(LINEAR, OFFSET + 2, seed=1, steps=60, starts=3, progress=told.append)
    assert found.curve.shape == (60,) and (np.diff(found.curve) <= 0).all()
    assert found.curve[0] == pytest.approx(found.start_distance, rel=1e-5)
    assert found.curve[-1] == pytest.approx(found.distance, rel=1e-6)
    assert found.distance == pytest.approx(np.linalg.norm(found.x - OFFSET - 2), rel=1e-4)
    assert told == sorted(told) and told[0] == 0 and 15 <= len(told) <= 21 and told[-1] < 1


def test_a_target_out_of_reach_is_not_followed_out_of_the_usual_latents():
    """Without the reminder of N(0, I) the latent would become a hundred times as long as usual."""
    far = projection.project(LINEAR, 100 * (MATRIX @ of_usual_length(6)) + OFFSET, seed=2, steps=1000)
    candidates = sampling.latents(2, 1000, 6, sampling.PROJECTION)
    assert np.linalg.norm(far.z) <= np.linalg.norm(candidates, axis=1).max()


def test_the_same_seed_finds_the_same_and_more_starts_no_worse():
    config = preset("auto", data="digits").generator
    network = build_generator(config, DataStatistics.blank((8, 8, 1)), seed=4)
    target = RNG.random((8, 8, 1)).astype(np.float32)
    one, same, other = (projection.project(network, target, seed=seed, steps=50) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same)) and not np.array_equal(one.z, other.z)
    alone = projection.project(network, target, seed=1, steps=50, starts=1)
    assert one.distance <= alone.distance + 1e-5 and one.start_distance == alone.start_distance


def test_a_generator_that_is_told_of_classes_stays_with_the_class():
    told = np.array([0, 1], np.float32)
    found = projection.project(LINEAR, OFFSET + 1, seed=3, one_hot=told, steps=400)
    assert found.z.shape == (4,)
    free, fixed = MATRIX[:, :4].astype(float), MATRIX[:, 5]
    assert found.x == pytest.approx(free @ found.z + fixed + OFFSET, abs=1e-4)
    least = np.linalg.lstsq(free, 1 - fixed.astype(float), rcond=None)
    assert found.distance == pytest.approx(np.sqrt(least[1][0]), rel=0.05)
