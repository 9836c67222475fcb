"""What pages say of the worker, whatever state it is in: always what is so, and what happens next."""

import dataclasses

import pytest

from gan_core.config.presets import preset
from gan_core.records import WorkerInfo
from gan_core.service import worker_words
from gan_core.service.worker_words import STARTING, Host
from gan_core.store import Store
from gan_core.worker import run_session

OURS = Host("process", 7, "", resume=False, replaced_after=30)
FAILED = OURS._replace(failure="The worker cannot be started: No such file.")
NONE = Host("none", None, "", resume=False, replaced_after=30)


def worker(phase: str = "idle", age: float = 0.5, pid: int = 7) -> WorkerInfo:
    return WorkerInfo("w1", "here", pid, phase, age < 15, age, 10**8, {}, None)


@pytest.mark.parametrize(
    ("host", "workers", "unwritable", "run_waits", "job_waits"),
    [
        (OURS, [worker()], None, "", ""),
        (OURS, [worker("run 3f: training")], None, "The worker is busy: training.", ""),
        (OURS, [], None, *2 * [STARTING]),
        (OURS, [worker("importing TensorFlow")], None, *2 * [STARTING]),
        (
            OURS,
            [worker("cannot train: ImportError: no AVX")],
            None,
            *2 * ["The worker cannot train: ImportError: no AVX. Repair the installation, and restart Ganometer."],
        ),
        (
            OURS,
            [worker(age=12)],
            None,
            *2 * ["The worker has been silent for 12 s. After 30 seconds this server ends it and starts another one."],
        ),
        (OURS, [worker(age=12, pid=8)], None, *2 * ["The worker (process 8 on host here) has been silent for 12 s."]),
        (OURS, [worker(age=12), worker(age=1, pid=8)], None, "", ""),
        (FAILED, [], None, *2 * ["The worker cannot be started: No such file."]),
        (
            OURS,
            [worker(age=12)],
            "database is locked",
            *2 * ["The store cannot be written: database is locked. The worker waits until it can."],
        ),
        (NONE, [], None, *2 * ["No worker works for this server: start one with `python -m gan_core worker`."]),
        (NONE, [worker(age=40, pid=9)], None, *2 * ["The worker (process 9 on host here) has been silent for 40 s."]),
    ],
)  # fmt: skip
def test_what_a_run_and_a_job_wait_for(host, workers, unwritable, run_waits, job_waits):
    assert worker_words.why_a_run_waits(host, workers, unwritable) == run_waits
    assert worker_words.why_a_job_waits(host, workers, unwritable) == job_waits


@pytest.fixture
def run(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store.runs.get(store.runs.create(preset("auto", data="digits"), worker_id="w1"))
    store.close()


def test_a_training_whose_worker_beats_waits_for_nothing(run):
    assert worker_words.why_a_training_waits(OURS, run, [worker()], None) is None


@pytest.mark.parametrize(
    ("host", "pid", "said"),
    [
        (
            OURS,
            7,
            "The worker has been silent for 8 s. After 30 seconds this server ends it and starts another one. Then the "
            "run is interrupted, and can be resumed from its last commit; all steps shown are saved.",
        ),
        (
            OURS._replace(resume=True),
            8,
            "The worker (process 8 on host here) has been silent for 8 s. After 30 seconds it loses the run. Then the "
            "run is interrupted, and goes on by itself from its last commit; all steps shown are saved.",
        ),
    ],
)
def test_a_silent_worker_is_not_called_dead(run, host, pid, said):
    silent = dataclasses.replace(run, heartbeat_age=8.0)
    found = worker_words.why_a_training_waits(host, silent, [worker(age=8, pid=pid)], None)
    assert found == ("The worker is silent", said)


def test_the_patience_that_pages_name_is_that_of_the_training():
    assert worker_words.PATIENCE_SECONDS == run_session.PATIENCE_SECONDS
