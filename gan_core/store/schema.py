"""The tables, and how a connection to them is opened. Blobs live in columns that listings never read."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from gan_core.records import StoreError

SCHEMA_VERSION = 5

metadata = sa.MetaData()
_text, _real, _whole, _blob = sa.Text, sa.Double, sa.BigInteger, sa.LargeBinary
_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts only plain INTEGER keys by itself


def _run(**options):
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
    sa.Column("published", sa.Boolean, nullable=False, default=False),
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
    sa.Column("owner", _text, nullable=False, default=""),
    sa.Column("published", sa.Boolean, nullable=False, default=False),
    sa.Column("created", _real, nullable=False),
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


class now(FunctionElement):
    """Seconds since 1970 by the database's clock: the only clock that every process shares."""

    type = sa.Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(element, compiler, **_):
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(element, compiler, **_):
    return "extract(epoch from clock_timestamp())::double precision"


class Database:
    """One URL, and transactions on it: `reading()` and `writing()` give a connection, or raise StoreError."""

    def __init__(self, url: str):
        self.url = str(url)
        try:
            parsed = make_url(self.url)
        except (sa.exc.ArgumentError, ValueError):
            start, at, place = self.url.rpartition("@")  # whatever stands before an @ may be a password
            raise StoreError(
                f"{'***@' + place if at else place!r} is not a database URL; "
                "write sqlite:///file.sqlite or postgresql+psycopg://user@host/name"
            ) from None
        if parsed.drivername in ("postgres", "postgresql"):  # as hosting services write it
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.shown = parsed.render_as_string(hide_password=True)
        self.is_sqlite = parsed.drivername.startswith("sqlite")
        if self.is_sqlite and parsed.database in (None, "", ":memory:"):
            raise StoreError(f"the store {self.shown} would keep nothing: name a file, sqlite:///file.sqlite")
        if not self.is_sqlite and "connect_timeout" not in parsed.query:
            parsed = parsed.update_query_dict({"connect_timeout": "10"})
        try:
            if self.is_sqlite:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(parsed, pool_pre_ping=not self.is_sqlite)
        except (OSError, sa.exc.SQLAlchemyError, ImportError) as error:
            raise StoreError(f"the store {self.shown} cannot be opened: {_first_line(error)}") from error
        self._file, self._opened = None, None
        self._joined = threading.local()
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        self._create()
        if self.is_sqlite:
            self._file = Path(parsed.database).resolve()
            self._opened = _identity(self._file)

    def _create(self) -> None:
        with self.writing() as connection:
            if not self.is_sqlite:  # two processes may open an empty or an old database at the same moment
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7318349)"))
            metadata.create_all(connection)
            found = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
            if found is None:
                connection.execute(meta.insert().values(key="schema", value=str(SCHEMA_VERSION)))
            elif found in _UPGRADES:
                for version in range(int(found), SCHEMA_VERSION):
                    _UPGRADES[str(version)](connection)
                connection.execute(meta.update().where(meta.c.key == "schema").values(value=str(SCHEMA_VERSION)))
            elif found != str(SCHEMA_VERSION):
                raise StoreError(
                    f"the store {self.shown} has schema {found}, this Ganometer knows schema {SCHEMA_VERSION}: "
                    "use the version that made it, or another store (GANOMETER_STORE)"
                )

    @contextmanager
    def reading(self):
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def writing(self):
        with self._transaction(write=True) as connection:
            yield connection

    @contextmanager
    def joined(self):
        """Whatever this thread reads and writes inside is one transaction, and nobody else is in such a one meanwhile.

        So what is looked up first is still true when something is made of it, in every process on this database.
        """
        with self.writing() as connection:
            one_at_a_time(connection)
            self._joined.connection = connection
            try:
                yield connection
            finally:
                del self._joined.connection

    @contextmanager
    def _transaction(self, write: bool):
        if (joined := getattr(self._joined, "connection", None)) is not None:
            yield joined
            return
        if self._file and _identity(self._file) != self._opened:
            # What is open still leads to the old file, and would write where nobody will ever read.
            raise StoreError(
                f"the store {self.shown} is gone: its file was deleted, moved or replaced while it was in use; put it "
                "back, or restart Ganometer to begin with what is there"
            )
        try:
            with self.engine.connect() as connection:
                connection = connection.execution_options(write=write)
                with connection.begin():
                    yield connection
        except sa.exc.SQLAlchemyError as error:
            reason = _first_line(getattr(error, "orig", None) or error)
            raise StoreError(f"the store {self.shown} refused: {reason}") from error

    def shrink(self) -> None:
        """Give the space of deleted rows back to the file system (SQLite)."""
        if self.is_sqlite:
            raw = self.engine.raw_connection()
            try:  # through `execute` this pragma frees a single page
                raw.driver_connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
            except sqlite3.OperationalError:
                pass  # somebody is writing: the rows are gone, and the next delete gives the space back
            finally:
                raw.close()

    def close(self) -> None:
        self.engine.dispose()


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def one_at_a_time(connection) -> None:
    """Until this transaction ends, nobody else gets past this line: what is looked up now stays true.

    SQLite's writers are alone anyway; on PostgreSQL the lock of one row does it.
    """
    connection.execute(sa.select(meta.c.value).where(meta.c.key == "schema").with_for_update())


def _upgrade_from_1(connection) -> None:
    """Version 2 tells reports and references apart by k and panel too. References can be measured again: they go."""
    known = reports.c.run_id, reports.c.step, reports.c.space, reports.c.n, reports.c.seed, reports.c.report
    kept = [dict(row) for row in connection.execute(sa.select(*known)).mappings()]
    for table in (reports, references):
        table.drop(connection)
        table.create(connection)
    for row in kept:
        row |= dict(k=_k_of(row["report"]), panel="live")
    if kept:
        connection.execute(reports.insert(), kept)


def _upgrade_from_2(connection) -> None:
    """Version 3 knows who may see a run or a data set, and how much of a run a crash would cost."""
    there = {table: {c["name"] for c in sa.inspect(connection).get_columns(table.name)} for table in (runs, datasets)}
    for table, column in ((runs, "at_risk"), (runs, "published"), (datasets, "published")):
        if column not in there[table]:  # a table that version 1 did not have is new, and complete
            kind = table.c[column].type.compile(connection.dialect)
            rest = "" if table.c[column].nullable else " NOT NULL DEFAULT FALSE"
            connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column} {kind}{rest}"))


def _upgrade_from_3(connection) -> None:
    """Version 4 keeps the tags of a run."""
    if "tags" not in {column["name"] for column in sa.inspect(connection).get_columns(runs.name)}:
        connection.execute(sa.text("ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'"))


def _upgrade_from_4(connection) -> None:
    """Version 5 keeps what forms have submitted, in a table of its own, which is there by now."""


_UPGRADES = {"1": _upgrade_from_1, "2": _upgrade_from_2, "3": _upgrade_from_3, "4": _upgrade_from_4}
"""What brings a store of that version to the next one."""


def _k_of(report: str) -> int:
    """The k a stored report was measured with. An imported one may say anything, and must not keep a store shut."""
    k = json.loads(report).get("k")
    return k if type(k) is int and 0 < k < 2**31 else 5


def _prepare_sqlite(connection, _record) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    _enter_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _enter_wal(connection, attempts: int = 200) -> None:
    """Several may open an empty file at once; whoever meets another's change of mode is refused without waiting."""
    for left in reversed(range(attempts)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not left:
                raise
            time.sleep(0.05)


def _begin_sqlite(connection) -> None:
    # A writer asks for the lock at once: upgrading a read transaction later may fail without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
