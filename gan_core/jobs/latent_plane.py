"""A plane through the latent space of a snapshot, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from gan_core.codec import to_storage
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.validation import Label, Seed, Share


@dataclass(frozen=True)
class LatentPlane(Parameters):
    """`size` x `size` cells of the plane with the number `plane`; of the first class unless `label` names one."""

    size: Annotated[int, Meta(ge=5, le=25)] = 15
    plane: Seed = 0
    label: Label | None = None
    truncation: Share = 1.0


def answer(context: JobContext, asked: LatentPlane) -> Arrays:
    """Samples `x` (size, size, *shape) and their latents `z` (size, size, d).

    Of two latents all there are, in cells that are equally likely; of more the random plane through 0 with the number
    `plane`.
    """
    sampler, size = SnapshotSampler.of(context.store, context.run, context.step), asked.size
    number = sampler.number(asked.label)
    if sampler.classes and number is None:
        number = 0
    from gan_core.engine import surface

    z = np.float32(asked.truncation) * surface.latent_grid(sampler.latent_dim, asked.plane, size)
    x = to_storage(sampler.make(z.reshape(size * size, -1), number))
    return {"x": x.reshape(size, size, *x.shape[1:]), "z": z}


KIND = JobKind(
    "latent_plane",
    LatentPlane,
    answer,
    encode=encode_arrays,
    decode=decode_arrays,
    without_rows=only("x", "z"),
    quick=True,
    of_networks=True,
)
