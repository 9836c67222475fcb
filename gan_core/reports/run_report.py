"""What a report says: of one run and of several, as values. The same words and numbers as on the pages."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gan_core.config.losses import LOSS_UNITS
from gan_core.config.run_config import RunConfig, differences, flatten_config
from gan_core.config.titles import value_in_words
from gan_core.distances.catalogue import METRICS
from gan_core.distances.marks import mark_of
from gan_core.distances.verdict import TITLES, shown_value, with_spread, z_value
from gan_core.records import DatasetInfo, Event, Headline, History, Reference, Report, RunInfo, Snapshot
from gan_core.reports.charts import Chart, charts_of, metric_chart
from gan_core.reports.event_words import event_in_words
from gan_core.reports.pictures import Pictures, image_grid, pictures_of

LARGEST = 5 * 2**20
"""Bytes of a file, at most."""
ROOM_FOR_PICTURES = int(3.5 * 2**20)
"""Of these, what the pictures of all runs may take."""
MOST_RUNS = 12
"""Runs of one report, whose curves have room beside their pictures."""


@dataclass(frozen=True)
class RunResults:
    """What is known of a run, as whoever asks may see it.

    `data_title`: what its data set is called. `first` are the settings it began with, `recipe` those of its preset.
    `events` are newest first.
    """

    run: RunInfo
    data: DatasetInfo | None
    data_title: str
    headline: Headline
    history: History
    reference: Reference | None
    snapshots: Sequence[Snapshot]
    events: Sequence[Event]
    first: RunConfig
    recipe: RunConfig


@dataclass(frozen=True)
class Number:
    """A metric beside what real samples give, in words: a row of the table."""

    title: str
    group: str
    value: str
    real: str
    z: str
    mark: str
    sentence: str


@dataclass(frozen=True)
class Setting:
    """A setting, what it was when the run began, and what its recipe has where that is something else."""

    key: str
    value: str
    recipe: str = ""


@dataclass(frozen=True)
class RunReport:
    """A run as a report shows it. `findings` are (step, words), the oldest first; `commands` train it again."""

    id: str
    name: str
    data: str
    state: str
    step: int
    total_steps: int
    seconds: float
    created: float
    error: str
    verdict: str
    sentence: str
    measured: str
    numbers: tuple[Number, ...]
    charts: tuple[Chart, ...]
    pictures: Pictures
    real_picture: str
    settings: tuple[Setting, ...]
    findings: tuple[tuple[int, str], ...]
    commands: tuple[str, ...]
    notes: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]

    @property
    def energy(self) -> Number | None:
        """The energy distance."""
        return next((number for number in self.numbers if number.title == METRICS["energy_distance"].title), None)


@dataclass(frozen=True)
class Versus:
    """Which of several settings is better: in words, what each letter stands for, and a line for each pair."""

    headline: str
    sentence: str
    groups: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """What stands in one file: the runs, what they have in common, and when (since 1970) by which version."""

    runs: tuple[RunReport, ...]
    together: tuple[Chart, ...]
    versus: Versus | None
    made: float
    version: str


def report_of(found: RunResults, *, clear: Callable[[str], str], room: int) -> RunReport:
    """The report of one run, whose pictures take about `room` characters.

    `clear` takes from a text what tells of a person or a machine.
    """
    run, data, report = found.run, found.data, found.headline.report
    seen = data is not None and not data.rows_hidden
    commands, notes = _again(found)
    return RunReport(
        id=run.id,
        name=clear(run.name),
        data=clear(found.data_title),
        state=run.state,
        step=run.step,
        total_steps=run.total_steps,
        seconds=run.seconds,
        created=run.created,
        error=clear(run.error or ""),
        verdict=TITLES[found.headline.verdict.kind],
        sentence=found.headline.verdict.sentence,
        measured=_measured(found.headline.step, report),
        numbers=_numbers(report),
        charts=charts_of(found.history, found.reference, loss_unit=_loss_unit(run)),
        pictures=pictures_of(found.snapshots, real=data.preview if data and seen else None, room=room),
        real_picture=image_grid(data.preview) if data and seen and data.kind == "image" else "",
        settings=_settings(found),
        findings=tuple((event.step, clear(event_in_words(event))) for event in reversed(found.events)),
        commands=commands,
        notes=notes,
        versions=tuple(run.versions.items()),
    )


def document_of(
    results: Sequence[RunResults],
    *,
    clear: Callable[[str], str],
    made: float,
    version: str,
    versus: Versus | None = None,
) -> Document:
    """The report of several runs: each by itself, and their energy distances in one chart."""
    room = ROOM_FOR_PICTURES // len(results)
    runs = tuple(report_of(found, clear=clear, room=room) for found in results)
    together: tuple[Chart, ...] = ()
    if len(results) > 1:
        references = {found.run.dataset: found.reference for found in results}
        reference = next(iter(references.values())) if len(references) == 1 else None
        named = {f"{place}. {run.name}": found.history for place, (run, found) in enumerate(zip(runs, results), 1)}
        together = tuple(chart for chart in [metric_chart(named, "energy_distance", reference)] if chart.lines)
    return Document(runs, together, versus, made, version)


def _loss_unit(run: RunInfo) -> str:
    """Of somebody else's losses the unit is not known."""
    return LOSS_UNITS.get(run.config.objective.loss, "") if run.trained_here else ""


