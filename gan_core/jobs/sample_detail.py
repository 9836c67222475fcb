"""One sample of a snapshot in detail: its latent, and the training samples that are nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from gan_core.data.datasets import Dataset
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.sample_source import source_at
from gan_core.jobs.snapshot_sampler import SampleCount, SampleIndex
from gan_core.records import SNAPSHOT_SAMPLES, GanometerError
from gan_core.store import Store
from gan_core.validation import Label, Seed, Share

NUMBERS = only(*("x", "z", "label", "real_distance", "pixels.distances", "pca64.distances", "classifier.distances"))
"""What may be shown without the real samples."""


@dataclass(frozen=True)
class SampleDetail(Parameters):
    """Sample `index` of the `n` that a `browse` job with the same seed, label and truncation makes; its `k` nearest."""

    index: SampleIndex
    n: SampleCount = SNAPSHOT_SAMPLES
    seed: Seed | None = None
    label: Label | None = None
    truncation: Share = 1.0
    k: Annotated[int, Meta(ge=1, le=100)] = 5

    def conflicts(self) -> Iterable[str]:
        """An index beyond the samples that there are."""
        n = SNAPSHOT_SAMPLES if self.seed is None else self.n
        if self.index >= n:
            yield f"index is {self.index} and there are {n:,} samples; give 0 to {n - 1}"


def answer(context: JobContext, asked: SampleDetail) -> Arrays:
    """The sample `x` (1, *shape), its latent `z` (d,) as the generator got it, and the `label` it was made for,
    where there is a generator.

    In every space there is: `space`.nearest (k, *shape), `space`.distances, `space`.rows and `space`.labels (k,); a
    learned space only where somebody has had it learned. `real_distance` is the median distance, in pixels, of held-out
    rows from their nearest training rows.
    """
    from gan_core.distances import neighbours, pairwise
    from gan_core.jobs.held_out import held_out

    store, dataset, threads = context.store, context.dataset_of_run(), context.threads
    if asked.k > len(dataset.train):
        raise GanometerError(f"k is {asked.k} and there are {len(dataset.train)} training rows; give fewer")
    sampler = source_at(store, context.run, context.step)
    made = sampler.draw(asked.seed, asked.index, asked.index + 1, label=asked.label, truncation=asked.truncation)
    found: dict[str, Any] = {"x": made.x}
    if made.z.shape[1]:
        found["z"] = made.z[0]
    if made.classes is not None:
        found["label"] = np.int64(sampler.classes[made.classes[0]])
    found["real_distance"] = np.float32(np.median(held_out(dataset, threads).distances))
    context.progress(0.4)
    train = dataset.train
    for space in _spaces(store, dataset):
        if space == ("pixels", b""):
            distances, rows = neighbours.nearest_real(real=train.x, fake=made.x, k=asked.k, threads=threads)
        else:
            transform, points = _in_space(dataset, *space)
            distances, rows = pairwise.nearest(queries=transform(made.x), points=points, k=asked.k, threads=threads)
        near = {"nearest": train.x[rows[0]], "distances": distances[0].astype(np.float32), "rows": rows[0]}
        found |= {f"{space[0]}.{name}": array for name, array in (near | {"labels": train.y[rows[0]]}).items()}
    return found


def _spaces(store: Store, dataset: Dataset) -> list[tuple[str, bytes]]:
    """The spaces there are without training anything: their names, and the weights of what was learned."""
    found = [("pixels", b"")] + ([("pca64", b"")] if dataset.kind == "image" else [])
    known = store.measurements.features(dataset.sha256, "classifier")
    return found + ([("classifier", known.weights)] if known else [])


@lru_cache(maxsize=4)
def _in_space(dataset: Dataset, name: str, weights: bytes) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Samples -> what they are in a space, and all training rows there."""
    if name == "classifier":
        from gan_core.engine.classifier import Classifier

        transform = Classifier.from_bytes(weights).features
    else:
        from gan_core.distances import features

        transform = features.space_of(name, train=dataset.train.x)
    return transform, transform(dataset.train.x)


KIND = JobKind(
    "sample_detail", SampleDetail, answer, encode=encode_arrays, decode=decode_arrays, without_rows=NUMBERS, quick=True
)
