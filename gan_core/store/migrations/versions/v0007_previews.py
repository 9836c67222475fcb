"""What the networks of a run make at this moment, beside its snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One new table, with at most one row for each run."""
    op.create_table(
        "previews",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("samples", sa.LargeBinary, nullable=False),
        sa.Column("game", sa.LargeBinary),
        sa.Column("game_step", sa.BigInteger),
    )
