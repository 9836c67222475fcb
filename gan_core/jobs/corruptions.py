"""A test of the metrics: what each of them makes of real samples that were damaged in known ways."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gan_core.distances.catalogue import CORRUPTION_TITLES
from gan_core.jobs import references
from gan_core.jobs.kind import JobContext, JobKind, Parameters, everything
from gan_core.jobs.measure_parameters import MeasuredCount
from gan_core.records import CorruptionCell, CorruptionTest, Panel
from gan_core.validation import Text


@dataclass(frozen=True)
class Corruptions(Parameters):
    """`n` real samples of a data set (at most its test part), damaged in all ways there are unless some are named."""

    dataset: Text
    n: MeasuredCount
    panel: Panel = "live"
    corruptions: tuple[str, ...] = ()

    def named_data(self) -> tuple[str, ...]:
        """The data set."""
        return (self.dataset,)

    def conflicts(self) -> Iterable[str]:
        """Names that no corruption has."""
        for name in self.corruptions:
            if name not in CORRUPTION_TITLES:
                yield f"corruptions has {name[:60]!r}; choose from {', '.join(CORRUPTION_TITLES)}"


def answer(context: JobContext, asked: Corruptions) -> CorruptionTest:
    """What every metric of the panel makes of every damage, beside real against real where that is known."""
    from gan_core.distances import corruptions

    dataset = context.dataset_named(asked.dataset)
    n = min(asked.n, len(dataset.test.x))
    return corruptions.corruption_test(
        test=dataset.test.x,
        pool=np.concatenate([dataset.train.x, dataset.holdout.x]),
        labels_of_pool=np.concatenate([dataset.train.y, dataset.holdout.y]),
        n=n,
        corruptions=list(asked.corruptions) or None,
        modes=dataset.modes,
        panel=asked.panel,
        reference=references.known(context.store, dataset.sha256, "pixels", n, panel=asked.panel),
        progress=context.progress,
        threads=context.threads,
    )


def encode(sheet: CorruptionTest) -> bytes:
    """As JSON."""
    return json.dumps(dataclasses.asdict(sheet)).encode()


def decode(data: bytes) -> CorruptionTest:
    """From JSON."""
    values = json.loads(data)
    return CorruptionTest(**values | {"cells": tuple(CorruptionCell(**cell) for cell in values["cells"])})


KIND = JobKind("corruptions", Corruptions, answer, encode=encode, decode=decode, of_run=False, without_rows=everything)
