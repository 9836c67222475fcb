"""Uploads are called by their whole hash. Ten of its 64 digits were in their names, which others could have, too."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

UPLOAD, DIGITS = "upload-", 10


def upgrade() -> None:
    """Rename the data sets, and what names one: the settings of runs, and the parameters of jobs with their keys."""
    db = op.get_bind()
    names = _rename_datasets(db)
    _rename_in_runs(db, names)
    _rename_in_jobs(db, names)


def _rename_datasets(db: sa.Connection) -> dict[str, str]:
    """Returns the new name for each old one."""
    datasets, names = _table("datasets", "sha256", "name"), {}
    for row in db.execute(sa.select(datasets)).all():
        if row.name == _short(row.sha256):
            names[row.name] = UPLOAD + row.sha256
            db.execute(datasets.update().where(datasets.c.sha256 == row.sha256).values(name=UPLOAD + row.sha256))
    return names


def _rename_in_runs(db: sa.Connection, names: dict[str, str]) -> None:
    """A run that has begun knows the hash of its data; one that waits knows only the name."""
    runs = _table("runs", "id", "config", "dataset")
    for row in db.execute(sa.select(runs).where(runs.c.config.like(f"%{UPLOAD}%"))).all():
        name = json.loads(row.config)["data"]["name"]
        new = UPLOAD + row.dataset if row.dataset and name == _short(row.dataset) else names.get(name)
        if new:
            config = row.config.replace(json.dumps(name), json.dumps(new))
            db.execute(runs.update().where(runs.c.id == row.id).values(config=config))


def _rename_in_jobs(db: sa.Connection, names: dict[str, str]) -> None:
    jobs = _table("jobs", "id", "key", "kind", "run_id", "step", "params")
    for row in db.execute(sa.select(jobs).where(jobs.c.params.like(f"%{UPLOAD}%"))).all():
        name = json.loads(row.params).get("dataset")
        if name in names:
            params = row.params.replace(json.dumps(name), json.dumps(names[name]))
            key = hashlib.sha256(json.dumps([row.kind, row.run_id, row.step, params]).encode()).hexdigest()
            db.execute(jobs.update().where(jobs.c.id == row.id).values(params=params, key=key))


def _short(sha256: str) -> str:
    return UPLOAD + sha256[:DIGITS]


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns))