def _measured(step: int | None, report: Report | None) -> str:
    if report is None or step is None:
        return ""
    return (
        f"Measured at step {step:,}: {report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, "
        f"in the space of {report.space}."
    )


def _numbers(report: Report | None) -> tuple[Number, ...]:
    rows: list[Number] = []
    for name, about in METRICS.items():
        metric = report.metrics.get(name) if report else None
        if metric is not None and metric.value is not None:
            real = with_spread(metric) if metric.reference_mean is not None else ""
            shown = (shown_value(metric), real, z_value(metric.z), mark_of(metric), metric.verdict)
            rows.append(Number(about.title, about.group, *shown))
    return tuple(rows)


def _settings(found: RunResults) -> tuple[Setting, ...]:
    if not found.run.trained_here:
        return ()
    changed = differences(found.first, found.recipe)
    return tuple(
        Setting(key, value_in_words(value), value_in_words(changed[key][1]) if key in changed else "")
        for key, value in flatten_config(found.first).items()
        if key not in ("data.name", "preset")
    )


def _again(found: RunResults) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The commands that train the run again, and what one has to know of them."""
    run, first = found.run, found.first
    if not run.trained_here:
        return (), ("The program that made these samples is not known here: ask whoever wrote it how to run it.",)
    changed = {key: value for key, (value, _) in differences(first, found.recipe).items()}
    for key in ("data.name", "preset", "seed", "training.seconds"):
        changed.pop(key, None)
    steps = changed.pop("training.steps", None)
    words = ["python", "-m", "gan_core", "train", "--data", first.data.name, "--preset", first.preset]
    words += ["--seed", str(first.seed), *(["--steps", str(steps)] if steps is not None else [])]
    for key, value in changed.items():
        words += ["--set", f"{key}={_text(value)}"]
    notes: list[str] = []
    if run.data_hidden:
        notes.append("The data of this run are private: the command needs them.")
    elif first.data.name.startswith("upload-"):
        notes.append("The data are a person's own file: upload the same file first, and its name is the same.")
    if run.parent_step is not None:
        parent = f"run {run.parent_id}" if run.parent_id else "another run"
        notes.append(f"The run was forked from {parent} at step {run.parent_step:,}: train that one first.")
        if run.parent_id:
            words = ["python", "-m", "gan_core", "fork", "--run", run.parent_id, "--step", str(run.parent_step)]
    if any(event.kind == "set" for event in found.events):
        notes.append("Settings were changed while it trained; the event log says at which steps.")
    return (shlex.join(words),), tuple(notes)


def _text(value: object) -> str:
    """A value as the command line reads it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
