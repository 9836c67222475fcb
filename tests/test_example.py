"""The finished run that ships with the app is a real one: its pictures can be made again from its weights."""

import numpy as np
import pytest

from gan_core.bundles import bundle
from gan_core.codec import to_storage
from gan_core.engine import checkpoints, networks, sampling
from gan_core.records import SNAPSHOT_SAMPLES
from gan_core.service.lab import EXAMPLES
from gan_core.store import Store

BUNDLE = EXAMPLES / "digits.zip"


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('example') / 'store.sqlite'}")
    return store, store.runs.get(bundle.unbundle(store, BUNDLE.read_bytes()))


def test_it_is_small_and_finished_with_many_snapshots(example):
    store, run = example
    assert BUNDLE.stat().st_size <= 3_000_000
    assert run.state == "finished" and run.step == run.total_steps
    assert len(store.recordings.snapshot_steps(run.id)) >= 12


def test_its_pictures_follow_from_its_averaged_weights(example):
    store, run = example
    shape = store.datasets.get(run.dataset).shape
    z = sampling.latents(run.config.seed, SNAPSHOT_SAMPLES, run.config.generator.latent_dim, sampling.PREVIEW)
    blank = networks.DataStatistics(shape, np.zeros(shape, np.float32), 1.0)
    generator = networks.build_generator(run.config.generator, blank)
    for step in store.recordings.snapshot_steps(run.id):
        checkpoints.load_weights(generator, store.recordings.snapshot_weights(run.id, step))
        made = to_storage(sampling.generate(generator, z))
        kept = store.recordings.snapshot(run.id, step).samples
        # Another processor rounds the last digits differently: one grey level of 255 at most.
        assert np.abs(made.astype(int) - kept.astype(int)).max() <= 1, f"step {step}"


def test_its_distance_fell_to_that_of_real_samples(example):
    store, run = example
    reports = store.measurements.reports(run.id)
    first, last = (report.metrics["energy_distance"] for report in (reports[0][1], reports[-1][1]))
    assert first.value > 0.3
    assert last.value <= 0.02
    assert last.reference_mean is not None
