"""The training samples nearest to generated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from gan_core.codec import to_storage
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.sample import Sample, draw
from gan_core.jobs.snapshot_sampler import SampleCount, snapshot_samples, snapshot_step
from gan_core.records import SNAPSHOT_SAMPLES
from gan_core.validation import Label, Seed


@dataclass(frozen=True)
class Neighbours(Parameters):
    """The `k` nearest training rows of each of `n` new samples; of the snapshot's own 64 without a seed."""

    k: Annotated[int, Meta(ge=1, le=100)]
    n: SampleCount = SNAPSHOT_SAMPLES
    seed: Seed | None = None
    label: Label | None = None


def answer(context: JobContext, asked: Neighbours) -> Arrays:
    """`x` (n, *shape), and of its neighbours `distances`, `rows` and `labels` (n, k) and `nearest` (n, k, *shape)."""
    from gan_core.distances import neighbours

    train = context.dataset_of_run().train
    if asked.seed is None:
        step = snapshot_step(context.store, context.run, context.step)
        x = snapshot_samples(context.store, context.run, step)
    else:
        x = to_storage(draw(context.store, context.run, context.step, Sample(asked.n, asked.seed, asked.label)))
    distances, rows = neighbours.nearest_real(fake=x, real=train.x, k=asked.k)
    return {"x": x, "distances": distances, "rows": rows, "nearest": train.x[rows], "labels": train.y[rows]}


KIND = JobKind(
    "neighbours",
    Neighbours,
    answer,
    encode=encode_arrays,
    decode=decode_arrays,
    without_rows=only("x", "distances"),
    quick=True,
)
