"""The names that people give: to themselves, and to the files that they upload."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A new table and a column. Uploads of before have no file name: nobody kept it."""
    op.create_table(
        "people",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("nickname", sa.Text, nullable=False),
    )
    op.add_column("dataset_owners", sa.Column("file", sa.Text))
