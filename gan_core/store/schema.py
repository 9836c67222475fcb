"""The tables of a store, as its newest revision has them. Large values live in columns that listings never read.

A change here needs a revision in `migrations/versions`, and `HEAD` in upgrade.py to name it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class _Bytes(sa.LargeBinary):
    """Bytes as the driver gives them. SQLite holds anything in any column, and a conversion of one row's number to
    bytes would raise for all rows of a query; so whoever reads a row looks at what it holds."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: object) -> None:
        return None


class _Flag(sa.Boolean):
    """True or false as the driver gives them, 1 or 0 on SQLite; not converted, for the same reason."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: object) -> None:
        return None


metadata = sa.MetaData()
_text, _real, _whole, _blob = sa.Text, sa.Double, sa.BigInteger, _Bytes
_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts only plain INTEGER keys by itself


def _run(**options: Any) -> sa.Column[str]:
    """The run that a row belongs to; it goes when its run goes."""
    return sa.Column("run_id", _text, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, **options)


meta = sa.Table("meta", metadata, sa.Column("key", _text, primary_key=True), sa.Column("value", _text, nullable=False))

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", _text, primary_key=True),
    sa.Column("name", _text, nullable=False),
    sa.Column("tags", _text, nullable=False, default="[]"),
    sa.Column("config", _text, nullable=False),
    sa.Column("state", _text, nullable=False, index=True),
    sa.Column("phase", _text, nullable=False, default=""),
    sa.Column("step", _whole, nullable=False, default=0),
    sa.Column("total_steps", _whole, nullable=False),
    sa.Column("version", _whole, nullable=False, default=0),
    sa.Column("owner", _text, nullable=False, default=""),
    sa.Column("published", _Flag, nullable=False, default=False),
    sa.Column("dataset", _text),
    sa.Column("parent_id", _text),
    sa.Column("parent_step", _whole),
    sa.Column("worker_id", _text),
    sa.Column("claim_no", _whole, nullable=False, default=0),
    sa.Column("heartbeat", _real),
    sa.Column("seconds", _real, nullable=False, default=0.0),
    sa.Column("steps_per_second", _real),
    sa.Column("at_risk", _real),
    sa.Column("threads", _whole),
    sa.Column("versions", _text, nullable=False, default="{}"),
    sa.Column("error", _text),
    sa.Column("created", _real, nullable=False),
    sa.Column("queued", _real),
    sa.Column("started", _real),
    sa.Column("ended", _real),
    sa.Column("kind", _text, nullable=False, default="trained", server_default="trained"),
)

metrics = sa.Table(
    "metrics",
    metadata,
    _run(primary_key=True),
    sa.Column("name", _text, primary_key=True),
    sa.Column("step", _whole, primary_key=True),
    sa.Column("value", _real, nullable=False),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    _run(primary_key=True),
    sa.Column("step", _whole, primary_key=True),
    sa.Column("samples", _blob, nullable=False),
    sa.Column("weights", _blob, nullable=False),
)

run_samples = sa.Table(
    "run_samples",
    metadata,
    _run(primary_key=True),
    sa.Column("step", _whole, primary_key=True),
    sa.Column("n", _whole, nullable=False),
    sa.Column("data", _blob, nullable=False),
)

previews = sa.Table(
    "previews",
    metadata,
    _run(primary_key=True),
    sa.Column("step", _whole, nullable=False),
    sa.Column("samples", _blob, nullable=False),
    sa.Column("game", _blob),
    sa.Column("game_step", _whole),
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    _run(primary_key=True),
    sa.Column("step", _whole, primary_key=True),
    sa.Column("data", _blob, nullable=False),
    sa.Column("sha256", _text, nullable=False),
)

commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _run(index=True),
    sa.Column("kind", _text, nullable=False),
    sa.Column("payload", _text, nullable=False, default="{}"),
    sa.Column("by", _text, nullable=False, default=""),
    sa.Column("created", _real, nullable=False),
    sa.Column("handled", _real),
    sa.Column("outcome", _text),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _run(index=True),
    sa.Column("step", _whole, nullable=False),
    sa.Column("time", _real, nullable=False),
    sa.Column("kind", _text, nullable=False),
    sa.Column("payload", _text, nullable=False, default="{}"),
)

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("sha256", _text, primary_key=True),
    sa.Column("name", _text, nullable=False, index=True),
    sa.Column("kind", _text, nullable=False),
    sa.Column("shape", _text, nullable=False),
    sa.Column("parts", _text, nullable=False),
    sa.Column("preview", _blob, nullable=False),
    sa.Column("data", _blob),
    sa.Column("created", _real, nullable=False),
    sa.Column("names", _text),
)

dataset_owners = sa.Table(
    "dataset_owners",
    metadata,
    sa.Column("dataset", _text, sa.ForeignKey("datasets.sha256", ondelete="CASCADE"), primary_key=True),
    sa.Column("owner", _text, primary_key=True),
    sa.Column("published", _Flag, nullable=False, default=False),
    sa.Column("created", _real, nullable=False),
    sa.Column("file", _text),
    sa.Column("names", _text),
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("owner", _text, primary_key=True),
    sa.Column("nickname", _text, nullable=False),
)

reports = sa.Table(
    "reports",
    metadata,
    _run(primary_key=True),
    sa.Column("step", _whole, primary_key=True),
    sa.Column("space", _text, primary_key=True),
    sa.Column("n", _whole, primary_key=True),
    sa.Column("k", _whole, primary_key=True),
    sa.Column("seed", _whole, primary_key=True),
    sa.Column("panel", _text, primary_key=True),
    sa.Column("report", _text, nullable=False),
)

references = sa.Table(
    "references",
    metadata,
    sa.Column("dataset", _text, primary_key=True),
    sa.Column("space", _text, primary_key=True),
    sa.Column("n", _whole, primary_key=True),
    sa.Column("k", _whole, primary_key=True),
    sa.Column("seed", _whole, primary_key=True),
    sa.Column("panel", _text, primary_key=True),
    sa.Column("reference", _text, nullable=False),
)

features = sa.Table(
    "features",
    metadata,
    sa.Column("dataset", _text, primary_key=True),
    sa.Column("space", _text, primary_key=True),
    sa.Column("weights", _blob, nullable=False),
    sa.Column("accuracy", _real, nullable=False),
    sa.Column("sha256", _text, nullable=False),
    sa.Column("versions", _text, nullable=False),
    sa.Column("created", _real, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key", _text, nullable=False, unique=True),
    sa.Column("kind", _text, nullable=False),
    sa.Column("run_id", _text, sa.ForeignKey("runs.id", ondelete="CASCADE"), index=True),
    sa.Column("step", _whole),
    sa.Column("params", _text, nullable=False),
    sa.Column("state", _text, nullable=False, index=True),
    sa.Column("progress", _real, nullable=False, default=0.0),
    sa.Column("error", _text),
    sa.Column("result", _blob),
    sa.Column("worker_id", _text),
    sa.Column("created", _real, nullable=False),
    sa.Column("ended", _real),
    sa.Column("deaths", _whole, nullable=False, default=0, server_default="0"),
)

job_askers = sa.Table(
    "job_askers",
    metadata,
    sa.Column("job_id", _id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("owner", _text, primary_key=True, index=True),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("line", _text, primary_key=True),
    sa.Column("owner", _text, primary_key=True),
    sa.Column("served", _real, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", _text, primary_key=True),
    sa.Column("host", _text, nullable=False),
    sa.Column("pid", _whole, nullable=False),
    sa.Column("phase", _text, nullable=False),
    sa.Column("heartbeat", _real, nullable=False),
    sa.Column("memory", _whole, nullable=False, default=0),
    sa.Column("versions", _text, nullable=False, default="{}"),
    sa.Column("error", _text),
)

submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("nonce", _text, primary_key=True),
    sa.Column("result", _text, nullable=False),
    sa.Column("created", _real, nullable=False),
)


class now(FunctionElement[float]):
    """Seconds since 1970 by the database's clock: the only clock that every process shares."""

    type = sa.Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(element: now, compiler: SQLCompiler, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"
