"""Leases: which worker has which run. A worker that has been silent for too long has lost its run."""

from __future__ import annotations

import json
import math
from itertools import groupby, takewhile
from typing import Any, Iterable, Mapping, NamedTuple

import sqlalchemy as sa

from gan_core.records import GanometerError, RunInfo, UnreadableRun
from gan_core.store import turns
from gan_core.store.commands import finish_waiting, waiting
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.rows import listing, run_in, run_info
from gan_core.store.schema import commands, events, now, runs, workers
from gan_core.store.states import change_state, locked_run

LEASE_SECONDS = 30
"""A worker that has sent no heartbeat for so long has lost its run."""
PATIENCE_SECONDS = 60.0
"""How long a training waits for a store that cannot be used; then its worker gives the run back."""
FAR_SECONDS = 30 * 86_400
"""A heartbeat so far in the future is damage, and no clock that was set."""
TOLD_TO_END = "the process that trained it was told to end"
"""Why a run is interrupted that its worker has given back: no fault of the run's."""


class Held(NamedTuple):
    """A run that a worker has: when it last sent a heartbeat, and how many seconds ago, by the database's clock."""

    run_id: str
    worker_id: str
    heartbeat: float
    age: float


class Interrupted(NamedTuple):
    """A run that was interrupted, how many times in a row without a step in between, and how many seconds ago."""

    run_id: str
    times: int
    age: float


class LeaseLost(GanometerError):
    """The run now belongs to another worker, or is gone: stop writing."""


class Leases:
    """Claims of workers on runs. Every claim of a run has a number of its own, also those of the same worker."""

    def __init__(self, database: Database):
        self._db = database

    def claim(self, worker_id: str, *, at_once: int = 1, run_id: str | None = None) -> RunInfo | None:
        """Give this worker the run whose turn it is, or `run_id`; None when `at_once` runs are trained already.

        Whose turn it is says `turns`. The count and the take are one transaction, so two workers can neither share a
        run nor exceed the limit. A run that cannot be read becomes interrupted, with the reason; None then, and the
        next call takes the next one.
        """
        if not self.anybody_waits():  # an idle worker asks often, and should lock nobody out
            return None
        with self._db.writing() as db:
            one_at_a_time(db)
            trained = sa.and_(runs.c.worker_id.is_not(None), runs.c.kind == "trained")
            busy = db.scalar(sa.select(sa.func.count()).select_from(runs).where(trained))
            if busy is not None and busy >= at_once:
                return None
            queued = turns.queued_runs(db)
            if run_id is not None:
                queued = [one for one in queued if one.id == run_id]
            chosen = turns.first(queued, turns.served_with_runs(db))
            if chosen is None:
                return None
            row = locked_run(db, str(chosen.id))
            found = run_in(db.execute(listing().where(runs.c.id == row.id)).mappings().one())
            if isinstance(found, UnreadableRun):
                # Nobody can train it. The next one may be sound: whoever asks again is given that.
                change_state(db, row, "interrupted", phase="", error=found.why, ended=now())
                return None
            turns.serve(db, "runs", chosen.owners)
            change_state(
                db,
                row,
                "running",
                worker_id=worker_id,
                claim_no=row.claim_no + 1,
                heartbeat=now(),
                started=sa.func.coalesce(runs.c.started, now()),
                phase="starting",
                error=None,
                steps_per_second=None,
            )
            return run_info(db.execute(listing().where(runs.c.id == row.id)).mappings().one())

    def renew(self, run_id: str, worker_id: str, claim_no: int) -> bool:
        """Say that the worker is alive. False when it does not have the run any more."""
        with self._db.writing() as db:
            mine = leased(run_id, worker_id, claim_no)
            return db.execute(runs.update().where(mine).values(heartbeat=now())).rowcount == 1

    def take_again(self, run_id: str, worker_id: str) -> int | None:
        """Give a run that was interrupted back to the process that writes it, which was silent and goes on; returns
        the number of the new claim. None for a run that is gone, that has ended, or that was trained here: any worker
        goes on with such a one.
        """
        with self._db.writing() as db:
            row = db.execute(sa.select(runs).where(runs.c.id == run_id).with_for_update()).first()
            if row is None or row.kind == "trained" or row.worker_id is not None or row.state != "interrupted":
                return None
            claim_no: int = row.claim_no + 1
            mine: dict[str, Any] = dict(worker_id=worker_id, claim_no=claim_no, heartbeat=now())
            change_state(db, row, "running", phase="training", error=None, **mine)
            return claim_no

    def release(
        self, run_id: str, worker_id: str, claim_no: int, *, state: str | None = None, error: str | None = None
    ) -> bool:
        """Give the run back. `state` is its state from now on, and `error` why; without one a paused run stays paused.

        In state "queued" the next worker goes on with it, and carries out the commands that still wait: that was no
        turn of its owner.
        Returns False, and changes nothing, when a command other than pause came at the last moment.
        """
        with self._db.writing() as db:
            row = db.execute(sa.select(runs).where(leased(run_id, worker_id, claim_no)).with_for_update()).first()
            if row is None:
                return True
            others = commands.c.kind.not_in(("pause", "set"))
            left = sa.select(sa.func.count()).select_from(commands).where(waiting(run_id), others)
            if state is None and db.scalar(left):
                return False
            if state != "queued":  # or the next worker would obey commands that were meant for this one
                finish_waiting(db, run_id, state or row.state)
            else:
                turns.give_back(db, "runs", [row.owner])
            change_state(db, row, state or row.state, worker_id=None, phase="", error=error)
            return True

    def held(self) -> list[Held]:
        """The runs that workers have."""
        query = sa.select(runs.c.id, runs.c.worker_id, runs.c.heartbeat, (now() - runs.c.heartbeat).label("age"))
        with self._db.reading() as db:
            rows = db.execute(query.where(runs.c.worker_id.is_not(None), runs.c.heartbeat.is_not(None))).all()
        return [Held(*row) for row in rows]

    def interrupt(
        self,
        dead_workers: Iterable[str] = (),
        silent: Mapping[str, float] | None = None,
        *,
        because: str = "its worker ended unexpectedly",
    ) -> list[str]:
        """Runs whose worker is known to be dead (and `because` of what), or has lost its lease, become interrupted.

        `silent`: only these runs have lost their lease, unless there was another heartbeat since the one given here;
        without it all whose last heartbeat is older than a lease by the database's clock.
        """
        dead = list(dead_workers)
        lost = runs.c.heartbeat < now() - LEASE_SECONDS
        if silent is not None:
            lost = sa.or_(
                sa.false(), *(sa.and_(runs.c.id == run_id, runs.c.heartbeat == last) for run_id, last in silent.items())
            )
        # No worker writes these; without them such a run could neither be deleted nor leave its place to another.
        broken = sa.or_(runs.c.heartbeat.is_(None), runs.c.heartbeat > now() + FAR_SECONDS)
        query = sa.select(runs, sa.func.coalesce(now() - runs.c.heartbeat, 0.0).label("age"))
        query = query.where(runs.c.worker_id.is_not(None), sa.or_(runs.c.worker_id.in_(dead), lost, broken))
        with self._db.reading() as db:
            if not db.execute(query.limit(1)).first():
                return []
        with self._db.writing() as db:
            rows = db.execute(query.with_for_update()).all()
            for row in rows:
                if row.kind != "trained":
                    why = "the program that logs it ended, or was silent for too long"
                else:
                    why = because if row.worker_id in dead else f"its worker was silent for {abs(row.age):.0f} s"
                finish_waiting(db, row.id, "interrupted")
                why = f"{row.error}; then {why}" if row.error else why
                change_state(db, row, "interrupted", worker_id=None, phase="", error=why)
        return [row.id for row in rows]

    def anybody_waits(self) -> bool:
        """Whether a run is in the queue."""
        with self._db.reading() as db:
            return db.execute(sa.select(runs.c.id).where(runs.c.state == "queued").limit(1)).first() is not None

    def interrupted(self) -> list[Interrupted]:
        """The runs that were interrupted while they were trained here: an imported one never was. Where a worker was
        told to end, it is no time that counts."""
        of_it = sa.and_(events.c.run_id == runs.c.id, events.c.kind == "interrupted")
        query = sa.select(runs.c.id, events.c.step, events.c.payload, (now() - events.c.time).label("age"))
        here = (runs.c.state == "interrupted", runs.c.claim_no > 0, runs.c.kind == "trained")
        query = query.join(events, of_it).where(*here)
        with self._db.reading() as db:
            rows = db.execute(query.order_by(runs.c.id, events.c.id.desc())).all()
        found: list[Interrupted] = []
        for run_id, group in groupby(rows, key=lambda row: row.id):
            newest, *before = group
            again = takewhile(lambda row, newest=newest: row.step >= newest.step, before)
            faults = [row for row in [newest, *again] if not _was_told_to_end(row.payload)]
            found.append(Interrupted(run_id, len(faults), newest.age))
        return found

    def check_free(self, run_id: str, doing: str) -> None:
        """Raises GanometerError when a worker has the run. It says which one, and what to do before `doing`."""
        with self._db.reading() as db:
            row = db.execute(sa.select(runs).where(runs.c.id == run_id)).first()
            if row is not None:
                check_free(db, row, doing)


