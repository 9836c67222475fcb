"""Runs: what a person makes of them. They are created, forked, made longer, listed, named, tagged and deleted."""

from __future__ import annotations

import json
import secrets
from typing import Any, Iterable

import sqlalchemy as sa

from gan_core.config import run_config as configs
from gan_core.config.run_config import RunConfig
from gan_core.records import ACTIVE, GanometerError, RunInfo, RunKind, Unreadable, UnreadableRun, short_data_name
from gan_core.store import turns
from gan_core.store.database import Database
from gan_core.store.labels import checked_name, checked_tags
from gan_core.store.leases import check_free
from gan_core.store.rows import listing, run_in, sound_step
from gan_core.store.schema import checkpoints, now, runs, snapshots
from gan_core.store.states import RESUMABLE, add_event, change_state, locked_run, unknown_run


class Runs:
    """Every run there is."""

    def __init__(self, database: Database):
        self._db = database

    def create(
        self,
        config: RunConfig,
        *,
        name: str = "",
        owner: str = "",
        worker_id: str | None = None,
        kind: RunKind = "trained",
        total_steps: int | None = None,
    ) -> str:
        """The id of a new run. It is queued; or claimed by `worker_id`, a process that trains or writes its own run.

        A run of another `kind` is never queued: it needs a `worker_id`. `total_steps` are those of its `config`, unless
        the training is somebody else's.
        """
        if kind != "trained" and worker_id is None:
            raise GanometerError(f"a run of kind {kind!r} cannot wait for a worker; say which process writes it")
        run_id = secrets.token_hex(4)
        values = dict(
            id=run_id,
            name=name or f"{short_data_name(config.data.name)} · {config.preset}",
            config=configs.to_json(config),
            state="running" if worker_id else "queued",
            total_steps=config.training.steps if total_steps is None else total_steps,
            owner=owner,
            created=now(),
            queued=now(),
            kind=kind,
        )
        if worker_id:
            values |= dict(worker_id=worker_id, claim_no=1, heartbeat=now(), started=now(), phase="starting")
        with self._db.writing() as db:
            db.execute(runs.insert().values(**values))
            about = {"preset": config.preset} if kind == "trained" else {"kind": kind}
            add_event(db, run_id, 0, "created", about | {"by": owner})
            if worker_id:
                add_event(db, run_id, 0, "running", {})
        return run_id

    def fork(self, parent_id: str, step: int, config: RunConfig, *, name: str = "", owner: str = "") -> str:
        """A new run, waiting in the queue, that goes on from a step of another one.

        It goes on exactly where the parent has a checkpoint of that step, else with the generator of its snapshot.
        Both are copied: the new run does not need its parent any more. Raises GanometerError where there is neither.
        """
        run_id = secrets.token_hex(4)
        with self._db.writing() as db:
            parent = locked_run(db, parent_id)
            copied = {
                table: db.execute(sa.select(table).where(table.c.run_id == parent_id, table.c.step == step))
                .mappings()
                .first()
                for table in (checkpoints, snapshots)
            }
            if not any(copied.values()):
                kept = ", ".join(map(str, _kept_steps(db, parent_id))) or "none yet: let it train first"
                raise GanometerError(f"run {parent_id} keeps nothing of step {step}; the steps it keeps are {kept}")
            values = dict(
                id=run_id,
                name=name or f"{parent.name} · from step {step:,}",
                config=configs.to_json(config),
                state="queued",
                step=step,
                total_steps=config.training.steps,
                owner=owner,
                dataset=parent.dataset,
                parent_id=parent_id,
                parent_step=step,
                created=now(),
                queued=now(),
            )
            db.execute(runs.insert().values(**values))
            for table, row in copied.items():
                if row:
                    db.execute(table.insert().values(dict(row) | {"run_id": run_id}))
            add_event(db, run_id, step, "forked", {"parent": parent_id, "by": owner})
        return run_id

    def kept_steps(self, run_id: str) -> dict[int, bool]:
        """{step that a fork can begin at: whether there is a checkpoint of it, so that the fork goes on exactly}"""
        with self._db.reading() as db:
            return _kept_steps(db, run_id)

    def extend(self, run_id: str, config: RunConfig, *, by: str = "") -> None:
        """Put a run that has ended into the queue again, with a longer configuration.

        Raises GanometerError when it has not ended.
        """
        with self._db.writing() as db:
            row = locked_run(db, run_id)
            if row.worker_id is not None or row.state not in (*RESUMABLE, "finished"):
                raise GanometerError(f"run {run_id} is {row.state}: only a run that has ended can be made longer")
            before = configs.from_json(row.config)
            add_event(db, run_id, row.step, "set", {"changes": configs.differences(before, config), "by": by})
            about: dict[str, Any] = dict(config=configs.to_json(config), total_steps=config.training.steps)
            change_state(db, row, "queued", queued=now(), error=None, ended=None, phase="", **about)

    def get(self, run_id: str) -> RunInfo:
        """Raises UnknownRun, and Unreadable for a run that `find` gives as an UnreadableRun."""
        found = self.find(run_id)
        if isinstance(found, UnreadableRun):
            raise Unreadable(found.why)
        return found

    def find(self, run_id: str) -> RunInfo | UnreadableRun:
        """A run, also one that cannot be read. Raises UnknownRun."""
        with self._db.reading() as db:
            row = db.execute(listing().where(runs.c.id == run_id)).mappings().first()
            if row is None:
                raise unknown_run(run_id)
            return run_in(row, turns.places(db) if row["state"] == "queued" else None)

    def all(self, limit: int = 200) -> list[RunInfo]:
        """The newest runs that can be read first."""
        return [run for run in self.listed(limit) if isinstance(run, RunInfo)]

    def listed(self, limit: int = 200) -> list[RunInfo | UnreadableRun]:
        """The newest runs first: `limit` of those that can be read, and as many of those that cannot."""
        newest = listing().order_by(runs.c.created.desc(), runs.c.id)
        found: list[RunInfo | UnreadableRun] = []
        readable = unreadable = 0
        with self._db.reading() as db:
            places = turns.places(db)
            while readable < limit:
                # What cannot be read takes nobody's place.
                rows = db.execute(newest.limit(limit).offset(readable + unreadable)).mappings().all()
                for run in (run_in(row, places) for row in rows):
                    sound = isinstance(run, RunInfo)
                    readable, unreadable = readable + sound, unreadable + (not sound)
                    if (readable if sound else unreadable) <= limit:
                        found.append(run)
                if len(rows) < limit:
                    break
        return found

    def of_seed(self, dataset: str, seed: int, states: Iterable[str]) -> list[RunInfo | UnreadableRun]:
        """The runs that were trained here, are in one of these states, and whose settings name this data set and this
        seed; the newest first."""
        named = runs.c.config.contains(f'"{dataset}"', autoescape=True)
        seeded = runs.c.config.contains(f'"seed": {seed},', autoescape=True)
        here = (runs.c.kind == "trained", runs.c.state.in_([*states]))
        query = listing().where(named, seeded, *here).order_by(runs.c.created.desc())
        with self._db.reading() as db:
            places = turns.places(db)
            return [run_in(row, places) for row in db.execute(query).mappings()]

    def version(self, run_id: str) -> int:
        """A number that grows with every change of the run; 0 where there is no such run."""
        with self._db.reading() as db:
            return db.scalar(sa.select(runs.c.version).where(runs.c.id == run_id)) or 0

    def rename(self, run_id: str, name: str) -> None:
        """Raises GanometerError for a name that is too long, empty, or cannot be shown."""
        self._update(run_id, name=checked_name(name))

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Give a run these tags instead of those it has. Raises GanometerError for tags that cannot be kept."""
        self._update(run_id, tags=json.dumps(checked_tags(tags)))

    def publish(self, run_id: str, published: bool) -> None:
        """Show the run to everybody, or no longer."""
        self._update(run_id, published=published)

    def unfinished_of(self, owner: str, *, beside: str | None = None) -> int:
        """How many runs of an owner are queued, paused or trained here, beside the run with this id."""
        waiting = sa.and_(runs.c.owner == owner, runs.c.state.in_(ACTIVE), runs.c.kind == "trained")
        query = sa.select(sa.func.count()).select_from(runs).where(waiting)
        if beside is not None:
            query = query.where(runs.c.id != beside)
        with self._db.reading() as db:
            return db.scalar(query) or 0

    def on_data(self, dataset: str) -> list[tuple[str, str]]:
        """(name, owner) of every run whose settings name this data set, the newest first."""
        named = runs.c.config.contains(f'"{dataset}"', autoescape=True)
        with self._db.reading() as db:
            found = db.execute(sa.select(runs.c.name, runs.c.owner).where(named).order_by(runs.c.created.desc()))
            return [(row.name, row.owner) for row in found]

    def delete(self, run_id: str) -> None:
        """Remove a run and everything of it, and shrink the file. A run that is being trained is refused."""
        with self._db.writing() as db:
            row = locked_run(db, run_id)
            check_free(db, row, "deleting it")
            db.execute(runs.delete().where(runs.c.id == run_id))
        self._db.shrink()

    def _update(self, run_id: str, **values: Any) -> None:
        with self._db.writing() as db:
            locked_run(db, run_id)
            db.execute(runs.update().where(runs.c.id == run_id).values(version=runs.c.version + 1, **values))


def _kept_steps(db: sa.Connection, run_id: str) -> dict[int, bool]:
    exact, shown = (
        set(db.scalars(sa.select(table.c.step).where(table.c.run_id == run_id, sound_step(table.c.step))))
        for table in (checkpoints, snapshots)
    )
    return {step: step in exact for step in sorted(exact | shown)}
