"""Whose turn it is, who has asked for a job, and how many workers have died of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Two new tables and a column. Jobs of before have been asked for by nobody in particular."""
    op.create_table(
        "turns",
        sa.Column("line", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("served", sa.Double, nullable=False),
    )
    op.create_table(
        "job_askers",
        sa.Column("job_id", _id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("cancelled", sa.Boolean, nullable=False),
    )
    op.create_index("ix_job_askers_owner", "job_askers", ["owner"])
    op.add_column("jobs", sa.Column("deaths", sa.BigInteger, nullable=False, server_default="0"))
