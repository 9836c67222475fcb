"""Runs of networks that were not trained here: what kind a run is, and the samples that are kept instead of weights."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """A column, and a new table. All runs of before were trained here."""
    op.add_column("runs", sa.Column("kind", sa.Text, nullable=False, server_default="trained"))
    op.create_table(
        "run_samples",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, nullable=False),
        sa.Column("step", sa.BigInteger, primary_key=True, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
