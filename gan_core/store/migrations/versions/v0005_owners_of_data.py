"""An upload may have several owners, and each publishes it for himself: they get a table of their own."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table, fill it from the columns that named the owners with spaces in between, and drop these."""
    owners = op.create_table(
        "dataset_owners",
        sa.Column("dataset", sa.Text, sa.ForeignKey("datasets.sha256", ondelete="CASCADE"), primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    datasets = sa.table("datasets", *(sa.column(name) for name in ("sha256", "owner", "published", "data")))
    columns, db, now = (datasets.c.sha256, datasets.c.owner, datasets.c.published), op.get_bind(), time.time()
    for sha256, names, published in db.execute(sa.select(*columns).where(datasets.c.data.is_not(None))).all():
        for owner in dict.fromkeys(names.split() or [""]):  # "": on a machine of one's own
            row = dict(dataset=sha256, owner=owner, published=bool(published), created=now)
            db.execute(owners.insert().values(**row))
    for name in ("owner", "published"):
        op.drop_column("datasets", name)
