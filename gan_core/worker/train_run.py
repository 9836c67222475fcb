"""One claimed run from beginning to end: its data, its memory, its measurements, and how it ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from gan_core import machine
from gan_core.codec import flatten, to_storage
from gan_core.config.rules import conflicts_with_data
from gan_core.config.run_config import RunConfig
from gan_core.data.datasets import Dataset
from gan_core.jobs import measurement, references, registry
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.reference import ReferenceParameters
from gan_core.plain_errors import sentence
from gan_core.records import GanometerError, Reference, StoreError
from gan_core.store import TOLD_TO_END, LeaseLost, Store
from gan_core.worker.live_measurement import LiveMeasurement
from gan_core.worker.memory_estimate import MIB, memory_estimate
from gan_core.worker.run_session import Session

log = logging.getLogger("ganometer.worker")


def train_run(
    session: Session, dataset_named: Callable[..., Dataset], *, free_memory: Callable[[], int] = machine.free_memory
) -> str:
    """Train the session's run to whatever end it comes to, and leave that end in the store; returns its state.

    That is finished, stopped, or failed where it diverged; paused or interrupted for a run that goes on later, "queued"
    for one that another process should train, and "lost" for one that another worker has by now. Whatever goes wrong
    but divergence may go well another time: such a run is interrupted.
    """
    run = session.run
    try:
        session.phase("loading data")
        say = lambda share, text: session.phase(text)  # noqa: E731
        dataset = session.patiently(lambda: dataset_named(run.config.data.name, say))
        labels = _class_numbers(run.config, dataset)
        session.patiently(lambda: session.store.datasets.put(dataset.info()))
        session.describe(dataset=dataset.sha256, threads=os.cpu_count() or 1, versions=machine.versions())
        _check_memory(run.config, dataset, free_memory())
        rows = min(run.config.recording.rows, len(dataset.test.x))
        session.measure_with(session.patiently(lambda: _live_measurement(session.store, dataset, rows)))

        # What was sent before there was a worker holds from the first step.
        session.patiently(lambda: session.refresh(beat=False))
        from gan_core.engine.loop import Diverged, train
        from gan_core.engine.models import compiled_in_this_process

        start = session.patiently(lambda: _start_of(session))
        try:
            outcome = train(
                run.config,
                to_storage(dataset.train.x),
                session,
                session,
                rows=rows,
                labels=labels,
                checkpoint=start.checkpoint,
                start_from=start.start_from,
                models=compiled_in_this_process(),
            )
        except Diverged as end:
            session.fail(end.step, str(end))
            return "failed"
        return outcome if outcome in ("finished", "stopped") else _given_back(session, outcome)
    except LeaseLost:
        return "lost"
    except Exception as error:
        if not isinstance(error, GanometerError):
            log.exception("run %s is interrupted", run.id)
        return _interrupted(session, _why(error))


# ---------------------------------------------------------------- before the first step


def _class_numbers(config: RunConfig, dataset: Dataset) -> np.ndarray | None:
    """The class number of each training row, for a run with classes. Raises GanometerError for unsuitable data."""
    if problems := list(conflicts_with_data(config, dataset.shape, len(dataset.classes))):
        raise GanometerError("; ".join(problems))
    if not config.data.conditional:
        return None
    if (known := dataset.info().classes) != tuple(dataset.classes.tolist()):
        raise GanometerError(
            f"the classes to train on are {', '.join(map(str, dataset.classes))} and those to measure against "
            f"{', '.join(map(str, known))}; turn data.conditional off, or give each class more samples"
        )
    return np.searchsorted(dataset.classes, dataset.train.y).astype(np.int32)


def _check_memory(config: RunConfig, dataset: Dataset, free: int) -> None:
    need = memory_estimate(config, dataset)
    if need > free:
        raise GanometerError(
            f"this run needs about {need / MIB:,.0f} MB of memory and {free / MIB:,.0f} MB are free: "
            "choose a smaller batch, narrower layers or a smaller data set, or close other programs"
        )


def _live_measurement(store: Store, dataset: Dataset, rows: int) -> LiveMeasurement:
    """Against the fixed test rows. Real against real at their number is left to a job where it is not known yet."""

    def find_reference() -> Reference | None:
        return references.known(store, dataset.sha256, "pixels", rows)

    if find_reference() is None:
        registry.request(store, ReferenceParameters(dataset.name, rows))
    part = measurement.real_part(dataset, MeasureParameters(rows), flatten)
    return LiveMeasurement(part, dataset.modes, find_reference)


class _Start(NamedTuple):
    """Where a run goes on: at a checkpoint of its own, at a step of the run it was forked from, or at the beginning."""

    checkpoint: bytes | None
    start_from: tuple[int, bytes] | None


def _start_of(session: Session) -> _Start:
    """Where the run goes on. A newest checkpoint that is damaged costs the steps after the one before it."""
    store, run = session.store, session.run
    checkpoint, start_from = store.recordings.checkpoint(run.id), None
    if checkpoint is None and run.parent_step is not None:
        weights = store.recordings.snapshot_weights(run.id, run.parent_step)
        start_from = (run.parent_step, weights) if weights else None
    known = checkpoint or start_from
    if (known[0] if known else 0) < run.step:
        store.progress.rewind(run.id, session.worker_id, run.claim_no, known[0] if known else -1)
    return _Start(checkpoint[1] if checkpoint else None, start_from)


# ---------------------------------------------------------------- after the last one


def _given_back(session: Session, outcome: str) -> str:
    """Leave a run that has not come to its end to whoever claims it next; returns its state."""
    release = partial(session.store.leases.release, session.run.id, session.worker_id, session.run.claim_no)
    if outcome == "queued":
        session.patiently(partial(release, state="queued"))
        return outcome
    if outcome == "paused" and session.patiently(release):  # unless a command came at the last moment
        return outcome
    return _interrupted(session, TOLD_TO_END)


def _interrupted(session: Session, why: str) -> str:
    """Leave a run that goes on later, and write down why; returns its state, "lost" where another worker has it."""
    try:
        session.interrupt(why)
    except LeaseLost:
        return "lost"
    return "interrupted"


def _why(error: Exception) -> str:
    if isinstance(error, StoreError):
        return f"the store could not be used for too long: {error.reason}"
    if isinstance(error, MemoryError):
        return "the memory of this machine was not enough: choose a smaller batch or narrower layers"
    return sentence(error)
