"""Long work: jobs, the files that come in for them and go out, and what an import refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNENDED = sa.text("ended_us IS NULL")


def upgrade() -> None:
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
        sa.CheckConstraint("kind IN ('import', 'simulation', 'export')", name=op.f("ck_job_kind")),
        sa.CheckConstraint(
            "state IN ('arriving', 'waiting', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_job_state"),
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_job_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_job_member_id")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_job_collection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_asked_by", "job", ["asked_by", "asked_us", "id"])
    op.create_index(
        "ix_job_asked_us", "job", ["asked_us"], sqlite_where=UNENDED, postgresql_where=UNENDED
    )
    op.create_index("ix_job_ended_us", "job", ["ended_us"])
    op.create_index("ix_job_simulation_id", "job", ["simulation_id"])
    op.create_table(
        "job_part",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("side IN ('in', 'out')", name=op.f("ck_job_part_side")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_part_job_id")),
        sa.PrimaryKeyConstraint("job_id", "side", "number", name=op.f("pk_job_part")),
    )
    op.create_table(
        "job_refusal",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("stix_id", sa.Text()),
        sa.Column("version", sa.Text()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_refusal_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_refusal")),
    )


def downgrade() -> None:
    op.drop_table("job_refusal")
    op.drop_table("job_part")
    op.drop_table("job")
