"""What is shared between runs: data sets and their previews, real-vs-real references, and measured reports."""

from __future__ import annotations

import json

import sqlalchemy as sa

from gan_core import records
from gan_core.records import DatasetInfo, Reference, Report
from gan_core.store.recorded import dataset_row, keep, reference_row, report_row, unpack
from gan_core.store.schema import Database, datasets, one_at_a_time, references, reports


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
                )
            )
        return found

    # ------------------------------------------------------------ references and reports

    def put_reference(self, dataset: str, space: str, reference: Reference) -> None:
        row = reference_row(dataset, space, reference)
        self._replace(references, row, reference=row.pop("reference"))

    def reference(self, dataset: str, space: str, n: int, seed: int = 0) -> Reference | None:
        where = (
            references.c.dataset == dataset,
            references.c.space == space,
            references.c.n == n,
            references.c.seed == seed,
        )
        with self._db.reading() as db:
            text = db.scalar(sa.select(references.c.reference).where(*where))
        return records.reference_from_json(text) if text else None

    def put_report(self, run_id: str, step: int, report: Report) -> None:
        row = report_row(run_id, step, report)
        self._replace(reports, row, report=row.pop("report"))

    def reports(self, run_id: str) -> list[tuple[int, Report]]:
        """Every stored report of a run with its step, in order of steps."""
        query = sa.select(reports.c.step, reports.c.report).where(reports.c.run_id == run_id)
        with self._db.reading() as db:
            rows = db.execute(query.order_by(reports.c.step, reports.c.n)).all()
        return [(step, records.report_from_json(text)) for step, text in rows]

    def _replace(self, table, key: dict, **values) -> None:
        where = sa.and_(*(table.c[name] == value for name, value in key.items()))
        with self._db.writing() as db:
            one_at_a_time(db)
            db.execute(table.delete().where(where))
            db.execute(table.insert().values(**key, **values))
