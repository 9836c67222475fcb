"""Runs: listings, wishes, claims and commits. Every change of state is one function here."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from functools import lru_cache
from typing import Any, Iterable, Mapping, NamedTuple

import numpy as np
import sqlalchemy as sa

from gan_core.config import run_config as configs
from gan_core.config.run_config import RunConfig
from gan_core.records import (
    ACTIVE,
    Command,
    GanometerError,
    Report,
    RunInfo,
    UnknownRun,
)
from gan_core.store.database import one_at_a_time
from gan_core.store.labels import checked_name, checked_tags
from gan_core.store.recorded import Recorded, pack, report_row
from gan_core.store.schema import (
    checkpoints,
    commands,
    events,
    metrics,
    now,
    reports,
    runs,
    snapshots,
    workers,
)

LEASE_SECONDS = 30
"""A worker that has not been heard of for so long has lost its run."""

KEPT_CHECKPOINTS = 2

MOST_SNAPSHOTS = 48
"""More of them, as a run that was made longer may have, are thinned where they stand closest."""

RESUMABLE = ("paused", "stopped", "interrupted")

COMMANDS = ("pause", "resume", "stop", "step", "set")


class Edit(NamedTuple):
    """What a `set` command has changed: {key: (before, after)}."""

    command: int
    changes: Mapping[str, tuple[Any, Any]]
    by: str


class LeaseLost(GanometerError):
    """The run now belongs to another worker, or is gone: stop writing."""


class Runs(Recorded):
    """Every run there is. Whatever changes one is a method here; what is only read stands in Recorded."""

    # ------------------------------------------------------------ make, list, change, delete

    def create(self, config: RunConfig, *, name: str = "", owner: str = "", worker_id: str | None = None) -> str:
        """A new run, waiting in the queue; or already claimed, for a process that trains its own run."""
        run_id = secrets.token_hex(4)
        values = dict(
            id=run_id,
            name=name or f"{config.data.name} · {config.preset}",
            config=configs.to_json(config),
            state="running" if worker_id else "queued",
            total_steps=config.training.steps,
            owner=owner,
            created=now(),
            queued=now(),
        )
        if worker_id:
            values |= dict(worker_id=worker_id, claim_no=1, heartbeat=now(), started=now(), phase="starting")
        with self._db.writing() as db:
            db.execute(runs.insert().values(**values))
            _event(db, run_id, 0, "created", {"preset": config.preset, "by": owner})
            if worker_id:
                _event(db, run_id, 0, "running", {})
        return run_id

    def fork(self, parent_id: str, step: int, config: RunConfig, *, name: str = "", owner: str = "") -> str:
        """A new run that waits in the queue and goes on from a step of another: exactly, where that has a checkpoint
        there, else with the generator of its snapshot. Raises GanometerError where it has neither.

        What the new run starts from is copied: it does not need its parent any more.
        """
        run_id = secrets.token_hex(4)
        with self._db.writing() as db:
            parent = _locked(db, parent_id)
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
            _event(db, run_id, step, "forked", {"parent": parent_id, "by": owner})
        return run_id

    def kept_steps(self, run_id: str) -> dict[int, bool]:
        """The steps that a fork can begin at, each with whether exactly: from a checkpoint, not only a snapshot."""
        with self._db.reading() as db:
            return _kept_steps(db, run_id)

    def extend(self, run_id: str, config: RunConfig, *, by: str = "") -> None:
        """Put a run that has ended into the queue again, with a longer configuration."""
        with self._db.writing() as db:
            row = _locked(db, run_id)
            if row.worker_id is not None or row.state not in (*RESUMABLE, "finished"):
                raise GanometerError(f"run {run_id} is {row.state}: only a run that has ended can be made longer")
            before = configs.from_json(row.config)
            _event(db, run_id, row.step, "set", {"changes": configs.differences(before, config), "by": by})
            about = dict(config=configs.to_json(config), total_steps=config.training.steps)
            _change(db, row, "queued", queued=now(), error=None, ended=None, phase="", **about)

    def get(self, run_id: str) -> RunInfo:
        with self._db.reading() as db:
            row = db.execute(_listing().where(runs.c.id == run_id)).mappings().first()
        if row is None:
            raise UnknownRun(f"there is no run {run_id!r}; `runs` and the Home page list those there are")
        return _info(row)

    def check_free(self, run_id: str, doing: str) -> None:
        """Raises GanometerError when a worker has the run: which one, and what to do before `doing`."""
        with self._db.reading() as db:
            row = db.execute(sa.select(runs).where(runs.c.id == run_id)).first()
            if row is not None and row.worker_id is not None:
                raise GanometerError(_taken(db, row, doing))

    def all(self, limit: int = 200) -> list[RunInfo]:
        """The newest runs first."""
        with self._db.reading() as db:
            rows = db.execute(_listing().order_by(runs.c.created.desc(), runs.c.id).limit(limit)).mappings().all()
        return [_info(row) for row in rows]

    def pulse(self) -> tuple[int, int]:
        """Two numbers that change whenever any run does: what a page asks before it draws again."""
        with self._db.reading() as db:
            row = db.execute(
                sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(runs.c.version), 0)).select_from(runs)
            )
            return tuple(int(v) for v in row.one())

    def version(self, run_id: str) -> int:
        with self._db.reading() as db:
            return db.scalar(sa.select(runs.c.version).where(runs.c.id == run_id)) or 0

    def rename(self, run_id: str, name: str) -> None:
        self._update(run_id, name=checked_name(name))

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Give a run these tags instead of those it has."""
        self._update(run_id, tags=json.dumps(checked_tags(tags)))

    def publish(self, run_id: str, published: bool) -> None:
        self._update(run_id, published=published)

    def unfinished_of(self, owner: str) -> int:
        """How many runs of an owner wait, rest or train."""
        query = sa.select(sa.func.count()).select_from(runs).where(runs.c.owner == owner, runs.c.state.in_(ACTIVE))
        with self._db.reading() as db:
            return db.scalar(query)

    def delete(self, run_id: str) -> None:
        """Remove a run and everything of it, and shrink the file. A run that is being trained is refused."""
        with self._db.writing() as db:
            row = _locked(db, run_id)
            if row.worker_id is not None:
                raise GanometerError(_taken(db, row, "deleting it"))
            db.execute(runs.delete().where(runs.c.id == run_id))
        self._db.shrink()

    # ------------------------------------------------------------ wishes

    def send(self, run_id: str, kind: str, *, by: str = "", payload: Mapping[str, Any] | None = None) -> str:
        """Ask for pause, resume, stop, step or set; returns what happened, in a word. Asking twice is asking once.

        What needs no worker happens here; everything else waits as a command for the worker that has the run, or
        will have it. `step` takes {"steps": n} and pauses after them, `set` {"changes": {key: value}}.
        """
        if kind not in COMMANDS:
            raise GanometerError(f"{kind!r} is no command; ask for {', '.join(COMMANDS)}")
        with self._db.writing() as db:
            row = _locked(db, run_id)
            if kind == "set":
                return _ask(db, row, kind, payload, by) if row.state in (*ACTIVE, *RESUMABLE) else row.state
            if kind in ("resume", "step") and row.worker_id is None and row.state in RESUMABLE:
                _change(db, row, "queued", queued=now(), error=None, ended=None, phase="")
                if kind == "step":
                    _ask(db, row, kind, payload, by)
                return "queued"
            if kind == "stop" and row.worker_id is None and row.state in ("queued", "paused"):
                _change(db, row, "stopped", ended=now(), phase="")
                return "stopped"
            if kind == "pause" and row.state == "queued":
                _change(db, row, "paused")
                return "paused"
            if kind == "step" and row.state == "queued":
                return _ask(db, row, kind, payload, by)
            if row.worker_id is None or row.state not in ACTIVE:
                return row.state  # nothing to do: it is what it is
            waiting = sa.select(commands.c.kind).where(_waiting(run_id), commands.c.kind != "set")
            last = db.scalar(waiting.order_by(commands.c.id.desc()).limit(1))
            if last != kind and not (last is None and row.state == {"pause": "paused", "resume": "running"}.get(kind)):
                _ask(db, row, kind, payload, by)
            return "asked"

    def pending(self, run_id: str) -> list[Command]:
        """Wishes the worker has not yet fulfilled, oldest first."""
        with self._db.reading() as db:
            rows = db.execute(sa.select(commands).where(_waiting(run_id)).order_by(commands.c.id)).mappings().all()
        return [Command(r["id"], r["run_id"], r["kind"], json.loads(r["payload"]), r["by"], r["created"]) for r in rows]

    def answer(self, command: int, outcome: str) -> None:
        """Say what became of a wish that changed nothing."""
        with self._db.writing() as db:
            db.execute(commands.update().where(commands.c.id == command).values(handled=now(), outcome=outcome))

    def outcomes(self, run_id: str, limit: int = 20) -> list[tuple[Command, str]]:
        """Wishes that were answered, each with the answer, newest first."""
        query = sa.select(commands).where(commands.c.run_id == run_id, commands.c.outcome.is_not(None))
        with self._db.reading() as db:
            rows = db.execute(query.order_by(commands.c.id.desc()).limit(limit)).mappings().all()
        return [
            (Command(r["id"], run_id, r["kind"], json.loads(r["payload"]), r["by"], r["created"]), r["outcome"])
            for r in rows
        ]

    # ------------------------------------------------------------ a worker's side

    def claim(self, worker_id: str, *, at_once: int = 1, run_id: str | None = None) -> RunInfo | None:
        """Take the run that has waited longest, unless `at_once` runs are being trained already.

        The count and the take are one transaction, so two workers can neither share a run nor exceed the limit.
        """
        with self._db.reading() as db:  # an idle worker asks often, and should lock nobody out
            if db.execute(sa.select(runs.c.id).where(runs.c.state == "queued").limit(1)).first() is None:
                return None
        with self._db.writing() as db:
            one_at_a_time(db)
            busy = db.scalar(sa.select(sa.func.count()).select_from(runs).where(runs.c.worker_id.is_not(None)))
            if busy >= at_once:
                return None
            waiting = sa.select(runs).where(runs.c.state == "queued")
            if run_id is not None:
                waiting = waiting.where(runs.c.id == run_id)
            row = db.execute(waiting.order_by(runs.c.queued, runs.c.id).limit(1)).first()
            if row is None:
                return None
            _change(
                db,
                row,
                "running",
                worker_id=worker_id,
                claim_no=row.claim_no + 1,
                heartbeat=now(),
                started=sa.func.coalesce(runs.c.started, now()),
                phase="starting",
                error=None,
                steps_per_second=None,
            )
        return self.get(row.id)

    def beat(self, run_id: str, worker_id: str, claim_no: int) -> bool:
        """Say that the worker is alive; False when the run is no longer its."""
        mine = _mine(run_id, worker_id, claim_no)
        with self._db.writing() as db:
            return db.execute(runs.update().where(mine).values(heartbeat=now())).rowcount == 1

    def describe(self, run_id: str, worker_id: str, claim_no: int, **values) -> None:
        """Write down what the worker learnt about its run: phase, dataset, threads, versions, config."""
        if isinstance(values.get("versions"), Mapping):
            values["versions"] = json.dumps(values["versions"])
        if isinstance(values.get("config"), RunConfig):
            values["total_steps"] = values["config"].training.steps
            values["config"] = configs.to_json(values["config"])
        with self._db.writing() as db:
            statement = runs.update().where(_mine(run_id, worker_id, claim_no))
            if db.execute(statement.values(version=runs.c.version + 1, **values)).rowcount != 1:
                raise LeaseLost(f"run {run_id} belongs to another worker now")

    def commit(
        self,
        run_id: str,
        worker_id: str,
        claim_no: int,
        *,
        state: str,
        step: int,
        seconds: float,
        steps_per_second: float | None,
        values: Iterable[tuple[int, str, float]],
        measured: Iterable[tuple[int, Report]],
        taken: Iterable[tuple[int, np.ndarray, bytes]],
        checkpoint: bytes | None,
        answered: int = 0,
        error: str | None = None,
        edits: Iterable[Edit] = (),
        config: RunConfig | None = None,
        at_risk: float | None = None,
    ) -> None:
        """Everything since the last commit, and the state it leads to, in one transaction.

        `values` are (step, name, value), `measured` (step, report), `taken` are snapshots (step, samples in
        storage form, weights), `seconds` is training time since the last commit. Wishes up to number
        `answered`, whose outcome `state` is, are acknowledged in the same transaction; an ending answers all. `edits`
        have led to `config`, and enter the diary. `at_risk` is how many seconds of training the next crash may cost.
        Raises LeaseLost, and writes nothing, when the run is not this worker's any more.
        """
        with self._db.writing() as db:
            row = db.execute(sa.select(runs).where(_mine(run_id, worker_id, claim_no)).with_for_update()).first()
            if row is None:
                raise LeaseLost(f"run {run_id} belongs to another worker now")
            if rows := [dict(run_id=run_id, step=s, name=n, value=v) for s, n, v in values]:
                db.execute(metrics.insert(), rows)
            taken = list(taken)
            for s, samples, weights in taken:
                db.execute(snapshots.insert().values(run_id=run_id, step=s, samples=pack(x=samples), weights=weights))
            if rows := [report_row(run_id, s, report) for s, report in measured]:
                db.execute(reports.insert(), rows)
            if checkpoint is not None:
                _keep_checkpoint(db, run_id, step, checkpoint)
            changes = dict(
                step=step,
                seconds=row.seconds + seconds,
                steps_per_second=steps_per_second,
                at_risk=at_risk,
                heartbeat=now(),
                phase="training" if state == "running" else "",
            )
            if edits:
                changes |= dict(config=configs.to_json(config), total_steps=config.training.steps)
            for edit in edits:
                _event(db, run_id, step, "set", {"changes": edit.changes, "by": edit.by})
                of_it = commands.update().where(commands.c.id == edit.command)
                db.execute(of_it.values(handled=now(), outcome=f"set at step {step}"))
            if taken:
                _thin_snapshots(db, run_id, row.parent_step)
            if state in ("finished", "stopped", "failed"):
                changes |= dict(worker_id=None, ended=now(), error=error)
                answered = None
            _acknowledge(db, run_id, f"{state} at step {step}", up_to=answered, edits=state in ("finished", "failed"))
            _change(db, row, state, at_step=step, **changes)

    def release(self, run_id: str, worker_id: str, claim_no: int, *, state: str | None = None) -> bool:
        """Give the run up without losing it; `state` names what it is then (a paused run just stays paused).

        "queued": another worker is to go on with it, and to do what is still asked for.
        False, and nothing changes, when somebody asked to resume it at the last moment.
        """
        with self._db.writing() as db:
            row = db.execute(sa.select(runs).where(_mine(run_id, worker_id, claim_no)).with_for_update()).first()
            if row is None:
                return True
            others = commands.c.kind.not_in(("pause", "set"))
            asked = sa.select(sa.func.count()).select_from(commands).where(_waiting(run_id), others)
            if state is None and db.scalar(asked):
                return False
            if state != "queued":  # or the next worker would obey what was meant for this one
                _acknowledge(db, run_id, state or row.state)
            _change(db, row, state or row.state, worker_id=None, phase="")
            return True

    def rewind(self, run_id: str, worker_id: str, claim_no: int, step: int) -> None:
        """Forget what was recorded after `step`, because the training goes on from there; -1 forgets everything."""
        with self._db.writing() as db:
            row = db.execute(sa.select(runs).where(_mine(run_id, worker_id, claim_no)).with_for_update()).first()
            if row is None:
                raise LeaseLost(f"run {run_id} belongs to another worker now")
            for table in (metrics, snapshots, checkpoints, reports):
                db.execute(table.delete().where(table.c.run_id == run_id, table.c.step > step))
            _change(db, row, row.state, step=max(step, 0))

    def interrupt(self, dead_workers: Iterable[str] = ()) -> list[str]:
        """Runs whose worker is known to be dead, or silent for longer than the lease, become interrupted."""
        gone = sa.or_(runs.c.worker_id.in_(list(dead_workers)), runs.c.heartbeat < now() - LEASE_SECONDS)
        query = sa.select(runs).where(runs.c.worker_id.is_not(None), gone)
        with self._db.reading() as db:
            if not db.execute(query.limit(1)).first():
                return []
        with self._db.writing() as db:
            rows = db.execute(query.with_for_update()).all()
            for row in rows:
                _acknowledge(db, row.id, "interrupted")
                _change(db, row, "interrupted", worker_id=None, phase="", error="its worker ended without a word")
        return [row.id for row in rows]

    def _update(self, run_id: str, **values) -> None:
        with self._db.writing() as db:
            _locked(db, run_id)
            db.execute(runs.update().where(runs.c.id == run_id).values(version=runs.c.version + 1, **values))


