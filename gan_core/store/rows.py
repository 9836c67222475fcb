"""Values to rows of the tables, and back."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Mapping

import msgspec
import numpy as np
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.dialects import postgresql, sqlite

from gan_core import records
from gan_core.arrays import Array
from gan_core.config import run_config as configs
from gan_core.config.run_config import RunConfig
from gan_core.records import (
    NO_NAMES,
    UPLOAD,
    DataNames,
    DatasetInfo,
    Reference,
    Report,
    RunInfo,
    RunKind,
    State,
    Unreadable,
    UnreadableRun,
)
from gan_core.store.schema import now, runs
from gan_core.validation import Count, Finite, Positive, Seconds, Text, Time, checked, kinds_of, wrong


def listing() -> sa.Select[Any]:
    """Runs with what `run_info` needs: the age of the worker's last heartbeat."""
    return sa.select(runs, (now() - runs.c.heartbeat).label("heartbeat_age"))


LONGEST_SHOWN = 200
"""Characters of a name or a tag; earlier versions, and other programs, may have written longer ones."""
STEPS = (0, 2**31 - 1)
"""The steps there can be; on SQLite the comparison also leaves out what is no number."""


@dataclass(frozen=True)
class _Run:
    """What a row of `listing` holds in a sound store."""

    id: Text
    name: Text
    state: State
    step: Count
    total_steps: Count
    version: Annotated[int, Meta(ge=0)]
    owner: Text
    created: Time
    started: Time | None
    ended: Time | None
    seconds: Seconds
    steps_per_second: Positive | None
    at_risk: Seconds | None
    published: bool
    phase: Text
    dataset: Text | None
    heartbeat_age: Finite | None
    threads: Count | None
    error: Text | None
    parent_id: Text | None
    parent_step: Count | None
    claim_no: Count
    worker_id: Text | None
    kind: RunKind
    tags: tuple[Text, ...]
    versions: dict[Text, Text]


def run_in(row: sa.RowMapping, places: Mapping[str, int] | None = None) -> RunInfo | UnreadableRun:
    """The run in a row of `listing`, or what can be read of it; `places` as in `run_info`."""
    try:
        return run_info(row, places)
    except Unreadable as error:
        text = {key: value if isinstance(value := row[key], str) else "" for key in ("id", "name", "owner")}
        created = row["created"] if not wrong("created", Time, row["created"]) else None
        return UnreadableRun(text["id"], _shortened(text["name"]), text["owner"], created, str(error))


def run_info(row: sa.RowMapping, places: Mapping[str, int] | None = None) -> RunInfo:
    """The run in a row of `listing`; `places` are those of the queue, as `turns.places` has them. Raises Unreadable."""
    try:
        values = {key: row[key] for key in kinds_of(_Run)} | {
            "published": row["published"] == 1 if row["published"] in (0, 1) else row["published"],
            "tags": json.loads(row["tags"]),
            "versions": json.loads(row["versions"]),
        }
        try:
            found = msgspec.convert(values, _Run)
        except (msgspec.ValidationError, UnicodeError, RecursionError):
            found = checked(_Run, values, what="a part of a run")  # slower, with the sentences
        same = {key: getattr(found, key) for key in kinds_of(_Run) if key != "worker_id"}
        same |= dict(position=(places or {}).get(found.id))
        same |= dict(name=_shortened(found.name), tags=tuple(map(_shortened, found.tags)), worker=found.worker_id)
        return RunInfo(**same, config=_config(row["config"]))
    except (ValueError, TypeError, RecursionError) as error:  # also Invalid, ConfigError and what json raises
        raise Unreadable(f"run {row['id']} cannot be read: {' '.join(str(error).split())}") from None


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


@lru_cache(maxsize=1024)
def _config(text: str) -> RunConfig:
    """A listing reads the same configurations again and again, and to check one takes longer than to fetch it."""
    return configs.from_json(text)


def sound_step(step: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """The condition that a column holds a step there can be."""
    return step.between(*STEPS)


def dataset_info(row: sa.Row[Any], owners: Mapping[str, bool]) -> DatasetInfo:
    """The data set in a row of `datasets`, of which `data` is not needed, and whose it is. Raises Unreadable."""
    try:
        preview, labels = arrays_in(row.preview, "x", "y")
        about = dict(name=row.name, sha256=row.sha256, kind=row.kind)
        about |= dict(shape=json.loads(row.shape), parts=json.loads(row.parts))
        known = checked(_Dataset, about, what="a part of a data set")
        private = known.name.startswith(UPLOAD) and preview.shape == (0, *known.shape)  # of a run without its data
        preview = preview if private else checked_samples(preview, known.kind, known.shape)
        if labels.ndim != 1 or labels.dtype != np.int64 or not (private or len(labels) == len(preview)):
            raise ValueError("the preview has not one label a row")
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"the data set {row.name} cannot be read: {' '.join(str(error).split())}") from None
    about = (known.name, known.sha256, known.kind, known.shape)
    return DatasetInfo(*about, vars(known.parts), preview, labels, owners, data_names(row.names))


def data_names(text: Any) -> DataNames:
    """What a column of `names` says. Without it the data can be used as well, so what cannot be read is none."""
    try:
        return checked(DataNames, json.loads(text), what="a name in the data") if text else NO_NAMES
    except (ValueError, TypeError, RecursionError):
        return NO_NAMES


def names_row(names: DataNames) -> str | None:
    """What stands in a column of `names`."""
    return json.dumps(asdict(names)) if names != NO_NAMES else None


@dataclass(frozen=True)
class PartSizes:
    """How many samples each part of a data set has."""

    train: Count
    holdout: Count
    test: Count


@dataclass(frozen=True)
class _Dataset:
    name: Text
    sha256: Text
    kind: Literal["image", "points"]
    shape: tuple[Annotated[int, Meta(ge=1, le=10_000)], ...]
    parts: PartSizes


def is_float(x: Array) -> bool:
    """Whether it holds floats that every machine and every browser knows: of at most 64 bits."""
    return x.dtype.kind == "f" and x.dtype.itemsize <= 8


def checked_samples(x: Array, kind: str | None = None, shape: tuple[int, ...] | None = None) -> Array:
    """Samples in storage form: uint8 images (n, h, w, c) with c 1 or 3, or points (n, d) in floats; at least one.

    Of this `kind` and `shape`, where they are known. Raises ValueError for any other array.
    """
    image = x.ndim == 4 and x.dtype == np.uint8 and x.shape[3] in (1, 3)
    points = x.ndim == 2 and is_float(x)
    suits = kind is None or (kind == "image") == image
    if not x.size or not (image or points) or not suits or shape not in (None, x.shape[1:]):
        wanted = "uint8 (n, h, w, 1 or 3) or floats (n, d)" if shape is None else f"{kind} samples (n, {_by(shape)})"
        raise ValueError(f"the samples are {x.dtype} {x.shape}, not {wanted} with at least one row")
    return x


def _by(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


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
        names=names_row(info.names),
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


def arrays_in(data: Any, *names: str) -> list[Array]:
    """The arrays of these names in a column of npz bytes. Raises ValueError for anything else that stands there."""
    try:
        found = unpack(data)
    except Exception:  # decoders raise a dozen kinds on damaged bytes, and advise to unpickle what they do not know
        raise ValueError("its bytes are no file of plain arrays") from None
    if lacking := [name for name in names if name not in found]:
        raise ValueError(f"there is no array {lacking[0]!r} in it")
    return [found[name] for name in names]
