"""A report: samples of a snapshot against as many held-out real ones."""

from __future__ import annotations

from gan_core import records
from gan_core.jobs.kind import JobContext, JobKind
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.snapshot_sampler import snapshot_step


def answer(context: JobContext, asked: MeasureParameters) -> records.Report:
    """The report, which the store keeps, too."""
    from gan_core.jobs.measurement import report_for

    step = snapshot_step(context.store, context.run, context.step)
    store, dataset = context.store, context.dataset_of_run()
    report = report_for(store, context.run, step, asked, dataset, context.progress, threads=context.threads)
    store.measurements.put_report(context.run, step, report)
    return report


KIND = JobKind(
    "measure",
    MeasureParameters,
    answer,
    encode=lambda report: records.record_to_json(report).encode(),
    decode=lambda data: records.report_from_json(data.decode()),
    without_rows=records.Report.numbers_only,
)
