"""Recalls, their notices and receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.append_only import allow_changes, refuse_changes

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEPT = ("recall", "recall_notice", "recall_receipt")


def upgrade() -> None:
    op.create_table(
        "recall",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("originator_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("never_return", sa.Boolean(), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        *_keys("recall", forum_id="forum", collection_id="collection", originator_id="member"),
        sa.UniqueConstraint("uuid", name=op.f("uq_recall_uuid")),
    )
    op.create_index(
        "ix_recall_originator_id_forum_id", "recall", ["originator_id", "forum_id", "at_us"]
    )
    op.create_table(
        "recall_notice",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("recall_id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("element", sa.Integer(), nullable=False),
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("version_us", sa.BigInteger(), nullable=False),
        sa.Column("forms", sa.Text(), nullable=False),
        sa.Column("served_us", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        *_keys(
            "recall_notice", recall_id="recall", forum_id="forum", contribution_id="contribution"
        ),
    )
    op.create_index(
        "ix_recall_notice_forum_id_element", "recall_notice", ["forum_id", "element", "at_us"]
    )
    op.create_index("ix_recall_notice_recall_id", "recall_notice", ["recall_id", "element"])
    op.create_table(
        "recall_receipt",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("recall_id", BIG_ID, nullable=False),
        sa.Column("element", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        *_keys("recall_receipt", recall_id="recall"),
    )
    op.create_index("ix_recall_receipt_recall_id", "recall_receipt", ["recall_id", "element"])
    op.create_table(
        "recall_gathering",
        sa.Column("recall_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forum.id"], name=op.f("fk_recall_gathering_forum_id")
        ),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recall.id"], name=op.f("fk_recall_gathering_recall_id")
        ),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_recall_gathering")),
    )
    op.create_index(op.f("ix_recall_gathering_forum_id"), "recall_gathering", ["forum_id"])
    for table in _KEPT:
        refuse_changes(table)


def _keys(table: str, **references: str) -> list[sa.Constraint]:
    """The primary key, and the foreign keys by column."""
    foreign = [
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))
        for column, other in references.items()
    ]
    return [*foreign, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))]


def downgrade() -> None:
    for table in _KEPT:
        allow_changes(table)
    for table in ("recall_gathering", "recall_receipt", "recall_notice", "recall"):
        op.drop_table(table)
