"""Data sets: what is known about each, the bytes of the uploaded ones, and whose these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import sqlalchemy as sa

from gan_core.records import NO_NAMES, DataNames, DatasetInfo, Unreadable
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.rows import data_names, dataset_info, dataset_row, insert_new, names_row
from gan_core.store.schema import dataset_owners, datasets, features, jobs, now, references


class StoredUpload(NamedTuple):
    """An upload that is kept: the name of the data set, whom it belongs to, and the bytes that it takes."""

    name: str
    owners: tuple[str, ...]
    size: int


class Datasets:
    """The data sets of all runs, by the hash of their content."""

    def __init__(self, database: Database):
        self._db = database

    def put(self, info: DatasetInfo, data: bytes | None = None) -> None:
        """Keep what is known about a data set; `data` are the bytes of an upload.

        Whoever calls this has had the samples before it. So it replaces what the store may have from a bundle, which
        said what it liked; only the bytes stay where none are given, and the name with them. Its owners are
        those of `add_owner`.
        """
        row = dataset_row(info, data)
        about = {key: row[key] for key in ("kind", "shape", "parts", "preview")}
        if info.names != NO_NAMES:
            about |= {"names": row["names"]}
        if data is not None:
            about |= {"name": info.name, "data": data}
        with self._db.writing() as db:
            if data is not None:
                db.detach()  # a connection of SQLite keeps the last values of each statement: it is closed after this
            one_at_a_time(db)
            if data is not None:  # what a bundle claimed of data that nobody here had is measured now
                unseen = sa.and_(datasets.c.sha256 == info.sha256, datasets.c.data.is_(None))
                claimed = sa.select(datasets.c.sha256).where(unseen)
                db.execute(references.delete().where(references.c.dataset.in_(claimed)))
            # Values in a statement would stay too, in SQLAlchemy's cache of statements.
            known = datasets.update().where(datasets.c.sha256 == sa.bindparam("known"))
            if not db.execute(known, {"known": info.sha256, **about}).rowcount:
                db.execute(datasets.insert().values(created=row.pop("created")), row)

    def get(self, sha256: str) -> DatasetInfo | None:
        """The data set with this hash of its content, or None. Raises Unreadable."""
        return self._first(datasets.c.sha256 == sha256)

    def named(self, name: str) -> DatasetInfo | None:
        """The newest data set of this name, or None. Raises Unreadable."""
        return self._first(datasets.c.name == name)

    def uploads(self) -> list[DatasetInfo]:
        """The uploaded data sets that can be read, newest first."""
        found: list[DatasetInfo] = []
        uploaded = datasets.c.data.is_not(None)
        shares = self._shares(uploaded)
        for row in self._rows(uploaded):
            with suppress(Unreadable):
                found.append(dataset_info(row, shares.get(row.sha256, {})))
        return found

    def owners(self) -> dict[str, dict[str, bool]]:
        """{name of an upload whose rows are here: {owner: whether this one has published it}}"""
        query = sa.select(datasets.c.name, dataset_owners.c.owner, dataset_owners.c.published)
        query = query.select_from(datasets.outerjoin(dataset_owners)).where(datasets.c.data.is_not(None))
        found: dict[str, dict[str, bool]] = {}
        with self._db.reading() as db:
            for name, owner, published in db.execute(query):
                shares = found.setdefault(name, {})
                if owner is not None:
                    shares[owner] = published == 1
        return found

    def add_owner(self, name: str, owner: str, file: str | None = None, names: DataNames = NO_NAMES) -> None:
        """A person has uploaded these data, or the same as somebody before: they are theirs, too, and not published.

        `file` is what the person calls them, and `names` what that file calls its classes and columns; the last ones
        count.
        """
        with self._db.writing() as db:
            one_at_a_time(db)
            for sha256 in db.scalars(sa.select(datasets.c.sha256).where(datasets.c.name == name)).all():
                insert_new(db, dataset_owners, dict(dataset=sha256, owner=owner, published=False, created=now()))
                if file is not None:  # the file that was read last has the last word on its names, too
                    theirs = (dataset_owners.c.dataset == sha256, dataset_owners.c.owner == owner)
                    db.execute(dataset_owners.update().where(*theirs).values(file=file, names=names_row(names)))

    def names(self, sha256: str) -> dict[str, DataNames]:
        """{owner: what this one's file calls the classes and columns of an upload}, the first owner first."""
        query = sa.select(dataset_owners.c.owner, dataset_owners.c.names)
        query = query.where(dataset_owners.c.dataset == sha256, dataset_owners.c.names.is_not(None))
        with self._db.reading() as db:
            rows = db.execute(query.order_by(dataset_owners.c.created)).all()
        return {row.owner: data_names(row.names) for row in rows}

    def files(self) -> dict[str, list[tuple[str, bool, str]]]:
        """{name of an upload: (owner, whether this one has published it, what the owner's file is called) of each}, the
        first owner first. An owner whose file name is not known is left out."""
        query = sa.select(datasets.c.name, dataset_owners.c.owner, dataset_owners.c.published, dataset_owners.c.file)
        query = query.select_from(datasets.join(dataset_owners)).where(dataset_owners.c.file.is_not(None))
        found: dict[str, list[tuple[str, bool, str]]] = {}
        with self._db.reading() as db:
            for name, owner, published, file in db.execute(query.order_by(dataset_owners.c.created)):
                if isinstance(file, str):
                    found.setdefault(name, []).append((owner, published == 1, file))
        return found

    def stored(self) -> list[StoredUpload]:
        """Every upload with its owners and the bytes that it takes, the newest first."""
        size = sa.func.length(datasets.c.data).label("size")
        query = sa.select(datasets.c.name, size).where(datasets.c.data.is_not(None))
        with self._db.reading() as db:
            rows = db.execute(query.order_by(datasets.c.created.desc())).all()
        owners = self.owners()
        return [StoredUpload(row.name, tuple(owners.get(row.name, ())), row.size) for row in rows]

    def remove_owner(self, name: str, owner: str) -> None:
        """An upload belongs to one person less."""
        of_it = dataset_owners.c.dataset.in_(sa.select(datasets.c.sha256).where(datasets.c.name == name))
        with self._db.writing() as db:
            db.execute(dataset_owners.delete().where(of_it, dataset_owners.c.owner == owner))

    def delete(self, name: str) -> None:
        """Remove an upload with its bytes, and what was measured and learned of it alone."""
        with self._db.writing() as db:
            of_it = sa.select(datasets.c.sha256).where(datasets.c.name == name)
            for table in (references, features, dataset_owners):
                db.execute(table.delete().where(table.c.dataset.in_(of_it)))
            db.execute(jobs.delete().where(jobs.c.params.contains(f'"{name}"', autoescape=True)))
            db.execute(datasets.delete().where(datasets.c.name == name))

    def shrink(self) -> None:
        """Give the space of what was deleted back to the file system."""
        self._db.shrink()

    def publish(self, name: str, published: bool, *, owner: str | None = None) -> None:
        """Show an owner's share of an upload to everybody, or no longer; the share of every owner without `owner`."""
        these = dataset_owners.c.dataset.in_(sa.select(datasets.c.sha256).where(datasets.c.name == name))
        if owner is not None:
            these = sa.and_(these, dataset_owners.c.owner == owner)
        with self._db.writing() as db:
            db.execute(dataset_owners.update().where(these).values(published=published))

    def upload_bytes(self, name: str) -> bytes | None:
        """The bytes of an upload, as `data.datasets.dataset_from_bytes` reads them; None where there is none."""
        query = sa.select(datasets.c.data).where(datasets.c.name == name, datasets.c.data.is_not(None))
        with self._db.reading() as db:
            data = db.scalar(query.limit(1))
        return data if isinstance(data, bytes) else None

    def _first(self, where: sa.ColumnElement[bool]) -> DatasetInfo | None:
        for row in self._rows(where):
            return dataset_info(row, self._shares(datasets.c.sha256 == row.sha256).get(row.sha256, {}))
        return None

    def _rows(self, where: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
        query = sa.select(*(c for c in datasets.c if c.name != "data")).where(where)
        with self._db.reading() as db:
            return db.execute(query.order_by(datasets.c.created.desc())).all()

    def _shares(self, where: sa.ColumnElement[bool]) -> Mapping[str, Mapping[str, bool]]:
        """{hash of a data set: {owner: whether this one has published it}}, the first owner first."""
        owned = sa.select(dataset_owners).where(dataset_owners.c.dataset.in_(sa.select(datasets.c.sha256).where(where)))
        found: dict[str, dict[str, bool]] = {}
        with self._db.reading() as db:
            for row in db.execute(owned.order_by(dataset_owners.c.created)):
                found.setdefault(row.dataset, {})[row.owner] = row.published == 1
        return found
