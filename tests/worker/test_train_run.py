"""One run from its data to its end, without a worker: the run is claimed, and nobody beats."""

import numpy as np
import pytest

from gan_core import machine
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.data.dataset_cache import DatasetCache
from gan_core.jobs.reference import ReferenceParameters
from gan_core.jobs.registry import asked
from gan_core.store import Store
from gan_core.store import schema as tables
from gan_core.worker.memory_estimate import memory_estimate
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
CONFIG = override(preset("auto", data="digits"), TINY)
ENDLESS = override(
    CONFIG,
    {"training.steps": 1_000_000, "recording.log_every": 1000, "optimizer.decay_from": 1, "objective.penalty_end": 1},
)


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def begin(store):
    """A session of a new run, and the data sets by name."""

    def begun(config=CONFIG, **more):
        run = store.runs.get(store.runs.create(config, worker_id="w1"))
        return Session(store, run, "w1", **more), DatasetCache(None, store.datasets.upload_bytes).dataset

    return begun


def claimed(store: Store, run_id: str) -> Session:
    """A session of a run that waits in the queue."""
    return Session(store, store.leases.claim("w2", run_id=run_id), "w2")


def why(session: Session, state: str = "interrupted") -> str:
    """Why the run is in that state, from which nobody has it any more."""
    run = session.store.runs.get(session.run.id)
    assert (run.state, run.worker) == (state, None)
    return run.error


# ---------------------------------------------------------------- to the end


def test_a_run_ends_finished_with_its_data_described(begin, store):
    session, dataset_named = begin()
    assert train_run(session, dataset_named) == "finished"
    run = store.runs.get(session.run.id)
    assert (run.state, run.step, run.worker, run.versions) == ("finished", 20, None, machine.versions())
    assert store.datasets.get(run.dataset).name == "digits"
    assert store.recordings.snapshot_steps(run.id)[-1] == 20


def test_real_against_real_is_asked_for_where_it_is_not_known(begin, store):
    session, dataset_named = begin()
    train_run(session, dataset_named)
    job = store.jobs.claim("w1")
    assert asked(job) == ReferenceParameters("digits", 60) and store.jobs.claim("w1") is None


def test_real_against_real_that_ships_is_not_asked_for(begin, store):
    session, dataset_named = begin(override(CONFIG, {"recording.rows": 360}))
    train_run(session, dataset_named)
    assert store.jobs.claim("w1") is None
    (_, report), *_ = store.measurements.reports(session.run.id)
    assert report.metrics["energy_distance"].reference_mean is not None


def test_a_fork_goes_on_from_its_parents_snapshot(begin, store):
    session, dataset_named = begin()
    train_run(session, dataset_named)
    run_id = store.runs.fork(session.run.id, 20, override(CONFIG, {"training.steps": 30}))
    fork = claimed(store, run_id)
    assert train_run(fork, dataset_named) == "finished"
    assert store.runs.get(run_id).step == 30 and min(store.recordings.snapshot_steps(run_id)) >= 20


def test_a_damaged_checkpoint_costs_the_steps_after_the_one_before(begin, store):
    session, dataset_named = begin()
    train_run(session, dataset_named)
    run_id = session.run.id
    with store.database.writing() as db:
        db.execute(tables.checkpoints.update().values(data=b"damaged"))
        db.execute(tables.runs.update().values(state="interrupted"))
    store.commands.send(run_id, "resume")
    assert train_run(claimed(store, run_id), dataset_named) == "finished"
    assert store.runs.get(run_id).step == 20 and store.recordings.snapshot_steps(run_id)[0] == 0


# ---------------------------------------------------------------- what cannot be trained


def test_data_that_are_missing_interrupt_a_run_with_its_sentence(begin):
    session, dataset_named = begin(override(CONFIG, {"data.name": "upload-gone"}))
    assert train_run(session, dataset_named) == "interrupted"
    assert why(session).startswith("there is no data set 'upload-gone': choose one of ")


def test_settings_that_do_not_suit_the_data_interrupt_a_run_with_its_sentence(begin):
    image = {f"{side}.architecture": "dcgan" for side in ("generator", "discriminator")}
    ring = override(preset("auto", data="ring-8", shape=(2,)), TINY | image)
    session, dataset_named = begin(ring)
    assert train_run(session, dataset_named) == "interrupted"
    assert "dcgan" in why(session) and "mlp" in why(session)


