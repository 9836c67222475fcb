"""The worker with real, tiny trainings: every way a run can end, its jobs, and what kills it."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from gan_core import machine, records
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.engine import cpu_threads
from gan_core.settings import Settings
from gan_core.store import Store, unpack
from gan_core.store import schema as tables
from gan_core.worker.process import Worker

ROOT = Path(__file__).parents[2]
TINY = {
    "generator.hidden": "8",
    "discriminator.hidden": "8",
    "generator.latent_dim": 4,
    "training.steps": 40,
    "training.batch": 32,
    "recording.snapshots": 4,
    "recording.log_every": 10,
    "recording.rows": 60,
}
CONFIG = override(preset("auto", data="digits"), TINY)
ENDLESS = override(
    CONFIG,  # nothing that depends on how many steps there will be: any part of it is a run of its own
    {
        "training.steps": 1_000_000,
        "recording.log_every": 1000,
        "optimizer.decay_from": 1,
        "objective.penalty_end": 1,
    },
)


def wait_until(condition, seconds: float = 60):
    """The first true value of `condition`, asked again and again; fails when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"it did not happen within {seconds:.0f} s")


def place(folder: Path) -> Settings:
    return Settings(folder, f"sqlite:///{folder / 'store.sqlite'}", None, "none")


@contextmanager
def serving(settings: Settings):
    """A worker in a thread of this process, and a store to look into."""
    store, own = Store(settings.store_url), Store(settings.store_url)
    worker = Worker(own, settings)
    thread = threading.Thread(target=worker.serve, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        worker.stop()
        thread.join(timeout=60)
        own.close()
        store.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return place(tmp_path_factory.mktemp("worker"))


@pytest.fixture(scope="module")
def store(settings):
    """The store of a worker that serves this whole file."""
    with serving(settings) as store:
        yield store


def ended(store: Store, run_id: str, *states: str) -> records.RunInfo:
    wanted = states or ("finished", "stopped", "failed")
    return wait_until(lambda: run if (run := store.runs.get(run_id)).state in wanted and run.worker is None else None)


@pytest.fixture(scope="module")
def finished(store):
    return ended(store, store.runs.create(CONFIG, name="undisturbed"))


def answer(store: Store, kind: str, **request) -> records.Job:
    job_id = store.jobs.request(kind, **request)
    return wait_until(lambda: job if (job := store.jobs.get(job_id)).state in ("done", "failed") else None)


def diary(store: Store, run_id: str) -> list[str]:
    return [event.kind for event in reversed(store.recordings.events(run_id))]


def final_weights(store: Store, run: records.RunInfo) -> list[bytes]:
    """The bits of everything a resume would need, networks and optimizers."""
    step, data = store.recordings.checkpoint(run.id)
    assert step == run.total_steps
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return [(name, arrays[name].tobytes()) for name in sorted(arrays.files)]


# ---------------------------------------------------------------- a run to its end


def test_a_finished_run_leaves_everything(store, finished):
    assert (finished.state, finished.step, finished.error) == ("finished", 40, None)
    assert diary(store, finished.id) == ["created", "running", "finished"]
    steps = store.recordings.snapshot_steps(finished.id)
    assert steps[0] == 0 and steps[-1] == 40 and len(steps) <= 4
    curves = store.recordings.history(finished.id).curves
    assert curves["energy_distance"][0].tolist() == list(steps)
    logged = {
        tuple(c[0].tolist())
        for name, c in curves.items()
        if name not in store.measurements.reports(finished.id)[0][1].metrics
    }
    assert logged == {(10.0, 20.0, 30.0, 40.0)}
    assert [step for step, _ in store.measurements.reports(finished.id)] == list(steps)
    assert store.recordings.snapshot(finished.id).samples.shape == (64, 8, 8, 1)
    assert store.recordings.checkpoint(finished.id)[0] == 40
    assert finished.versions == machine.versions() and finished.threads == os.cpu_count()
    assert 0 < finished.seconds < finished.ended - finished.created


def test_the_data_set_is_remembered_with_a_preview(store, finished):
    digits = datasets.load("digits")
    info = store.datasets.get(finished.dataset)
    assert (info.name, info.sha256, info.shape) == ("digits", digits.sha256, (8, 8, 1))
    assert np.array_equal(info.preview, digits.info().preview)


def test_real_against_real_is_measured_meanwhile(store, finished):
    wait_until(lambda: store.measurements.reference(finished.dataset, "pixels", 60))


# ---------------------------------------------------------------- disturbed and not


def held(store: Store, step: int = 1) -> records.RunInfo:
    """A run without end that has come past `step`."""
    run_id = store.runs.create(ENDLESS)
    return wait_until(lambda: run if (run := store.runs.get(run_id)).step >= step else None)


def undisturbed(store: Store, disturbed: records.RunInfo) -> records.RunInfo:
    """A run of as many steps as the disturbed one came to."""
    return ended(store, store.runs.create(override(ENDLESS, {"training.steps": disturbed.step})), "finished")


def state_of(store: Store, run: records.RunInfo) -> dict[str, bytes]:
    """The bits of both networks, the average and both optimizers at its last step."""
    step, data = store.recordings.checkpoint(run.id)
    assert step == run.step > 0
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files if name != "window"}


