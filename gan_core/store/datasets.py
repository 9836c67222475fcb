"""Data sets: what is known about each, and the bytes of the uploaded ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from gan_core.records import DatasetInfo, Unreadable
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.rows import dataset_info, dataset_row, insert_new
from gan_core.store.schema import datasets


class Datasets:
    """The data sets of all runs, by the hash of their content."""

    def __init__(self, database: Database):
        self._db = database

    def put(self, info: DatasetInfo, data: bytes | None = None) -> None:
        """Keep what is known about a data set; `data` are the bytes of an upload. A known one stays as it is."""
        with self._db.writing() as db:
            one_at_a_time(db)
            insert_new(db, datasets, dataset_row(info, data))

    def get(self, sha256: str) -> DatasetInfo | None:
        """The data set with this hash of its content, or None. Raises Unreadable."""
        return next(map(dataset_info, self._rows(datasets.c.sha256 == sha256)), None)

    def named(self, name: str) -> DatasetInfo | None:
        """The newest data set of this name, or None. Raises Unreadable."""
        return next(map(dataset_info, self._rows(datasets.c.name == name)), None)

    def uploads(self) -> list[DatasetInfo]:
        """The uploaded data sets that can be read, newest first."""
        found: list[DatasetInfo] = []
        for row in self._rows(datasets.c.data.is_not(None)):
            with suppress(Unreadable):
                found.append(dataset_info(row))
        return found

    def add_owner(self, name: str, owner: str) -> None:
        """Another person has uploaded the same data: the upload is theirs too."""
        with self._db.writing() as db:
            one_at_a_time(db)
            owners = db.scalar(sa.select(datasets.c.owner).where(datasets.c.name == name)) or ""
            if owner not in owners.split():
                db.execute(datasets.update().where(datasets.c.name == name).values(owner=f"{owners} {owner}".strip()))

    def publish(self, name: str, published: bool) -> None:
        """Show an upload to everybody, or no longer."""
        with self._db.writing() as db:
            db.execute(datasets.update().where(datasets.c.name == name).values(published=published))

    def upload_bytes(self, name: str) -> bytes | None:
        """The bytes of an upload, as `data.datasets.dataset_from_bytes` reads them; None where there is none."""
        query = sa.select(datasets.c.data).where(datasets.c.name == name, datasets.c.data.is_not(None))
        with self._db.reading() as db:
            data = db.scalar(query.limit(1))
        return data if isinstance(data, bytes) else None

    def _rows(self, where: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
        query = sa.select(*(c for c in datasets.c if c.name != "data")).where(where)
        with self._db.reading() as db:
            return db.execute(query.order_by(datasets.c.created.desc())).all()
