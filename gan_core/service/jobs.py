"""Requests to a worker and their answers: what needs the generator, or more than a moment."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from gan_core.jobs import comparison
from gan_core.records import GanometerError, Job, Report, RunInfo, report_from_json
from gan_core.store import Store, pack, unpack

MAKING = ("sample", "shelf", "closeup", "walk", "pad")
"""Jobs whose answers are new samples."""
OF_SAMPLES = ("x", "z", "distances", "rows", "realism", "rarity", "labels", "scores", "xy", "length")
"""Their arrays that say something of each sample."""


class JobService:
    """Asks the workers of a store for jobs and reads their answers.

    `find_run(run_id, by=)` gives a run that this visitor may see, or raises UnknownRun; `ensure_worker()` sees to it
    that somebody answers.
    """

    def __init__(self, store: Store, find_run: Callable[..., RunInfo], ensure_worker: Callable[[], None]):
        self._store, self._find_run, self._ensure_worker = store, find_run, ensure_worker

    def request(self, kind: str, *, run_id: str | None = None, step: int | None = None, **params: Any) -> int:
        """Ask the worker for something; returns the job's id, the same one for the same request.

        Raises GanometerError for a kind there is not, and UnknownRun for a run there is not.
        """
        job_id = self._store.jobs.request(kind, run_id=run_id, step=step, params=params)
        self._ensure_worker()
        return job_id

    def retry(self, kind: str, *, run_id: str | None = None, step: int | None = None, **params: Any) -> int:
        """As `request`, but a job that has failed is tried again."""
        job_id = self._store.jobs.request(kind, run_id=run_id, step=step, params=params, retry=True)
        self._ensure_worker()
        return job_id

    def compare(self, steps_by_run: Mapping[str, int], n: int, *, by: str | None = "", retry: bool = False) -> int:
        """Ask for a verdict on runs, each at the step of one of its snapshots; returns the job's id.

        Raises GanometerError for runs on different data, and UnknownRun for one that `by` may not see.
        """
        comparison.check(list(steps_by_run), n)
        runs = [self._find_run(run_id, by=by) for run_id in steps_by_run]
        names = sorted({run.config.data.name for run in runs})
        if len(names) > 1:
            raise GanometerError(
                f"the runs are on different data ({', '.join(names)}), where a distance means something else; choose "
                "runs on one data set"
            )
        params = {"runs": [*steps_by_run.items()], "n": n}
        job_id = self._store.jobs.request("compare", params=params, retry=retry)
        self._ensure_worker()
        return job_id

    def get(self, job_id: int, *, result: bool = True) -> Job | None:
        """One job; None when it has been cleared away. Without `result` its answer, which may be large, stays there."""
        return self._store.jobs.get(job_id, result=result)

    def state(self, job_id: int) -> str | None:
        """waiting, working, done or failed, without fetching the answer; None when it has been cleared away."""
        job = self.get(job_id, result=False)
        return job.state if job else None

    # ------------------------------------------------------------ answers

    def answer_in(self, job: Job) -> bytes:
        """What a job was answered. Raises GanometerError where the answer has been cleared away meanwhile."""
        found = job if job.result is not None else self.get(job.id)
        if found is None or found.result is None:
            raise GanometerError("this answer has been cleared away, or is not there yet: ask again")
        return found.result

    def verdict_in(self, job: Job) -> comparison.Verdict:
        """The verdict a finished compare job answered with."""
        return comparison.verdict_from_json(self.answer_in(job).decode())

    def report_in(self, job: Job) -> Report:
        """The report a measure job was answered with."""
        return report_from_json(self.answer_in(job).decode())

    def arrays(self, job: Job) -> Mapping[str, Any]:
        """The arrays a job was answered with."""
        return unpack(self.answer_in(job))

    def samples_npz(self, job: Job) -> bytes:
        """The samples a finished job made as an .npz file: `x` in storage form, and what is known of each of them.

        NumPy opens it without unpickling anything. Raises GanometerError for a job that made none.
        """
        if job.kind not in MAKING or job.state != "done":
            raise GanometerError(f"job {job.id} ({job.kind}, {job.state}) has no samples; ask for a shelf of them")
        found = self.arrays(job)
        return pack(**{name: found[name] for name in OF_SAMPLES if name in found})
