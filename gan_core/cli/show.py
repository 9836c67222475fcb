"""Results as the command line shows them: as values for --json, and in words."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from gan_core import TITLES, in_json, shown_number, shown_value, verdict_of, with_spread, with_z, z_value
from gan_core.records import CorruptionTest, Headline, Report, RunInfo, UnreadableRun, Verdict
from gan_core.service.upload_reader import Reading

HEARTBEAT_SECONDS = 10.0
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
        "preset": run.config.preset if run.trained_here else None,
        "kind": run.kind,
        "error": run.error,
    }


def summary_of_any(run: RunInfo | UnreadableRun, headlines: Mapping[str, Headline]) -> dict[str, Any]:
    """A run as a JSON value with how good its samples are, also one that cannot be read."""
    if isinstance(run, RunInfo):
        return summary(run) | quality(headlines[run.id])
    return {"run": run.id, "name": run.name, "state": UNREADABLE, "error": run.why}


def runs_in_words(runs: Sequence[RunInfo | UnreadableRun], headlines: Mapping[str, Headline]) -> str:
    """One line for each run: its state, its steps, how good its samples are, and its name."""
    lines = [
        f"{r.id}  {r.state:<11} {r.step:>8,} / {r.total_steps:<8,} {TITLES[headlines[r.id].verdict.kind]:<15} {r.name}"
        if isinstance(r, RunInfo)
        else f"{r.id}  {UNREADABLE:<11} {r.why}; remove it with: delete --run {r.id}"
        for r in runs
    ]
    return "\n".join(map(_printable, lines)) or "no runs yet"


def _printable(line: str) -> str:
    """A name from a file may hold what moves the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def ending(run: RunInfo, headline: Headline) -> str:
    """How a training has ended, and how good its samples are."""
    words = f"run {run.id} {run.state} at step {run.step} of {run.total_steps}"
    if (energy := energy_of(headline)) is not None:
        words += f"; energy distance {shown_number(energy, 'energy_distance')}"
    words += f"; {run.error}" if run.error else ""
    return words if headline.step is None else f"{words}\n{_verdict_in_words(headline.verdict)}"


def fork_in_words(run: RunInfo) -> str:
    """What a fork begins with, and how many steps it trains."""
    step = run.parent_step or 0
    return (
        f"run {run.id} takes over step {step} of run {run.parent_id} with the settings of that step, the seed "
        f"{run.config.seed} and the data, and trains {run.total_steps - step} steps"
    )


def energy_of(headline: Headline) -> float | None:
    """The newest energy distance; None where there is none."""
    return headline.energy.value if headline.energy else None


def quality(headline: Headline) -> dict[str, Any]:
    """How good a run's samples are, as a JSON value."""
    verdict = {"kind": headline.verdict.kind, "title": TITLES[headline.verdict.kind]}
    about = verdict | {"sentence": headline.verdict.sentence, "step": headline.step}
    return {"energy_distance": energy_of(headline), "verdict": about}


def _verdict_in_words(verdict: Verdict) -> str:
    return f"{TITLES[verdict.kind]}. {verdict.sentence}"


def report_values(report: Report) -> dict[str, Any]:
    """A report as a JSON value, as the pages write it into files, but for the histogram."""
    return {name: value for name, value in in_json(report).items() if name != "histogram"}


def report_in_words(report: Report) -> str:
    """The verdict, the numbers behind it, and a line for each metric."""
    lines = [_verdict_in_words(verdict_of(report)), report.verdict]
    for metric in report.metrics.values():
        if metric.value is None:
            lines.append(f"  {metric.name:<26} {'—':>10}   needs {metric.needs}")
            continue
        p = "" if metric.p is None else f"   p = {metric.p:.3g}"
        beside = f"   real-vs-real {with_spread(metric)}" if metric.reference_mean is not None else ""
        z = f"   {with_z(metric.z)}" if metric.z is not None else ""
        lines.append(f"  {metric.name:<26} {shown_value(metric):>10}{beside}{z}{p}")
    return "\n".join(lines)


def corruptions_in_words(data: str, found: CorruptionTest) -> str:
    """Tables of what every metric makes of every corruption of a data set, some columns at a time."""
    cells = {(c.metric, c.corruption, c.level): c for c in found.cells}
    columns = list(dict.fromkeys((c.corruption, c.level) for c in found.cells))
    lines = [f"{data}, n = {found.n}: z, standard deviations from what uncorrupted real samples give"]
    for start in range(0, len(columns), COLUMNS):
        some = columns[start : start + COLUMNS]
        lines += ["", " " * 27 + "".join(f"{name:>9}" for name, _ in some)]
        lines.append(" " * 27 + "".join(f"{level:>9.3g}" for _, level in some))
        for metric in dict.fromkeys(c.metric for c in found.cells):
            row = [cells.get((metric, *column)) for column in some]
            shown = ["—" if c is None or c.z is None else z_value(c.z) for c in row]
            lines.append(f"{metric:<27}" + "".join(f"{z:>9}" for z in shown))
    return "\n".join(lines)


def progress_of_run(run: RunInfo) -> None:
    """Tell a person who waits, on standard error, how far a training is."""
    pace = f" · {run.steps_per_second:,.0f} steps/s" if run.steps_per_second else ""
    print(f"{run.phase or run.state} · step {run.step:,} of {run.total_steps:,}{pace}", file=sys.stderr)


class Progress:
    """Tells a person who waits, on standard error, how far something is: at every tenth.

    As a context manager it also says that it still goes on, whenever `heartbeat` seconds have passed without a line.
    """

    def __init__(self, doing: str = "measuring", *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._doing, self._heartbeat = doing, heartbeat
        self._tenths, self._share = 0, 0.0
        self._began = self._said = time.monotonic()
        self._ended = threading.Event()

    def __call__(self, share: float) -> None:
        """Print the share that is done, in [0, 1], if another tenth is complete."""
        self._share = share
        if share * 10 >= self._tenths + 1:
            self._tenths = int(share * 10)
            self._said = time.monotonic()
            print(f"{self._doing}: {self._tenths * 10} %", file=sys.stderr)

    def __enter__(self) -> Progress:
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat):
            if (now := time.monotonic()) - self._said >= self._heartbeat:
                print(f"{self._doing}: {self._share:.0%} after {now - self._began:.0f} s", file=sys.stderr)


def reading_values(name: str, reading: Reading) -> dict[str, Any]:
    """What a file became, as a JSON value."""
    return {
        "data": name,
        "kind": reading.info.kind,
        "shape": list(reading.info.shape),
        "rows": reading.rows,
        "classes": dict(reading.classes),
        "notes": [note.text for note in reading.notes],
    }


def reading_in_words(file: str, name: str, reading: Reading) -> str:
    """What a file became: the data set, its classes, and each note."""
    shape = " x ".join(map(str, reading.info.shape))
    kind = "points of " + shape + " numbers" if reading.info.kind == "points" else "images of " + shape
    lines = [f"{file}: {reading.rows:,} {kind} as {name}"]
    if reading.classes:
        lines.append("classes: " + ", ".join(f"{one} ({count:,})" for one, count in reading.classes.items()))
    width = max((len(note.about) for note in reading.notes), default=0)
    lines += [f"  {note.about:<{width}}  {'! ' if note.warning else '  '}{note.text}" for note in reading.notes]
    return "\n".join(map(_printable, lines))
