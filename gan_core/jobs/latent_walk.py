"""A latent walk: from one sample of a snapshot to another, in equal turns of the latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from gan_core.codec import to_storage, to_unit
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.snapshot_sampler import SampleIndex, SnapshotSampler
from gan_core.validation import Label, Seed, Share


@dataclass(frozen=True)
class LatentWalk(Parameters):
    """From sample `start_index` of the draw with `start_seed` to `end_index` of `end_seed`; None: the run's own 64."""

    start_index: SampleIndex
    end_index: SampleIndex
    start_seed: Seed | None = None
    end_seed: Seed | None = None
    frames: Annotated[int, Meta(ge=2, le=120)] = 24
    label: Label | None = None
    truncation: Share = 1.0


def answer(context: JobContext, asked: LatentWalk) -> Arrays:
    """`frames` samples `x`, their latents `z`, and the distance covered up to each of them: the sum of the distances
    from one frame to the next (`length`).

    The class stays that of the start; the last frame is the other sample itself, if that is of the same class.
    """
    sampler = SnapshotSampler.of(context.store, context.run, context.step)
    ends = ((asked.start_seed, asked.start_index), (asked.end_seed, asked.end_index))
    start, end = (
        sampler.draw(seed, index, index + 1, label=asked.label, truncation=asked.truncation) for seed, index in ends
    )
    from gan_core.engine import sampling

    z = sampling.slerp(start.z[0], end.z[0], asked.frames)
    number = None if start.classes is None else int(start.classes[0])
    x = to_storage(sampler.make(z, number))
    x[0] = start.x[0]
    if end.classes is None or end.classes[0] == number:
        x[-1] = end.x[0]
    steps = np.diff(to_unit(x).reshape(len(x), -1).astype(np.float64), axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
    return {"x": x, "z": z, "length": length.astype(np.float32)}


KIND = JobKind(
    "latent_walk",
    LatentWalk,
    answer,
    encode=encode_arrays,
    decode=decode_arrays,
    without_rows=only("x", "z", "length"),
    quick=True,
    of_networks=True,
)
