"""Reports: one or several runs as an HTML file that whoever asks may hand on.

Like any file of a run it says nothing of who made it and on which machine, and of data that are hidden from whoever
asks it shows no sample and no name.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gan_core import machine
from gan_core.bundles.personal import clearer, event_for_a_file
from gan_core.config import presets
from gan_core.config.run_config import RunConfig
from gan_core.jobs.comparison import ComparisonReport
from gan_core.records import DatasetInfo, GanometerError, RunInfo
from gan_core.reports.html_page import html_of
from gan_core.reports.run_report import MOST_RUNS, Document, RunResults, Versus, document_of
from gan_core.service.results import ResultService
from gan_core.service.runs import RunService
from gan_core.service.uploads import UploadService
from gan_core.store import Store


class ReportService:
    """Gathers what pages show of runs, and writes it into one file. It takes about as long as drawing a page does."""

    def __init__(
        self,
        store: Store,
        runs: RunService,
        results: ResultService,
        uploads: UploadService,
        clock: Callable[[], float] = time.time,
    ):
        self._store, self._runs, self._results, self._uploads, self._clock = store, runs, results, uploads, clock

    def html(
        self,
        run_id: str | Sequence[str],
        *,
        by: str | None = "",
        step: int | None = None,
        versus: Versus | None = None,
    ) -> bytes:
        """The file of one run, or of several: see `document`. Raises GanometerError also for one that is too large."""
        return html_of(self.document(run_id, by=by, step=step, versus=versus))

    def versus(self, found: ComparisonReport) -> Versus | None:
        """The same for pages: see `versus_of`."""
        return versus_of(found)

    def document(
        self,
        run_id: str | Sequence[str],
        *,
        by: str | None = "",
        step: int | None = None,
        versus: Versus | None = None,
    ) -> Document:
        """What the report of runs says: the numbers that were measured up to `step`, the newest without it.

        `versus`: which of them is better, where that is known. Raises UnknownRun for a run that `by` may not see, and
        GanometerError for no run and for too many.
        """
        ids = list(dict.fromkeys([run_id] if isinstance(run_id, str) else run_id))
        if not 1 <= len(ids) <= MOST_RUNS:
            raise GanometerError(f"a report of {len(ids)} runs was asked; give 1 to {MOST_RUNS}")
        runs = [self._runs.get(each, by=by) for each in ids]
        workers = self._store.workers.all()
        machines = {worker.id for worker in workers} | {worker.host for worker in workers} | {socket.gethostname()}
        people = {run.owner for run in runs} | set(self._store.people.nicknames().values())
        clear, clear_name = clearer(machines | people), clearer(())
        found = [self._results_of(run, by, step, clear) for run in runs]
        return document_of(
            found,
            clear=clear_name,
            made=self._clock(),
            version=machine.versions()["ganometer"],
            versus=versus,
        )

    def _results_of(self, run: RunInfo, by: str | None, step: int | None, clear: Callable[[str], str]) -> RunResults:
        data, first = self._results.dataset_of(run), self._runs.first_config(run)
        steps = self._results.snapshot_steps(run)
        snapshots = [found for kept in steps if (found := self._results.snapshot(run, kept))]
        events = [
            replace(event, payload=event_for_a_file(event.payload, clear)) for event in self._runs.events(run, by=by)
        ]
        return RunResults(
            replace(run, error=clear(run.error) if run.error else run.error),
            data,
            self._uploads.title(run.config.data.name, by=by),
            self._results.headlines([run], {} if step is None else {run.id: step}, by=by)[run.id],
            self._results.curves(run, by=by),
            self._results.live_reference(run),
            snapshots,
            events,
            first,
            _recipe(first, data if run.trained_here else None),
        )


def _recipe(config: RunConfig, data: DatasetInfo | None) -> RunConfig:
    """The recipe that settings started from; themselves where the shape of the data is not known yet."""
    if data is None:
        return config
    return presets.preset(config.preset, data=data.name, shape=data.shape, seconds=config.training.seconds)


def versus_of(found: ComparisonReport) -> Versus | None:
    """What a report says of a comparison; None of one that says nothing."""
    pairs = [f"{pair.first} against {pair.second}: {pair.sentence}" for pair in found.comparisons]
    if not found.headline:
        return None
    groups = [f"{name} (seed {', '.join(str(seed) for seed, _ in values)})" for name, values in found.values.items()]
    return Versus(found.headline, found.sentence, tuple(groups), tuple(pairs) if len(pairs) > 1 else ())
