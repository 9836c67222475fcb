"""A run at a snapshot: its samples by seed and place are the ones it shows, in whatever range they are asked for."""

import numpy as np
import pytest

from gan_core.codec import to_storage
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.engine import checkpoints, models, networks, sampling
from gan_core.jobs import snapshot_sampler
from gan_core.records import GanometerError
from gan_core.store import Store
from gan_core.worker.run_session import Session
from gan_core.worker.train_run import train_run

TINY = {
    "generator.hidden": "8",
    "discriminator.hidden": "8",
    "generator.latent_dim": 4,
    "training.steps": 20,
    "training.batch": 32,
    "recording.snapshots": 3,
    "recording.rows": 60,
}
DIGITS = datasets.load("digits")


def trained(store: Store, data=DIGITS, **changes) -> str:
    """The id of a run that has trained for twenty steps."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = override(preset("auto", data=data.name, shape=data.shape), TINY | changes)
    run = store.runs.get(store.runs.create(config, worker_id="w1"))
    assert train_run(Session(store, run, "w1"), lambda name, progress=None: data) == "finished"
    return run.id


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def plain(store):
    return trained(store)


@pytest.fixture(scope="module")
def conditional(store):
    return trained(store, data__conditional=True)


def test_without_a_seed_it_makes_the_very_samples_that_the_snapshot_shows(store, plain, conditional):
    for run_id in (plain, conditional):
        for step in store.recordings.snapshot_steps(run_id):
            made, shown = (
                snapshot_sampler.SnapshotSampler.of(store, run_id, step).draw(None, 0, 64),
                store.recordings.snapshot(run_id, step),
            )
            assert np.array_equal(made.x, shown.samples) and np.array_equal(to_storage(made.exact), shown.samples)
    assert made.classes.tolist() == [i % 10 for i in range(64)]


def test_what_was_shown_on_another_machine_is_what_is_shown(store, plain):
    sampler = snapshot_sampler.SnapshotSampler.of(store, plain, 20)
    kept = sampler.draw(None, 5, 9).x
    sampler.generator.weights[0].assign(sampler.generator.weights[0] + 1)  # as if its processor rounded otherwise
    other = sampler.draw(None, 5, 9)
    assert np.array_equal(other.x, kept) and not np.array_equal(to_storage(other.exact), kept)


@pytest.mark.parametrize("seed", [None, 7])
def test_a_sample_is_the_same_in_every_range(store, conditional, seed):
    sampler = snapshot_sampler.SnapshotSampler.of(store, conditional, None)
    whole = sampler.draw(seed, 0, 64 if seed is None else 200, truncation=0.9)
    for first, last in ((0, 1), (63, 64), (17, 40)) if seed is None else ((0, 1), (130, 131), (60, 200), (199, 200)):
        part = sampler.draw(seed, first, last, truncation=0.9)
        assert all(np.array_equal(a[first:last], b) for a, b in zip(whole, part))


def test_samples_are_the_generators_of_their_latents(store, conditional):
    sampler = snapshot_sampler.SnapshotSampler.of(store, conditional, None)
    made = sampler.draw(3, 0, 100)
    inputs = sampling.inputs(sampler.generator, 3, 100, sampling.REQUEST)
    assert np.array_equal(made.z, inputs[:, :4]) and np.array_equal(made.classes, inputs[:, 4:].argmax(axis=1))
    assert made.exact == pytest.approx(sampler.generator(inputs).numpy(), abs=1e-6)
    assert np.array_equal(made.x, to_storage(made.exact))
    sixes = np.concatenate([made.z[:5], np.eye(10, dtype=np.float32)[[6] * 5]], axis=1)
    assert sampler.make(made.z[:5], 6) == pytest.approx(sampler.generator(sixes).numpy(), abs=1e-6)


def test_truncation_shortens_the_latents_and_leaves_the_class(store, conditional):
    sampler = snapshot_sampler.SnapshotSampler.of(store, conditional, None)
    whole, half = (sampler.draw(3, 0, 30, truncation=share) for share in (1.0, 0.5))
    assert np.array_equal(half.z, whole.z * np.float32(0.5)) and np.array_equal(half.classes, whole.classes)
    inputs = np.concatenate([half.z, np.eye(10, dtype=np.float32)[half.classes]], axis=1)
    assert half.exact == pytest.approx(sampler.generator(inputs).numpy(), abs=1e-6)


def test_a_class_is_asked_for_by_its_label(store, plain, conditional):
    made = snapshot_sampler.SnapshotSampler.of(store, conditional, None).draw(None, 0, 64, label=7)
    assert set(made.classes) == {7} and not np.array_equal(made.x, store.recordings.snapshot(conditional).samples)
    with pytest.raises(GanometerError, match="class 11 was asked .* it knows 0, 1"):
        snapshot_sampler.SnapshotSampler.of(store, conditional, None).draw(1, 0, 4, label=11)
    with pytest.raises(GanometerError, match="it was trained without classes"):
        snapshot_sampler.SnapshotSampler.of(store, plain, None).draw(1, 0, 4, label=1)


def test_there_are_64_of_the_runs_own(store, plain):
    with pytest.raises(GanometerError, match="sample 64 was asked .* own are 0 to 63; choose one of those"):
        snapshot_sampler.SnapshotSampler.of(store, plain, None).draw(None, 60, 65)


def test_a_step_without_a_snapshot_is_said(store, plain):
    with pytest.raises(GanometerError, match="no snapshot of step 3; it has 0, "):
        snapshot_sampler.SnapshotSampler.of(store, plain, 3)


# ---------------------------------------------------------------- the discriminator


def logits(network, x) -> np.ndarray:
    return network(x, training=False).numpy()[:, 0]


def test_of_images_the_discriminator_is_in_the_newest_checkpoints_only(store, plain):
    run = store.runs.get(plain)
    model = models.build(run.config, networks.statistics(DIGITS.train.x))
    step, data = store.recordings.checkpoint(plain)
    assert step == 20
    checkpoints.restore(model, data)
    x = DIGITS.test.x[:20] / np.float32(255)
    found = snapshot_sampler.discriminator_at(store, run, 20)
    assert logits(found, x) == pytest.approx(logits(model.discriminator, x), abs=1e-6)
    assert snapshot_sampler.discriminator_at(store, run, 0) is None


def test_of_points_every_snapshot_has_its_own(store):
    data = datasets.load("ring-8")
    run = store.runs.get(trained(store, data))
    first, last = (snapshot_sampler.discriminator_at(store, run, step) for step in (0, 20))
    assert not np.allclose(logits(first, data.test.x[:20]), logits(last, data.test.x[:20]))


ALONE = {"objective__loss": "energy", "objective__r1": 0, "objective__r2": 0}


@pytest.mark.parametrize("changes", [ALONE, {"discriminator__packing": 2}])
def test_where_no_single_sample_is_judged_there_is_none(store, changes):
    run = store.runs.get(trained(store, **changes))
    assert run.state == "finished" and snapshot_sampler.discriminator_at(store, run, 20) is None
