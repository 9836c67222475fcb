"""What a training has recorded since its last commit, which writes all of it at once."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gan_core.records import Report
from gan_core.store import Edit


class WriteBuffer:
    """Values of curves, reports, snapshots and changed settings, each with its step."""

    def __init__(self) -> None:
        self.values: list[tuple[int, str, float]] = []
        self.reports: list[tuple[int, Report]] = []
        self.snapshots: list[tuple[int, np.ndarray, bytes]] = []
        self.edits: list[Edit] = []

    def add_values(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the finite values: what is not a number has no place on a curve."""
        self.values += [(step, name, float(value)) for name, value in values.items() if math.isfinite(value)]

    def add_snapshot(self, step: int, samples: np.ndarray, weights: bytes, report: Report) -> None:
        """Keep samples in storage form and the networks' weights, with their measurement and its values."""
        self.snapshots.append((step, samples, weights))
        self.reports.append((step, report))
        self.add_values(step, {name: m.value for name, m in report.metrics.items() if m.value is not None})

    def drop_recordings(self) -> None:
        """Forget all but the changed settings."""
        self.values, self.reports, self.snapshots = [], [], []

    def clear(self) -> None:
        """Forget everything: it has been committed."""
        self.drop_recordings()
        self.edits = []
