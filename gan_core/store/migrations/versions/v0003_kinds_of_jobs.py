"""Some kinds of jobs have other names. Answers are found by a key that holds the kind, so they get other keys, too."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAMES = {
    "ruler": "corruptions",
    "shelf": "browse",
    "closeup": "sample_detail",
    "walk": "latent_walk",
    "pad": "latent_plane",
    "project": "projection",
}


def upgrade() -> None:
    """Rename the kinds, and compute the keys again."""
    columns = [sa.column(name) for name in ("id", "key", "kind", "run_id", "step", "params")]
    jobs, db = sa.table("jobs", *columns), op.get_bind()
    for row in db.execute(sa.select(jobs).where(jobs.c.kind.in_(NAMES))).all():
        kind = NAMES[row.kind]
        key = hashlib.sha256(json.dumps([kind, row.run_id, row.step, row.params]).encode()).hexdigest()
        db.execute(jobs.update().where(jobs.c.id == row.id).values(kind=kind, key=key))
