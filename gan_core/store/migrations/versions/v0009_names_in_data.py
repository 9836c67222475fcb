"""What people's files call their classes and columns."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Two columns. Uploads of before have no such names: nobody kept them."""
    for table in ("datasets", "dataset_owners"):
        op.add_column(table, sa.Column("names", sa.Text))
