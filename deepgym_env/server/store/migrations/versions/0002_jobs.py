"""Jobs, their tasks and items, and the servers that judge them."""

import sqlalchemy as sa
from alembic import op

revision = "0002_jobs"
down_revision = "0001_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of jobs."""
    _add_jobs()
    op.create_table(
        "job_tasks",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("record", sa.LargeBinary, nullable=False),
    )
    _add_items()
    op.create_table(
        "job_servers",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("lease", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("job_servers", "job_items", "job_tasks", "jobs"):
        op.drop_table(table)


def _add_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("without_verdict", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("finished", sa.Double),
        sa.Column("turn", sa.Double, nullable=False),
        sa.UniqueConstraint("owner", "idempotency_key", name="uq_jobs_owner_idempotency_key"),
    )
    op.create_index("ix_jobs_owner_created", "jobs", ["owner", "created"])
    op.create_index("ix_jobs_status", "jobs", ["status"])


def _add_items() -> None:
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("task", sa.Integer, nullable=False),
        sa.Column("completion", sa.LargeBinary),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("available", sa.Double, nullable=False),
        sa.Column("lost", sa.SmallInteger, nullable=False),
        sa.Column("failures", sa.SmallInteger, nullable=False),
        sa.Column("server", sa.String(64)),
        sa.Column("seq", sa.Integer),
        sa.Column("result", sa.LargeBinary),
    )
    op.create_index("ix_job_items_state", "job_items", ["job_id", "state", "position"])
    op.create_index("ix_job_items_seq", "job_items", ["job_id", "seq"])
    op.create_index("ix_job_items_server", "job_items", ["server"])
