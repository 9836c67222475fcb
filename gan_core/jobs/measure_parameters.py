"""What is measured, and against how many: shared by reports, by real against real, and by trainings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from msgspec import Meta

from gan_core.data.datasets import Dataset
from gan_core.jobs.kind import Parameters
from gan_core.records import MOST_SAMPLES, Panel
from gan_core.validation import Seed

Space = Literal["pixels", "pca64", "classifier"]
MeasuredCount = Annotated[int, Meta(ge=2, le=MOST_SAMPLES)]
NeighbourCount = Annotated[int, Meta(ge=1, le=100)]


@dataclass(frozen=True)
class MeasureParameters(Parameters):
    """What is measured: `n` samples of each kind (at most the test part), in which space, with which metrics.

    `seed`: which draw of generated samples; 0 is the one that was measured during the training.
    """

    n: MeasuredCount
    seed: Seed = 0
    space: Space = "pixels"
    panel: Panel = "live"
    k: NeighbourCount = 5

    def at(self, dataset: Dataset, most: int | None = None) -> MeasureParameters:
        """The same with no more samples than the test part of the data set has, and than `most`."""
        n = min(self.n, len(dataset.test.x))
        return replace(self, n=n if most is None else min(n, most))
