"""New samples of a run's generator, or those that a run keeps that has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_core.codec import to_storage
from gan_core.jobs.kept_samples import KeptSamples
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.snapshot_sampler import SampleCount, class_number, generator_at, snapshot_step
from gan_core.store import Store
from gan_core.validation import Label, Seed


@dataclass(frozen=True)
class Sample(Parameters):
    """`n` samples of the draw with this seed; of one class where `label` names it, else as often as in the data."""

    n: SampleCount
    seed: Seed = 0
    label: Label | None = None


def answer(context: JobContext, asked: Sample) -> Arrays:
    """`x` (n, *shape) in storage form."""
    return {"x": to_storage(draw(context.store, context.run, context.step, asked))}


def draw(store: Store, run_id: str, step: int | None, asked: Sample) -> np.ndarray:
    """The samples (n, *shape) in measured form, of a snapshot of the run; of the newest one without `step`.

    They are fewer where the run keeps fewer samples and has no generator. Raises GanometerError where there is no such
    snapshot, and for a class that the run was not trained with.
    """
    run, step = store.runs.get(run_id), snapshot_step(store, run_id, step)
    number = class_number(store, run, asked.label)
    if not run.trained_here:
        return KeptSamples.of(store, run_id, step).draw(asked.seed, 0, asked.n).exact

    # Only now: TensorFlow takes seconds to load, and greets on standard error, where a mistake should stand alone.
    generator = generator_at(store, run, step)
    from gan_core.engine import sampling

    return sampling.generate(generator, sampling.inputs(generator, asked.seed, asked.n, sampling.REQUEST, label=number))


def draw_of_training(store: Store, run_id: str, step: int | None, n: int) -> np.ndarray:
    """The samples (n, *shape) in measured form that the run's own measurement at a snapshot was made of; of more than
    those, the same draw goes on, as far as there are samples.

    Raises GanometerError where there is no such snapshot.
    """
    run, step = store.runs.get(run_id), snapshot_step(store, run_id, step)
    if not run.trained_here:
        return KeptSamples.of(store, run_id, step).first(n)
    generator = generator_at(store, run, step)
    from gan_core.engine import sampling

    return sampling.generate(generator, sampling.inputs(generator, run.config.seed, n, sampling.MEASURE, step))


KIND = JobKind("sample", Sample, answer, encode=encode_arrays, decode=decode_arrays, without_rows=only("x"), quick=True)
