"""The store: the only meeting point of pages, command line and workers, and the only package that knows tables.

    store = Store("sqlite:///ganometer.sqlite")
    store.runs           what a person makes of runs: create, fork, list, name, delete
    store.commands       pause, resume, stop, step, set: sent to a run, and finished by its worker
    store.leases         which worker has which run
    store.progress       what a worker writes about the run that it trains
    store.recordings     the curves, snapshots, checkpoints and events of runs
    store.datasets       data sets, and the bytes of uploads
    store.people         what people want to be called
    store.measurements   reports, references, feature spaces
    store.jobs           requests to a worker and their answers
    store.workers        the workers

SQLite serves one machine; the same code on PostgreSQL serves any number of them.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import sqlalchemy as sa

from gan_core.store.commands import Commands
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.datasets import Datasets
from gan_core.store.jobs import Jobs
from gan_core.store.leases import LEASE_SECONDS, PATIENCE_SECONDS, TOLD_TO_END, LeaseLost, Leases
from gan_core.store.measurements import Measurements
from gan_core.store.people import People
from gan_core.store.progress import Commit, Edit, NewPreview, Progress
from gan_core.store.recordings import Recordings
from gan_core.store.rows import dataset_row, pack, reference_row, report_row, unpack, upsert
from gan_core.store.runs import Runs
from gan_core.store.schema import meta, now, submissions
from gan_core.store.states import RESUMABLE
from gan_core.store.workers import Workers

__all__ = [
    "LEASE_SECONDS",
    "PATIENCE_SECONDS",
    "RESUMABLE",
    "TOLD_TO_END",
    "Commit",
    "Edit",
    "LeaseLost",
    "NewPreview",
    "Store",
    "dataset_row",
    "pack",
    "reference_row",
    "report_row",
    "unpack",
]

SUBMISSION_SECONDS = 86_400
"""How long the store knows what a submission has made. A second click comes within a moment."""


class Store:
    """Opens (and where needed creates) the database at `url`. Raises StoreError with the reason when it cannot."""

    def __init__(self, url: str):
        self.database = Database(url)
        self.runs = Runs(self.database)
        self.commands = Commands(self.database)
        self.leases = Leases(self.database)
        self.progress = Progress(self.database)
        self.recordings = Recordings(self.database)
        self.datasets = Datasets(self.database)
        self.people = People(self.database)
        self.measurements = Measurements(self.database)
        self.jobs = Jobs(self.database)
        self.workers = Workers(self.database)

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return self.database.shown

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is a file of this machine, which one process at a time can write."""
        return self.database.is_sqlite

    def remembered(self, key: str) -> str | None:
        """The text kept under a key, or None."""
        with self.database.reading() as db:
            return db.scalar(sa.select(meta.c.value).where(meta.c.key == key))

    def remember(self, key: str, value: str) -> None:
        """Keep a text under a key, in place of what was there."""
        with self.database.writing() as db:
            one_at_a_time(db)
            db.execute(meta.delete().where(meta.c.key == key))
            db.execute(meta.insert().values(key=key, value=value))

    def together(self) -> AbstractContextManager[object]:
        """One transaction of all that this thread reads and writes inside, while nobody else is in such a one.

        So of two requests at the same moment, the second sees what the first has changed.
        """
        return self.database.joined()

    def check_writable(self) -> None:
        """Raises StoreError with the reason where nothing can be written at this moment; hardly waits for others."""
        with self.database.probing() as db:
            upsert(db, meta, "key", dict(key="probe", value="written"))

    def submit(self, nonce: str | None, make: Callable[[], list[str]]) -> list[str]:
        """The ids of the runs that `make` creates, or that were created when this nonce came before.

        All that `make` reads and writes is one transaction, with the row of the nonce in it: of two requests at the
        same moment, from any two processes on this store, the second waits for the first. Without a nonce every
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
        """Close the connections. The store opens new ones when it is used again."""
        self.database.close()
