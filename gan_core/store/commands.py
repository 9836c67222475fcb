"""Commands to a run: sent by a person or a program, seen by the worker that has the run, and finished by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

import sqlalchemy as sa

from gan_core.records import ACTIVE, Command, GanometerError
from gan_core.store.database import Database
from gan_core.store.schema import commands, now
from gan_core.store.states import RESUMABLE, change_state, count_change, locked_run
from gan_core.validation import Count, Text, checked

KINDS = ("pause", "resume", "stop", "step", "set")


class Commands:
    """The commands of all runs. A command waits until it has an outcome."""

    def __init__(self, database: Database):
        self._db = database

    def send(self, run_id: str, kind: str, *, by: str = "", payload: Mapping[str, Any] | None = None) -> str:
        """Send pause, resume, stop, step or set to a run. To send the same one twice has no further effect.

        What needs no worker is done here, and the run's state after it is returned. Everything else waits for the
        worker that has the run, or will have it, and "sent" is returned. The payload of `step` is {"steps": n}: the
        run pauses after n steps; that of `set` is {"changes": {key: value}}. `by` says who sends it.
        Raises UnknownRun, and GanometerError for an unknown kind.
        """
        if kind not in KINDS:
            raise GanometerError(f"{kind!r} is no command; choose one of {', '.join(KINDS)}")
        with self._db.writing() as db:
            row = locked_run(db, run_id)
            if kind == "set":
                return _add(db, row, kind, payload, by) if row.state in (*ACTIVE, *RESUMABLE) else row.state
            if kind in ("resume", "step") and row.worker_id is None and row.state in RESUMABLE:
                change_state(db, row, "queued", queued=now(), error=None, ended=None, phase="")
                if kind == "step":
                    _add(db, row, kind, payload, by)
                return "queued"
            if kind == "stop" and row.worker_id is None and row.state in ("queued", "paused"):
                change_state(db, row, "stopped", ended=now(), phase="")
                return "stopped"
            if kind == "pause" and row.state == "queued":
                change_state(db, row, "paused")
                return "paused"
            if kind == "step" and row.state == "queued":
                return _add(db, row, kind, payload, by)
            if row.worker_id is None or row.state not in ACTIVE:
                return row.state  # no worker has it, so nothing can change
            others = sa.select(commands.c.kind).where(waiting(run_id), commands.c.kind != "set")
            last = db.scalar(others.order_by(commands.c.id.desc()).limit(1))
            if last != kind and not (last is None and row.state == {"pause": "paused", "resume": "running"}.get(kind)):
                _add(db, row, kind, payload, by)
            return "sent"

    def waiting(self, run_id: str) -> list[Command]:
        """The commands that have no outcome yet, oldest first."""
        with self._db.reading() as db:
            rows = db.execute(sa.select(commands).where(waiting(run_id)).order_by(commands.c.id)).all()
        return [_command(row) for row in rows]

    def finish(self, command: int, outcome: str) -> None:
        """Write the outcome of a command that has changed nothing. The others get theirs by a commit."""
        with self._db.writing() as db:
            db.execute(commands.update().where(commands.c.id == command).values(handled=now(), outcome=outcome))

    def finished(self, run_id: str, limit: int = 20) -> list[tuple[Command, str]]:
        """The newest finished commands, each with its outcome, newest first."""
        query = sa.select(commands).where(commands.c.run_id == run_id, commands.c.outcome.is_not(None))
        with self._db.reading() as db:
            rows = db.execute(query.order_by(commands.c.id.desc()).limit(limit)).all()
        return [(_command(row), row.outcome) for row in rows]


def waiting(run_id: str) -> sa.ColumnElement[bool]:
    """The condition that a command of this run has no outcome yet."""
    return sa.and_(commands.c.run_id == run_id, commands.c.outcome.is_(None), commands.c.kind.in_(KINDS))


def _add(db: sa.Connection, row: sa.Row[Any], kind: str, payload: Mapping[str, Any] | None, by: str) -> str:
    about = dict(run_id=row.id, kind=kind, payload=json.dumps(payload or {}), by=by, created=now())
    db.execute(commands.insert().values(**about))
    count_change(db, row.id)
    return "sent"


def finish_waiting(
    db: sa.Connection, run_id: str, outcome: str, *, up_to: int | None = None, edits: bool = False
) -> None:
    """Give the waiting commands (up to id `up_to`) this outcome. `set` waits for the next worker, unless `edits`."""
    where = waiting(run_id)
    if up_to is not None:
        where = sa.and_(where, commands.c.id <= up_to)
    if not edits:
        where = sa.and_(where, commands.c.kind != "set")
    db.execute(commands.update().where(where).values(handled=now(), outcome=outcome))


def _command(row: sa.Row[Any]) -> Command:
    """The command of a row. One that cannot be read changes nothing."""
    by = row.by if isinstance(row.by, str) else ""
    try:
        payload = json.loads(row.payload)
        checked(_PAYLOADS.get(row.kind, _Nothing), payload, what="a part of the command")
        return Command(row.id, row.run_id, row.kind, payload, by, row.created)
    except (ValueError, TypeError, RecursionError):
        return Command(row.id, row.run_id, row.kind, {"changes": {}, "steps": 0}, by, row.created)


@dataclass(frozen=True)
class _Nothing: ...


@dataclass(frozen=True)
class _Set:
    changes: dict[Text, Any]


@dataclass(frozen=True)
class _Step:
    steps: Count


_PAYLOADS: Mapping[str, type[Any]] = {"set": _Set, "step": _Step}
"""What the payload of a command holds, where it holds something."""
