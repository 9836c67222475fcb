"""Real against real: what every metric gives of two sets of real samples, beside which reports are judged."""

from __future__ import annotations

from dataclasses import dataclass

from gan_core import records
from gan_core.jobs.kind import JobContext, JobKind, Parameters, everything
from gan_core.jobs.measure_parameters import MeasuredCount, MeasureParameters, NeighbourCount, Space
from gan_core.validation import Text


@dataclass(frozen=True)
class ReferenceParameters(Parameters):
    """`n` real samples of each kind (at most the test part) of a data set, in which space, with which metrics."""

    dataset: Text
    n: MeasuredCount
    space: Space = "pixels"
    panel: records.Panel = "live"
    k: NeighbourCount = 5

    def named_data(self) -> tuple[str, ...]:
        """The data set."""
        return (self.dataset,)


def answer(context: JobContext, asked: ReferenceParameters) -> records.Reference:
    """The calibration, which the store keeps, too."""
    from gan_core.jobs.measurement import reference_for

    wanted = MeasureParameters(asked.n, space=asked.space, panel=asked.panel, k=asked.k)
    dataset = context.dataset_named(asked.dataset)
    return reference_for(context.store, dataset, wanted, context.progress, threads=context.threads)


KIND = JobKind(
    "reference",
    ReferenceParameters,
    answer,
    encode=lambda reference: records.record_to_json(reference).encode(),
    decode=lambda data: records.reference_from_json(data.decode()),
    of_run=False,
    without_rows=everything,
)
