"""Progress: what a worker writes about the run that it trains, each time in one transaction that holds its lease."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np
import sqlalchemy as sa

from gan_core.config import run_config as configs
from gan_core.config.run_config import RunConfig
from gan_core.records import Report
from gan_core.store.commands import finish_waiting
from gan_core.store.database import Database
from gan_core.store.leases import LeaseLost, leased, locked_lease
from gan_core.store.rows import pack, report_row, upsert
from gan_core.store.schema import checkpoints, commands, metrics, now, previews, reports, run_samples, runs, snapshots
from gan_core.store.states import add_event, change_state

KEPT_CHECKPOINTS = 2
"""The newest ones, beside those that other runs were forked from."""

MOST_SNAPSHOTS = 48
"""A run that has more of them, as one that was made longer may, loses those that stand closest to others."""
KEPT_SAMPLE_BYTES = 64 * 2**20
"""What the samples of a run take that keeps them instead of weights; the same rule makes room for more."""


class Edit(NamedTuple):
    """What a `set` command has changed: {key: (before, after)}."""

    command: int
    changes: Mapping[str, tuple[Any, Any]]
    by: str


@dataclass(frozen=True, eq=False)
class NewPreview:
    """What `records.Preview` holds, to be written; without a `game` the one that was written before stays."""

    step: int
    samples: np.ndarray
    raw: np.ndarray
    game: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Commit:
    """Everything since the last commit, and the state it leads to.

    `seconds` is the training time since the last commit, `at_risk` how many seconds of training a crash before the next
    one may cost. `values` are (step, name, value) and `measured` (step, report). `taken` are snapshots: (step, samples
    in storage form (n, ...), weights). `kept` are (step, samples in storage form) of a run that keeps samples instead
    of weights; each step has a snapshot, too. `state` is the outcome of the commands up to id `commands_up_to`, of all
    where that is None; the end of a run finishes all. `edits` have led to `config`, and enter the event log.
    `preview` is what the networks make at this step.
    """

    state: str
    step: int
    seconds: float
    steps_per_second: float | None = None
    values: Sequence[tuple[int, str, float]] = ()
    measured: Sequence[tuple[int, Report]] = ()
    taken: Sequence[tuple[int, np.ndarray, bytes]] = ()
    kept: Sequence[tuple[int, np.ndarray]] = ()
    checkpoint: bytes | None = None
    commands_up_to: int | None = 0
    error: str | None = None
    edits: Sequence[Edit] = ()
    config: RunConfig | None = None
    at_risk: float | None = None
    preview: NewPreview | None = None


class Progress:
    """The writing side of a training. Every method raises LeaseLost, and writes nothing, without the lease."""

    def __init__(self, database: Database):
        self._db = database

    def commit(self, run_id: str, worker_id: str, claim_no: int, commit: Commit) -> None:
        """Write everything that `commit` holds in one transaction."""
        with self._db.writing() as db:
            row = locked_lease(db, run_id, worker_id, claim_no)
            if rows := [dict(run_id=run_id, step=s, name=n, value=v) for s, n, v in commit.values]:
                db.execute(metrics.insert(), rows)
            for s, samples, weights in commit.taken:
                db.execute(snapshots.insert().values(run_id=run_id, step=s, samples=pack(x=samples), weights=weights))
            for s, x in commit.kept:
                db.execute(run_samples.insert().values(run_id=run_id, step=s, n=len(x), data=pack(x=x)))
            if rows := [report_row(run_id, s, report) for s, report in commit.measured]:
                db.execute(reports.insert(), rows)
            if commit.preview is not None:
                _show(db, _preview_row(run_id, commit.preview))
            if commit.checkpoint is not None:
                _keep_checkpoint(db, run_id, commit.step, commit.checkpoint)
            changes: dict[str, Any] = dict(
                step=commit.step,
                total_steps=max(row.total_steps, commit.step),  # nobody knows how far the training of others goes
                seconds=row.seconds + commit.seconds,
                steps_per_second=commit.steps_per_second,
                at_risk=commit.at_risk,
                heartbeat=now(),
                error=commit.error,
                phase="training" if commit.state == "running" else "",
            )
            if commit.edits and commit.config is not None:
                changes |= dict(config=configs.to_json(commit.config), total_steps=commit.config.training.steps)
            for edit in commit.edits:
                add_event(db, run_id, commit.step, "set", {"changes": edit.changes, "by": edit.by})
                of_it = commands.update().where(commands.c.id == edit.command)
                db.execute(of_it.values(handled=now(), outcome=f"set at step {commit.step}"))
            if commit.taken:
                _thin_snapshots(db, run_id, row.parent_step)
            up_to = commit.commands_up_to
            if commit.state in ("finished", "stopped", "failed"):
                changes |= dict(worker_id=None, ended=now())
                up_to = None
            no_more_edits = commit.state in ("finished", "failed")
            finish_waiting(db, run_id, f"{commit.state} at step {commit.step}", up_to=up_to, edits=no_more_edits)
            change_state(db, row, commit.state, at_step=commit.step, **changes)

    def preview(self, run_id: str, worker_id: str, claim_no: int, preview: NewPreview) -> None:
        """Write what the networks make at this moment, in place of what was there, unless that is of a later step.

        Hardly waits for others that write: raises StoreError where the store is busy, since the next one comes soon.
        """
        row = _preview_row(run_id, preview)
        with self._db.probing() as db:
            locked_lease(db, run_id, worker_id, claim_no)
            _show(db, row)

    def describe(self, run_id: str, worker_id: str, claim_no: int, **values: Any) -> None:
        """Write down what the worker has found out about its run: phase, dataset, threads, versions, config."""
        if isinstance(values.get("versions"), Mapping):
            values["versions"] = json.dumps(values["versions"])
        if isinstance(values.get("config"), RunConfig):
            values.setdefault("total_steps", values["config"].training.steps)
            values["config"] = configs.to_json(values["config"])
        with self._db.writing() as db:
            statement = runs.update().where(leased(run_id, worker_id, claim_no))
            if db.execute(statement.values(version=runs.c.version + 1, **values)).rowcount != 1:
                raise LeaseLost(f"run {run_id} belongs to another worker now")

    def note(
        self, run_id: str, worker_id: str, claim_no: int, step: int, kind: str, payload: Mapping[str, Any]
    ) -> None:
        """Write an entry of the run's event log."""
        with self._db.writing() as db:
            locked_lease(db, run_id, worker_id, claim_no)
            add_event(db, run_id, step, kind, payload)

    def rewind(self, run_id: str, worker_id: str, claim_no: int, step: int) -> None:
        """Remove what was recorded after `step`, because the training goes on from there; -1 removes everything."""
        with self._db.writing() as db:
            row = locked_lease(db, run_id, worker_id, claim_no)
            for table in (metrics, snapshots, run_samples, checkpoints, reports):
                db.execute(table.delete().where(table.c.run_id == run_id, table.c.step > step))
            db.execute(previews.delete().where(previews.c.run_id == run_id, previews.c.step > step))
            change_state(db, row, row.state, step=max(step, 0))


