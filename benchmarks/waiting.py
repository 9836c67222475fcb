"""Waiting for what a worker does, with an end: each says what is wrong when it takes too long."""

import time

from benchmarks.browser import Server
from gan_core.store import Store

ENDED = ("failed", "finished", "stopped", "interrupted")


def wait_for_worker(server: Server, seconds: float = 60) -> None:
    """Until TensorFlow is imported: a starting worker takes a core from whatever is measured.

    The first visitor of a server starts it.
    """
    store = Store(server.store_url)
    deadline = time.monotonic() + seconds
    while not any(worker.phase == "idle" for worker in store.workers.all()):
        if time.monotonic() > deadline:
            raise SystemExit(f"the worker was not ready after {seconds:.0f} s: see `python -m gan_core worker`")
        time.sleep(0.1)
    store.close()


def wait_for(store: Store, run_id: str, reached, seconds: float = 120) -> None:
    """Until `reached(run)`, which has to be before the run ends."""
    deadline = time.monotonic() + seconds
    while not reached(run := store.runs.get(run_id)):
        if run.state in ENDED or time.monotonic() > deadline:
            raise SystemExit(f"run {run_id} is {run.state} at step {run.step}, too early: {run.error or run.phase}")
        time.sleep(0.01)


def finish(store: Store, run_id: str, seconds: float = 900) -> None:
    """Until the run has trained all its steps."""
    wait_for(store, run_id, lambda run: run.state == "finished", seconds)


def answered(store: Store, job_id: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (job := store.jobs.get(job_id, result=False)).state != "done":
        if job.state == "failed" or time.monotonic() > deadline:
            raise SystemExit(f"the {job.kind} job is {job.state}: {job.error or 'no answer in time'}")
        time.sleep(0.05)


def end(store: Store, run_id: str) -> None:
    """Stop a run, and leave its worker free for what comes next."""
    if store.runs.get(run_id).active:
        store.commands.send(run_id, "stop")
        deadline = time.monotonic() + 30
        while store.runs.get(run_id).active and time.monotonic() < deadline:
            time.sleep(0.05)
