"""Measurements: reports of runs, real-against-real references, and the learned feature spaces both are measured in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Mapping

import sqlalchemy as sa
from msgspec import Meta

from gan_core import records
from gan_core.records import FeatureSpace, Panel, Reference, Report
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.rows import reference_row, report_row, sound_step
from gan_core.store.schema import features, now, references, reports
from gan_core.store.states import count_change
from gan_core.validation import Count, Invalid, Text, checked, wrong


class Measurements:
    """What was measured of runs and of real data."""

    def __init__(self, database: Database):
        self._db = database

    def put_features(
        self, dataset: str, space: str, data: bytes, accuracy: float, sha256: str, versions: Mapping[str, str]
    ) -> FeatureSpace:
        """Keep a learned space, and return the one to use from now on.

        That is the first one, because distances in two spaces cannot be compared. A damaged one is replaced.
        """
        values = dict(weights=data, accuracy=accuracy, sha256=sha256, versions=json.dumps(dict(versions)))
        with self._db.writing() as db:
            one_at_a_time(db)
            if (known := _features(db, dataset, space)) is not None:
                return known
            db.execute(features.delete().where(features.c.dataset == dataset, features.c.space == space))
            db.execute(features.insert().values(dataset=dataset, space=space, created=now(), **values))
        return FeatureSpace(dataset, space, data, accuracy, sha256, dict(versions))

    def features(self, dataset: str, space: str) -> FeatureSpace | None:
        """A learned space of a data set; None where there is none, or its bytes are not what was written."""
        with self._db.reading() as db:
            return _features(db, dataset, space)

    # ------------------------------------------------------------ references and reports

    def put_reference(self, dataset: str, space: str, reference: Reference) -> None:
        """Keep a reference of a data set (its hash), in place of one that was measured alike."""
        row = reference_row(dataset, space, reference)
        with self._db.writing() as db:
            _replace(db, references, row, reference=row.pop("reference"))

    def reference(
        self, dataset: str, space: str, n: int, *, k: int = 5, seed: int = 0, panel: Panel = "live"
    ) -> Reference | None:
        """The reference that was measured like this; each panel has its own, since the full one compares more rows."""
        about = dict(dataset=dataset, space=space, n=n, k=k, seed=seed, panel=panel)
        where = [references.c[name] == value for name, value in about.items()]
        with self._db.reading() as db:
            text = db.scalar(sa.select(references.c.reference).where(*where))
        try:
            found = records.reference_from_json(text) if text else None
        except Invalid:  # then it is measured again, which replaces it
            return None
        return found if found and (found.n, found.k, found.panel) == (n, k, panel) else None

    def put_report(self, run_id: str, step: int, report: Report) -> None:
        """Keep a report of a step of a run, in place of one that was measured alike.

        What pages show of a run may be its live panel: with a new one the run has changed.
        """
        row = report_row(run_id, step, report)
        with self._db.writing() as db:
            _replace(db, reports, row, report=row.pop("report"))
            if report.panel == "live":
                count_change(db, run_id)

    def reports(self, run_id: str) -> list[tuple[int, Report]]:
        """Every stored report of a run with its step, in order of steps, then of n; without those that cannot be
        read, which `unreadable_reports` counts."""
        return [(step, report) for step, report in self._reports(run_id) if report is not None]

    def live_reports(self, until: Mapping[str, int | None]) -> dict[str, list[tuple[int, Report]]]:
        """{run: (step, report) of its newest measurement of the live panel, at the latest at a step}, in order of n.

        `until` has the runs with that step, None for no limit. Only the draw of the training itself in pixels counts.
        """
        anytime = [run_id for run_id, step in until.items() if step is None]
        limited = [
            sa.and_(reports.c.run_id == run_id, reports.c.step <= step)
            for run_id, step in until.items()
            if step is not None
        ]
        live = sa.and_(
            reports.c.space == "pixels", reports.c.seed == 0, reports.c.panel == "live", sound_step(reports.c.step)
        )
        newest = sa.select(reports.c.run_id, sa.func.max(reports.c.step).label("step")).where(
            live, sa.or_(reports.c.run_id.in_(anytime), *limited)
        )
        last = newest.group_by(reports.c.run_id).subquery()
        query = sa.select(reports.c.run_id, reports.c.step, reports.c.report).join(
            last, sa.and_(reports.c.run_id == last.c.run_id, reports.c.step == last.c.step)
        )
        found: dict[str, list[tuple[int, Report]]] = {}
        with self._db.reading() as db:
            rows = db.execute(query.where(live).order_by(reports.c.n, *reports.primary_key)).all()
        for run_id, step, text in rows:
            if (report := _report(text)) is not None:
                found.setdefault(run_id, []).append((step, report))
        return found

    def unreadable_reports(self, run_id: str) -> int:
        """How many stored reports of a run cannot be read."""
        return sum(report is None for _, report in self._reports(run_id))

    def _reports(self, run_id: str) -> list[tuple[int, Report | None]]:
        query = sa.select(reports.c.step, reports.c.report).where(reports.c.run_id == run_id)
        with self._db.reading() as db:
            rows = db.execute(query.order_by(reports.c.step, reports.c.n, *reports.primary_key)).all()
        return [(step, None if wrong("step", Count, step) else _report(text)) for step, text in rows]


def _replace(db: sa.Connection, table: sa.Table, key: dict[str, Any], **values: Any) -> None:
    one_at_a_time(db)
    db.execute(table.delete().where(*(table.c[name] == value for name, value in key.items())))
    db.execute(table.insert().values(**key, **values))


def _features(db: sa.Connection, dataset: str, space: str) -> FeatureSpace | None:
    query = sa.select(features).where(features.c.dataset == dataset, features.c.space == space)
    row = db.execute(query).first()
    if row is None or not isinstance(row.weights, bytes) or hashlib.sha256(row.weights).hexdigest() != row.sha256:
        return None
    try:
        about = dict(accuracy=row.accuracy, versions=json.loads(row.versions))
        known = checked(_About, about, what="a part of a feature space")
    except (ValueError, TypeError, RecursionError):
        return None
    return FeatureSpace(dataset, space, row.weights, known.accuracy, row.sha256, known.versions)


@dataclass(frozen=True)
class _About:
    """What a row of `features` says of the weights in a sound store."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    versions: dict[Text, Text]


def _report(text: str) -> Report | None:
    try:
        return records.report_from_json(text)
    except Invalid:
        return None
