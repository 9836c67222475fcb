"""What a worker does otherwise, done in this process and now: for the command line, where nobody else may be at work.

Whatever trains and measures is loaded only when it is needed: pages have a Lab too, and never load it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, NoReturn, Sequence

import numpy as np

from gan_core.bundles.files import Files, placed
from gan_core.config.run_config import RunConfig
from gan_core.data.dataset_cache import DatasetCache
from gan_core.records import CorruptionTest, GanometerError, Panel, Report, RunInfo
from gan_core.reports.run_report import Versus
from gan_core.service import permissions
from gan_core.service.data_names import names_of
from gan_core.service.recipes import RecipeService
from gan_core.service.reports import versus_of
from gan_core.service.runs import RunService, check_trained_here
from gan_core.service.uploads import UploadService
from gan_core.settings import Limits, Settings
from gan_core.store import Store

ANY_NUMBER = 10_000
"""A person at the command line does not wait for the app's runs."""


@dataclass(frozen=True)
class Trained:
    """How a training in this process ended, with the run as it is now.

    `interrupted`: a signal to end has stopped it (Ctrl-C). `unfinished`: it waits in the queue again, because only a
    process that has compiled nothing yet should go on with it (`begin_afresh`).
    """

    run: RunInfo
    interrupted: bool = False
    unfinished: bool = False


@dataclass(frozen=True)
class Exported:
    """The files of an export by name, and which of them the others stand beside."""

    files: Files
    main: str

    def placed(self, out: Path) -> dict[Path, bytes]:
        """Where each file goes that a person wants at `out`: see `bundles.files.placed`."""
        return placed(self.files, out, main=self.main)


