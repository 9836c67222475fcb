"""A plane of latents, against SciPy and the generator itself."""

import numpy as np
import pytest
from scipy.stats import norm

from gan_core.jobs.latent_plane import KIND, LatentPlane
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.records import GanometerError
from tests.jobs.small_runs import STEP, flat


def test_the_cells_of_two_latents_are_equally_likely(store, ask, ring):
    found = ask(LatentPlane(size=7), ring)
    at = norm.ppf((np.arange(7) + 0.5) / 7)
    across, up = np.meshgrid(at, at)
    assert found["z"] == pytest.approx(np.stack([across, up], axis=-1), abs=1e-6)
    made = SnapshotSampler.of(store, ring, STEP).generator(found["z"].reshape(49, 2)).numpy()
    assert found["x"].shape == (7, 7, 2) and found["x"].reshape(49, 2) == pytest.approx(made, abs=1e-6)


def test_of_more_latents_a_numbered_plane_is_shown(ask, plain):
    first, again, other, half = (
        ask(LatentPlane(size=5, **more), plain) for more in ({}, {"plane": 0}, {"plane": 1}, {"truncation": 0.5})
    )
    assert first["x"].shape == (5, 5, 8, 8, 1) and first["x"].dtype == np.uint8 and first["z"].shape == (5, 5, 4)
    assert np.array_equal(first["z"], again["z"]) and not np.allclose(first["z"], other["z"])
    assert np.linalg.matrix_rank(first["z"].reshape(25, 4), tol=1e-4) == 2 and not first["z"][2, 2].any()
    assert half["z"] == pytest.approx(first["z"] / 2)


def test_a_plane_shows_one_class(store, ask, conditional):
    first, fives = ask(LatentPlane(size=5), conditional), ask(LatentPlane(size=5, label=5), conditional)
    assert np.array_equal(first["x"], ask(LatentPlane(size=5, label=0), conditional)["x"])
    sampler = SnapshotSampler.of(store, conditional, STEP)
    inputs = np.concatenate([fives["z"].reshape(25, 4), np.tile(np.eye(10)[5], (25, 1))], axis=1).astype(np.float32)
    assert flat(fives["x"].reshape(25, 8, 8, 1)) == pytest.approx(flat(sampler.generator(inputs).numpy()), abs=1 / 255)


def test_a_class_is_refused_where_the_run_has_none(ask, plain):
    with pytest.raises(GanometerError, match="it was trained without classes"):
        ask(LatentPlane(label=3), plain)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"size": 4, "plane": -1},
            "size is 4; it must be between 5 and 25; plane is -1; it must be between 0 and 2,147,483,647",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