# ---------------------------------------------------------------- parts


def _listing():
    ahead = runs.alias("ahead")
    position = (
        sa.select(sa.func.count())
        .select_from(ahead)
        .where(ahead.c.state == "queued", sa.tuple_(ahead.c.queued, ahead.c.id) <= sa.tuple_(runs.c.queued, runs.c.id))
        .scalar_subquery()
    )
    return sa.select(
        runs,
        (now() - runs.c.heartbeat).label("heartbeat_age"),
        sa.case((runs.c.state == "queued", position)).label("position"),
    )


def _info(row: Mapping[str, Any]) -> RunInfo:
    same = (
        "id",
        "name",
        "state",
        "step",
        "total_steps",
        "version",
        "owner",
        "created",
        "started",
        "ended",
        "seconds",
        "steps_per_second",
        "at_risk",
        "published",
        "phase",
        "dataset",
        "heartbeat_age",
        "threads",
        "error",
        "position",
        "parent_id",
        "parent_step",
        "claim_no",
    )
    return RunInfo(
        **{key: row[key] for key in same},
        config=_config(row["config"]),
        tags=tuple(json.loads(row["tags"])),
        worker=row["worker_id"],
        versions=json.loads(row["versions"]),
    )


@lru_cache(maxsize=1024)
def _config(text: str) -> RunConfig:
    """A listing reads the same configurations again and again, and to check one takes longer than to fetch it."""
    return configs.from_json(text)