class ForegroundService:
    """Trains, samples and measures in this process, for whoever sits at its command line."""

    def __init__(
        self, store: Store, settings: Settings, uploads: UploadService, recipes: RecipeService, runs: RunService
    ):
        self._store, self._settings = store, settings
        self._uploads, self._recipes, self._runs = uploads, recipes, runs
        self._datasets = DatasetCache(settings.data_folder, store.datasets.upload_bytes)

    # ------------------------------------------------------------ training

    def train(self, config: RunConfig, *, on_progress: Callable[[RunInfo], None] | None = None) -> Trained:
        """Train a new run to its end, or until a signal to end arrives; nobody else can take it. Ctrl-C stops the run,
        and any other signal to end interrupts it.

        To be called in the main thread, since it catches these signals. `on_progress` is told about every second,
        from another thread, what the run has become. Raises what `recipes.check` does.
        """
        self._recipes.check(config, by=None)

        def take(worker_id: str) -> RunInfo:
            name = self._runs.default_name(config, by=None)
            return self._store.runs.get(self._store.runs.create(config, name=name, worker_id=worker_id))

        return self._train(take, on_progress)

    def go_on(
        self, run_id: str, *, by: str | None = "", on_progress: Callable[[RunInfo], None] | None = None
    ) -> Trained:
        """Train a run of `by` that waits in the queue, as `train` does. Raises GanometerError where somebody else has
        it, UnknownRun for one that `by` does not see, and NotAllowed for one of somebody else."""
        run = self._runs.get(run_id, by=by)
        permissions.check_owner(self._settings, run.owner, by, f"run {run_id}")
        check_trained_here(run)

        def take(worker_id: str) -> RunInfo:
            run = self._store.leases.claim(worker_id, at_once=ANY_NUMBER, run_id=run_id)
            if run is None:  # two processes resumed it at the same moment, and the other one was first
                self._store.leases.check_free(run_id, "training it here")
                raise GanometerError(f"run {run_id} was taken by another worker of this store")
            return run

        return self._train(take, on_progress)

    def begin_afresh(self, arguments: list[str]) -> NoReturn:
        """Close the store, and put the command line with these arguments into the place of this process."""
        from gan_core.worker import process

        self._store.close()
        process.begin_afresh(arguments)

    def _train(self, take: Callable[[str], RunInfo], on_progress: Callable[[RunInfo], None] | None) -> Trained:
        """Train the run that `take` gives to a worker with this id."""
        from gan_core.worker import process

        memory = Limits(memory=self._settings.limits.memory)  # the others hold for visitors
        worker = process.Worker(self._store, replace(self._settings, limits=memory), alone=True)
        interrupted, done = threading.Event(), threading.Event()

        def stop() -> None:
            interrupted.set()
            worker.stop_run()

        process.on_signals(stop, "SIGINT")
        process.on_signals(worker.stop, "SIGTERM", "SIGHUP")  # the machine shuts down, the terminal is closed
        worker.announce()
        try:
            run = take(worker.id)
        except BaseException:
            worker.withdraw()
            raise
        if on_progress:
            threading.Thread(target=self._watch, args=(run.id, on_progress, done), daemon=True).start()
        outcome = worker.train(run)
        done.set()
        unfinished = outcome == "queued" and not worker.ending and not interrupted.is_set()
        if outcome == "queued" and interrupted.is_set():
            self._store.commands.send(run.id, "stop")  # the signal came while the run was being given back
        return Trained(self._store.runs.get(run.id), interrupted.is_set(), unfinished)

    def _watch(self, run_id: str, on_progress: Callable[[RunInfo], None], done: threading.Event) -> None:
        shown = None
        while not done.wait(1):
            try:
                run = self._store.runs.get(run_id)
            except GanometerError:
                continue
            if run.version != shown:
                shown = run.version
                on_progress(run)

    # ------------------------------------------------------------ samples and measurements

    def sample(
        self,
        run_id: str,
        step: int | None,
        n: int,
        *,
        seed: int = 0,
        label: int | str | None = None,
        by: str | None = "",
    ) -> np.ndarray:
        """`n` new samples (n, *shape) in measured form of a run's generator at a snapshot; the newest without `step`.

        `label` asks a run that was trained with classes for one of them, as text by its name or label. Raises
        GanometerError for a step that is not kept, for too many samples, and for a class there is not; UnknownRun for a
        run that `by` does not see.
        """
        from gan_core.jobs import sample, snapshot_sampler

        run = self._runs.get(run_id, by=by)
        data = snapshot_sampler.dataset_info(self._store, run)
        if isinstance(label, str):
            named = replace(data, names=names_of(self._store, run, data))
            if (found := named.label_of(label)) is None:
                raise snapshot_sampler.unknown_class(run, label, map(named.class_name, named.classes))
            label = found
        asked = sample.KIND.read({"n": n, "seed": seed, "label": label})
        return sample.draw(self._store, run_id, step, asked)

    def measure(
        self,
        run_id: str,
        step: int | None,
        n: int | None = None,
        *,
        seed: int = 0,
        space: str = "pixels",
        panel: Panel = "full",
        k: int = 5,
        progress: Callable[[float], None] | None = None,
        by: str | None = "",
    ) -> Report:
        """`n` samples of a run's generator against as many held-out rows, at most as many as there are.

        Without `n` as many as its training measured; seed 0 are the very samples that it measured.

        Raises GanometerError for a step that is not kept, and for numbers out of range; UnknownRun for a run that `by`
        does not see.
        """
        from gan_core.jobs import measure, measurement

        run = self._runs.get(run_id, by=by)
        n = run.config.recording.rows if n is None else n
        asked = measure.KIND.read({"n": n, "seed": seed, "space": space, "panel": panel, "k": k})
        dataset = self._datasets.dataset(run.config.data.name)
        report = measurement.report_for(self._store, run_id, step, asked, dataset, progress)
        return report.numbers_only() if run.data_hidden else report

    def export(
        self, run_id: str, step: int | None, format: str, *, n: int | None = None, seed: int = 0, by: str | None = ""
    ) -> Exported:
        """A run at a snapshot, the newest without `step`, for other programs: see `jobs.export`. `n` and `seed` are of
        the samples.

        Raises GanometerError for a step that is not kept, for a format there is not, and for numbers out of range;
        UnknownRun for a run that `by` does not see.
        """
        from gan_core.jobs import export
        from gan_core.jobs.kind import JobContext

        run = self._runs.get(run_id, by=by)
        asked = export.KIND.read({"format": format, "seed": seed} | ({} if n is None else {"n": n}))
        context = JobContext(self._store, self._datasets.dataset, run.id, step)
        return Exported(export.answer(context, asked), export.MAIN_FILE[asked.format])

    def compare(self, run_id: Sequence[str], step: int | None = None, *, by: str | None = "") -> Versus | None:
        """Which of runs is better at a step, the newest without it; None where there is nothing to compare: they are
        on different data, or alike but for their seed, or some have no such snapshot.

        Raises UnknownRun for a run that `by` does not see.
        """
        from gan_core.jobs import compare, comparison
        from gan_core.jobs.kind import JobContext

        runs = [self._runs.get(each, by=by) for each in dict.fromkeys(run_id)]
        at = {run.id: comparison.step_of(run, self._store.recordings.snapshot_steps(run.id), step) for run in runs}
        places = tuple((each, place) for each, place in at.items() if place is not None)
        alike = len(comparison.group_runs(runs)) < 2 or len({run.config.data.name for run in runs}) > 1
        if alike or len(places) < len(runs) or any(run.data_hidden for run in runs):
            return None
        context = JobContext(self._store, self._datasets.dataset)
        return versus_of(compare.answer(context, compare.Compare(places)))

    def test_metrics(
        self,
        data: str,
        n: int,
        *,
        panel: Panel = "live",
        corruptions: Sequence[str] = (),
        progress: Callable[[float], None] | None = None,
        by: str | None = "",
    ) -> CorruptionTest:
        """What every metric makes of real samples that were damaged in known ways; of all ways unless some are named.

        Raises DatasetError for data there are not for `by`, and GanometerError for a damage there is not.
        """
        from gan_core.jobs import corruptions as kind
        from gan_core.jobs.kind import JobContext

        asked = kind.KIND.read({"dataset": data, "n": n, "panel": panel, "corruptions": list(corruptions)})
        self._uploads.about(data, by=by)
        context = JobContext(self._store, self._datasets.dataset, progress=progress or (lambda share: None))
        return kind.answer(context, asked)


def serve_worker(settings: Settings, *, parent: int | None = None) -> int:
    """Train what is queued in the store, and answer jobs, until a signal to end or the end of the process `parent`;
    returns the exit code.
    """
    from gan_core.worker import process

    return process.serve(settings, parent=parent)
