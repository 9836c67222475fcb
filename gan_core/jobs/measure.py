"""A report: new samples of a snapshot against as many held-out real ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from msgspec import Meta

from gan_core import records
from gan_core.data.datasets import Dataset
from gan_core.jobs.kind import JobContext, JobKind, Parameters
from gan_core.jobs.snapshot_sampler import MOST_SAMPLES, snapshot_step
from gan_core.validation import Seed

Space = Literal["pixels", "pca64", "classifier"]
MeasuredCount = Annotated[int, Meta(ge=2, le=MOST_SAMPLES)]
NeighbourCount = Annotated[int, Meta(ge=1, le=100)]


@dataclass(frozen=True)
class MeasureParameters(Parameters):
    """What is measured: `n` samples of each kind (at most the test part), in which space, with which metrics."""

    n: MeasuredCount
    seed: Seed = 0
    space: Space = "pixels"
    panel: records.Panel = "live"
    k: NeighbourCount = 5

    def at(self, dataset: Dataset) -> MeasureParameters:
        """The same with no more samples than the test part of the data set has."""
        return replace(self, n=min(self.n, len(dataset.test.x)))


def answer(context: JobContext, asked: MeasureParameters) -> records.Report:
    """The report, which the store keeps, too."""
    from gan_core.jobs.measurement import report_for

    step = snapshot_step(context.store, context.run, context.step)
    store, dataset = context.store, context.dataset_of_run()
    report = report_for(store, context.run, step, asked, dataset, context.progress, threads=context.threads)
    store.library.put_report(context.run, step, report)
    return report


KIND = JobKind(
    "measure",
    MeasureParameters,
    answer,
    encode=lambda report: records.to_json(report).encode(),
    decode=lambda data: records.report_from_json(data.decode()),
)
