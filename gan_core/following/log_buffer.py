"""What a followed training has logged since the last commit: curves, and the samples that wait to be measured."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_core.distances.catalogue import METRICS
from gan_core.records import LOSS_CURVE, METRIC_CURVE, GanometerError, Report

LONGEST_NAME = 48
"""Characters of the name of a curve."""
MOST_CURVES = 40
MOST_MEASURED = 16
"""Measured steps that wait for a store that cannot be used; beyond that the oldest goes."""


class Measured(NamedTuple):
    """The samples of a step in storage form, all that are kept of them, and what was measured."""

    step: int
    samples: np.ndarray
    report: Report


class Logged(NamedTuple):
    """What a commit writes: (step, curve, value), measured samples, and notes for the event log (step, kind, text)."""

    values: tuple[tuple[int, str, float], ...]
    measured: tuple[Measured, ...]
    notes: tuple[tuple[int, str, str], ...]


class LogBuffer:
    """Filled by the training and by the thread that measures, emptied by the thread that writes.

    A curve has one value a step, the first that was logged, and its steps ascend: what comes late is left out, and
    counted in `late`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: list[tuple[int, str, float]] = []
        self._measured: list[Measured] = []
        self._notes: list[tuple[int, str, str]] = []
        self._last: dict[str, int] = {}
        self.late = 0

    def add_values(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the finite values of curves by their names."""
        with self._lock:
            for name, value in values.items():
                if step <= self._last.get(name, -1):
                    self.late += 1
                    continue
                self._last[name] = step
                if math.isfinite(value):
                    self._values.append((step, name, value))

    def add_measured(self, measured: Measured) -> None:
        """Keep the samples of a step, and what was measured of them with its values."""
        found = measured.report.metrics.items()
        self.add_values(measured.step, {name: m.value for name, m in found if m.value is not None})
        with self._lock:
            self._measured.append(measured)
            del self._measured[:-MOST_MEASURED]

    def note(self, step: int, kind: str, text: str) -> None:
        """Keep an entry for the event log."""
        with self._lock:
            self._notes.append((step, kind, text))

    def taken(self) -> Logged:
        """All that is there."""
        with self._lock:
            return Logged(tuple(self._values), tuple(self._measured), tuple(self._notes))

    def forget(self, written: Logged) -> None:
        """What was taken has been written."""
        with self._lock:
            del self._values[: len(written.values)]
            steps = {measured.step for measured in written.measured}
            self._measured = [measured for measured in self._measured if measured.step not in steps]
            del self._notes[: len(written.notes)]


def curves_of(losses: Mapping[str, Any] | None, metrics: Mapping[str, Any] | None) -> dict[str, float]:
    """The values by the names of their curves. Raises GanometerError for names and values that none can have."""
    found: dict[str, float] = {}
    for prefix, what, given in ((LOSS_CURVE, "losses", losses), (METRIC_CURVE, "metrics", metrics)):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            raise GanometerError(f"{what} is {type(given).__name__}; give a mapping of names to numbers")
        for name, value in given.items():
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise GanometerError(f"{what} has the name {str(name)[:60]!r}; give 1 to {LONGEST_NAME} characters")
            if what == "metrics" and name in METRICS:
                raise GanometerError(f"metrics has {name!r}, which is measured here; give yours another name")
            found[prefix + name] = _number(value, f"{what}[{name!r}]")
    if len(found) > MOST_CURVES:
        raise GanometerError(f"there are {len(found)} losses and metrics; at most {MOST_CURVES} have a curve each")
    return found


def _number(value: Any, what: str) -> float:
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError) as error:
        raise GanometerError(f"{what} is {type(value).__name__} ({error}); give one number") from None
