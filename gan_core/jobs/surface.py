"""The game in the plane: what both networks of a run do there, at one of its snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_core.codec import to_storage
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.snapshot_sampler import check_has_networks, class_number, snapshot_step, snapshot_weights
from gan_core.records import GanometerError
from gan_core.validation import Label


@dataclass(frozen=True)
class Surface(Parameters):
    """`label` asks for one class of a run that was trained with classes."""

    label: Label | None = None


def answer(context: JobContext, asked: Surface) -> Arrays:
    """The arrays of `engine.surface.compute`. Raises GanometerError for data that are not points in the plane."""
    store, run = context.store, context.store.runs.get(context.run)
    check_has_networks(run)
    dataset, step = context.dataset_of_run(), snapshot_step(store, run.id, context.step)
    weights, number = snapshot_weights(store, run.id, step), class_number(store, run, asked.label)
    if dataset.shape != (2,):
        shape = " × ".join(map(str, dataset.shape))
        raise GanometerError(f"only networks on points in the plane can be drawn, and run {run.id} has data of {shape}")
    labels = np.searchsorted(dataset.classes, dataset.train.y) if run.config.data.conditional else None

    from gan_core.engine import surface

    return surface.compute(run.config, weights, step, to_storage(dataset.train.x), labels=labels, label=number)


KIND = JobKind(
    "surface",
    Surface,
    answer,
    encode=encode_arrays,
    decode=decode_arrays,
    without_rows=only("points", "manifold", "x", "y", "belief", "pushes"),
    quick=True,
    of_networks=True,
)