def _preview_row(run_id: str, preview: NewPreview) -> dict[str, Any]:
    samples = pack(samples=preview.samples, raw=preview.raw)
    row: dict[str, Any] = dict(run_id=run_id, step=preview.step, samples=samples)
    return row if preview.game is None else row | dict(game=pack(**preview.game), game_step=preview.step)


def _show(db: sa.Connection, row: dict[str, Any]) -> None:
    shown = db.scalar(sa.select(previews.c.step).where(previews.c.run_id == row["run_id"]))
    if shown is None or shown <= row["step"]:
        upsert(db, previews, "run_id", row)


def _thin_snapshots(db: sa.Connection, run_id: str, kept: int | None) -> None:
    """Beyond MOST_SNAPSHOTS, and beyond KEPT_SAMPLE_BYTES of samples, remove those closest to their neighbours on the
    scale of the plan; but not the first, the newest, and step `kept`."""
    query = sa.select(snapshots.c.step).where(snapshots.c.run_id == run_id).order_by(snapshots.c.step)
    steps = list(db.scalars(query))
    length = sa.func.length(run_samples.c.data)
    sized = sa.select(run_samples.c.step, length).where(run_samples.c.run_id == run_id)
    sizes: dict[int, int] = {step: size for step, size in db.execute(sized)}
    places = [float(place) for place in configs.recording_scale(np.array(steps, float), steps[-1])] if steps else []
    while len(steps) > MOST_SNAPSHOTS or sum(sizes.values()) > KEPT_SAMPLE_BYTES:
        gaps = {k: places[k + 1] - places[k - 1] for k in range(1, len(steps) - 1) if steps[k] != kept}
        if not gaps:
            break
        least = min(gaps, key=lambda k: gaps[k])
        for table in (snapshots, run_samples):
            db.execute(table.delete().where(table.c.run_id == run_id, table.c.step == steps[least]))
        sizes.pop(steps[least], None)
        del steps[least], places[least]


def _keep_checkpoint(db: sa.Connection, run_id: str, step: int, data: bytes) -> None:
    db.execute(checkpoints.delete().where(checkpoints.c.run_id == run_id, checkpoints.c.step == step))
    db.execute(
        checkpoints.insert().values(run_id=run_id, step=step, data=data, sha256=hashlib.sha256(data).hexdigest())
    )
    branches = sa.select(runs.c.parent_step).where(runs.c.parent_id == run_id)
    newest = sa.select(checkpoints.c.step).where(checkpoints.c.run_id == run_id)
    old = db.scalars(newest.order_by(checkpoints.c.step.desc()).offset(KEPT_CHECKPOINTS)).all()
    gone = sa.and_(checkpoints.c.run_id == run_id, checkpoints.c.step.in_(old), checkpoints.c.step.not_in(branches))
    db.execute(checkpoints.delete().where(gone))
