"""Long work that sets a policy, and tells which version that became."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNENDED = sa.text("ended_us IS NULL")
_WITHOUT = "kind IN ('import', 'simulation', 'export')"
_WITH = "kind IN ('import', 'simulation', 'export', 'policy')"
_STATES = "state IN ('arriving', 'waiting', 'running', 'done', 'failed', 'cancelled')"


def upgrade() -> None:
    _allow(_WITH)


def downgrade() -> None:
    gone = "(SELECT id FROM job WHERE kind = 'policy')"
    op.execute(f"DELETE FROM job_part WHERE job_id IN {gone}")  # noqa: S608
    op.execute("DELETE FROM job WHERE kind = 'policy'")
    _allow(_WITHOUT)


def _allow(kinds: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(kinds)
        return
    op.drop_constraint("ck_job_kind", "job")
    op.execute(f"ALTER TABLE job ADD CONSTRAINT ck_job_kind CHECK ({kinds})")


def _make_anew(kinds: str) -> None:
    """SQLite changes no constraint of a table that is there.

    Files of the work may be long, so they stay where they are: that each belongs to a job is
    asked at the end, when all jobs are back.
    """
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMPORARY TABLE kept_job AS SELECT * FROM job")
    op.drop_table("job")
    op.create_table(
        "job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("collection_id", BIG_ID),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("most_object_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("stalled", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("simulation_id", sa.Text()),
        sa.Column("code", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_us", sa.BigInteger()),
        sa.Column("ended_us", sa.BigInteger()),
        sa.CheckConstraint(kinds, name=op.f("ck_job_kind")),
        sa.CheckConstraint(_STATES, name=op.f("ck_job_state")),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_job_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_job_member_id")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_job_collection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_asked_by", "job", ["asked_by", "asked_us", "id"])
    op.create_index("ix_job_asked_us", "job", ["asked_us"], sqlite_where=UNENDED)
    op.create_index("ix_job_ended_us", "job", ["ended_us"])
    op.create_index("ix_job_simulation_id", "job", ["simulation_id"])
    op.execute("INSERT INTO job SELECT * FROM kept_job")
    op.execute("DROP TABLE kept_job")
