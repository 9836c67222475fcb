"""Results as the command line shows them: as values for --json, and in words."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from gan_core import with_spread
from gan_core.records import CorruptionTest, Report, RunInfo, UnreadableRun

COLUMNS = 10
"""Of a table that fits into a window."""
UNREADABLE = "unreadable"
"""What stands in place of the state of a run that cannot be read."""


def summary(run: RunInfo) -> dict[str, Any]:
    """A run as a JSON value."""
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state,
        "step": run.step,
        "total_steps": run.total_steps,
        "seconds": run.seconds,
        "steps_per_second": run.steps_per_second,
        "data": run.config.data.name,
        "preset": run.config.preset,
        "error": run.error,
    }


def summary_of_any(run: RunInfo | UnreadableRun) -> dict[str, Any]:
    """A run as a JSON value, also one that cannot be read."""
    if isinstance(run, RunInfo):
        return summary(run)
    return {"run": run.id, "name": run.name, "state": UNREADABLE, "error": run.why}


def runs_in_words(runs: Sequence[RunInfo | UnreadableRun]) -> str:
    """One line for each run."""
    lines = [
        f"{r.id}  {r.state:<11} {r.step:>8,} / {r.total_steps:<8,} {r.name}"
        if isinstance(r, RunInfo)
        else f"{r.id}  {UNREADABLE:<11} {r.why}; remove it with: delete --run {r.id}"
        for r in runs
    ]
    return "\n".join(map(_printable, lines)) or "no runs yet"


def _printable(line: str) -> str:
    """A name from a file may hold what moves the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def ending(run: RunInfo, energy: float | None) -> str:
    """How a training has ended."""
    words = f"run {run.id} {run.state} at step {run.step} of {run.total_steps}"
    if energy is not None:
        words += f"; energy distance {energy:.4f}"
    return words + (f"; {run.error}" if run.error else "")


def report_values(report: Report) -> dict[str, Any]:
    """A report as a JSON value."""
    names = ("status", "n_real", "n_fake", "k", "space", "seed", "panel", "verdict", "seconds", "details")
    about = {name: getattr(report, name) for name in names}
    return about | {"metrics": {name: dataclasses.asdict(metric) for name, metric in report.metrics.items()}}


def report_in_words(report: Report) -> str:
    """The verdict, and a line for each metric."""
    lines = [report.verdict]
    for metric in report.metrics.values():
        if metric.value is None:
            lines.append(f"  {metric.name:<26} {'—':>10}   needs {metric.needs}")
            continue
        p = "" if metric.p is None else f"   p = {metric.p:.3g}"
        beside = f"   real-vs-real {with_spread(metric)}" if metric.reference_mean is not None else ""
        z = f"   z = {metric.z:+.1f}" if metric.z is not None else ""
        lines.append(f"  {metric.name:<26} {metric.value:>10.4f}{beside}{z}{p}")
    return "\n".join(lines)


def corruptions_in_words(data: str, found: CorruptionTest) -> str:
    """Tables of what every metric makes of every damage to a data set, some columns at a time."""
    cells = {(c.metric, c.corruption, c.level): c for c in found.cells}
    columns = list(dict.fromkeys((c.corruption, c.level) for c in found.cells))
    lines = [f"{data}, n = {found.n}: standard deviations from what undamaged real samples give"]
    for start in range(0, len(columns), COLUMNS):
        some = columns[start : start + COLUMNS]
        lines += ["", " " * 27 + "".join(f"{name:>9}" for name, _ in some)]
        lines.append(" " * 27 + "".join(f"{level:>9.3g}" for _, level in some))
        for metric in dict.fromkeys(c.metric for c in found.cells):
            row = [cells.get((metric, *column)) for column in some]
            shown = ["—" if c is None or c.z is None else f"{c.z:+.1f}" for c in row]
            lines.append(f"{metric:<27}" + "".join(f"{z:>9}" for z in shown))
    return "\n".join(lines)


def progress_of_run(run: RunInfo) -> None:
    """Tell a person who waits, on standard error, how far a training is."""
    pace = f" · {run.steps_per_second:,.0f} steps/s" if run.steps_per_second else ""
    print(f"{run.phase or run.state} · step {run.step:,} of {run.total_steps:,}{pace}", file=sys.stderr)


class Progress:
    """Tells a person who waits, on standard error, how far a measurement is: at every tenth."""

    def __init__(self) -> None:
        self._tenths = 0

    def __call__(self, share: float) -> None:
        """Print the share that is done, in [0, 1], if another tenth is complete."""
        if share * 10 >= self._tenths + 1:
            self._tenths = int(share * 10)
            print(f"measuring: {self._tenths * 10} %", file=sys.stderr)
