"""Requests to a worker and their answers: what needs the generator, or more than a moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping

from gan_core.jobs import registry
from gan_core.jobs.compare import Compare
from gan_core.jobs.kind import Parameters
from gan_core.jobs.snapshot_sampler import check_has_networks
from gan_core.records import DatasetError, GanometerError, Job, UnknownRun, Unreadable
from gan_core.service import permissions
from gan_core.service.runs import RunService
from gan_core.service.uploads import UploadService
from gan_core.settings import Settings
from gan_core.store import Store, pack

OF_SAMPLES = ("browse", "latent_plane", "latent_walk", "sample", "sample_detail")
"""Jobs whose answers are new samples."""
ARRAYS = ("x", "z", "distances", "rows", "realism", "rarity", "labels", "scores", "xy", "length")
"""Their arrays that say something of each sample."""


class JobService:
    """Asks the workers of a store for jobs and reads their answers.

    Equal requests share a job. `by` says who asks (see `permissions`): a job about a run, or about data, that `by` may
    not see is as if it were not there. Of a run whose data are hidden from `by` an answer has only what shows no real
    samples. `ensure_worker()` sees to it that somebody answers.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        runs: RunService,
        uploads: UploadService,
        ensure_worker: Callable[[], None],
    ):
        self._store, self._settings = store, settings
        self._runs, self._uploads, self._ensure_worker = runs, uploads, ensure_worker

    def request(
        self,
        asked: Parameters,
        *,
        run_id: str | None = None,
        step: int | None = None,
        retry: bool = False,
        by: str | None = "",
    ) -> int:
        """Ask the worker for the job that takes these parameters; returns its id, the same one for the same request.

        `run_id` and `step` say which snapshot it is about, without `step` the newest one. `retry` asks anew for a job
        that has failed, or that was cancelled. Raises GanometerError naming all that is wrong with the parameters,
        UnknownRun and DatasetError for what `by` may not see, and NotAllowed where an answer would be real samples that
        are hidden, and for one job more than this server gives to one person at a time; GanometerError where the job
        needs networks and the run has none.
        """
        hidden = self._check_seen(asked, run_id, by)
        if hidden and registry.kind_of(asked).without_rows is None:
            raise permissions.NotAllowed(permissions.HIDDEN)
        if registry.kind_of(asked).of_networks and run_id is not None:
            check_has_networks(self._runs.get(run_id, by=by))

        def allow(unanswered: int) -> None:
            permissions.check_jobs(self._settings, by, unanswered)

        job_id = registry.request(
            self._store, asked, run_id=run_id, step=step, retry=retry, owner=by or "", allow=allow
        )
        self._ensure_worker()
        return job_id

    def compare(
        self, steps_by_run: Mapping[str, int], n: int | None = None, *, by: str | None = "", retry: bool = False
    ) -> int:
        """Ask for a verdict on runs, each at the step of one of its snapshots; returns the job's id.

        `n` samples of each are compared; without it, as many as the runs were measured with.

        Raises GanometerError for runs on different data, and UnknownRun for one that `by` may not see.
        """
        runs = [self._runs.get(run_id, by=by) for run_id in steps_by_run]
        names = {run.config.data.name for run in runs}
        if len(names) > 1:
            shown = ", ".join(sorted(self._uploads.title(name, by=by) for name in names))
            raise GanometerError(
                f"the runs are on different data ({shown}), where a distance means something else; choose "
                "runs on one data set"
            )
        return self.request(Compare(tuple(steps_by_run.items()), n), retry=retry, by=by)

    def cancel(self, job_id: int, *, by: str | None = "") -> None:
        """Cancel a job: one that waits at once, one that is worked on within a moment.

        Where others have asked for the same, it goes on for them, and is cancelled for `by` alone. Raises NotAllowed
        for a job that `by` has not asked for.
        """
        if self._wants(job_id, by) is not None:
            self._store.jobs.cancel(job_id, by)
        elif permissions.is_admin(self._settings, by):
            self._store.jobs.cancel(job_id)
        else:
            raise permissions.NotAllowed("this request is not yours, so you cannot cancel it")

    def get(self, job_id: int, *, by: str | None = "", result: bool = True) -> Job | None:
        """One job; None when it has been deleted, or is about what `by` may not see.

        Without `result` its answer, which may be large, stays there, and so does one with real samples that are hidden
        from `by`: `answer` gives what remains of it. Until it has ended, a job that `by` has cancelled is cancelled for
        `by`, whoever else waits for it.
        """
        job = self._store.jobs.get(job_id, result=result)
        if job is None:
            return None
        try:
            hidden = self._check_seen(_readable(job), job.run_id, by)
        except (UnknownRun, DatasetError, Unreadable):
            return None
        job = replace(job, data_hidden=True, result=None) if hidden else job
        if job.state not in ("waiting", "working"):
            return job
        wanted = self._wants(job_id, by)
        if wanted is False:
            return replace(job, state="cancelled")
        mine = wanted or permissions.is_admin(self._settings, by)
        return replace(job, cancellable=mine and job.kind not in registry.quick_kinds())

    def state(self, job_id: int, *, by: str | None = "") -> str | None:
        """waiting, working, done, failed or cancelled, without fetching the answer; None as in `get`."""
        job = self.get(job_id, by=by, result=False)
        return job.state if job else None

    def _wants(self, job_id: int, by: str | None) -> bool | None:
        """Whether a visitor of a shared server who has asked for a job still wants it; None for anybody else."""
        return self._store.jobs.askers(job_id).get(by) if by and self._settings.shared else None

    # ------------------------------------------------------------ answers

    def asked(self, job: Job) -> Any:
        """The parameters that a job was asked with, as the dataclass of its kind."""
        return registry.asked(job)

    def answer(self, job_id: int, *, by: str | None = "") -> Any:
        """The answer of a job that is done, as its kind decodes it: arrays by name, a Report, a Reference, a Verdict or
        a CorruptionTest. Raises GanometerError where the answer has been deleted meanwhile, and for a job that is not
        there for `by`.
        """
        seen = self._seen(job_id, by)
        whole = self._store.jobs.get(job_id)
        return registry.decoded(replace(seen, result=whole.result if whole else None))

    def samples_npz(self, job_id: int, *, by: str | None = "") -> bytes:
        """The samples a finished job made as an .npz file: `x` in storage form, and what is known of each of them.

        NumPy opens it without unpickling anything. Raises GanometerError for a job that made none, and for one that is
        not there for `by`.
        """
        job = self._seen(job_id, by)
        if job.kind not in OF_SAMPLES or job.state != "done":
            raise GanometerError(f"job {job.id} ({job.kind}, {job.state}) has no samples; ask for a browse job")
        found = self.answer(job_id, by=by)
        return pack(**{name: found[name] for name in ARRAYS if name in found})

    # ------------------------------------------------------------ parts

    def _seen(self, job_id: int, by: str | None) -> Job:
        if (job := self.get(job_id, by=by, result=False)) is None:
            raise GanometerError("this result is not there (any more): ask for it again")
        return job

    def _check_seen(self, asked: Parameters, run_id: str | None, by: str | None) -> bool:
        """Whether the data of a run that a job is about are hidden from `by`.

        Raises UnknownRun and DatasetError for what `by` may not see at all.
        """
        named = [*asked.named_runs(), *([run_id] if run_id is not None else [])]
        hidden = [self._runs.get(each, by=by).data_hidden for each in named]
        for name in asked.named_data():
            self._uploads.about(name, by=by)
        return any(hidden)


def _readable(job: Job) -> Parameters:
    """The parameters of a job. Raises UnknownRun where nobody can tell any more what it is about."""
    try:
        return registry.asked(job)
    except GanometerError:
        if job.run_id is None:
            raise UnknownRun(f"job {job.id} has parameters that this version does not know") from None
        return Parameters()
