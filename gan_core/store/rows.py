"""Values to rows of the tables, and back."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import Any, Mapping

import numpy as np
import sqlalchemy as sa

from gan_core import records
from gan_core.config import run_config as configs
from gan_core.config.run_config import RunConfig
from gan_core.records import DatasetInfo, Reference, Report, RunInfo
from gan_core.store.schema import datasets, now, runs


def listing() -> sa.Select[Any]:
    """Runs with what `run_info` needs: the age of the worker's last heartbeat."""
    return sa.select(runs, (now() - runs.c.heartbeat).label("heartbeat_age"))


def run_info(row: sa.RowMapping, places: Mapping[str, int] | None = None) -> RunInfo:
    """The run in a row of `listing`; `places` are those of the queue, as `turns.places` has them."""
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
        "parent_id",
        "parent_step",
        "claim_no",
    )
    return RunInfo(
        **{key: row[key] for key in same},
        config=_config(row["config"]),
        position=(places or {}).get(row["id"]),
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


def insert_dataset(db: sa.Connection, row: Mapping[str, Any]) -> None:
    """Insert a data set. Of a known one without bytes, an upload that brings them replaces what was said about it."""
    known = sa.and_(datasets.c.sha256 == row["sha256"], datasets.c.data.is_(None))
    if row["data"] is None or not db.execute(datasets.update().where(known).values(**row)).rowcount:
        insert_new(db, datasets, row)


def pack(**arrays: np.ndarray) -> bytes:
    """Arrays as compressed npz bytes."""
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays in npz bytes, by name."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)
