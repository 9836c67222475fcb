"""What a run has: its samples, curves, measurements, and what they are compared with.

Ask `lab.runs` for the run first: it gives only what this visitor may see, and says whether the real samples of its data
are hidden (`data_hidden`). Everything here is asked of such a run, and then gives its numbers and generated samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gan_core.distances.verdict import NOT_MEASURED, beside, verdict_of
from gan_core.jobs import references
from gan_core.jobs.kept_samples import kept_number
from gan_core.pictures import film
from gan_core.records import (
    DatasetInfo,
    GanometerError,
    Headline,
    History,
    MeasureError,
    Preview,
    Reference,
    Report,
    RunInfo,
    Snapshot,
    UnknownRun,
    Unreadable,
)
from gan_core.service.data_names import names_of
from gan_core.service.runs import RunService
from gan_core.store import Store


class ResultService:
    """Reads what trainings have written."""

    def __init__(self, store: Store, runs: RunService):
        self._store, self._runs = store, runs

    # ------------------------------------------------------------ samples

    def snapshot_steps(self, run: RunInfo) -> tuple[int, ...]:
        """The steps of which a run keeps samples, in order; with weights, if it was trained here."""
        return self._store.recordings.snapshot_steps(run.id)

    def kept_number(self, run: RunInfo, step: int) -> int | None:
        """How many samples there are of a snapshot; None where its generator makes as many as one likes."""
        return kept_number(self._store, run, step)

    def snapshot(self, run: RunInfo, step: int | None = None) -> Snapshot | None:
        """The samples of one step, or of the newest one; None when there is none."""
        return self._store.recordings.snapshot(run.id, step)

    def preview(self, run: RunInfo) -> Preview | None:
        """What the run's networks make at this moment, or made when it came to rest; None where nothing was shown.

        Generated samples, as in a snapshot: whoever may see the run may see them.
        """
        return self._store.recordings.preview(run.id)

    def film(self, run: RunInfo, *, format: str = "gif", fps: float = 6) -> bytes:
        """A run's snapshots one after the other, from its 64 fixed latents: an animated GIF or WebP.

        Images lie on a grid, points in the plane among real ones, unless these are hidden. Raises GanometerError for a
        run without snapshots or of points that have not two coordinates, and for a format or speed there is not.
        """
        steps = self.snapshot_steps(run)
        if not steps:
            raise GanometerError(f"run {run.id} has no snapshot yet: let it train a little first")
        kept = [snapshot for step in steps if (snapshot := self.snapshot(run, step))]  # some are thinned out
        frames = [snapshot.samples for snapshot in kept]
        if frames[0].ndim == 2:
            data = self.dataset_of(run)
            if data is None:
                raise GanometerError(f"the data of run {run.id} have not been loaded yet: let it train a little first")
            frames = film.scatter_frames(frames, [snapshot.step for snapshot in kept], real=data.preview)
        return film.film(frames, format, fps)

    def size(self, run: RunInfo) -> int:
        """About how many bytes a run takes in the store."""
        return self._store.recordings.size(run.id)

    # ------------------------------------------------------------ data and references

    def dataset_of(self, run: RunInfo) -> DatasetInfo | None:
        """The run's data set with a preview of real rows, which is empty where they are hidden, and with the names of
        its classes and columns; None until its worker has loaded it.
        """
        info = self._store.datasets.get(run.dataset) if run.dataset else None
        if info is None or run.data_hidden:
            return info and info.without_rows()
        return replace(info, names=names_of(self._store, run, info))

    def reference_of(self, run: RunInfo, n: int) -> Reference | None:
        """Real-vs-real at n for the run's data, when it has been measured."""
        return references.known(self._store, run.dataset, "pixels", n) if run.dataset else None

    def live_reference(self, run: RunInfo) -> Reference | None:
        """Real-vs-real at the n of the run's own measurements."""
        data = self.dataset_of(run)
        return self.reference_of(run, min(run.config.recording.rows, data.parts["test"])) if data else None

    # ------------------------------------------------------------ curves

    def lineage(self, run: RunInfo, *, by: str | None = "") -> tuple[RunInfo, ...]:
        """A run, the one it was forked from, and so on, as long as they are there and `by` may see them."""
        found, seen = [run], {run.id}
        while (parent_id := found[-1].parent_id) is not None and parent_id not in seen:
            try:
                found.append(self._runs.get(parent_id, by=by))
            except (UnknownRun, Unreadable):
                break
            seen.add(parent_id)  # the ids of imported runs may form a circle
        return tuple(found)

    def curves(
        self, run: RunInfo, names: Iterable[str] | None = None, *, points: int = 300, by: str | None = ""
    ) -> History:
        """The curves of a run; before its branch those of the runs it was forked from, where `by` may see them.

        Of each of these runs about `points` evenly thinned values of a curve; `names` None means all curves.
        """
        found, until, names = History({}), None, None if names is None else list(names)
        for one in self.lineage(run, by=by):
            part = self._store.recordings.history(one.id, names, points, until=until)
            found = part if until is None else part.continued(found, until)
            if one.parent_step is None:
                break
            until = one.parent_step if until is None else min(until, one.parent_step)
        return found

    def headlines(
        self, runs: Iterable[RunInfo], steps: Mapping[str, int] | None = None, *, by: str | None = ""
    ) -> dict[str, Headline]:
        """{run: what a listing shows of it}, with a handful of questions to the store for all of them.

        What was measured is the newest of it, or the newest up to the step that `steps` has for a run. A branch that
        has not been measured yet has the measurement of the step where it begins.
        """
        by_id, steps = {run.id: run for run in runs}, steps or {}
        snapshots = self._store.recordings.newest_snapshots(by_id)
        found = self._newest_live({run_id: steps.get(run_id) for run_id in by_id}, by_id)
        for run in by_id.values():
            if run.parent_id is not None and run.id not in found:
                found |= self._before_the_branch(run, by)
        known: dict[tuple[Any, ...], Reference | None] = {}
        made: dict[str, Headline] = {}
        for run_id, run in by_id.items():
            step, report = found.get(run_id, (None, None))
            report = report and self._beside_known(run, report, known)
            verdict = verdict_of(report) if report else NOT_MEASURED
            made[run_id] = Headline(snapshots.get(run_id), step, report, verdict)
        return made

    def _newest_live(
        self, until: Mapping[str, int | None], runs: Mapping[str, RunInfo]
    ) -> dict[str, tuple[int, Report]]:
        found = self._store.measurements.live_reports(until)
        newest: dict[str, tuple[int, Report]] = {}
        for run_id, measured in found.items():
            for step, report in measured:  # in order of n
                if _of_training(runs[run_id], report):
                    newest[run_id] = step, report
        return newest

    def _before_the_branch(self, run: RunInfo, by: str | None) -> dict[str, tuple[int, Report]]:
        until = run.parent_step
        for parent in self.lineage(run, by=by)[1:]:
            if found := self._newest_live({parent.id: until}, {parent.id: parent}):
                return {run.id: found[parent.id]}
            if parent.parent_step is not None:
                until = parent.parent_step if until is None else min(until, parent.parent_step)
        return {}

    def _beside_known(self, run: RunInfo, report: Report, known: dict[tuple[Any, ...], Reference | None]) -> Report:
        """The report of a run beside real against real, which is looked up once for all that were measured alike."""
        alike = (run.dataset, report.space, report.n_fake, report.k, report.panel)
        if alike not in known:
            known[alike] = self._reference_for(run, report)
        report = report.numbers_only() if run.data_hidden else report
        try:
            return beside(report, known[alike])
        except MeasureError:  # of as many real as generated samples only
            return report

    # ------------------------------------------------------------ reports

    def reports(self, run: RunInfo) -> list[tuple[int, Report]]:
        """(step, report) of every measurement of the run itself, not of the one it was forked from; each beside the
        reference even if that was measured later."""
        known: dict[tuple[Any, ...], Reference | None] = {}
        return [(step, self._beside_known(run, report, known)) for step, report in self._reports(run)]

    def measured(self, run: RunInfo) -> dict[int, Report]:
        """What was measured during the training, by step; not what people have asked for since."""
        return {step: report for step, report in self._reports(run) if _of_training(run, report)}  # the largest n last

    def unreadable_reports(self, run: RunInfo) -> int:
        """How many measurements of a run cannot be read; `reports` and `measured` leave them out."""
        return self._store.measurements.unreadable_reports(run.id)

    def judged(self, run: RunInfo, report: Report) -> Report:
        """A report of a run beside what is known today of real against real."""
        return beside(report, self._reference_for(run, report))

    def _reports(self, run: RunInfo) -> list[tuple[int, Report]]:
        found = self._store.measurements.reports(run.id)
        return [(step, report.numbers_only()) for step, report in found] if run.data_hidden else found

    def _reference_for(self, run: RunInfo, report: Report) -> Reference | None:
        if not run.dataset:
            return None
        return references.known(self._store, run.dataset, report.space, report.n_fake, k=report.k, panel=report.panel)


def _of_training(run: RunInfo, report: Report) -> bool:
    """Whether a report may be one of the training itself; of several of one step that is the one of the largest n."""
    about = (report.seed, report.space, report.panel, report.k)
    return about == (0, "pixels", "live", 5) and report.n_fake <= run.config.recording.rows
