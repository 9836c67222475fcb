"""One claimed run from beginning to end: its data, its memory, its measurements, and how it ends."""

from __future__ import annotations

import logging
import math
import os
import threading
from functools import partial
from typing import Callable

import numpy as np

from gan_core import machine
from gan_core.codec import flatten, to_storage
from gan_core.config.rules import conflicts_with_data
from gan_core.config.run_config import RunConfig
from gan_core.config.sections import DISTANCE_LOSSES
from gan_core.data import datasets
from gan_core.data.datasets import Dataset
from gan_core.distances import reference
from gan_core.jobs import measure, references
from gan_core.records import GanometerError, Reference, RunInfo
from gan_core.settings import Settings
from gan_core.store import LeaseLost, Store
from gan_core.worker.run_session import Session

log = logging.getLogger("ganometer.worker")

MIB = 2**20


class Shelf:
    """The data sets this process has loaded, the last two of them kept."""

    def __init__(self, store: Store, settings: Settings):
        self._store, self._folder = store, settings.data_folder
        self._lock, self._kept = threading.Lock(), {}

    def dataset(self, name: str, progress: Callable[[float, str], None] | None = None) -> Dataset:
        """A built-in data set, or an upload from the store. Raises DatasetError when there is none of that name."""
        with self._lock:
            if name not in self._kept:
                self._kept = dict([*self._kept.items()][-1:]) | {name: self._load(name, progress)}
            return self._kept[name]

    def _load(self, name, progress) -> Dataset:
        if name in datasets.OPTIONS:
            return datasets.load(name, folder=self._folder, progress=progress)
        data = self._store.datasets.upload_bytes(name)
        if data is None:
            raise datasets.unknown_dataset(name)
        return datasets.dataset_from_bytes(data, name)


def train_run(
    session: Session, dataset_named: Callable[..., Dataset], *, free_memory: Callable[[], int] = machine.free_memory
) -> str:
    """Train the session's run to whatever end it comes to, and leave that end in the store; returns its state."""
    run = session.run
    reached = run.step
    try:
        session.phase("loading data")
        dataset = dataset_named(run.config.data.name, lambda share, text: session.phase(text))
        labels = _class_numbers(run.config, dataset)
        rows = min(run.config.recording.rows, len(dataset.test.x))
        session.store.datasets.put(dataset.info(owner=run.owner))
        session.describe(dataset=dataset.sha256, threads=os.cpu_count() or 1, versions=machine.versions())
        _check_memory(run, dataset, free_memory())
        request = measure.Request(rows)
        real = flatten(reference.test_rows(dataset.test.x, rows))
        part = measure.real_side(dataset, request, flatten)
        session.measure_against(real, part, dataset.modes, _find_reference(session.store, dataset, rows))

        session.refresh(beat=False)  # what was asked before there was a worker holds from the first step
        from gan_core.engine.loop import Diverged, train
        from gan_core.engine.models import compiled_in_this_process

        checkpoint, beginning = session.store.recordings.checkpoint(run.id), None
        if checkpoint is None and run.parent_step is not None:  # it goes on from another run's snapshot
            weights = session.store.recordings.snapshot_weights(run.id, run.parent_step)
            beginning = (run.parent_step, weights) if weights else None
        reached = checkpoint[0] if checkpoint else beginning[0] if beginning else 0
        if reached < run.step:  # the newest checkpoint is damaged
            known = checkpoint or beginning
            session.store.progress.rewind(run.id, session.worker_id, run.claim_no, reached if known else -1)
        try:
            outcome = train(
                run.config,
                to_storage(dataset.train.x),
                session,
                session,
                rows=rows,
                labels=labels,
                checkpoint=checkpoint[1] if checkpoint else None,
                start_from=beginning,
                models=compiled_in_this_process(),
            )
        except Diverged as end:
            session.fail(end.step, str(end))
            return "failed"
        if outcome in ("running", "paused", "queued"):
            return _given_back(session, outcome)
        return outcome
    except LeaseLost:
        return "lost"
    except Exception as error:
        if not isinstance(error, GanometerError):
            log.exception("run %s failed", run.id)
        session.fail(max(reached, session.store.runs.get(run.id).step), sentence(error))
        return "failed"


def _given_back(session: Session, outcome: str) -> str:
    """Leave a run that has not come to its end to whoever claims it next; returns its state."""
    release = partial(session.store.leases.release, session.run.id, session.worker_id, session.run.claim_no)
    if outcome == "paused" and release():
        return "paused"
    state = "queued" if outcome == "queued" else "interrupted"
    release(state=state)
    return state


def _class_numbers(config: RunConfig, dataset: Dataset) -> np.ndarray | None:
    """The class number of each training row for networks that are told. Raises GanometerError for data without."""
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


def _find_reference(store: Store, dataset: Dataset, rows: int) -> Callable[[], Reference | None]:
    """Looks real-vs-real at the n of the run's measurements up; a job measures it where it is not known yet."""

    def find() -> Reference | None:
        return references.known(store, dataset.sha256, "pixels", rows)

    if find() is None:
        store.jobs.request("reference", params={"dataset": dataset.name, "n": rows})
    return find


def memory_estimate(config: RunConfig, dataset: Dataset) -> int:
    """About how many bytes a training adds to a warm worker: `auto` on MNIST stays below (benchmarks/dashboard.py)."""
    from gan_core.engine.base_model import BLOCK, batches_per_step

    pixels, batch = math.prod(dataset.shape), config.training.batch
    generator, discriminator = (_sizes(part, pixels) for part in (config.generator, config.discriminator))
    weights = 4 * (generator[0] + discriminator[0] + config.generator.latent_dim * generator[2])
    draws = 4 * BLOCK * batches_per_step(config) * batch * (config.generator.latent_dim + 1)
    activations = 4 * 8 * 2 * batch * (pixels + generator[1] + discriminator[1])
    pairs = 4 * 12 * batch**2 if config.objective.energy_weight or config.objective.loss in DISTANCE_LOSSES else 0
    return int(480 * MIB + 2 * dataset.train.x.nbytes + 6 * draws + 12 * weights + activations + pairs)


def _sizes(network, pixels: int) -> tuple[int, int, int]:
    """About how many weights a network has, how many numbers it makes of one sample, and its first layer's width."""
    if network.architecture == "mlp":
        widths = [*network.hidden, pixels]
        return sum(a * b for a, b in zip(widths, widths[1:])), sum(widths), widths[0]
    deep = 8 * network.channels  # of the coarsest picture, at most
    return 9 * 6 * deep**2 // 4, 6 * network.channels * pixels, deep * max(1, pixels // 16)


def _check_memory(run: RunInfo, dataset: Dataset, free: int) -> None:
    need = memory_estimate(run.config, dataset)
    if need > free:
        raise GanometerError(
            f"this run needs about {need / MIB:,.0f} MB of memory and {free / MIB:,.0f} MB are free: "
            "choose a smaller batch, narrower layers or a smaller data set, or close other programs"
        )


def sentence(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    if isinstance(error, GanometerError):
        return str(error)
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