def _was_told_to_end(payload: str) -> bool:
    """Whether that is what an event of an interruption says; one that cannot be read says it not."""
    try:
        return json.loads(payload)["error"] == TOLD_TO_END
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def leased(run_id: str, worker_id: str, claim_no: int) -> sa.ColumnElement[bool]:
    """The condition that this claim of this worker still holds."""
    return sa.and_(runs.c.id == run_id, runs.c.worker_id == worker_id, runs.c.claim_no == claim_no)


def locked_lease(db: sa.Connection, run_id: str, worker_id: str, claim_no: int) -> sa.Row[Any]:
    """The row of a run whose lease this claim holds, as `states.locked_run` gives it. Raises LeaseLost."""
    row = db.execute(sa.select(runs).where(leased(run_id, worker_id, claim_no)).with_for_update()).first()
    if row is None:
        raise LeaseLost(f"run {run_id} belongs to another worker now")
    return row


def check_free(db: sa.Connection, row: sa.Row[Any], doing: str) -> None:
    """Raises GanometerError when a worker has the run. A worker on another host is known to be dead by its silence."""
    if row.worker_id is None:
        return
    silent = db.scalar(sa.select(now() - runs.c.heartbeat).where(runs.c.id == row.id)) or 0.0
    worker = db.execute(sa.select(workers.c.host, workers.c.pid).where(workers.c.id == row.worker_id)).first()
    who = f"process {worker.pid} on host {worker.host}" if worker else f"worker {row.worker_id}"
    raise GanometerError(
        f"run {row.id} is {row.state}: {who} has it and sent its last heartbeat {silent:.0f} s ago; stop it before "
        f"{doing}, or, if that process is dead, try again in {max(1, math.ceil(LEASE_SECONDS - silent))} s"
    )
