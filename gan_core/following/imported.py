"""A training that is over, from what it has left in files: a run with its curves, its samples and their distances."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core import machine
from gan_core.codec import flatten, to_unit
from gan_core.config.run_config import RunConfig, override, recorded_steps
from gan_core.data.event_files import read_event_files
from gan_core.data.given_arrays import Given, Scale, form_of
from gan_core.data.training_logs import read_metrics, read_samples, sample_files
from gan_core.following.log_buffer import LONGEST_NAME, MOST_CURVES
from gan_core.following.real_data import ask_for_reference, check_enough
from gan_core.jobs import measurement, references
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.records import LOSS_CURVE, METRIC_CURVE, MOST_SAMPLES, SNAPSHOT_SAMPLES, GanometerError
from gan_core.store import Commit, Store
from gan_core.worker.live_measurement import LiveMeasurement

MOST_STEPS = 48
"""Steps whose samples are measured and kept, spread over the training."""
FEWEST_SAMPLES = 50


class Log(NamedTuple):
    """What a training has left: {curve: {step: value}}, and the files with the samples of a step, by step."""

    curves: Mapping[str, Mapping[int, float]]
    samples: Sequence[tuple[int, Path]]


def read_log(*, tensorboard: Path | None = None, table: Path | None = None, samples: Path | None = None) -> Log:
    """What the files hold: a folder of event files, a CSV file, a folder of samples by step. Raises DatasetError."""
    curves: dict[str, Mapping[int, float]] = {}
    if tensorboard is not None:
        curves |= read_event_files(tensorboard)
    if table is not None:
        curves |= read_metrics(table)
    return Log(curves, sample_files(samples) if samples is not None else [])


def import_log(
    store: Store,
    log: Log,
    given: Given,
    *,
    name: str,
    owner: str = "",
    rows: int = 500,
    seed: int = 0,
    scale: Scale | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> str:
    """Write the run, finished, with at most MOST_STEPS of its samples measured; returns its id.

    Raises DatasetError and GanometerError for samples that cannot be measured; then there is no run.
    """
    notes = [*given.notes]
    files = _chosen(log.samples)
    values = _values(log.curves, notes)
    if not files and not values:
        raise GanometerError("there is nothing to import: no samples and no curve with a number in it")
    config = override(RunConfig(), {"data.name": given.dataset.name, "recording.rows": rows, "seed": seed})
    commits, n = [], min(rows, len(given.dataset.test))
    live = form = None
    for done, (step, file) in enumerate(files, 1):
        x = read_samples(file, given.dataset.shape)
        if form is None or live is None:
            check_enough(len(x), FEWEST_SAMPLES, f"samples in {file.name}")
            form, n = form_of(x, given.dataset.shape, real_scale=given.scale, scale=scale), min(n, len(x))
            notes.append(form.said)
            config = override(config, {"recording.rows": n})
            live = _live(store, given, n)
        check_enough(len(x), n, f"samples in {file.name}")
        kept = form.read(x[:MOST_SAMPLES])
        commits.append((step, kept, live.report(to_unit(kept[:n]))))
        progress(done / len(files))
    last = max([step for step, *_ in values] + [step for step, *_ in commits])
    writer = f"{machine.HOST}-import-{secrets.token_hex(2)}"
    with store.together():
        run_id = store.runs.create(
            config, name=name, owner=owner, worker_id=writer, kind="followed", total_steps=last
        )
        key = run_id, writer, 1
        store.progress.describe(*key, dataset=given.dataset.sha256)
        for note in notes:
            store.progress.note(*key, 0, "read_as", {"note": note})
        for step, kept, report in commits:
            measured = {name: m.value for name, m in report.metrics.items() if m.value is not None}
            commit = Commit(
                "running",
                step,
                0.0,
                values=[(step, name, value) for name, value in measured.items()],
                measured=[(step, report)],
                taken=[(step, kept[:SNAPSHOT_SAMPLES], b"")],
                kept=[(step, kept)],
            )
            store.progress.commit(*key, commit)
        store.progress.commit(*key, Commit("finished", last, 0.0, values=values))
    if files:
        ask_for_reference(store, given, n)
    return run_id


def _live(store: Store, given: Given, n: int) -> LiveMeasurement:
    dataset = given.dataset
    part = measurement.real_part(dataset, MeasureParameters(n), flatten)
    return LiveMeasurement(part, dataset.modes, lambda: references.known(store, dataset.sha256, "pixels", n))


def _chosen(files: Sequence[tuple[int, Path]]) -> list[tuple[int, Path]]:
    """At most MOST_STEPS of them, dense early and then even, with the first and the last."""
    if len(files) <= MOST_STEPS:
        return list(files)
    steps = np.array([step for step, _ in files])
    wanted = recorded_steps(int(steps[-1]), MOST_STEPS)
    places = sorted({int(np.abs(steps - step).argmin()) for step in wanted} | {0, len(files) - 1})
    return [files[place] for place in places][-MOST_STEPS:]


def _values(curves: Mapping[str, Mapping[int, float]], notes: list[str]) -> list[tuple[int, str, float]]:
    """The values of the curves; what is called a loss is one."""
    if len(curves) > MOST_CURVES:
        notes.append(f"Of {len(curves)} curves the first {MOST_CURVES} are kept.")
    found: dict[tuple[int, str], float] = {}
    for name in sorted(curves)[:MOST_CURVES]:
        start = LOSS_CURVE if "loss" in name.lower() else METRIC_CURVE
        shown = "".join(letter if letter.isprintable() else " " for letter in name)[-LONGEST_NAME:]
        found |= {(step, start + shown): float(value) for step, value in curves[name].items()}
    return [(step, name, value) for (step, name), value in found.items() if 0 <= step < 2**31 and np.isfinite(value)]
