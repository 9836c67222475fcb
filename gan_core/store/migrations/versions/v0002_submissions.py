"""The runs that a form has started, so that a second click does not start them again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "submissions",
        sa.Column("nonce", sa.Text, primary_key=True),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
