"""The tables as Ganometer 0.1.0 left them, under number 4 in its table `meta`. Stores of that version begin here."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _run(**options: Any) -> sa.Column[str]:
    return sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, **options)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("total_steps", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("dataset", sa.Text),
        sa.Column("parent_id", sa.Text),
        sa.Column("parent_step", sa.BigInteger),
        sa.Column("worker_id", sa.Text),
        sa.Column("claim_no", sa.BigInteger, nullable=False),
        sa.Column("heartbeat", sa.Double),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("steps_per_second", sa.Double),
        sa.Column("at_risk", sa.Double),
        sa.Column("threads", sa.BigInteger),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("queued", sa.Double),
        sa.Column("started", sa.Double),
        sa.Column("ended", sa.Double),
    )
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_table(
        "metrics",
        _run(primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
    )
    op.create_table(
        "snapshots",
        _run(primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
        sa.Column("samples", sa.LargeBinary, nullable=False),
        sa.Column("weights", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        _run(primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
    op.create_table(
        "commands",
        sa.Column("id", _id, primary_key=True),
        _run(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("handled", sa.Double),
        sa.Column("outcome", sa.Text),
    )
    op.create_index("ix_commands_run_id", "commands", ["run_id"])
    op.create_table(
        "events",
        sa.Column("id", _id, primary_key=True),
        _run(),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("ix_events_run_id", "events", ["run_id"])
    op.create_table(
        "datasets",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("preview", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_index("ix_datasets_name", "datasets", ["name"])
    op.create_table(
        "reports",
        _run(primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("n", sa.BigInteger, primary_key=True),
        sa.Column("k", sa.BigInteger, primary_key=True),
        sa.Column("seed", sa.BigInteger, primary_key=True),
        sa.Column("panel", sa.Text, primary_key=True),
        sa.Column("report", sa.Text, nullable=False),
    )
    op.create_table(
        "references",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("n", sa.BigInteger, primary_key=True),
        sa.Column("k", sa.BigInteger, primary_key=True),
        sa.Column("seed", sa.BigInteger, primary_key=True),
        sa.Column("panel", sa.Text, primary_key=True),
        sa.Column("reference", sa.Text, nullable=False),
    )
    op.create_table(
        "features",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("weights", sa.LargeBinary, nullable=False),
        sa.Column("accuracy", sa.Double, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("id", _id, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE")),
        sa.Column("step", sa.BigInteger),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("result", sa.LargeBinary),
        sa.Column("worker_id", sa.Text),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
    )
    op.create_index("ix_jobs_run_id", "jobs", ["run_id"])
    op.create_index("ix_jobs_state", "jobs", ["state"])
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("heartbeat", sa.Double, nullable=False),
        sa.Column("memory", sa.BigInteger, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
    )
