"""Workers: which processes train and measure for this store, and when each sent its last heartbeat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Mapping

import sqlalchemy as sa
from msgspec import Meta

from gan_core.records import WorkerInfo
from gan_core.store.database import Database
from gan_core.store.rows import upsert
from gan_core.store.schema import now, workers
from gan_core.validation import Finite, Text, checked

ALIVE_SECONDS = 15
FORGET_SECONDS = 24 * 3600


class Workers:
    """The workers of this store."""

    def __init__(self, database: Database):
        self._db = database

    def report(
        self,
        worker_id: str,
        *,
        host: str,
        pid: int,
        phase: str,
        memory: int,
        versions: Mapping[str, str],
        error: str | None = None,
    ) -> None:
        """A worker is alive, does `phase`, and holds `memory` bytes."""
        values = dict(
            host=host, pid=pid, phase=phase, memory=memory, versions=json.dumps(dict(versions)), heartbeat=now()
        )
        if error is not None:
            values["error"] = error
        with self._db.writing() as db:
            if db.execute(workers.update().where(workers.c.id == worker_id).values(**values)).rowcount == 0:
                upsert(db, workers, "id", dict(id=worker_id, **values))  # two of its threads may come here at once
                db.execute(workers.delete().where(workers.c.heartbeat < now() - FORGET_SECONDS))

    def remove(self, worker_id: str) -> None:
        """A worker has ended."""
        with self._db.writing() as db:
            db.execute(workers.delete().where(workers.c.id == worker_id))

    def all(self) -> list[WorkerInfo]:
        """Every worker of the last day, the most recent heartbeat first."""
        query = sa.select(workers, (now() - workers.c.heartbeat).label("age")).order_by(workers.c.heartbeat.desc())
        with self._db.reading() as db:
            rows = db.execute(query).all()
        return [worker for row in rows if (worker := _worker(row)) is not None]


@dataclass(frozen=True)
class _Row:
    """What a row holds in a sound store."""

    id: Text
    host: Text
    pid: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    phase: Text
    age: Finite
    heartbeat: Finite
    memory: Annotated[int, Meta(ge=0)]
    versions: dict[Text, Text]
    error: Text | None


def _worker(row: sa.Row[Any]) -> WorkerInfo | None:
    """The worker of a row; None for one that cannot be read: it writes its row again with its next heartbeat."""
    try:
        values = dict(row._mapping) | {"versions": json.loads(row.versions)}
        found = checked(_Row, values, what="a part of a worker")
    except (ValueError, TypeError, RecursionError):
        return None
    return WorkerInfo(**vars(found), alive=found.age < ALIVE_SECONDS)
