"""Projection of a real sample (GAN inversion): the latent whose sample is nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from gan_core.codec import to_storage, to_unit
from gan_core.data.datasets import Dataset
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.records import GanometerError
from gan_core.validation import Count

RealPart = Literal["test", "train", "holdout", "preview"]


@dataclass(frozen=True)
class Projection(Parameters):
    """Real sample `index` of a part, or of the data set's preview; `steps` of descent from each of `starts` latents."""

    index: Count
    part: RealPart = "test"
    steps: Annotated[int, Meta(ge=50, le=1000)] = 300
    starts: Annotated[int, Meta(ge=1, le=16)] = 8


def answer(context: JobContext, asked: Projection) -> Arrays:
    """`target` with its `label`, the best sample found `x` from latent `z` (d,) at `distance`, the best random one
    `start` at `start_distance`, the best distance after each step `curve` (steps,), and for comparison the `nearest`
    other training row at `nearest_distance`. Distances are of the samples as made, before their pixels are rounded.
    """
    from gan_core.distances import neighbours

    dataset = context.dataset_of_run()
    target, label = _real(dataset, asked.part, asked.index)
    sampler = SnapshotSampler.of(context.store, context.run, context.step)
    one_hot = sampler.one_hot(sampler.number(label), 1)[0] if sampler.classes else None
    train = dataset.train.x
    k = min(2, len(train))
    distances, rows = neighbours.nearest_real(real=train, fake=target[None], k=k, threads=context.threads)
    other = int(asked.part == "train" and rows[0, 0] == asked.index)
    from gan_core.engine import projection

    found = projection.project(
        sampler.generator,
        to_unit(target),
        seed=sampler.run.config.seed,
        one_hot=one_hot,
        steps=asked.steps,
        starts=asked.starts,
        progress=context.progress,
    )
    return {
        "target": target,
        "label": np.array(label),
        "x": to_storage(found.x[None])[0],
        "z": found.z,
        "distance": np.array(found.distance, np.float32),
        "start": to_storage(found.start[None])[0],
        "start_distance": np.array(found.start_distance, np.float32),
        "curve": found.curve,
        "nearest": train[rows[0, other]],
        "nearest_distance": np.array(distances[0, other], np.float32),
    }


def _real(dataset: Dataset, part: RealPart, index: int) -> tuple[np.ndarray, int]:
    """A real sample and its label."""
    preview = dataset.info()
    x, y = (preview.preview, preview.labels) if part == "preview" else (dataset.parts[part].x, dataset.parts[part].y)
    if index >= len(x):
        raise GanometerError(f"index is {index} and the {part} part has {len(x):,} rows; give 0 to {len(x) - 1}")
    return x[index], int(y[index])


KIND = JobKind(
    "projection", Projection, answer, encode=encode_arrays, decode=decode_arrays, quick=True, of_networks=True
)
