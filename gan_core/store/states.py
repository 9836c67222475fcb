"""The state of a run: the one function that changes it, the event log it writes, and the lock every change takes."""

from __future__ import annotations

import json
from typing import Any, Mapping

import sqlalchemy as sa

from gan_core.records import UnknownRun
from gan_core.store.schema import events, now, runs

RESUMABLE = ("paused", "stopped", "interrupted")
"""The states from which a run can go on."""


def unknown_run(run_id: str) -> UnknownRun:
    """What is raised where a run is looked for that the store does not have."""
    return UnknownRun(f"there is no run {run_id!r}; `runs` and the Home page list those there are")


def locked_run(db: sa.Connection, run_id: str) -> sa.Row[Any]:
    """The row of a run, which nobody else can change until this transaction ends. Raises UnknownRun."""
    row = db.execute(sa.select(runs).where(runs.c.id == run_id).with_for_update()).first()
    if row is None:
        raise unknown_run(run_id)
    return row


def change_state(db: sa.Connection, row: sa.Row[Any], state: str, *, at_step: int | None = None, **values: Any) -> None:
    """Set the state and the other `values` of a run. A new state is an entry of the event log, with the run's error."""
    statement = runs.update().where(runs.c.id == row.id)
    db.execute(statement.values(state=state, version=runs.c.version + 1, **values))
    if state != row.state:
        error = values.get("error")
        payload = {"error": error} if isinstance(error, str) else {}
        step = row.step if at_step is None else at_step
        add_event(db, row.id, step if isinstance(step, int) else 0, state, payload)  # a damaged run has none


def add_event(db: sa.Connection, run_id: str, step: int, kind: str, payload: Mapping[str, Any]) -> None:
    """Write an entry of the run's event log."""
    db.execute(events.insert().values(run_id=run_id, step=step, time=now(), kind=kind, payload=json.dumps(payload)))


def count_change(db: sa.Connection, run_id: str) -> None:
    """Give the run its next version: pages draw a run again when its version has changed."""
    db.execute(runs.update().where(runs.c.id == run_id).values(version=runs.c.version + 1))