@pytest.mark.slow
def test_pausing_and_resuming_changes_no_bit(store):
    run_id, paused = held(store).id, []
    for _ in range(2):
        store.commands.send(run_id, "pause")
        paused.append(wait_until(lambda: run if (run := store.runs.get(run_id)).state == "paused" else None))
        assert store.recordings.checkpoint(run_id)[0] == paused[-1].step
        store.commands.send(run_id, "resume")
        wait_until(lambda: store.runs.get(run_id).step > paused[-1].step)
    store.commands.send(run_id, "stop")
    run = ended(store, run_id, "stopped")
    assert diary(store, run_id) == ["created", *["running", "paused"] * 2, "running", "stopped"]
    assert 0 < paused[0].step < paused[1].step < run.step
    assert state_of(store, run) == state_of(store, undisturbed(store, run))


def test_stopping_and_resuming_changes_no_bit(store):
    run_id = held(store).id
    store.commands.send(run_id, "stop")
    stopped = ended(store, run_id, "stopped")
    assert store.commands.send(run_id, "resume") == "queued"
    wait_until(lambda: store.runs.get(run_id).step > stopped.step)
    store.commands.send(run_id, "stop")
    run = ended(store, run_id, "stopped")
    assert run.claim_no == stopped.claim_no + 1
    assert state_of(store, run) == state_of(store, undisturbed(store, run))


def test_a_damaged_checkpoint_costs_only_what_came_after_the_one_before(store, finished):
    run_id = store.runs.create(override(CONFIG, {"training.steps": 40}))
    run = ended(store, run_id)
    with store.database.writing() as db:  # as if it had been killed at 40, whose bytes did not survive
        db.execute(tables.checkpoints.delete().where(tables.checkpoints.c.run_id == run_id))
        db.execute(tables.checkpoints.insert().values(run_id=run_id, step=40, data=b"", sha256="0" * 64))
        db.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(state="interrupted"))
    store.commands.send(run_id, "resume")
    again = ended(store, run_id, "finished")
    assert (again.step, again.error) == (40, None)
    assert final_weights(store, again) == final_weights(store, finished)
    assert store.recordings.snapshot_steps(run_id) == store.recordings.snapshot_steps(finished.id)
    assert again.claim_no == run.claim_no + 1


def test_two_runs_wait_for_each_other(store):
    first = held(store)
    second = store.runs.create(CONFIG)
    assert store.runs.get(second).position == 1
    store.commands.send(first.id, "stop")
    assert ended(store, second).started >= ended(store, first.id).ended


# ---------------------------------------------------------------- failing


def test_divergence_is_a_failure_that_keeps_the_last_good_snapshot(store):
    deep = "8,8,8,8,8,8"  # Adam at rate 1 makes every layer grow by 1 a step: their product leaves float32 soon
    wild = override(
        preset("auto", data="ring-8", shape=(2,)),
        TINY
        | {
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
        },
    )
    run = ended(store, store.runs.create(wild))
    assert run.state == "failed" and run.error == f"diverged at step {run.step}"
    steps = store.recordings.snapshot_steps(run.id)
    assert steps and steps[-1] < run.step
    assert np.isfinite(store.recordings.snapshot(run.id).samples).all()
    assert store.recordings.events(run.id)[0].payload == {"error": run.error}


def test_data_that_is_gone_interrupts_a_run_with_its_sentence(store):
    run = ended(store, store.runs.create(override(CONFIG, {"data.name": "upload-gone"})), "interrupted")
    assert "'upload-gone'" in run.error and "digits" in run.error


