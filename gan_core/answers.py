"""Jobs and their answers: samples on request, nearest real rows, measurements, references."""

from __future__ import annotations

from typing import Callable

import numpy as np

from gan_core import records
from gan_core.codec import flatten, to_storage
from gan_core.datasets import Dataset
from gan_core.distances import neighbours, reference
from gan_core.distances.report import measure
from gan_core.records import GanometerError, Job
from gan_core.store import Store, pack

SPACE = "pixels"
MOST_SAMPLES = 10_000


def answer(store: Store, job: Job, dataset_named: Callable[[str], Dataset], progress: Callable[[float], None]) -> bytes:
    """The bytes that answer a job. Raises GanometerError with a sentence when it cannot be answered."""
    kinds = {"sample": _sample, "neighbours": _neighbours, "measure": _measure, "reference": _reference}
    return kinds[job.kind](store, job, dataset_named, progress)


def sample(store: Store, run_id: str, step: int | None, n: int, seed: int) -> np.ndarray:
    """`n` new samples (measured form) of the generator as it was at a snapshot; the newest without `step`."""
    if not 1 <= n <= MOST_SAMPLES:
        raise GanometerError(f"{n} samples were asked for; ask for 1 to {MOST_SAMPLES:,}")
    run = store.runs.get(run_id)
    weights = store.runs.snapshot_weights(run_id, snapshot_step(store, run_id, step))
    shape = dataset_info(store, run).shape

    # Only now: TensorFlow takes seconds to load, and greets on standard error, where a mistake should stand alone.
    from gan_core.engine import checkpoints, networks, sampling

    generator = networks.build_generator(
        run.config.generator, networks.DataStatistics(shape, np.zeros(shape, np.float32), 1.0)
    )
    checkpoints.load_weights(generator, weights)
    return sampling.generate(generator, sampling.latents(seed, n, run.config.generator.latent_dim, sampling.REQUEST))


def snapshot_step(store: Store, run_id: str, step: int | None) -> int:
    """`step` where the run has a snapshot of it, the newest one without; GanometerError where there is none."""
    steps = store.runs.snapshot_steps(run_id)
    if not steps:
        raise GanometerError(f"run {run_id} has no snapshot yet: let it train a little first")
    if step is not None and step not in steps:
        raise GanometerError(f"run {run_id} has no snapshot of step {step}; it has {', '.join(map(str, steps))}")
    return steps[-1] if step is None else step


def reference_for(
    store: Store, dataset: Dataset, n: int, progress: Callable[[float], None] | None = None
) -> records.Reference:
    """The real-vs-real calibration at n, from the store or measured now and kept there."""
    known = store.library.reference(dataset.sha256, SPACE, n)
    if known is None:
        pool = np.concatenate([dataset.train.x, dataset.holdout.x])
        known = reference.calibrate(test=dataset.test.x, pool=pool, n=n, progress=progress)
        store.library.put_reference(dataset.sha256, SPACE, known)
    return known


def report_for(store: Store, run_id: str, step: int | None, n: int, seed: int, dataset: Dataset) -> records.Report:
    """Measure `n` new samples of a snapshot against `n` held-out rows (at most the test part), beside the reference."""
    n = min(n, len(dataset.test.x))
    real = flatten(reference.test_rows(dataset.test.x, n))
    fake = flatten(sample(store, run_id, step, n, seed))
    return measure(real=real, fake=fake, reference=reference_for(store, dataset, n), space=SPACE, seed=seed)


def _sample(store, job, dataset_named, progress) -> bytes:
    x = sample(store, job.run_id, job.step, int(job.params["n"]), int(job.params["seed"]))
    return pack(x=to_storage(x))


def _neighbours(store, job, dataset_named, progress) -> bytes:
    """The k nearest training rows of the snapshot's own samples, or of `n` new ones when a seed is given."""
    run, seed = store.runs.get(job.run_id), job.params.get("seed")
    if seed is None:
        x = store.runs.snapshot(job.run_id, snapshot_step(store, job.run_id, job.step)).samples
    else:
        x = to_storage(sample(store, job.run_id, job.step, int(job.params["n"]), int(seed)))
    train = dataset_named(run.config.data.name).train
    distances, rows = neighbours.nearest_real(fake=x, real=train.x, k=int(job.params["k"]))
    return pack(x=x, distances=distances, rows=rows, nearest=train.x[rows], labels=train.y[rows])


def _measure(store, job, dataset_named, progress) -> bytes:
    dataset = dataset_named(store.runs.get(job.run_id).config.data.name)
    step = snapshot_step(store, job.run_id, job.step)
    report = report_for(store, job.run_id, step, int(job.params["n"]), int(job.params["seed"]), dataset)
    store.library.put_report(job.run_id, step, report)
    return records.to_json(report).encode()


def _reference(store, job, dataset_named, progress) -> bytes:
    found = reference_for(store, dataset_named(job.params["dataset"]), int(job.params["n"]), progress)
    return records.to_json(found).encode()


def dataset_info(store: Store, run: records.RunInfo) -> records.DatasetInfo:
    info = store.library.dataset(run.dataset) if run.dataset else None
    if info is None:
        raise GanometerError(f"run {run.id} has not started yet, so nothing is known of its data")
    return info
