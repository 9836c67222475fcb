"""Values to rows of the tables, and back."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import Any, Mapping

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gan_core import records
from gan_core.config import run_config as configs
from gan_core.config.run_config import RunConfig
from gan_core.records import DatasetInfo, Reference, Report, RunInfo
from gan_core.store.schema import now, runs


def listing() -> sa.Select[Any]:
    """Runs with what `run_info` needs: the age of the worker's last heartbeat, and the place in the queue."""
    ahead = runs.alias("ahead")
    position = (
        sa.select(sa.func.count())
        .select_from(ahead)
        .where(ahead.c.state == "queued", sa.tuple_(ahead.c.queued, ahead.c.id) <= sa.tuple_(runs.c.queued, runs.c.id))
        .scalar_subquery()
    )
    return sa.select(
        runs,
        (now() - runs.c.heartbeat).label("heartbeat_age"),
        sa.case((runs.c.state == "queued", position)).label("position"),
    )


def run_info(row: sa.RowMapping) -> RunInfo:
    """The run in a row of `listing`."""
    same = (
        "id",
        "name",
        "state",
        "step",
        "total_steps",
        "version",
        "owner",
        "created",
        "started",
        "ended",
        "seconds",
        "steps_per_second",
        "at_risk",
        "published",
        "phase",
        "dataset",
        "heartbeat_age",
        "threads",
        "error",
        "position",
        "parent_id",
        "parent_step",
        "claim_no",
    )
    return RunInfo(
        **{key: row[key] for key in same},
        config=_config(row["config"]),
        tags=tuple(json.loads(row["tags"])),
        worker=row["worker_id"],
        versions=json.loads(row["versions"]),
    )


@lru_cache(maxsize=1024)
def _config(text: str) -> RunConfig:
    """A listing reads the same configurations again and again, and to check one takes longer than to fetch it."""
    return configs.from_json(text)


def report_row(run_id: str, step: int, report: Report) -> dict[str, Any]:
    """The row of `reports`."""
    return dict(
        run_id=run_id,
        step=step,
        space=report.space,
        n=report.n_fake,
        k=report.k,
        seed=report.seed,
        panel=report.panel,
        report=records.record_to_json(report),
    )


def dataset_row(info: DatasetInfo, data: bytes | None) -> dict[str, Any]:
    """The row of `datasets`; `data` are the bytes of an upload."""
    return dict(
        sha256=info.sha256,
        name=info.name,
        kind=info.kind,
        shape=json.dumps(info.shape),
        owner=info.owner,
        published=info.published,
        created=now(),
        parts=json.dumps(dict(info.parts)),
        preview=pack(x=info.preview, y=info.labels),
        data=data,
    )


def reference_row(dataset: str, space: str, reference: Reference) -> dict[str, Any]:
    """The row of `references`; `dataset` is the hash of a data set."""
    return dict(
        dataset=dataset,
        space=space,
        n=reference.n,
        k=reference.k,
        seed=reference.seed,
        panel=reference.panel,
        reference=records.record_to_json(reference),
    )


def insert_new(db: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Insert a row, unless the table has one of its key."""
    where = sa.and_(*(column == row[column.name] for column in table.primary_key.columns))
    if db.execute(sa.select(*table.primary_key.columns).where(where)).first() is None:
        db.execute(table.insert().values(**row))


def pack(**arrays: np.ndarray) -> bytes:
    """Arrays as compressed npz bytes."""
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays in npz bytes, by name."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def upsert(db: sa.Connection, table: sa.Table, key: str, row: dict[str, Any]) -> None:
    """Write the row, in place of the one with the same `key` where there is one, whoever else writes it."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    others = {name: value for name, value in row.items() if name != key}
    db.execute(insert(table).values(**row).on_conflict_do_update(index_elements=[key], set_=others))
