"""Brings a database to the newest revision of the tables: creates them, upgrades them, or says why it cannot.

Alembic does the upgrades. To import it takes a fifth of a second, so a new store, and one that is up to date, are
opened without it. To change the tables: change schema.py, add a revision to `migrations/versions`, and set HEAD.
"""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from gan_core.records import StoreError
from gan_core.store import schema

HEAD = "0010"
"""The newest revision. A test compares it with the revisions there are."""

REVISION_OF = {"4": "0001", "5": "0002"}
"""Ganometer 0.1.0 kept a number of its schema in the table `meta`: these are the revisions with the same tables."""

TOO_OLD = ("1", "2", "3")

version_table = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as Alembic makes it. Its one row is the revision of this database."""

_one_upgrade = threading.Lock()  # Alembic keeps the migration that is running in its own module


def is_up_to_date(connection: sa.Connection) -> bool:
    """Whether the database has the newest revision."""
    return _revision(connection) == HEAD


def bring_up_to_date(connection: sa.Connection, shown: str) -> None:
    """Create the tables in an empty database, or upgrade those of an older Ganometer and lose nothing.

    All of it happens in the caller's transaction, which must hold a lock that keeps other processes from doing the
    same. Raises StoreError, which calls the store `shown`, where its revision is unknown or too old.
    """
    found = _revision(connection)
    if found is None:
        number = _schema_number(connection)
        if number in TOO_OLD:
            raise StoreError(
                f"the store {shown} has schema {number}, which is older than Ganometer 0.1.0: open it once with "
                "Ganometer 0.1.0, which upgrades it, or use another store (GANOMETER_STORE)"
            )
        if number is None:
            schema.metadata.create_all(connection, checkfirst=False)
            found = HEAD
        elif number in REVISION_OF:
            connection.execute(schema.meta.delete().where(schema.meta.c.key == "schema"))
            found = REVISION_OF[number]
        else:
            raise _unknown(number, shown)
        version_table.create(connection)
        connection.execute(version_table.insert().values(version_num=found))
    if found != HEAD:
        _upgrade(connection, found, shown)


def _upgrade(connection: sa.Connection, found: str, shown: str) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a command line shows what it says from INFO on
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "gan_core.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise _unknown(found, shown)
    with _one_upgrade:
        command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(version_table.name):
        return None
    return connection.scalar(sa.select(version_table.c.version_num))


def _schema_number(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(schema.meta.name):
        return None
    return connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.key == "schema"))


def _unknown(found: str, shown: str) -> StoreError:
    return StoreError(
        f"the store {shown} has schema {found}, this Ganometer knows schema {HEAD}: "
        "use the version that made it, or another store (GANOMETER_STORE)"
    )
