"""Data sets: what is known about each, and the bytes of the uploaded ones."""

from __future__ import annotations

import json

import sqlalchemy as sa

from gan_core.records import DatasetInfo
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.rows import dataset_row, unpack
from gan_core.store.schema import datasets


class Datasets:
    """The data sets of all runs, by the hash of their content."""

    def __init__(self, database: Database):
        self._db = database

    def put(self, info: DatasetInfo, data: bytes | None = None) -> None:
        """Keep what is known about a data set; `data` are the bytes of an upload.

        Whoever calls this has had the samples before it. So it replaces what the store may have from a bundle, which
        said what it liked; only the bytes stay where none are given, and the name with them.
        """
        row = dataset_row(info, data)
        about = {key: row[key] for key in ("kind", "shape", "parts", "preview")}
        if data is not None:
            about |= {"name": info.name, "data": data}
        with self._db.writing() as db:
            one_at_a_time(db)
            if not db.execute(datasets.update().where(datasets.c.sha256 == info.sha256).values(**about)).rowcount:
                db.execute(datasets.insert().values(**row))

    def get(self, sha256: str) -> DatasetInfo | None:
        """The data set with this hash of its content, or None."""
        return next(iter(self._datasets(datasets.c.sha256 == sha256)), None)

    def named(self, name: str) -> DatasetInfo | None:
        """The newest data set of this name, or None."""
        return next(iter(self._datasets(datasets.c.name == name)), None)

    def uploads(self) -> list[DatasetInfo]:
        """The uploaded data sets, newest first."""
        return self._datasets(datasets.c.data.is_not(None))

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
            return db.scalar(query.limit(1))

    def _datasets(self, where: sa.ColumnElement[bool]) -> list[DatasetInfo]:
        query = sa.select(*(c for c in datasets.c if c.name != "data")).where(where)
        with self._db.reading() as db:
            rows = db.execute(query.order_by(datasets.c.created.desc())).all()
        found = []
        for row in rows:
            preview = unpack(row.preview)
            found.append(
                DatasetInfo(
                    row.name,
                    row.sha256,
                    row.kind,
                    tuple(json.loads(row.shape)),
                    json.loads(row.parts),
                    preview["x"],
                    preview["y"],
                    row.owner,
                    row.published,
                )
            )
        return found