def _locked(db, run_id: str):
    row = db.execute(sa.select(runs).where(runs.c.id == run_id).with_for_update()).first()
    if row is None:
        raise UnknownRun(f"there is no run {run_id!r}; `runs` and the Home page list those there are")
    return row


def _taken(db, row, doing: str) -> str:
    """Which worker has a run, and what to do before `doing`: a worker elsewhere is known to be dead by its silence."""
    silent = db.scalar(sa.select(now() - runs.c.heartbeat).where(runs.c.id == row.id))
    worker = db.execute(sa.select(workers.c.host, workers.c.pid).where(workers.c.id == row.worker_id)).first()
    who = f"process {worker.pid} on host {worker.host}" if worker else f"worker {row.worker_id}"
    return (
        f"run {row.id} is {row.state}: {who} has it and last gave a sign of life {silent:.0f} s ago; stop it before "
        f"{doing}, or, if that process is dead, try again in {max(1, math.ceil(LEASE_SECONDS - silent))} s"
    )


def _mine(run_id: str, worker_id: str, claim_no: int):
    return sa.and_(runs.c.id == run_id, runs.c.worker_id == worker_id, runs.c.claim_no == claim_no)


def _touch(db, run_id: str) -> None:
    db.execute(runs.update().where(runs.c.id == run_id).values(version=runs.c.version + 1))


