"""The Lab: everything pages and the command line may ask for. One a server; safe to call from any thread."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping

import psutil

from gan_core import machine
from gan_core.bundles import bundle as export
from gan_core.config import presets
from gan_core.config.live_edits import edited
from gan_core.config.rules import conflicts_with_data
from gan_core.config.run_config import ConfigError, RunConfig, differences, flatten_config, override, setting_type
from gan_core.data import datasets, uploads
from gan_core.distances.verdict import beside, placed
from gan_core.jobs import comparison, references, registry
from gan_core.jobs.compare import Compare
from gan_core.jobs.kind import Parameters
from gan_core.pictures import film as films
from gan_core.records import (
    DatasetError,
    DatasetInfo,
    GanometerError,
    Headline,
    History,
    Job,
    MetricResult,
    Reference,
    Report,
    RunInfo,
    UnknownRun,
    WorkerInfo,
)
from gan_core.service import permissions
from gan_core.settings import Settings
from gan_core.store import Store, pack

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "gan_core" / "examples"
LOG_BYTES = 2_000_000
LISTED = 10_000
MOST_SEEDS = 20
MAKING = ("sample", "browse", "sample_detail", "latent_walk", "latent_plane")
"""Jobs whose answers are new samples."""
OF_SAMPLES = ("x", "z", "distances", "rows", "realism", "rarity", "labels", "scores", "xy", "length")
"""Their arrays that say something of each sample."""
LOOK_SECONDS = 2.0
"""How often at most the Lab looks after its worker, and for dead workers before it reads runs."""
SILENT_SECONDS = 6.0
"""A worker beats every two seconds. After so many without one there may be something wrong with the store."""


class Lab:
    """A store, and a worker that trains what is queued in it.

    `settings.worker` decides who trains: a child process that is warm before the first click, a daemon
    thread of this process, or somebody else who works on the same store.
    """

    def __init__(self, settings: Settings, *, examples: Path = EXAMPLES, clock: Callable[[], float] = time.monotonic):
        self.settings, self._examples, self._clock = settings, examples, clock
        self.store = Store(settings.store_url)
        self._lock = threading.Lock()
        self._child: psutil.Process | None = None
        self._thread = None
        self._checked = self._reaped = -math.inf
        self._example: str | None = None
        self.ensure_worker()

    # ------------------------------------------------------------ the worker

    def ensure_worker(self) -> None:
        """Start the worker, or adopt the one this server has; reap dead workers. Cheap when called often."""
        with self._lock:
            if self._clock() - self._checked < LOOK_SECONDS:
                return
            self._checked = self._clock()
            if self.settings.worker == "process" and not machine.lives(self._child):
                self._child = _own_worker(self.settings.store_url) or self._spawn()
            if self.settings.worker == "thread" and not (self._thread and self._thread.is_alive()):
                self._thread = self._start_thread()
        self._reap()

    def _reap(self, *, every: float = 0.0) -> None:
        """Look for dead workers, unless that was done less than `every` seconds ago."""
        if self._clock() - self._reaped >= every:
            self._reaped = self._clock()
            machine.reap_dead_workers(self.store, resume=self.settings.resume)

    def _spawn(self) -> psutil.Process:
        # The store's URL may hold a password: it travels in the environment, not in the list of processes.
        environ = os.environ | self.settings.environment()
        environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        log = self.log_path
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
        with log.open("ab") as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "gan_core", "worker", "--parent", str(os.getpid())],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        worker = psutil.Process(child.pid)
        machine.step_back(worker)
        return worker

    def _start_thread(self) -> threading.Thread:
        from gan_core.worker.process import Worker

        self._worker = Worker(self.store, self.settings)
        thread = threading.Thread(target=self._worker.serve, name="ganometer-worker", daemon=True)
        thread.start()
        return thread

    @property
    def log_path(self) -> Path:
        return self.settings.home / "worker.log"

    def close(self) -> None:
        """End the worker (with a commit) and the store's connections."""
        if self._thread:
            self._worker.stop()
            self._thread.join(timeout=10)
        if machine.lives(self._child):
            self._child.terminate()
            _, left = psutil.wait_procs([self._child], timeout=10)
            for process in left:
                process.kill()
        self.store.close()

    # ------------------------------------------------------------ runs

    # A page sends the nonce of the form whose button was pressed. The same nonce again is the second half of a double
    # click: it makes nothing, and gets what the first one made. Without a nonce every call is a new one.

    def start(self, config: RunConfig, *, name: str = "", by: str = "", nonce: str | None = None) -> str:
        """Queue a new run of `by`; returns its id, the same one for the same nonce.

        Raises what `check` does, and NotAllowed for more than this server gives to one person.
        """
        self.check(config, by=by)
        permissions.check_known(self.settings, by)
        (run_id,) = self.store.submit(
            nonce, lambda: [self.store.runs.create(self._allowed(config, by), name=name, owner=by)]
        )
        self.ensure_worker()
        return run_id

    def check(self, config: RunConfig, *, by: str = "") -> None:
        """Raises DatasetError for data `by` may not use, and ConfigError for settings that do not suit the data."""
        data = self._about(config.data.name, by)
        if problems := list(conflicts_with_data(config, data.shape, _number_of_classes(data))):
            raise ConfigError(problems)

    def _allowed(self, config: RunConfig, by: str, *, new: bool = True) -> RunConfig:
        """The configuration, if this server gives so much to `by`. Raises NotAllowed."""
        queued = self._unfinished_of(by) if new and self.settings.limits.queued else 0
        permissions.check_limits(self.settings, config, by, queued=queued)
        return config

    def _unfinished_of(self, by: str) -> int:
        self._reap(every=LOOK_SECONDS)
        return self.store.runs.unfinished_of(by)

    def _own(self, run_id: str, by: str) -> RunInfo:
        """The run as it is at this moment, which `by` may change."""
        self._reap()
        run = self.run(run_id, by=by)
        permissions.check_owner(self.settings, run.owner, by, f"run {run_id}")
        return run

    def preset(
        self, name: str, *, data: str, seed: int = 0, seconds: float | None = None, by: str | None = None
    ) -> RunConfig:
        """A preset's explicit configuration for a data set, resolved by its samples' shape and the seconds given.

        Raises DatasetError for data that `by` may not use; None may use all.
        """
        return presets.preset(name, data=data, shape=self._about(data, by).shape, seed=seed, seconds=seconds)

    def shape_of(self, data: str) -> tuple[int, ...]:
        return self._about(data).shape

    def _about(self, data: str, by: str | None = None) -> datasets.Option | DatasetInfo:
        if data in datasets.OPTIONS:
            return datasets.OPTIONS[data]
        info = self.store.datasets.named(data)
        hidden = info and by is not None and not permissions.may_see_data(self.settings, info, by)
        if info is None or hidden:
            raise DatasetError(
                f"there is no data set {data!r}: choose one of {', '.join(datasets.OPTIONS)}, or upload one"
            )
        return info

    def pause(self, run_id: str, *, by: str = "") -> str:
        return self.store.commands.send(self._own(run_id, by).id, "pause", by=by)

    def resume(self, run_id: str, *, by: str = "") -> str:
        said = self.store.commands.send(self._own(run_id, by).id, "resume", by=by)
        self.ensure_worker()
        return said

    def stop(self, run_id: str, *, by: str = "") -> str:
        return self.store.commands.send(self._own(run_id, by).id, "stop", by=by)

    def step(self, run_id: str, steps: int, *, by: str = "") -> str:
        """Train so many steps more, and pause."""
        if not 1 <= steps <= 1_000_000:
            raise ConfigError([f"steps is {steps}; give 1 to 1,000,000"])
        said = self.store.commands.send(self._own(run_id, by).id, "step", by=by, payload={"steps": steps})
        self.ensure_worker()
        return said

    def set(self, run_id: str, changes: Mapping[str, Any], *, by: str = "") -> str:
        """Change settings of a run that is not over, from its next step on; returns what happened, in a word.

        Raises ConfigError for what cannot be changed, or does not go together.
        """
        run = self._own(run_id, by)
        after = edited(run.config, changes, step=run.step)
        self._allowed(after, by, new=False)
        if not (changed := differences(after, run.config)):
            return "nothing to change"
        payload = {"changes": {key: value for key, (value, _) in changed.items()}}
        return self.store.commands.send(run_id, "set", by=by, payload=payload)

    def more(self, run_id: str, steps: int, *, by: str = "", nonce: str | None = None) -> None:
        """Make a run that has ended longer by so many steps, and queue it: its schedules stretch with it.

        The same nonce again adds nothing.
        """

        def extend() -> list[str]:
            run = self._own(run_id, by)
            config = edited(run.config, {"training.steps": run.total_steps + steps}, step=run.step)
            self.store.runs.extend(run_id, self._allowed(config, by), by=by)
            return [run_id]

        self.store.submit(nonce, extend)
        self.ensure_worker()

    def fork(
        self,
        run_id: str,
        step: int,
        changes: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        by: str = "",
        nonce: str | None = None,
    ) -> str:
        """A new run of `by` that goes on from a step of any run with changed settings; returns its id, the same one
        for the same nonce.

        Raises ConfigError for what networks of that shape cannot do, and GanometerError for a step that is not kept.
        """
        run = self.run(run_id, by=by)
        permissions.check_known(self.settings, by)
        self._about(run.config.data.name, by)
        config = edited(run.config, dict(changes or {}), step=step)
        (made,) = self.store.submit(
            nonce, lambda: [self.store.runs.fork(run_id, step, self._allowed(config, by), name=name, owner=by)]
        )
        self.ensure_worker()
        return made

    def repeat(self, run_id: str, seeds: int = comparison.ENOUGH_SEEDS, *, by: str = "") -> list[str]:
        """Queue the settings of a run under as many further seeds as it takes to have so many; returns the ids of
        all, in order of seeds. Asking twice is asking once, without a nonce: runs that are there, or wait already,
        count; stopped ones do not.

        Raises ConfigError for too few or too many seeds, GanometerError for a run that cannot be repeated like this,
        and NotAllowed for more than this server gives to one person.
        """
        if not 2 <= seeds <= MOST_SEEDS:
            raise ConfigError([f"seeds is {seeds}; give 2 to {MOST_SEEDS}"])
        run = self.run(run_id, by=by)
        permissions.check_known(self.settings, by)
        self._about(run.config.data.name, by)
        if run.parent_id is not None:
            raise GanometerError(f"run {run_id} branched off run {run.parent_id}: repeat that one, and fork from each")
        if run.config.training.seconds is not None and not run.step:
            raise GanometerError(f"run {run_id} has not begun, so its time is not yet a number of steps: wait for it")
        ids = self.store.submit(None, lambda: self._repeated(run, seeds, by))
        self.ensure_worker()
        return ids

    def _repeated(self, run: RunInfo, seeds: int, by: str) -> list[str]:
        known = {run.config.seed: run.id}
        for other in self.runs(LISTED, by=by):
            if other.state != "stopped" and comparison.alike(other, run):
                known.setdefault(other.config.seed, other.id)
        free = (seed for seed in itertools.count() if seed not in known)
        config = override(run.config, {"training.seconds": None})
        new = [override(config, {"seed": seed}) for seed in itertools.islice(free, max(0, seeds - len(known)))]
        if new:
            waiting = self._unfinished_of(by)
            permissions.check_limits(self.settings, config, by, queued=waiting, runs=len(new))
        for config in new:
            name = f"{run.name.partition(' · seed ')[0]} · seed {config.seed}"
            known[config.seed] = self.store.runs.create(config, name=name, owner=by)
        return [known[seed] for seed in sorted(known)]

    def delete(self, run_id: str, *, by: str = "") -> None:
        self.store.runs.delete(self._own(run_id, by).id)

    def rename(self, run_id: str, name: str, *, by: str = "") -> None:
        self.store.runs.rename(self._own(run_id, by).id, name)

    def tag(self, run_id: str, tags: Iterable[str], *, by: str = "") -> None:
        """Give a run these tags instead of those it has."""
        self.store.runs.tag(self._own(run_id, by).id, tags)

    def publish(self, run_id: str, published: bool, *, by: str = "") -> None:
        """Let everybody see a run on one's own data, or no longer."""
        self.store.runs.publish(self._own(run_id, by).id, published)

    def run(self, run_id: str, *, by: str | None = None) -> RunInfo:
        """One run. Raises UnknownRun when there is none of this id that `by` may see; None may see all."""
        self._reap(every=LOOK_SECONDS)
        run = self.store.runs.get(run_id)
        if by is not None and not permissions.may_see(self.settings, run, by, self._seen_data(by)):
            raise UnknownRun(f"there is no run {run_id!r}; `runs` and the Home page list those there are")
        return run

    def runs(self, limit: int = 200, *, by: str | None = None) -> list[RunInfo]:
        """The newest runs that `by` may see, the newest first."""
        self._reap(every=LOOK_SECONDS)
        found = self.store.runs.all(limit)
        if by is None or permissions.is_admin(self.settings, by):
            return found
        seen = self._seen_data(by)
        return [run for run in found if permissions.may_see(self.settings, run, by, seen)]

    def _seen_data(self, by: str) -> set[str]:
        if permissions.is_admin(self.settings, by):
            return set()
        return {info.name for info in self.uploads(by=by)}

    def seconds_to_wait(self, run: RunInfo) -> float | None:
        """About how long until a queued run begins: what trains has so long to go, what waits ahead takes as long as
        the last run of its recipe on its data did. None where nobody can know."""
        if run.position is None:
            return None
        known, waits = self.store.runs.all(), []
        for other in known:
            if other.worker is not None:
                waits.append(other.seconds_left)
            elif other.position is not None and other.position < run.position:
                like = (r for r in known if _kind(r) == _kind(other) and r.state == "finished" and r.steps_per_second)
                last = next(like, None)
                waits.append((other.total_steps - other.step) / last.steps_per_second if last else None)
        return None if None in waits else sum(waits) / self.settings.limits.at_once

    def estimate(self, config: RunConfig) -> float | None:
        """About how many seconds of training these settings mean here: what they ask for, or as long as the last run
        took that works as hard at each step. None where there was none."""
        if config.training.seconds is not None:
            return config.training.seconds
        hard = _work(config)
        for run in self.store.runs.all():
            steps = run.step - (run.parent_step or 0)
            # One that was never claimed was trained elsewhere.
            if run.claim_no and run.state == "finished" and run.seconds and steps > 0 and _work(run.config) == hard:
                return config.training.steps * run.seconds / steps
        return None

    def may_change(self, run: RunInfo, *, by: str) -> bool:
        """Whether `by` may control this run."""
        try:
            permissions.check_owner(self.settings, run.owner, by, "it")
        except permissions.NotAllowed:
            return False
        return True

    # ------------------------------------------------------------ what a run has

    def dataset_of(self, run: RunInfo) -> DatasetInfo | None:
        """The run's data set with a preview of real rows; None until its worker has loaded it."""
        return self.store.datasets.get(run.dataset) if run.dataset else None

    def reference_of(self, run: RunInfo, n: int) -> Reference | None:
        """Real-vs-real at n for the run's data, when it has been measured."""
        return references.known(self.store, run.dataset, "pixels", n) if run.dataset else None

    def live_reference(self, run: RunInfo) -> Reference | None:
        """Real-vs-real at the n of the run's own measurements."""
        data = self.dataset_of(run)
        return self.reference_of(run, min(run.config.recording.rows, data.parts["test"])) if data else None

    def lineage(self, run: RunInfo, *, by: str | None = None) -> tuple[RunInfo, ...]:
        """A run, the one it branched off, and so on, as long as they are there and `by` may see them."""
        found, seen = [run], {run.id}
        while (parent_id := found[-1].parent_id) is not None and parent_id not in seen:
            try:
                found.append(self.run(parent_id, by=by))
            except UnknownRun:
                break
            seen.add(parent_id)  # the ids of imported runs may form a circle
        return tuple(found)

    def curves(
        self, run: RunInfo, names: Iterable[str] | None = None, *, points: int = 300, by: str | None = None
    ) -> History:
        """The curves of a run; before its branch those of the runs it branched off, where `by` may see them.

        Of each of these runs about `points` evenly thinned values of a curve; `names` None means all curves.
        """
        found, until, names = History({}), None, None if names is None else list(names)
        for one in self.lineage(run, by=by):
            part = self.store.recordings.history(one.id, names, points, until=until)
            found = part if until is None else part.continued(found, until)
            if one.parent_step is None:
                break
            until = one.parent_step if until is None else min(until, one.parent_step)
        return found

    def headlines(self, runs: Iterable[RunInfo], *, by: str | None = None) -> dict[str, Headline]:
        """{run: what a listing shows of it}, with a handful of questions to the store for all of them.

        A branch that has not been measured yet has the number of the step where it begins.
        """
        by_id = {run.id: run for run in runs}
        snapshots = self.store.recordings.newest_snapshots(by_id)
        energies = self.store.recordings.newest_values(by_id, "energy_distance")
        for run in by_id.values():
            if run.parent_id is not None and run.id not in energies:
                last = self.curves(run, ["energy_distance"], points=1, by=by).last("energy_distance")
                energies |= {} if last is None else {run.id: last}
        measured_alike, found = {}, {}
        for run_id, run in by_id.items():
            energy, alike = None, (run.dataset, run.config.recording.rows)
            if run_id in energies:
                if alike not in measured_alike:
                    measured_alike[alike] = self.live_reference(run)
                known = measured_alike[alike]
                energy = MetricResult("energy_distance", energies[run_id], direction="lower", ideal=0.0)
                energy = placed(energy, known, known.n if known else run.config.recording.rows)
            found[run_id] = Headline(snapshots.get(run_id), energy)
        return found

    def pending(self, run_id: str) -> str | None:
        """What was asked of a run and is not done yet: pause, resume, stop, or nothing."""
        asked = self.store.commands.waiting(run_id)
        return asked[-1].kind if asked else None

    def reports_of(self, run: RunInfo) -> list[tuple[int, Report]]:
        """(step, report) of every measurement of the run itself, not of one that it branched off; each beside the
        reference even if that was measured later."""
        known, found = {}, []
        for step, report in self.store.measurements.reports(run.id):
            about = (report.space, report.n_fake, report.k, report.panel)  # of a training they are all alike
            if about not in known:
                known[about] = self._reference_of(run, report)
            found.append((step, beside(report, known[about])))
        return found

    def judged(self, run: RunInfo, report: Report) -> Report:
        """A report of a run beside what is known today of real against real."""
        return beside(report, self._reference_of(run, report))

    def _reference_of(self, run: RunInfo, report: Report) -> Reference | None:
        about = dict(k=report.k, panel=report.panel)
        return references.known(self.store, run.dataset, report.space, report.n_fake, **about) if run.dataset else None

    # ------------------------------------------------------------ jobs

    def request(
        self, asked: Parameters, *, run_id: str | None = None, step: int | None = None, retry: bool = False
    ) -> int:
        """Ask the worker for something; returns the job's id, the same one for the same request.

        Without `step` the newest snapshot is meant. `retry` tries a job that failed again.
        Raises GanometerError naming all that is wrong with what was asked for, and UnknownRun.
        """
        job = registry.request(self.store, asked, run_id=run_id, step=step, retry=retry)
        self.ensure_worker()
        return job

    def asked(self, job: Job) -> Any:
        """What a job was asked with: the parameters of its kind."""
        return registry.asked(job)

    def job(self, job_id: int, *, result: bool = True) -> Job | None:
        """One job; None when it has been cleared away. Without `result` its answer, which may be large, stays there."""
        return self.store.jobs.get(job_id, result=result)

    def job_state(self, job_id: int) -> str | None:
        """waiting, working, done or failed, without fetching the answer; None when it has been cleared away."""
        job = self.job(job_id, result=False)
        return job.state if job else None

    def compare(self, places: Mapping[str, int], n: int, *, by: str = "", retry: bool = False) -> int:
        """Ask for a verdict on runs, each at the step of one of its snapshots; returns the job's id.

        Raises GanometerError for runs on different data, and UnknownRun for one that `by` may not see.
        """
        runs = [self.run(run_id, by=by) for run_id in places]
        names = sorted({run.config.data.name for run in runs})
        if len(names) > 1:
            raise GanometerError(
                f"the runs are on different data ({', '.join(names)}), where a distance means something else; choose "
                "runs on one data set"
            )
        job = registry.request(self.store, Compare(tuple(places.items()), n), retry=retry)
        self.ensure_worker()
        return job

    def answer(self, job: Job) -> Any:
        """The answer of a finished job, as its kind decodes it: arrays by name, a Report, a Reference, a Verdict or a
        CorruptionSheet. Raises GanometerError where the answer has been cleared away meanwhile."""
        return registry.decoded(job if job.result is not None else self.job(job.id) or job)

    def samples_npz(self, job: Job) -> bytes:
        """The samples a finished job made as an .npz file: `x` in storage form, and what is known of each of them.

        NumPy opens it without unpickling anything. Raises GanometerError for a job that made none.
        """
        if job.kind not in MAKING or job.state != "done":
            raise GanometerError(f"job {job.id} ({job.kind}, {job.state}) has no samples; ask for a shelf of them")
        found = self.answer(job)
        return pack(**{name: found[name] for name in OF_SAMPLES if name in found})

    # ------------------------------------------------------------ uploads

    def read_upload(self, data: bytes, filename: str, *, size: int = 28, colour: bool = False) -> uploads.Upload:
        return uploads.read_upload(data, filename, size=size, colour=colour)

    def uploads(self, *, by: str = "") -> list[DatasetInfo]:
        """The uploads that `by` may train on."""
        found = self.store.datasets.uploads()
        return [info for info in found if permissions.may_see_data(self.settings, info, by)]

    def publish_upload(self, name: str, published: bool, *, by: str = "") -> None:
        """Let everybody train on one's own data and see the runs on them, or no longer."""
        info = self.store.datasets.named(name)
        if info is None or not permissions.may_see_data(self.settings, info, by):
            raise DatasetError(f"there is no data set {name!r}")
        permissions.check_owner(self.settings, info.owner, by, name)
        self.store.datasets.publish(name, published)

    def keep_upload(self, upload: uploads.Upload, *, by: str = "") -> str:
        """Put an upload into the store; returns the data set's name, the same for the same content."""
        permissions.check_known(self.settings, by)
        dataset = uploads.dataset_from_upload(upload, "upload")
        name = f"upload-{dataset.sha256[:10]}"
        if self.store.datasets.upload_bytes(name) is None:
            named = uploads.dataset_from_upload(upload, name)
            self.store.datasets.put(named.info(owner=by), uploads.dataset_to_bytes(named))
        self.store.datasets.add_owner(name, by)
        return name

    # ------------------------------------------------------------ films

    def film(self, run_id: str, *, format: str = "gif", fps: float = 6) -> bytes:
        """A run's snapshots one after the other, from its 64 fixed latents: an animated GIF or WebP.

        Images lie on a sheet, points in the plane among real ones. Raises GanometerError for a run without snapshots
        or of points that have not two coordinates, and for a format or speed there is not.
        """
        steps = self.store.recordings.snapshot_steps(run_id)
        if not steps:
            raise GanometerError(f"run {run_id} has no snapshot yet: let it train a little first")
        kept = (self.store.recordings.snapshot(run_id, step) for step in steps)
        kept = [snapshot for snapshot in kept if snapshot]  # one may be thinned out meanwhile
        frames = [snapshot.samples for snapshot in kept]
        if frames[0].ndim == 2:
            data = self.dataset_of(self.store.runs.get(run_id))
            if data is None:
                raise GanometerError(f"the data of run {run_id} have not been loaded yet: let it train a little first")
            frames = films.scatters(frames, [snapshot.step for snapshot in kept], real=data.preview)
        return films.film(frames, format, fps)

    # ------------------------------------------------------------ bundles

    def export(self, run_id: str) -> bytes:
        """Everything of a run as a zip file."""
        return export.bundle(self.store, self.run(run_id).id)

    def import_bundle(self, data: bytes) -> str:
        """Add the run of a bundle to the store; returns its id. Raises BundleError when the file is not sound."""
        return export.unbundle(self.store, data)

    def example(self) -> RunInfo | None:
        """The finished run that ships with the app, imported on first sight; None when somebody deleted it."""
        with self._lock:  # two first visitors see one example
            if self._example is None and (path := self._examples / "digits.zip").exists():
                data = path.read_bytes()
                key = f"example {hashlib.sha256(data).hexdigest()[:16]}"
                self._example = export.unbundle_once(self.store, data, key=key)
        try:
            return self.run(self._example) if self._example else None
        except UnknownRun:
            return None

    # ------------------------------------------------------------ health

    def workers(self) -> list[WorkerInfo]:
        return self.store.workers.all()

    def trouble(self) -> str | None:
        """Why nothing is written any more, where a worker's heart has not been heard for long; else None."""
        beats = [run.heartbeat_age for run in self.store.runs.all(20) if run.worker is not None]
        if not any(age is not None and age > SILENT_SECONDS for age in beats):
            return None
        try:
            self.store.remember("probe", "written")
        except GanometerError as error:
            return str(error)
        return None

    def system(self) -> Mapping[str, str]:
        """What one wants to know when something is wrong: versions, memory, places, the worker's last words."""
        memory = psutil.Process().memory_info().rss
        facts = {
            **machine.versions(),
            "store": self.store.shown_url,
            "home": str(self.settings.home),
            "memory of this server": f"{memory / 2**20:,.0f} MB",
            "memory free": f"{machine.free_memory() / 2**20:,.0f} MB",
        }
        for worker in self.workers():
            state = worker.phase if worker.alive else f"silent for {worker.age:.0f} s"
            facts[f"worker {worker.id}"] = f"{state} · {worker.memory / 2**20:,.0f} MB"
            if worker.error:
                facts[f"last error of {worker.id}"] = worker.error
        return facts


def _kind(run: RunInfo) -> tuple[str, str]:
    """Runs of one kind train about equally fast."""
    return run.config.preset, run.config.data.name


def _work(config: RunConfig) -> dict[str, Any]:
    """What decides how long a step takes: of a plain number only whether it is 0."""
    parts = ("data", "generator", "discriminator", "objective", "training")
    told = {key: value for key, value in flatten_config(config).items() if key.split(".")[0] in parts}
    told = {key: bool(value) if setting_type(key)[0] == "number" else value for key, value in told.items()}
    return told | {"training.steps": 0, "training.seconds": None}


def _number_of_classes(data: datasets.Option | DatasetInfo) -> int:
    return data.classes if isinstance(data, datasets.Option) else len(data.classes)


def _own_worker(store_url: str) -> psutil.Process | None:
    """The worker of this store that this process started before its modules were reloaded or its caches cleared."""
    for child in psutil.Process().children():
        try:
            ours = child.cmdline()[1:4] == ["-m", "gan_core", "worker"] and machine.lives(child)
            if ours and child.environ().get("GANOMETER_STORE", store_url) == store_url:
                return child
        except psutil.Error:
            continue
    return None
