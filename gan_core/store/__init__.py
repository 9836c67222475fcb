"""The store: the only meeting point of pages, command line and workers, and the only package that knows tables.

    store = Store("sqlite:///ganometer.sqlite")
    store.runs       claims, commits, control, and what trainings wrote
    store.jobs       requests to a worker and their answers
    store.library    data sets, references, reports
    store.presence   the workers

SQLite serves one machine; the same code on PostgreSQL serves any number of them.
"""

import sqlalchemy as sa

from gan_core.store.database import Database, one_at_a_time
from gan_core.store.jobs import Jobs
from gan_core.store.library import Library
from gan_core.store.presence import Presence
from gan_core.store.recorded import dataset_row, pack, reference_row, report_row, unpack
from gan_core.store.runs import RESUMABLE, Edit, LeaseLost, Runs
from gan_core.store.schema import meta

__all__ = ["RESUMABLE", "Edit", "Store", "LeaseLost", "dataset_row", "pack", "reference_row", "report_row", "unpack"]


class Store:
    """Opens (and where needed creates) the database at `url`. Raises StoreError with the reason when it cannot."""

    def __init__(self, url: str):
        self.database = Database(url)
        self.runs = Runs(self.database)
        self.jobs = Jobs(self.database)
        self.library = Library(self.database)
        self.presence = Presence(self.database)

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return self.database.shown

    @property
    def is_sqlite(self) -> bool:
        return self.database.is_sqlite

    def remembered(self, key: str) -> str | None:
        """A word kept under a key, or None."""
        with self.database.reading() as db:
            return db.scalar(sa.select(meta.c.value).where(meta.c.key == key))

    def remember(self, key: str, value: str) -> None:
        with self.database.writing() as db:
            one_at_a_time(db)
            db.execute(meta.delete().where(meta.c.key == key))
            db.execute(meta.insert().values(key=key, value=value))

    def close(self) -> None:
        self.database.close()
