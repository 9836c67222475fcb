"""A connection to the database: its URL, its transactions, and how SQLite is set up."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Iterator

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import make_url

from gan_core.records import StoreError
from gan_core.store.shown_url import shown_url, without_secrets
from gan_core.store.upgrade import bring_up_to_date, is_up_to_date, version_table

WRITER_SECONDS = 4.0
"""How long a transaction waits at most for others that write: what is wrong has to be said within five seconds."""
LOCK_SECONDS = 2.0
"""The same on PostgreSQL, where nobody waits for another's writing but for a lock of a whole table, or of a run."""
CONNECT_SECONDS = 3
"""How long PostgreSQL may take to accept a connection."""
PROBE_SECONDS = 0.3
"""How long a probe waits: a page that is being drawn asks for it."""


class Database:
    """One URL, and transactions on it: `reading()` and `writing()` give a connection, or raise StoreError.

    To open it creates or upgrades the tables where needed.
    """

    def __init__(self, url: str):
        self._url = str(url)
        self.shown = shown_url(self._url)
        try:
            parsed = make_url(self._url)
        except (exc.ArgumentError, ValueError):
            raise StoreError(
                f"{self.shown!r} is not a database URL; "
                "write sqlite:///file.sqlite or postgresql+psycopg://user@host/name"
            ) from None
        if parsed.drivername in ("postgres", "postgresql"):  # as hosting services write it
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.drivername.startswith("sqlite")
        if self.is_sqlite and parsed.database in (None, "", ":memory:"):
            raise StoreError(f"the store {self.shown} would keep nothing: name a file, sqlite:///file.sqlite")
        file = Path(parsed.database) if self.is_sqlite and parsed.database else None
        if not self.is_sqlite and "connect_timeout" not in parsed.query:
            parsed = parsed.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
        if not self.is_sqlite and "tcp_user_timeout" not in parsed.query:  # of a connection whose other end is gone
            parsed = parsed.update_query_dict({"tcp_user_timeout": str(int(1000 * WRITER_SECONDS))})
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            # The parameters of a statement are people's names, settings and samples: no message holds them.
            self.engine = sa.create_engine(parsed, pool_pre_ping=not self.is_sqlite, hide_parameters=True)
        except (OSError, exc.SQLAlchemyError, ImportError, TypeError, ValueError) as error:
            raise StoreError(f"the store {self.shown} cannot be opened: {self._reason(error)}") from None
        self._file: Path | None = None
        self._opened: tuple[int, int] | None = None
        self._joined, self._turn = threading.local(), threading.RLock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "connect", _prepare_postgresql)
        self._bring_up_to_date()
        if file is not None:
            self._file = file.resolve()
            self._opened = _identity(self._file)

    def _bring_up_to_date(self) -> None:
        with self.reading() as connection:
            if is_up_to_date(connection):
                return
        with self.writing() as connection:
            if not self.is_sqlite:  # two processes may open an empty or an old database at the same moment
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7318349)"))
            if not is_up_to_date(connection):
                bring_up_to_date(connection, self.shown)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads. Raises StoreError with the database's own reason."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that may write; on SQLite it waits until no other one writes. An exception undoes all of it.

        Raises StoreError with the database's own reason.
        """
        with self._transaction(write=True) as connection:
            yield connection

    @contextmanager
    def probing(self) -> Iterator[sa.Connection]:
        """A transaction that writes, and hardly waits for others. Raises StoreError as `writing` does."""
        with self._transaction(write=True, wait=PROBE_SECONDS) as connection:
            yield connection

    @contextmanager
    def joined(self) -> Iterator[sa.Connection]:
        """One transaction of all that this thread reads and writes inside, while no other one is `joined`.

        So what is looked up first is still true when something is made of it, in every process on this database.
        """
        with self._in_turn(), self.writing() as connection:
            one_at_a_time(connection)
            self._joined.connection = connection
            try:
                yield connection
            finally:
                del self._joined.connection

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Threads of this process one after the other: SQLite lets any of those that wait go first, and one of a class
        that starts its runs at the same moment would wait for too long."""
        mine = self._turn.acquire(timeout=WRITER_SECONDS)  # whoever waits longer takes the chance of all
        try:
            yield
        finally:
            if mine:
                self._turn.release()

    @contextmanager
    def _transaction(self, write: bool, wait: float | None = None) -> Iterator[sa.Connection]:
        if (joined := getattr(self._joined, "connection", None)) is not None:
            yield joined
            return
        if self._file and _identity(self._file) != self._opened:
            # The open connections still lead to the old file: what they write, nobody would ever read.
            raise StoreError(
                f"the store {self.shown} is gone: its file was deleted, moved or replaced while it was in use; put it "
                "back, or restart Ganometer to begin with what is there",
                "its file was deleted, moved or replaced",
            )
        try:
            with self._connected() as connection:
                connection = connection.execution_options(write=write)
                with self._waiting(connection, wait), connection.begin():
                    if wait is not None and not self.is_sqlite:
                        connection.execute(sa.text(f"SET LOCAL lock_timeout = {int(1000 * wait)}"))
                    yield connection
        except exc.SQLAlchemyError as error:
            # Not "from error": a traceback in a log would hold what the driver says, and that may be the password.
            reason = self._reason(getattr(error, "orig", None) or error)
            raise StoreError(f"the store {self.shown} refused: {reason}", reason) from None

    def _connected(self) -> sa.Connection:
        try:
            return self.engine.connect()
        except (OSError, TypeError, ValueError) as error:  # a driver's own, for example of a host that is no name
            reason = self._reason(error)
            raise StoreError(f"the store {self.shown} cannot be opened: {reason}", reason) from None

    def _reason(self, error: BaseException) -> str:
        """The database's own reason in one line, without a secret of the URL."""
        said = without_secrets(str(error).strip(), self._url)
        return said.splitlines()[0] if said else type(error).__name__

    @contextmanager
    def _waiting(self, connection: sa.Connection, seconds: float | None) -> Iterator[None]:
        """Inside, SQLite waits so long for other writers, and as before without a number."""
        if seconds is None or not self.is_sqlite:
            yield
            return
        sqlite: Any = connection.connection.driver_connection
        before = sqlite.execute("PRAGMA busy_timeout").fetchone()[0]
        sqlite.execute(f"PRAGMA busy_timeout={int(1000 * seconds)}")
        try:
            yield
        finally:
            sqlite.execute(f"PRAGMA busy_timeout={before}")

    def shrink(self) -> None:
        """Give the space of deleted rows back to the file system (SQLite)."""
        if self.is_sqlite:
            raw = self.engine.raw_connection()
            try:  # through `execute` this pragma frees a single page
                sqlite: Any = raw.driver_connection
                sqlite.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
            except sqlite3.OperationalError:
                pass  # somebody is writing: the rows are gone, and the next delete gives the space back
            finally:
                raw.close()

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self.engine.dispose()