def test_classes_that_are_not_held_out_interrupt_a_run_with_its_sentence(begin):
    """A label of one sample is in one part only: its samples could not be told apart, nor asked for."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 60, 2)).astype(np.float32)
    labels = np.arange(60) % 2
    parts = dict(zip(("train", "holdout", "test"), (datasets.Part(rows, labels) for rows in x)))
    parts["train"] = datasets.Part(x[0], np.where(np.arange(60) == 7, 5, labels))
    odd = datasets.Dataset("odd", "points", (2,), **parts)
    session, _ = begin(override(preset("auto", shape=(2,)), TINY | {"data.conditional": True}))
    assert train_run(session, lambda name, progress: odd) == "interrupted"
    assert why(session) == (
        "the classes to train on are 0, 1, 5 and those to measure against 0, 1; turn data.conditional off, or give "
        "each class more samples"
    )


def test_too_little_memory_interrupts_a_run_with_both_numbers(begin):
    session, dataset_named = begin()
    assert train_run(session, dataset_named, free_memory=lambda: 50 * 2**20) == "interrupted"
    need = memory_estimate(CONFIG, datasets.load("digits")) / 2**20
    assert f"about {need:,.0f} MB" in why(session) and "50 MB are free" in why(session)


def test_what_nobody_has_foreseen_interrupts_a_run_in_one_line(begin):
    session, _ = begin()

    def broken(name, progress):
        raise ZeroDivisionError("division by zero\nand more")

    assert train_run(session, broken) == "interrupted"
    assert why(session) == "ZeroDivisionError: division by zero"


def test_divergence_is_a_failure_at_its_step(begin, store):
    deep = "8,8,8,8,8,8"  # Adam at rate 1 makes every layer grow by 1 a step: their product leaves float32 soon
    wild = {
        "generator.hidden": deep,
        "discriminator.hidden": deep,
        "training.steps": 20_000,
        "optimizer.warmup_steps": 0,
        "optimizer.learning_rate_generator": 1.0,
        "optimizer.learning_rate_discriminator": 1.0,
        "optimizer.decay_from": 1,
        "objective.r1": 1000,
        "objective.r2": 1000,
        "objective.penalty_end": 1,
    }
    session, dataset_named = begin(override(preset("auto", data="ring-8", shape=(2,)), TINY | wild))
    assert train_run(session, dataset_named) == "failed"
    assert why(session, "failed") == f"diverged at step {store.runs.get(session.run.id).step}"


# ---------------------------------------------------------------- what goes on later


def test_a_stop_before_the_start_is_obeyed_first(begin, store):
    session, dataset_named = begin()
    store.commands.send(session.run.id, "stop")
    assert train_run(session, dataset_named) == "stopped"
    assert store.runs.get(session.run.id).step == 0 and store.commands.waiting(session.run.id) == []


def test_a_worker_that_shall_end_gives_its_run_back(begin, store):
    session, dataset_named = begin(ENDLESS)
    session.release()
    assert train_run(session, dataset_named) == "interrupted"
    run = store.runs.get(session.run.id)
    assert (run.state, run.worker) == ("interrupted", None) and store.recordings.checkpoint(run.id)


def test_a_long_pause_gives_the_run_back(begin, store):
    session, dataset_named = begin(ENDLESS, pause_seconds=0.01)
    store.commands.send(session.run.id, "pause")
    assert train_run(session, dataset_named) == "paused"
    run = store.runs.get(session.run.id)
    assert (run.state, run.worker) == ("paused", None)


def test_a_time_that_allows_more_steps_than_the_server_does(begin, store):
    session, dataset_named = begin(override(CONFIG, {"training.seconds": 30}), most_steps=12)
    assert train_run(session, dataset_named) == "finished"
    run = store.runs.get(session.run.id)
    assert (run.step, run.total_steps, run.config.training.seconds) == (12, 12, 30)
    (limited,) = [event for event in store.recordings.events(run.id) if event.kind == "set"]
    found, given = limited.payload["changes"]["training.steps"]
    assert found > 12 == given and limited.payload["by"] == "the limits of this server"


def test_a_run_that_another_worker_has_by_now_is_left_alone(begin, store):
    session, dataset_named = begin(ENDLESS)

    def slow(name, progress):
        store.leases.interrupt(["w1"])  # meanwhile somebody has found this worker dead
        return dataset_named(name, progress)

    assert train_run(session, slow) == "lost"
    run = store.runs.get(session.run.id)
    assert (run.state, run.worker, run.step) == ("interrupted", None, 0)
    assert store.recordings.snapshot_steps(run.id) == ()