def _change(db, row, state: str, *, at_step: int | None = None, **values) -> None:
    """Set the state, and write the diary when it is a new one."""
    statement = runs.update().where(runs.c.id == row.id)
    db.execute(statement.values(state=state, version=runs.c.version + 1, **values))
    if state != row.state:
        error = values.get("error")
        _event(
            db,
            row.id,
            row.step if at_step is None else at_step,
            state,
            {"error": error} if isinstance(error, str) else {},
        )


def _event(db, run_id: str, step: int, kind: str, payload: Mapping[str, Any]) -> None:
    db.execute(events.insert().values(run_id=run_id, step=step, time=now(), kind=kind, payload=json.dumps(payload)))


def _waiting(run_id: str):
    return sa.and_(commands.c.run_id == run_id, commands.c.outcome.is_(None))


def _ask(db, row, kind: str, payload: Mapping[str, Any] | None, by: str) -> str:
    about = dict(run_id=row.id, kind=kind, payload=json.dumps(payload or {}), by=by, created=now())
    db.execute(commands.insert().values(**about))
    _touch(db, row.id)
    return "asked"


def _acknowledge(db, run_id: str, outcome: str, *, up_to: int | None = None, edits: bool = False) -> None:
    """Answer the wishes that wait; those to set something wait for the next worker, unless `edits`."""
    where = _waiting(run_id)
    if up_to is not None:
        where = sa.and_(where, commands.c.id <= up_to)
    if not edits:
        where = sa.and_(where, commands.c.kind != "set")
    db.execute(commands.update().where(where).values(handled=now(), outcome=outcome))