def _identity(file: Path) -> tuple[int, int] | None:
    """The device and the number of a file, which another file of the same name does not share; None without a file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def one_at_a_time(connection: sa.Connection) -> None:
    """Wait until no other transaction is past this line; then keep the others before it until this one ends.

    So what is looked up in between stays true. SQLite has one writer at a time anyway; on PostgreSQL a lock on the
    one row of the version table does it, which every store has. Many may stand in line for it: whoever does is patient.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SET LOCAL lock_timeout = {int(1000 * WRITER_SECONDS)}"))
    connection.execute(sa.select(version_table.c.version_num).with_for_update())


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")  # one broken text spoils no query
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    connection.execute(f"PRAGMA busy_timeout={int(1000 * WRITER_SECONDS)}")
    connection.execute("PRAGMA temp_store=MEMORY")  # a full or missing folder for temporary files is no trouble
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    _enter_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(f"SET lock_timeout = {int(1000 * LOCK_SECONDS)}")
    connection.commit()


def _enter_wal(connection: Any, attempts: int = int(WRITER_SECONDS / 0.05)) -> None:
    """Several may open an empty file at once; whoever meets another's change of mode is refused without waiting."""
    for left in reversed(range(attempts)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not left:
                raise
            time.sleep(0.05)


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer asks for the lock at once: upgrading a read transaction later may fail without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")
