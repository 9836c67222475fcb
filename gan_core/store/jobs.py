"""Jobs: requests to a worker, for what needs a generator or takes longer than a page may. Equal ones share a row.

A row belongs to everybody who has asked for it. Whoever cancels it withdraws only the own request; the work ends when
nobody is left who wants it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, Iterable, Literal, Mapping

import sqlalchemy as sa
from msgspec import Meta

from gan_core.records import GanometerError, Job, UnknownRun
from gan_core.store import turns
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.schema import job_askers, jobs, now, runs
from gan_core.validation import Count, Invalid, Text, checked, kinds_of

KEPT_JOBS, KEPT_BYTES = 300, 400 * 2**20
"""How many answers are kept, and how many bytes they take together, at most. The newest stay."""
MOST_DEATHS = 2
"""A job in whose midst so many workers have died is not tried again by itself."""
OPEN, ENDED = ("waiting", "working"), ("done", "failed", "cancelled")


class Cancelled(GanometerError):
    """Nobody wants the answer any more, or another worker has the job: stop working on it."""


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
        owner: str | None = None,
        allow: Callable[[int], None] = lambda unanswered: None,
    ) -> int:
        """The id of the job of this request, which is made unless there is one. `retry` asks anew for one that has
        failed, or was cancelled.

        `owner` is who asks, None for a worker itself. Where that gives the owner one more job to wait for, `allow` is
        called before, in the same transaction, with the number of those there are, and may raise.
        Raises UnknownRun for a run that is not (or no longer) there.
        """
        text = json.dumps(params or {}, sort_keys=True)
        key = hashlib.sha256(json.dumps([kind, run_id, step, text]).encode()).hexdigest()
        with self._db.reading() as db:
            row = _find(db, key)
            if row is not None and _is_asked(db, row, owner, retry):
                return row.id
        with self._db.writing() as db:
            one_at_a_time(db)
            row = _find(db, key)
            if row is not None and _is_asked(db, row, owner, retry):
                return row.id
            known = run_id is None or db.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) is not None
            if not known:
                raise UnknownRun(f"there is no run {run_id!r}, so nothing can be made of it; choose another run")
            if owner is not None:
                allow(_unanswered_of(db, owner))
            if row is None:
                values = dict(key=key, kind=kind, run_id=run_id, step=step, params=text, state="waiting", created=now())
                job_id = db.scalars(jobs.insert().values(**values).returning(jobs.c.id)).one()
            else:
                job_id = row.id
                if row.state in ENDED:
                    again = dict(state="waiting", error=None, progress=0.0, created=now(), ended=None, worker_id=None)
                    db.execute(jobs.update().where(jobs.c.id == job_id).values(**again, deaths=0))
                    db.execute(job_askers.delete().where(job_askers.c.job_id == job_id))
            if owner is not None:
                mine = sa.and_(job_askers.c.job_id == job_id, job_askers.c.owner == owner)
                db.execute(job_askers.delete().where(mine))
                db.execute(job_askers.insert().values(job_id=job_id, owner=owner))
            return job_id

    def get(self, job_id: int, *, result: bool = True) -> Job | None:
        """The job, without its answer where `result` is false; None where it is not, or no longer, there."""
        columns = [c for c in jobs.c if result or c.name != "result"]
        with self._db.reading() as db:
            row = db.execute(sa.select(*columns).where(jobs.c.id == job_id)).mappings().first()
        return _job(row) if row else None

    def askers(self, job_id: int) -> dict[str, bool]:
        """{who has asked for a job: whether they still want the answer}"""
        query = sa.select(job_askers.c.owner, job_askers.c.cancelled).where(job_askers.c.job_id == job_id)
        with self._db.reading() as db:
            return {row.owner: not row.cancelled for row in db.execute(query)}

    def cancel(self, job_id: int, owner: str | None = None) -> None:
        """Withdraw the request of one owner, or of everybody. A job that nobody wants any more is cancelled.

        One that is worked on ends when its worker next reports progress.
        """
        with self._db.writing() as db:
            one_at_a_time(db)
            of_it = job_askers.c.job_id == job_id
            mine = of_it if owner is None else sa.and_(of_it, job_askers.c.owner == owner)
            db.execute(job_askers.update().where(mine).values(cancelled=True))
            wanted = sa.select(job_askers.c.owner).where(of_it, job_askers.c.cancelled.is_(False))
            if owner is None or db.execute(wanted.limit(1)).first() is None:
                unfinished = sa.and_(jobs.c.id == job_id, jobs.c.state.in_(OPEN))
                db.execute(jobs.update().where(unfinished).values(state="cancelled", ended=now(), worker_id=None))

    def claim(self, worker_id: str, *, line: turns.Line = "long jobs", quick: Collection[str] = ()) -> Job | None:
        """Give this worker the job whose turn it is in this line, as `turns` says; None where none waits.

        Of which kinds the quick jobs are says `quick`; all others are long.
        """
        in_line = jobs.c.kind.in_(quick) if line == "quick jobs" else jobs.c.kind.not_in(quick)
        waiting = sa.and_(jobs.c.state == "waiting", in_line)
        with self._db.reading() as db:
            if db.execute(sa.select(jobs.c.id).where(waiting).limit(1)).first() is None:
                return None
        with self._db.writing() as db:
            one_at_a_time(db)
            at_work = sa.and_(jobs.c.state == "working", in_line)
            busy = [owner for one in _with_owners(db, at_work) for owner in one.owners]
            served = turns.Served(busy, turns.last_served(db, line))
            chosen = turns.first(_with_owners(db, waiting), served)
            if chosen is None:
                return None
            turns.serve(db, line, chosen.owners)
            this = jobs.c.id == chosen.id
            db.execute(jobs.update().where(this).values(state="working", worker_id=worker_id))
            row = db.execute(sa.select(*(c for c in jobs.c if c.name != "result")).where(this)).mappings().one()
        job = _job(row)
        if job.state == "failed":  # nobody can answer it; whoever asks again is given the next one
            self.finish(job.id, error=job.error)
            return None
        return job

    def progress(self, job_id: int, worker_id: str, share: float) -> None:
        """Write how much of the job is done, from 0 to 1. Raises Cancelled where this worker need not go on."""
        mine = sa.and_(jobs.c.id == job_id, jobs.c.state == "working", jobs.c.worker_id == worker_id)
        with self._db.writing() as db:
            if db.execute(jobs.update().where(mine).values(progress=share)).rowcount != 1:
                raise Cancelled(f"job {job_id} was cancelled")

    def finish(self, job_id: int, *, result: bytes | None = None, error: str | None = None) -> None:
        """Write the answer, or the error, and remove the oldest answers beyond those that are kept.

        What was cancelled meanwhile stays cancelled.
        """
        state = "failed" if error else "done"
        with self._db.writing() as db:
            db.execute(
                jobs.update()
                .where(jobs.c.id == job_id, jobs.c.state.in_(OPEN))
                .values(state=state, result=result, error=error, progress=1.0, ended=now())
            )
            size = sa.func.coalesce(sa.func.length(jobs.c.result), 0)
            ended = sa.select(jobs.c.id, size).where(jobs.c.state.in_(ENDED))
            rows = db.execute(ended.order_by(jobs.c.id.desc())).all()
            kept = bisect_right(list(accumulate(size for _, size in rows)), self._kept_bytes)
            old = [number for number, _ in rows[min(max(kept, 1), KEPT_JOBS) :]]
            if old:
                db.execute(jobs.delete().where(jobs.c.id.in_(old)))

    def give_back(self, worker_ids: Iterable[str], *, died: bool = True) -> None:
        """Jobs that these workers had begun wait again; one in whose midst workers have died twice has failed."""
        mine = sa.and_(jobs.c.state == "working", jobs.c.worker_id.in_(list(worker_ids)))
        with self._db.reading() as db:  # asked often, and there is seldom one: lock nobody out
            if db.execute(sa.select(jobs.c.id).where(mine).limit(1)).first() is None:
                return
        with self._db.writing() as db:
            if died:
                db.execute(jobs.update().where(mine).values(deaths=jobs.c.deaths + 1))
                error = (
                    f"the worker process ended {MOST_DEATHS} times while it worked on this, perhaps of too little "
                    "memory: ask for fewer samples, or try again"
                )
                fatal = sa.and_(mine, jobs.c.deaths >= MOST_DEATHS)
                db.execute(jobs.update().where(fatal).values(state="failed", error=error, ended=now()))
            db.execute(jobs.update().where(mine).values(state="waiting", worker_id=None, progress=0.0))


def _find(db: sa.Connection, key: str) -> sa.Row[Any, Any] | None:
    return db.execute(sa.select(jobs.c.id, jobs.c.state).where(jobs.c.key == key)).first()


def _is_asked(db: sa.Connection, row: sa.Row[Any, Any], owner: str | None, retry: bool) -> bool:
    """Whether a request changes nothing about the job in this row. What a worker needs, it asks for anew."""
    if row.state in ENDED:
        return row.state == "done" or not (retry or (row.state == "cancelled" and owner is None))
    if owner is None:
        return True
    mine = sa.select(job_askers.c.cancelled).where(job_askers.c.job_id == row.id, job_askers.c.owner == owner)
    cancelled = db.scalar(mine)
    return cancelled is False or (cancelled is True and not retry)


def _unanswered_of(db: sa.Connection, owner: str) -> int:
    """How many jobs somebody waits for."""
    theirs = sa.and_(job_askers.c.owner == owner, job_askers.c.cancelled.is_(False), jobs.c.state.in_(OPEN))
    query = sa.select(sa.func.count()).select_from(job_askers.join(jobs, jobs.c.id == job_askers.c.job_id))
    return db.scalar(query.where(theirs)) or 0


def _with_owners(db: sa.Connection, where: sa.ColumnElement[bool]) -> list[turns.Waiting]:
    """The jobs of a condition, each with everybody who still wants its answer."""
    wanting = sa.and_(job_askers.c.job_id == jobs.c.id, job_askers.c.cancelled.is_(False))
    query = sa.select(jobs.c.id, jobs.c.created, job_askers.c.owner).select_from(jobs.outerjoin(job_askers, wanting))
    found: dict[int, turns.Waiting] = {}
    for row in db.execute(query.where(where)):
        before = found.get(row.id, turns.Waiting(row.id, (), row.created))
        owners = before.owners if row.owner is None else (*before.owners, row.owner)
        found[row.id] = before._replace(owners=owners)
    return list(found.values())


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
    state: Literal["waiting", "working", "done", "failed", "cancelled"]
    progress: Annotated[float, Meta(ge=0, le=1)]
    error: Text | None
