"""Recordings: the curves, snapshots, checkpoints and events of a run; and all of its rows, for bundles."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

import numpy as np
import sqlalchemy as sa

from gan_core.records import Event, History, Preview, Snapshot, UnknownRun, Unreadable
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.rows import arrays_in, checked_samples, insert_new, is_float, sound_step, unpack
from gan_core.store.schema import (
    checkpoints,
    datasets,
    events,
    metrics,
    previews,
    references,
    reports,
    run_samples,
    runs,
    snapshots,
)
from gan_core.validation import Count, Invalid, Text, Time, checked


class Recordings:
    """What trainings have written, to be read."""

    def __init__(self, database: Database):
        self._db = database

    def history(
        self, run_id: str, names: Iterable[str] | None = None, points: int = 600, *, until: int | None = None
    ) -> History:
        """Curves of about `points` evenly thinned values each, the newest (up to step `until`) always among them."""
        where = [metrics.c.run_id == run_id, sound_step(metrics.c.step)]
        if until is not None:
            where.append(metrics.c.step <= until)
        if names is not None:
            where.append(metrics.c.name.in_(list(names)))
        rank = sa.func.row_number().over(partition_by=metrics.c.name, order_by=metrics.c.step.desc()).label("rank")
        size = sa.func.count().over(partition_by=metrics.c.name).label("size")
        ranked = sa.select(metrics.c.name, metrics.c.step, metrics.c.value, rank, size).where(*where).subquery()
        every = (ranked.c.size + points - 1) // points
        thinned = sa.select(ranked.c.name, ranked.c.step, ranked.c.value).where((ranked.c.rank - 1) % every == 0)
        with self._db.reading() as db:
            rows = db.execute(thinned.order_by(ranked.c.name, ranked.c.step)).all()
        curves: dict[str, list] = {}
        for name, step, value in rows:
            if isinstance(value, float) and isinstance(name, str):
                curves.setdefault(name, []).append((step, value))
        return History({name: tuple(np.array(curve, dtype=np.float64).T) for name, curve in curves.items()})

    def snapshot_steps(self, run_id: str) -> tuple[int, ...]:
        """The steps of the run's snapshots, in order."""
        with self._db.reading() as db:
            query = sa.select(snapshots.c.step).where(snapshots.c.run_id == run_id, sound_step(snapshots.c.step))
            return tuple(db.scalars(query.order_by(snapshots.c.step)).all())

    def newest_snapshots(self, run_ids: Iterable[str]) -> dict[str, int]:
        """{run: the step of its newest snapshot}, for those runs that have one."""
        newest = sa.select(snapshots.c.run_id, sa.func.max(snapshots.c.step)).where(sound_step(snapshots.c.step))
        with self._db.reading() as db:
            found = db.execute(newest.where(snapshots.c.run_id.in_(list(run_ids))).group_by(snapshots.c.run_id))
            return {run_id: step for run_id, step in found}

    def newest_values(self, run_ids: Iterable[str], name: str) -> dict[str, float]:
        """{run: the last value of a curve}, for those runs that have one."""
        newest = sa.select(metrics.c.run_id, sa.func.max(metrics.c.step).label("step"))
        of_these = sa.and_(metrics.c.run_id.in_(list(run_ids)), metrics.c.name == name, sound_step(metrics.c.step))
        last = newest.where(of_these).group_by(metrics.c.run_id).subquery()
        at_it = sa.and_(metrics.c.run_id == last.c.run_id, metrics.c.step == last.c.step, metrics.c.name == name)
        with self._db.reading() as db:
            found = db.execute(sa.select(metrics.c.run_id, metrics.c.value).join(last, at_it))
            return {run_id: value for run_id, value in found if isinstance(value, float)}

    def snapshot(self, run_id: str, step: int | None = None) -> Snapshot | None:
        """The samples of one step, or of the newest one; None when there is none. Raises Unreadable."""
        query = sa.select(snapshots.c.step, snapshots.c.samples).where(
            snapshots.c.run_id == run_id, sound_step(snapshots.c.step)
        )
        query = query.where(snapshots.c.step == step) if step is not None else query.order_by(snapshots.c.step.desc())
        with self._db.reading() as db:
            row = db.execute(query.limit(1)).first()
        if row is None:
            return None
        try:
            (samples,) = arrays_in(row.samples, "x")
            return Snapshot(run_id, row.step, checked_samples(samples))
        except ValueError as error:
            raise Unreadable(f"the samples of run {run_id} at step {row.step:,} cannot be read: {error}") from None

    def preview(self, run_id: str) -> Preview | None:
        """What the run's networks made when it was last shown; None when there is nothing. Raises Unreadable."""
        changes = sa.select(sa.func.count()).where(
            events.c.run_id == run_id, events.c.kind == "set", events.c.step < previews.c.step
        )
        query = sa.select(previews, changes.scalar_subquery().label("edits")).where(previews.c.run_id == run_id)
        with self._db.reading() as db:
            row = db.execute(query).first()
        if row is None:
            return None
        try:
            about = checked(_Preview, dict(step=row.step, game_step=row.game_step), what="a part of a preview")
            samples, raw = (checked_samples(x) for x in arrays_in(row.samples, "samples", "raw"))
            if samples.shape != raw.shape or samples.dtype != raw.dtype:
                raise ValueError(f"the samples are {samples.shape} and those of the raw generator {raw.shape}")
            game = None if row.game is None else _game(row.game)
            return Preview(run_id, about.step, row.edits, samples, raw, game, about.game_step)
        except ValueError as error:
            raise Unreadable(f"the preview of run {run_id} cannot be read: {' '.join(str(error).split())}") from None

    def snapshot_weights(self, run_id: str, step: int) -> bytes | None:
        """The generator's weights at a step, as the engine packs them; None without a snapshot. No bytes of a run that
        keeps samples instead."""
        query = sa.select(snapshots.c.weights).where(snapshots.c.run_id == run_id, snapshots.c.step == step)
        with self._db.reading() as db:
            return db.scalar(query)

    def kept_samples(self, run_id: str, step: int) -> np.ndarray | None:
        """All samples (n, *shape) of a step, in storage form, of a run that keeps samples instead of weights; None
        without any. Raises Unreadable.
        """
        query = sa.select(run_samples.c.data).where(run_samples.c.run_id == run_id, run_samples.c.step == step)
        with self._db.reading() as db:
            data = db.scalar(query)
        if data is None:
            return None
        try:
            (samples,) = arrays_in(data, "x")
            return checked_samples(samples)
        except ValueError as error:
            raise Unreadable(f"the samples of run {run_id} at step {step:,} cannot be read: {error}") from None

    def kept_numbers(self, run_id: str) -> dict[int, int]:
        """{step: how many samples are kept of it}, of a run that keeps samples instead of weights."""
        query = sa.select(run_samples.c.step, run_samples.c.n).where(
            run_samples.c.run_id == run_id, sound_step(run_samples.c.step), run_samples.c.n > 0
        )
        with self._db.reading() as db:
            return {step: n for step, n in db.execute(query.order_by(run_samples.c.step)) if isinstance(n, int)}

    def kept_bytes(self, owner: str | None = None) -> int:
        """What the kept samples of all runs take in the store; of the runs of one owner where one is given."""
        query = sa.select(sa.func.sum(sa.func.length(run_samples.c.data)))
        if owner is not None:
            query = query.where(run_samples.c.run_id.in_(sa.select(runs.c.id).where(runs.c.owner == owner)))
        with self._db.reading() as db:
            return int(db.scalar(query) or 0)

    def checkpoint(self, run_id: str, step: int | None = None) -> tuple[int, bytes] | None:
        """The newest checkpoint (step, bytes) whose bytes are what was written, or that of a step; None without one."""
        query = sa.select(checkpoints).where(checkpoints.c.run_id == run_id, sound_step(checkpoints.c.step))
        query = query.order_by(checkpoints.c.step.desc())
        query = query if step is None else query.where(checkpoints.c.step == step)
        with self._db.reading() as db:
            for row in db.execute(query):
                if isinstance(row.data, bytes) and hashlib.sha256(row.data).hexdigest() == row.sha256:
                    return row.step, row.data
        return None

    def size(self, run_id: str) -> int:
        """Bytes that a run's snapshots, samples, checkpoints and reports take in the store; a value of a curve counts
        40."""
        of_snapshots = (snapshots.c.samples, snapshots.c.weights, run_samples.c.data)
        parts = [
            sa.select(sa.func.sum(sa.func.length(column))).where(column.table.c.run_id == run_id)
            for column in (*of_snapshots, checkpoints.c.data, reports.c.report)
        ]
        parts.append(sa.select(40 * sa.func.count()).select_from(metrics).where(metrics.c.run_id == run_id))
        with self._db.reading() as db:
            return sum(int(db.scalar(part) or 0) for part in parts)

    def events(self, run_id: str, limit: int = 200) -> list[Event]:
        """The run's event log, newest first."""
        query = sa.select(events).where(events.c.run_id == run_id).order_by(events.c.id.desc()).limit(limit)
        with self._db.reading() as db:
            return [_event(row) for row in db.execute(query)]

    def changes_after(self, run_id: str, step: int) -> list[Mapping[str, tuple[Any, Any]]]:
        """The changes of the run's settings that were made after a step, oldest first: {dotted key: (before, after)}.

        One that was made at the step itself is among those the step went on with. Raises Unreadable.
        """
        query = sa.select(events).where(events.c.run_id == run_id, events.c.kind == "set", events.c.step > step)
        with self._db.reading() as db:
            found = [_event(row) for row in db.execute(query.order_by(events.c.id))]
        if any(event.kind != "set" for event in found):
            raise Unreadable(
                f"the event log of run {run_id} cannot be read after step {step:,}, so the settings of that step are "
                "not known; fork a later step"
            )
        return [event.payload["changes"] for event in found]

    def was_changed(self, run_id: str) -> bool:
        """Whether settings of the run were changed after its start."""
        query = sa.select(events.c.id).where(events.c.run_id == run_id, events.c.kind == "set").limit(1)
        with self._db.reading() as db:
            return db.execute(query).first() is not None

    def add_rows(self, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        """Write the rows of a bundle, by table, all or none.

        Data sets and references belong to all runs: those that the store has stay as they are.
        """
        tables = {t.name: t for t in (runs, metrics, snapshots, run_samples, checkpoints, events, reports)}
        with self._db.writing() as db:
            one_at_a_time(db)
            for table in (datasets, references):
                for row in rows.get(table.name, []):
                    insert_new(db, table, row)
            for name, table in tables.items():
                if rows.get(name):
                    db.execute(table.insert(), rows[name])

    def rows(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """Every row of a run, by table, for a bundle. Raises UnknownRun."""
        with self._db.reading() as db:
            found = {"runs": [dict(r) for r in db.execute(sa.select(runs).where(runs.c.id == run_id)).mappings()]}
            for table in (metrics, snapshots, run_samples, checkpoints, events, reports):
                query = sa.select(table).where(table.c.run_id == run_id).order_by(*table.primary_key.columns)
                found[table.name] = [dict(r) for r in db.execute(query).mappings()]
        if not found["runs"]:
            raise UnknownRun(f"there is no run {run_id!r}")
        return found


@dataclass(frozen=True)
class _Preview:
    """What a row of `previews` holds beside its arrays in a sound store."""

    step: Count
    game_step: Count | None


_LARGEST_GAME = 100_000
"""Numbers in one array: the grid of a sound one has 61 x 61, and a page draws them all."""


def _game(data: Any) -> dict[str, np.ndarray]:
    """The arrays of a game in the plane: points (n, 2), and what there is of the others. Raises ValueError."""
    points, manifold = arrays_in(data, "points", "manifold")
    found = unpack(data)
    belief, n = {"x", "y", "belief"} & found.keys(), len(points)
    sound = points.shape == (n, 2) and manifold.ndim == 4 and manifold.shape[3] == 2
    if belief:
        sound &= len(belief) == 3 and found["x"].ndim == found["y"].ndim == 1
        sound = sound and found["belief"].shape == (len(found["y"]), len(found["x"]))
    if "pushes" in found:
        sound &= found["pushes"].ndim == 2 and found["pushes"].shape[1] == 2 and len(found["pushes"]) <= n
    sound &= all(0 < array.size <= _LARGEST_GAME for array in found.values())
    if not sound or any(not is_float(array) for array in found.values()):
        raise ValueError("the arrays of the game do not fit together")
    return found


@dataclass(frozen=True)
class _Event:
    """What a row of `events` holds in a sound store."""

    step: Count
    time: Time
    kind: Text
    payload: dict[str, Any]


@dataclass(frozen=True)
class _Changes:
    """What an event of any kind may say of settings: {key: (before, after)}."""

    changes: dict[Text, tuple[Any, Any]]


@dataclass(frozen=True)
class ChangedSettings(_Changes):
    """The payload of an event of kind `set`: the changes, and who has sent them."""

    by: Text = ""


def _event(row: sa.Row[Any]) -> Event:
    """The event of a row; in place of one that cannot be read one of kind `unreadable`, which says why."""
    try:
        values = dict(step=row.step, time=row.time, kind=row.kind, payload=json.loads(row.payload))
        found = checked(_Event, values, what="a part of an event")
        check_payload(found.kind, found.payload)
        return Event(**vars(found))
    except (ValueError, TypeError, RecursionError) as error:
        return Event(0, 0.0, "unreadable", {"error": " ".join(str(error).split())})


def check_payload(kind: str, payload: Mapping[str, Any]) -> None:
    """Raises Invalid for what the event log does not say of an event of this kind."""
    if kind == "set":
        checked(ChangedSettings, payload, what="a part of an event that sets hyperparameters")
    elif "changes" in payload:
        checked(_Changes, {"changes": payload["changes"]}, what="a part of an event")
    if problems := [
        f"{name} of the event is {type(payload[name]).__name__}; expected text"
        for name in ("error", "parent", "note")
        if not isinstance(payload.get(name, ""), str)
    ]:
        raise Invalid(problems)
