"""Requests to a worker and their answers: what needs the generator, or more than a moment."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from gan_core.jobs import registry
from gan_core.jobs.compare import Compare
from gan_core.jobs.kind import Parameters
from gan_core.records import GanometerError, Job, RunInfo, short_data_name
from gan_core.store import Store, pack

OF_SAMPLES = ("browse", "latent_plane", "latent_walk", "sample", "sample_detail")
"""Jobs whose answers are new samples."""
ARRAYS = ("x", "z", "distances", "rows", "realism", "rarity", "labels", "scores", "xy", "length")
"""Their arrays that say something of each sample."""


class JobService:
    """Asks the workers of a store for jobs and reads their answers.

    `find_run(run_id, by=)` gives a run that this visitor may see, or raises UnknownRun; `ensure_worker()` sees to it
    that somebody answers.
    """

    def __init__(self, store: Store, find_run: Callable[..., RunInfo], ensure_worker: Callable[[], None]):
        self._store, self._find_run, self._ensure_worker = store, find_run, ensure_worker

    def request(
        self, asked: Parameters, *, run_id: str | None = None, step: int | None = None, retry: bool = False
    ) -> int:
        """Ask the worker for the job that takes these parameters; returns its id, the same one for the same request.

        `run_id` and `step` say which snapshot it is about, without `step` the newest one. `retry` tries a job that
        has failed again. Raises GanometerError naming all that is wrong with the parameters, and UnknownRun.
        """
        job_id = registry.request(self._store, asked, run_id=run_id, step=step, retry=retry)
        self._ensure_worker()
        return job_id

    def compare(self, steps_by_run: Mapping[str, int], n: int, *, by: str | None = "", retry: bool = False) -> int:
        """Ask for a verdict on runs, each at the step of one of its snapshots; returns the job's id.

        Raises GanometerError for runs on different data, and UnknownRun for one that `by` may not see.
        """
        runs = [self._find_run(run_id, by=by) for run_id in steps_by_run]
        names = {run.config.data.name for run in runs}
        if len(names) > 1:
            shown = ", ".join(sorted(map(short_data_name, names)))
            raise GanometerError(
                f"the runs are on different data ({shown}), where a distance means something else; choose "
                "runs on one data set"
            )
        return self.request(Compare(tuple(steps_by_run.items()), n), retry=retry)

    def get(self, job_id: int, *, result: bool = True) -> Job | None:
        """One job; None when it has been deleted. Without `result` its answer, which may be large, stays there."""
        return self._store.jobs.get(job_id, result=result)

    def state(self, job_id: int) -> str | None:
        """waiting, working, done or failed, without fetching the answer; None when it has been deleted."""
        job = self.get(job_id, result=False)
        return job.state if job else None

    # ------------------------------------------------------------ answers

    def asked(self, job: Job) -> Any:
        """The parameters that a job was asked with, as the dataclass of its kind."""
        return registry.asked(job)

    def answer(self, job: Job) -> Any:
        """The answer of a job that is done, as its kind decodes it: arrays by name, a Report, a Reference, a Verdict or
        a CorruptionTest. Raises GanometerError where the answer has been deleted meanwhile."""
        return registry.decoded(job if job.result is not None else self.get(job.id) or job)

    def samples_npz(self, job: Job) -> bytes:
        """The samples a finished job made as an .npz file: `x` in storage form, and what is known of each of them.

        NumPy opens it without unpickling anything. Raises GanometerError for a job that made none.
        """
        if job.kind not in OF_SAMPLES or job.state != "done":
            raise GanometerError(f"job {job.id} ({job.kind}, {job.state}) has no samples; ask for a browse job")
        found = self.answer(job)
        return pack(**{name: found[name] for name in ARRAYS if name in found})
