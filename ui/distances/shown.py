"""What the Distances page shows: a run at a step, and what was measured there."""

from dataclasses import dataclass

from gan_core import DatasetInfo, Report, RunInfo
from ui.frame.page import Page


@dataclass(frozen=True)
class Shown:
    """`measured_at` and `kept_at` are the steps nearest to the chosen one that have a measurement and a snapshot.

    `report` is the measurement of step `measured_at`, judged by the reference that is known now.
    """

    page: Page
    run: RunInfo
    data: DatasetInfo
    measured_at: int
    kept_at: int
    report: Report
