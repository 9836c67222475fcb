"""People of a shared server: what each wants to be called. Nothing else is kept of anybody."""

from __future__ import annotations

import sqlalchemy as sa

from gan_core.store.database import Database
from gan_core.store.labels import checked_nickname
from gan_core.store.rows import upsert
from gan_core.store.schema import people


class People:
    """The nicknames of owners."""

    def __init__(self, database: Database):
        self._db = database

    def nicknames(self) -> dict[str, str]:
        """{owner: nickname} of everybody who has given one."""
        with self._db.reading() as db:
            return {row.owner: row.nickname for row in db.execute(sa.select(people))}

    def call(self, owner: str, nickname: str) -> None:
        """Keep a nickname. Raises GanometerError for one that is empty, too long, or cannot be shown."""
        row = dict(owner=owner, nickname=checked_nickname(nickname))
        with self._db.writing() as db:
            upsert(db, people, "owner", row)