def test_a_worker_goes_on_after_failures(store):
    assert ended(store, store.runs.create(override(CONFIG, {"training.steps": 2}))).state == "finished"


def test_ctrl_c_before_the_start_is_not_forgotten(tmp_path):
    settings = place(tmp_path)
    store = Store(settings.store_url)
    worker = Worker(store, settings)
    run = store.runs.get(store.runs.create(ENDLESS, worker_id=worker.id))
    worker.stop_run()
    assert worker.train(run) == "stopped"
    store.close()


# ---------------------------------------------------------------- jobs


def test_samples_are_those_of_the_snapshot(store, finished):
    step = store.recordings.snapshot_steps(finished.id)[1]
    job = answer(store, "sample", run_id=finished.id, step=step, params={"n": 12, "seed": 3})
    x = unpack(job.result)["x"]
    assert x.shape == (12, 8, 8, 1) and x.dtype == np.uint8
    more = unpack(answer(store, "sample", run_id=finished.id, step=step, params={"n": 20, "seed": 3}).result)["x"]
    other = unpack(answer(store, "sample", run_id=finished.id, step=step, params={"n": 12, "seed": 4}).result)["x"]
    assert np.array_equal(more[:12], x) and not np.array_equal(other, x)


@pytest.mark.parametrize("step", [40, None])
def test_a_measurement_is_answered_and_kept(store, finished, step):
    job = answer(store, "measure", run_id=finished.id, step=step, params={"n": 80, "seed": 5})
    report = records.report_from_json(job.result.decode())
    assert (report.n_real, report.n_fake, report.seed) == (80, 80, 5)
    assert (40, report) in store.measurements.reports(finished.id)
    assert report.metrics["energy_distance"].reference_mean is not None
    assert store.measurements.reference(finished.dataset, "pixels", 80)


@pytest.mark.parametrize(
    ("kind", "request_", "said"),
    [
        ("sample", dict(step=39, params={"n": 4, "seed": 0}), "no snapshot of step 39"),
        ("sample", dict(step=40, params={"n": 10**6}), "n is 1000000; it must be between 1 and 10,000"),
        ("explode", dict(step=40, params={}), "'explode' is no kind of job; choose one of sample, "),
    ],
)
def test_a_job_that_fails_says_why_and_does_not_stop_the_next(store, finished, kind, request_, said):
    job = answer(store, kind, run_id=finished.id, **request_)
    assert job.state == "failed" and said in job.error and "\n" not in job.error
    assert answer(store, "sample", run_id=finished.id, step=40, params={"n": 2, "seed": 0}).state == "done"


def test_a_reference_of_unknown_data_fails(store):
    job = answer(store, "reference", params={"dataset": "nothing", "n": 50})
    assert job.state == "failed" and "'nothing'" in job.error


def test_jobs_are_answered_while_a_run_trains(store, finished):
    run = held(store)
    assert answer(store, "sample", run_id=finished.id, step=40, params={"n": 3, "seed": 9}).state == "done"
    assert store.runs.get(run.id).state == "running"
    store.commands.send(run.id, "stop")
    ended(store, run.id)


def test_the_worker_says_what_it_does(store):
    (worker,) = wait_until(lambda: [w for w in store.workers.all() if w.phase == "idle"])
    assert (
        worker.alive and worker.pid == os.getpid() and worker.memory > 10**8 and worker.versions == machine.versions()
    )


# ---------------------------------------------------------------- processes, and their ends


