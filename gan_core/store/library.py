"""What is shared between runs: data sets, learned feature spaces, real-vs-real references, and measured reports."""

from __future__ import annotations

import hashlib
import json
from typing import Mapping

import sqlalchemy as sa

from gan_core import records
from gan_core.records import DatasetInfo, FeatureSpace, Panel, Reference, Report
from gan_core.store.database import Database, one_at_a_time
from gan_core.store.recorded import dataset_row, keep, reference_row, report_row, unpack
from gan_core.store.schema import datasets, features, now, references, reports


class Library:
    def __init__(self, database: Database):
        self._db = database

    # ------------------------------------------------------------ data sets

    def put_dataset(self, info: DatasetInfo, data: bytes | None = None) -> None:
        """Remember a data set by its hash; `data` (its bytes) only for uploads. Known ones stay as they are."""
        with self._db.writing() as db:
            one_at_a_time(db)
            keep(db, datasets, dataset_row(info, data))

    def dataset(self, sha256: str) -> DatasetInfo | None:
        return next(iter(self._datasets(datasets.c.sha256 == sha256)), None)

    def dataset_named(self, name: str) -> DatasetInfo | None:
        return next(iter(self._datasets(datasets.c.name == name)), None)

    def uploads(self) -> list[DatasetInfo]:
        return self._datasets(datasets.c.data.is_not(None))

    def add_owner(self, name: str, owner: str) -> None:
        """Somebody else has brought the same data."""
        with self._db.writing() as db:
            one_at_a_time(db)
            owners = db.scalar(sa.select(datasets.c.owner).where(datasets.c.name == name)) or ""
            if owner not in owners.split():
                db.execute(datasets.update().where(datasets.c.name == name).values(owner=f"{owners} {owner}".strip()))

    def publish(self, name: str, published: bool) -> None:
        with self._db.writing() as db:
            db.execute(datasets.update().where(datasets.c.name == name).values(published=published))

    def dataset_bytes(self, name: str) -> bytes | None:
        """The arrays of an upload, as `datasets.dataset_from_bytes` reads them."""
        query = sa.select(datasets.c.data).where(datasets.c.name == name, datasets.c.data.is_not(None))
        with self._db.reading() as db:
            return db.scalar(query.limit(1))

    def _datasets(self, where) -> list[DatasetInfo]:
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

    # ------------------------------------------------------------ learned feature spaces

    def put_features(
        self, dataset: str, space: str, data: bytes, accuracy: float, sha256: str, versions: Mapping[str, str]
    ) -> FeatureSpace:
        """Keep a learned space, and return the one that counts from now on.

        That is the first one: what was measured in it could not be compared with another. A damaged one is replaced.
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
        row = reference_row(dataset, space, reference)
        self._replace(references, row, reference=row.pop("reference"))

    def reference(
        self, dataset: str, space: str, n: int, *, k: int = 5, seed: int = 0, panel: Panel = "live"
    ) -> Reference | None:
        """The calibration of one panel: the full one looks for copies among more rows, so neither serves the other."""
        about = dict(dataset=dataset, space=space, n=n, k=k, seed=seed, panel=panel)
        where = [references.c[name] == value for name, value in about.items()]
        with self._db.reading() as db:
            text = db.scalar(sa.select(references.c.reference).where(*where))
        return records.reference_from_json(text) if text else None

    def put_report(self, run_id: str, step: int, report: Report) -> None:
        row = report_row(run_id, step, report)
        self._replace(reports, row, report=row.pop("report"))

    def reports(self, run_id: str) -> list[tuple[int, Report]]:
        """Every stored report of a run with its step, in order of steps, then of n."""
        query = sa.select(reports.c.step, reports.c.report).where(reports.c.run_id == run_id)
        with self._db.reading() as db:
            rows = db.execute(query.order_by(reports.c.step, reports.c.n, *reports.primary_key)).all()
        return [(step, records.report_from_json(text)) for step, text in rows]

    def _replace(self, table, key: dict, **values) -> None:
        where = sa.and_(*(table.c[name] == value for name, value in key.items()))
        with self._db.writing() as db:
            one_at_a_time(db)
            db.execute(table.delete().where(where))
            db.execute(table.insert().values(**key, **values))


def _features(db, dataset: str, space: str) -> FeatureSpace | None:
    query = sa.select(features).where(features.c.dataset == dataset, features.c.space == space)
    row = db.execute(query).first()
    if row is None or hashlib.sha256(row.weights).hexdigest() != row.sha256:
        return None
    return FeatureSpace(dataset, space, row.weights, row.accuracy, row.sha256, json.loads(row.versions))
