"""Events that wait for a second person of a secretariat, and which forums ask for one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "four_eyes",
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("setting", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "setting IN ('always', 'automatic', 'never')", name=op.f("ck_four_eyes_setting")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_four_eyes_forum_id")),
        sa.PrimaryKeyConstraint("forum_id", name=op.f("pk_four_eyes")),
    )
    op.create_table(
        "recording",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("recorded_by", BIG_ID, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", BIG_ID),
        sa.Column("decided_us", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.Column("became", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'refused')", name=op.f("ck_recording_state")
        ),
        sa.CheckConstraint(
            "decided_by <> recorded_by OR state <> 'confirmed'", name=op.f("ck_recording_second")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_recording_forum_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name=op.f("fk_recording_recorded_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["person.id"], name=op.f("fk_recording_decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
    )
    op.create_index("ix_recording_forum_id", "recording", ["forum_id", "state", "recorded_us"])


def downgrade() -> None:
    op.drop_table("recording")
    op.drop_table("four_eyes")
