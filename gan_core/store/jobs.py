"""Jobs: requests to a worker, for what needs a generator or takes longer than a page may. Equal ones share a row."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, Iterable, Literal, Mapping

import sqlalchemy as sa
from msgspec import Meta

from gan_core.records import Job, UnknownRun
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.schema import jobs, now, runs
from gan_core.validation import Count, Invalid, Text, checked, kinds_of

KEPT_JOBS, KEPT_BYTES = 300, 400 * 2**20
"""How many answers are kept, and how many bytes they take together, at most. The newest stay."""


class Jobs:
    """The jobs of this store. Answers take at most `kept_bytes`: the oldest go first."""

    def __init__(self, database: Database, *, kept_bytes: int = KEPT_BYTES):
        self._db, self._kept_bytes = database, kept_bytes

    def request(
        self,
        kind: str,
        *,
        run_id: str | None = None,
        step: int | None = None,
        params: Mapping[str, Any] | None = None,
        retry: bool = False,
    ) -> int:
        """The id of the job of this request, which is made unless there is one. `retry` makes a failed one wait again.

        Raises UnknownRun for a run that is not (or no longer) there.
        """
        text = json.dumps(params or {}, sort_keys=True)
        key = hashlib.sha256(json.dumps([kind, run_id, step, text]).encode()).hexdigest()
        with self._db.reading() as db:
            row = db.execute(sa.select(jobs.c.id, jobs.c.state).where(jobs.c.key == key)).first()
        if row and not (retry and row.state == "failed"):
            return row.id
        with self._db.writing() as db:
            one_at_a_time(db)
            row = db.execute(sa.select(jobs.c.id).where(jobs.c.key == key)).first()
            if row:
                again = dict(state="waiting", error=None, progress=0.0, created=now(), ended=None, worker_id=None)
                db.execute(jobs.update().where(jobs.c.id == row.id, jobs.c.state == "failed").values(**again))
                return row.id
            if run_id is not None and db.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) is None:
                raise UnknownRun(f"there is no run {run_id!r}, so nothing can be made of it; choose another run")
            values = dict(key=key, kind=kind, run_id=run_id, step=step, params=text, state="waiting", created=now())
            return db.scalars(jobs.insert().values(**values).returning(jobs.c.id)).one()

    def get(self, job_id: int, *, result: bool = True) -> Job | None:
        """The job, without its answer where `result` is false; None where it is not, or no longer, there."""
        columns = [c for c in jobs.c if result or c.name != "result"]
        with self._db.reading() as db:
            row = db.execute(sa.select(*columns).where(jobs.c.id == job_id)).mappings().first()
        return _job(row) if row else None

    def claim(self, worker_id: str) -> Job | None:
        """Give this worker the job that has waited longest; None where none waits."""
        with self._db.reading() as db:
            if db.execute(sa.select(jobs.c.id).where(jobs.c.state == "waiting").limit(1)).first() is None:
                return None
        with self._db.writing() as db:
            one_at_a_time(db)
            query = sa.select(*(c for c in jobs.c if c.name != "result")).where(jobs.c.state == "waiting")
            row = db.execute(query.order_by(jobs.c.created, jobs.c.id).limit(1)).mappings().first()
            if row is None:
                return None
            db.execute(jobs.update().where(jobs.c.id == row["id"]).values(state="working", worker_id=worker_id))
        job = _job(dict(row) | {"state": "working"})
        if job.state == "failed":  # nobody can answer it; whoever asks again is given the next one
            self.finish(job.id, error=job.error)
            return None
        return job

    def progress(self, job_id: int, share: float) -> None:
        """Write how much of the job is done, from 0 to 1."""
        with self._db.writing() as db:
            db.execute(jobs.update().where(jobs.c.id == job_id).values(progress=share))

    def finish(self, job_id: int, *, result: bytes | None = None, error: str | None = None) -> None:
        """Write the answer, or the error, and remove the oldest answers beyond those that are kept."""
        state = "failed" if error else "done"
        with self._db.writing() as db:
            db.execute(
                jobs.update()
                .where(jobs.c.id == job_id)
                .values(state=state, result=result, error=error, progress=1.0, ended=now())
            )
            size = sa.func.coalesce(sa.func.length(jobs.c.result), 0)
            ended = sa.select(jobs.c.id, size).where(jobs.c.state.in_(("done", "failed")))
            rows = db.execute(ended.order_by(jobs.c.id.desc())).all()
            kept = bisect_right(list(accumulate(size for _, size in rows)), self._kept_bytes)
            old = [number for number, _ in rows[min(max(kept, 1), KEPT_JOBS) :]]
            if old:
                db.execute(jobs.delete().where(jobs.c.id.in_(old)))

    def give_back(self, worker_ids: Iterable[str]) -> None:
        """Jobs that these workers, which are dead, had begun wait again."""
        mine = sa.and_(jobs.c.state == "working", jobs.c.worker_id.in_(list(worker_ids)))
        with self._db.reading() as db:  # asked often, and there is seldom one: lock nobody out
            if db.execute(sa.select(jobs.c.id).where(mine).limit(1)).first() is None:
                return
        with self._db.writing() as db:
            db.execute(jobs.update().where(mine).values(state="waiting", worker_id=None))


def _job(row: Mapping[Any, Any]) -> Job:
    """The job of a row. One that cannot be read is a failed one; its parameters are none that any kind has."""
    try:
        about = {key: row[key] for key in kinds_of(_Row)} | {"params": json.loads(row["params"])}
        result = row.get("result")
        if not isinstance(result, bytes | None):
            raise Invalid([f"result is {type(result).__name__}; expected bytes"])
        return Job(**vars(checked(_Row, about, what="a part of a job")), result=result)
    except (ValueError, TypeError, RecursionError) as error:
        why = f"this job cannot be read: {' '.join(str(error).split())}"
        kind = row["kind"] if isinstance(row["kind"], str) else ""
        return Job(row["id"], kind, None, None, {"unreadable": True}, "failed", 1.0, why)


@dataclass(frozen=True)
class _Row:
    """What a row holds in a sound store."""

    id: Annotated[int, Meta(ge=0)]
    kind: Text
    run_id: Text | None
    step: Count | None
    params: dict[str, Any]
    state: Literal["waiting", "working", "done", "failed"]
    progress: Annotated[float, Meta(ge=0, le=1)]
    error: Text | None