def _thin_snapshots(db, run_id: str, kept: int | None) -> None:
    """Beyond MOST_SNAPSHOTS, let those go that add least: the ones closest to their neighbours, in log steps."""
    steps = db.scalars(sa.select(snapshots.c.step).where(snapshots.c.run_id == run_id).order_by(snapshots.c.step)).all()
    while len(steps) > MOST_SNAPSHOTS:
        gaps = {
            middle: math.log((after + 1) / (before + 1))
            for before, middle, after in zip(steps, steps[1:], steps[2:])
            if middle != kept
        }
        least = min(gaps, key=gaps.get)
        db.execute(snapshots.delete().where(snapshots.c.run_id == run_id, snapshots.c.step == least))
        steps.remove(least)


def _kept_steps(db, run_id: str) -> dict[int, bool]:
    """{step: whether it can be gone on from exactly}"""
    exact, shown = (
        set(db.scalars(sa.select(table.c.step).where(table.c.run_id == run_id))) for table in (checkpoints, snapshots)
    )
    return {step: step in exact for step in sorted(exact | shown)}


def _keep_checkpoint(db, run_id: str, step: int, data: bytes) -> None:
    db.execute(checkpoints.delete().where(checkpoints.c.run_id == run_id, checkpoints.c.step == step))
    db.execute(
        checkpoints.insert().values(run_id=run_id, step=step, data=data, sha256=hashlib.sha256(data).hexdigest())
    )
    branches = sa.select(runs.c.parent_step).where(runs.c.parent_id == run_id)
    newest = sa.select(checkpoints.c.step).where(checkpoints.c.run_id == run_id)
    old = db.scalars(newest.order_by(checkpoints.c.step.desc()).offset(KEPT_CHECKPOINTS)).all()
    gone = sa.and_(checkpoints.c.run_id == run_id, checkpoints.c.step.in_(old), checkpoints.c.step.not_in(branches))
    db.execute(checkpoints.delete().where(gone))
