"""The store: the only meeting point of pages, command line and workers, and the only package that knows tables.

    store = Store("sqlite:///ganometer.sqlite")
    store.runs       claims, commits, control, and what trainings wrote
    store.jobs       requests to a worker and their answers
    store.library    data sets, references, reports
    store.presence   the workers

SQLite serves one machine; the same code on PostgreSQL serves any number of them.
"""

import json
from collections.abc import Callable

import sqlalchemy as sa

from gan_core.store.jobs import Jobs
from gan_core.store.library import Library
from gan_core.store.presence import Presence
from gan_core.store.recorded import dataset_row, pack, reference_row, report_row, unpack
from gan_core.store.runs import RESUMABLE, Edit, LeaseLost, Runs
from gan_core.store.schema import Database, meta, now, one_at_a_time, submissions

__all__ = ["RESUMABLE", "Edit", "Store", "LeaseLost", "dataset_row", "pack", "reference_row", "report_row", "unpack"]

SUBMISSION_SECONDS = 86_400
"""How long it is remembered what a submission has made; a second click comes within a moment."""


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

    def submit(self, nonce: str | None, make: Callable[[], list[str]]) -> list[str]:
        """The ids of the runs that `make` makes; where this nonce has come before, of those that were made then.

        All that `make` reads and writes is one transaction with the memory of the nonce. Of two requests at the same
        moment, from any two processes on this store, the second one waits for the first. Without a nonce every
        request is a new one.
        """
        with self.database.joined() as db:
            if nonce is None:
                return make()
            db.execute(submissions.delete().where(submissions.c.created < now() - SUBMISSION_SECONDS))
            known = db.scalar(sa.select(submissions.c.result).where(submissions.c.nonce == nonce))
            if known is not None:
                return json.loads(known)
            made = make()
            db.execute(submissions.insert().values(nonce=nonce, result=json.dumps(made), created=now()))
            return made

    def close(self) -> None:
        self.database.close()
