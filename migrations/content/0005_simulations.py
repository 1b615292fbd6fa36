"""Simulations: changes that were tried out, to apply exactly or be told that the world moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "simulation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID),
        sa.Column("member_id", BIG_ID),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("document_digest", sa.LargeBinary(), nullable=False),
        sa.Column("result_digest", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('policy', 'forum-policy', 'suspension', 'seat')",
            name=op.f("ck_simulation_kind"),
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_simulation_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_simulation_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation")),
    )
    op.create_index("ix_simulation_made_us", "simulation", ["made_us"])


def downgrade() -> None:
    op.drop_table("simulation")
