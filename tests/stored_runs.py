"""Runs in a store for tests: created, claimed and committed without a worker."""

import numpy as np

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.records import MetricResult, Report
from gan_core.store import Commit, NewPreview, Store
from gan_core.store import schema as tables

CONFIG = override(preset("auto", data="digits"), {"training.steps": 100})
PIXELS = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)


def report(seed: int = 0) -> Report:
    metrics = {"energy_distance": MetricResult("energy_distance", 0.5, 0.1, 0.02, 20.0, direction="lower", ideal=0.0)}
    return Report("measured", 10, 10, 5, "pixels", seed, metrics, None, "words", 0.25)


def claimed(store: Store, worker: str = "w1"):
    """A new run, being trained by `worker`."""
    run_id = store.runs.create(CONFIG)
    return store.leases.claim(worker, at_once=100, run_id=run_id)


def commit(store: Store, run, state: str = "running", step: int = 10, seconds: float = 1.0, **more):
    """A commit of the run's own worker, with nothing in it but what `more` says."""
    store.progress.commit(run.id, run.worker, run.claim_no, Commit(state, step, seconds, **more))


def queue(store: Store, n: int) -> list[str]:
    """`n` runs that were created a second apart; the clock of SQLite counts milliseconds only."""
    ids = [store.runs.create(CONFIG) for _ in range(n)]
    with store.database.writing() as db:
        for second, run_id in enumerate(ids):
            then = dict(created=second, queued=second)
            db.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(**then))
    return ids


def event_kinds(store: Store, run_id: str) -> list[str]:
    """The kinds of the run's events, oldest first."""
    return [event.kind for event in reversed(store.recordings.events(run_id))]


def waiting_kinds(store: Store, run_id: str) -> list[str]:
    """The kinds of the commands that wait, oldest first."""
    return [command.kind for command in store.commands.waiting(run_id)]


def set_back(store: Store, run_id: str, seconds: float) -> None:
    """As if the worker had been silent for so long."""
    with store.database.writing() as db:
        silent = tables.runs.c.heartbeat - seconds
        db.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(heartbeat=silent))


EVERYTHING = dict(
    values=[(20, "loss", 1.5)],
    measured=[(20, report())],
    taken=[(20, PIXELS, b"weights")],
    kept=[(20, PIXELS)],
    preview=NewPreview(20, PIXELS, PIXELS),
    checkpoint=b"state",
    steps_per_second=100.0,
)
