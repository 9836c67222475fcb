"""A latent walk, against its formula and the generator itself."""

import numpy as np
import pytest

from gan_core.engine import sampling
from gan_core.jobs.browse import Browse
from gan_core.jobs.latent_walk import KIND, LatentWalk
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.records import GanometerError
from tests.jobs.small_runs import STEP, flat


def test_a_walk_leads_from_one_sample_to_the_other(ask, plain):
    browsed = ask(Browse(n=150, seed=3), plain)
    found = ask(LatentWalk(start_seed=3, start_index=2, end_seed=3, end_index=149, frames=9), plain)
    assert np.array_equal(found["x"][[0, -1]], browsed["x"][[2, 149]])
    z = sampling.latents(3, 150, 4, sampling.REQUEST)[[2, 149]].astype(float)
    assert np.array_equal(found["z"][[0, -1]], z)
    omega = np.arccos(z[0] @ z[1] / np.prod(np.linalg.norm(z, axis=1)))
    half = (np.sin(omega / 2) * z[0] + np.sin(omega / 2) * z[1]) / np.sin(omega)
    assert found["z"][4] == pytest.approx(half, abs=1e-5)
    steps = [np.linalg.norm(a - b) for a, b in zip(flat(found["x"]), flat(found["x"][1:]))]
    assert found["length"] == pytest.approx(np.append(0, np.cumsum(steps)), abs=1e-5)


def test_frames_are_the_generators_of_their_latents(store, ask, ring):
    found = ask(LatentWalk(start_index=0, end_seed=5, end_index=70, frames=12, truncation=0.7), ring)
    sampler = SnapshotSampler.of(store, ring, STEP)
    assert found["x"] == pytest.approx(sampler.generator(found["z"]).numpy(), abs=1e-6)
    ends = ask(Browse(truncation=0.7), ring), ask(Browse(seed=5, n=71, truncation=0.7), ring)
    assert np.array_equal(found["x"][0], ends[0]["x"][0]) and np.array_equal(found["x"][-1], ends[1]["x"][70])


def test_a_walk_stays_in_the_class_of_its_start(store, ask, conditional):
    own = store.recordings.snapshot(conditional).samples
    same = ask(LatentWalk(start_index=3, end_index=13, frames=4), conditional)
    assert np.array_equal(same["x"][[0, -1]], own[[3, 13]])
    other = ask(LatentWalk(start_index=3, end_index=14, frames=4), conditional)
    assert np.array_equal(other["x"][0], own[3]) and not np.array_equal(other["x"][-1], own[14])
    sampler = SnapshotSampler.of(store, conditional, STEP)
    threes = np.concatenate([other["z"], np.tile(np.eye(10)[3], (4, 1))], axis=1).astype(np.float32)
    assert flat(other["x"]) == pytest.approx(flat(sampler.generator(threes).numpy()), abs=1 / 255)


def test_the_run_has_64_samples_of_its_own(ask, plain):
    with pytest.raises(GanometerError, match="sample 64 was asked .* give a seed"):
        ask(LatentWalk(start_index=0, end_index=64), plain)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"start_index": 0}, "end_index is missing; expected a whole number"),
        ({"start_index": 0, "end_index": 1, "frames": 121}, "frames is 121; it must be between 2 and 120"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
