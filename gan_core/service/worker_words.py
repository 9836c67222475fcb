"""What pages say of the worker: why a run, a job or a training has to wait, each in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gan_core.records import RunInfo, WorkerInfo
from gan_core.settings import WorkerMode
from gan_core.store import LEASE_SECONDS, PATIENCE_SECONDS

SILENT_SECONDS = 2.5
"""A worker beats every second. A page that looks every two and a half says within five seconds that it does not."""


class Trouble(NamedTuple):
    """What keeps a training from going on, and what becomes of it."""

    title: str
    text: str


class Host(NamedTuple):
    """What this server knows of its own worker: who trains, its process, and why none could be started.

    `replaced_after`: it is replaced when it was silent for so many seconds. `resume`: runs go on by themselves.
    `shared`: strangers read this, who are told of no process and no host.
    """

    mode: WorkerMode
    child: int | None
    failure: str
    resume: bool
    replaced_after: float
    shared: bool = False


STARTING = "The worker is starting: it loads TensorFlow, which takes ten seconds or more."


def why_a_run_waits(host: Host, workers: Sequence[WorkerInfo], unwritable: str | None) -> str:
    """What somebody waits for who has queued a run; "" where a worker is about to take it."""
    awake = [worker for worker in workers if not is_silent(worker.age) and not worker.follows]
    if busy := [worker for worker in awake if worker.phase.startswith("run ")]:
        return f"The worker is busy: {busy[0].phase.rpartition(': ')[2]}."  # not with which run: it may be private
    return why_a_job_waits(host, workers, unwritable)


def why_a_job_waits(host: Host, workers: Sequence[WorkerInfo], unwritable: str | None) -> str:
    """What somebody waits for who has asked for a job; "" where a worker is about to answer it, or answers others."""
    if unwritable:
        return f"The store cannot be written: {unwritable}. The worker waits until it can."
    workers = [worker for worker in workers if not worker.follows]
    awake = [worker for worker in workers if not is_silent(worker.age)]
    if able := [worker for worker in awake if not worker.phase.startswith("cannot train")]:
        ready = any(worker.phase == "idle" or worker.phase.startswith("run ") for worker in able)
        return "" if ready else STARTING
    if awake:
        return f"The worker {awake[0].phase}. Repair the installation, and restart Ganometer."
    if host.failure:
        return host.failure
    if silent := next((worker for worker in workers if worker.pid == host.child), None) or next(iter(workers), None):
        return f"{_silence(host, silent)} {_next_worker(host, silent)}".strip()
    if host.mode == "none":
        return "No worker works for this server: start one with `python -m gan_core worker`."
    return STARTING


def why_a_training_waits(
    host: Host, run: RunInfo, workers: Sequence[WorkerInfo], unwritable: str | None
) -> Trouble | None:
    """What keeps a run that a worker has from going on; None where nothing does."""
    if (reason := unwritable or run.error) and not run.trained_here:
        return Trouble(
            "The store cannot be written", f"{_sentence(reason)} What the program of this run logs waits until it can."
        )
    if reason:
        return Trouble(
            "The store cannot be written",
            f"{_sentence(reason)} The training waits for it, and goes on without a lost step when it can be written "
            f"again. After {PATIENCE_SECONDS:.0f} seconds the run is interrupted, and can be resumed.",
        )
    if run.heartbeat_age is None or not is_silent(run.heartbeat_age):
        return None
    if not run.trained_here:
        return Trouble(
            "The program of this run is silent",
            f"Nothing was heard of it for {run.heartbeat_age:.0f} s. After {LEASE_SECONDS} seconds the run counts as "
            "interrupted; if the program still lives, it goes on by itself.",
        )
    worker = next((worker for worker in workers if worker.id == run.worker), None)
    after = "goes on by itself" if host.resume else "can be resumed"
    own = worker is not None and worker.pid == host.child
    said = (
        _silence(host, worker, run.heartbeat_age),
        _next_worker(host, worker) if own else f"After {LEASE_SECONDS} seconds it loses the run.",
        f"Then the run is interrupted, and {after} from its last commit; all steps shown are saved.",
    )
    return Trouble("The worker is silent", " ".join(filter(None, said)))


def is_silent(age: float) -> bool:
    """Whether a heartbeat is so old that people should know."""
    return age > SILENT_SECONDS


def _silence(host: Host, worker: WorkerInfo | None, age: float | None = None) -> str:
    whose = "The worker"
    if worker and worker.pid != host.child and not host.shared:
        whose = f"The worker (process {worker.pid} on host {worker.host})"
    return f"{whose} has been silent for {age if age is not None else worker.age if worker else 0:.0f} s."


def _next_worker(host: Host, worker: WorkerInfo | None) -> str:
    if host.mode != "process":
        return ""
    if worker and worker.pid == host.child:
        return f"After {host.replaced_after:.0f} seconds this server ends it and starts another one."
    return ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