@contextmanager
def process(settings: Settings, *options: str):
    """`python -m gan_core worker` on this store."""
    environ = os.environ | {
        "GANOMETER_HOME": str(settings.home),
        "GANOMETER_STORE": settings.store_url,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (settings.home / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "gan_core", "worker", *options], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@pytest.mark.slow
def test_killed_and_ended_processes_lose_no_more_than_the_last_moments(tmp_path):
    settings = place(tmp_path)
    store = Store(settings.store_url)
    with process(settings) as child:
        run_id = store.runs.create(ENDLESS)
        wait_until(lambda: store.runs.get(run_id).step)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert store.runs.get(run_id).state == "running"
    with process(settings) as child:  # it finds the dead by itself, long before the lease is over
        wait_until(lambda: store.runs.get(run_id).state == "interrupted", seconds=20)
        killed = store.runs.get(run_id)
        assert killed.step == store.recordings.checkpoint(run_id)[0] > 0
        assert store.commands.send(run_id, "resume") == "queued"
        wait_until(lambda: store.runs.get(run_id).step > killed.step)
        child.terminate()
        assert child.wait(timeout=10) == 0
    run = store.runs.get(run_id)
    assert (run.state, run.worker) == ("interrupted", None)
    assert run.step == store.recordings.checkpoint(run_id)[0] > killed.step
    assert diary(store, run_id) == ["created", "running", "interrupted", "queued", "running", "interrupted"]
    assert store.workers.all() == []
    assert store.commands.send(run_id, "resume") == "queued"
    store.close()


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bits_as_an_undisturbed_one(tmp_path):
    settings = place(tmp_path)
    store = Store(settings.store_url)
    long = override(ENDLESS, {"training.steps": 60_000, "recording.snapshots": 3})
    with process(settings) as child:
        run_id = store.runs.create(long)
        wait_until(lambda: store.runs.get(run_id).step)
        child.kill()
        child.wait()
    assert machine.reap_dead_workers(store) == [run_id]
    store.commands.send(run_id, "resume")
    with serving(settings):
        killed, other = ended(store, run_id), ended(store, store.runs.create(long))
    assert killed.claim_no == 2 and other.claim_no == 1
    assert final_weights(store, killed) == final_weights(store, other)
    assert store.recordings.snapshot_steps(run_id) == store.recordings.snapshot_steps(other.id)
    store.close()


def test_a_worker_ends_with_its_parent(tmp_path):
    settings = place(tmp_path)
    store = Store(settings.store_url)
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process(settings, "--parent", str(parent.pid)) as child:
        wait_until(lambda: [w for w in store.workers.all() if w.phase == "idle"])
        assert child.poll() is None
        parent.kill()  # and not waited for: a zombie is gone too
        assert child.wait(timeout=10) == 0
    assert store.workers.all() == []
    parent.wait()
    store.close()


def test_a_worker_whose_parent_is_gone_already_ends_at_once(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", ""])
    parent.wait()
    assert not psutil.pid_exists(parent.pid)
    with process(place(tmp_path), "--parent", str(parent.pid)) as child:
        assert child.wait(timeout=30) == 0


@pytest.mark.slow
def test_a_process_begins_afresh_where_the_next_run_wants_its_cores_divided_otherwise(tmp_path):
    short = {"training.steps": 20, "recording.rows": 60}
    small = dict(data="digits", shape=(8, 8, 1))
    narrow = {"generator.channels": 4, "discriminator.channels": 4}
    convolved = {f"{side}.architecture": "subpixel" for side in ("generator", "discriminator")} | narrow
    dense, image = (override(preset("auto", **small), short | more) for more in ({}, convolved))
    settings = place(tmp_path)
    store = Store(settings.store_url)
    with process(settings) as child:
        runs = [ended(store, store.runs.create(config)) for config in (dense, image, image, dense)]
        child.terminate()
        assert child.wait(timeout=60) == 0
    assert [run.state for run in runs] == ["finished"] * 4
    begun = [diary(store, run.id).count("running") for run in runs]
    expected = [1, 2, 1, 2] if os.name == "posix" and cpu_threads.cores() > 1 else [1] * 4
    assert begun == expected, "given back once by a process that suits the other kind"
    store.close()


@pytest.mark.slow
def test_a_machine_too_slow_for_convolutions_has_the_dense_layers_in_a_process_of_their_own(tmp_path, upload_noise):
    """`auto` in 400 s, with batches so large that 8,000 steps of convolutions cannot be taken in them."""
    settings = place(tmp_path)
    store = Store(settings.store_url)
    wanted = preset("auto", data=upload_noise(store), shape=(16, 16, 1), seconds=400)
    assert wanted.generator.architecture == "subpixel"
    with process(settings) as child:
        run_id = store.runs.create(override(wanted, {"training.batch": 512}))
        wait_until(lambda: store.runs.get(run_id).step, 120)
        store.commands.send(run_id, "stop")
        run = ended(store, run_id)
        child.terminate()
        assert child.wait(timeout=60) == 0
    config = run.config
    assert (run.state, config.training.batch, config.training.seconds) == ("stopped", 512, 400)
    assert config.generator.architecture == config.discriminator.architecture == "mlp"
    expected = 2 if os.name == "posix" and cpu_threads.cores() > 1 else 1
    assert diary(store, run_id).count("running") == expected, "given back by the process divided for convolutions"
    store.close()
