"""A head for each view instead of for each audience, and a way to an audience's releases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("closed IS NULL")


def upgrade() -> None:
    op.create_table(
        "view_head",
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("element", sa.Integer(), nullable=False),
        sa.Column("date_added_us", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_view_head_collection_id")
        ),
        sa.PrimaryKeyConstraint("collection_id", "element", name=op.f("pk_view_head")),
    )
    op.execute(
        """
        INSERT INTO view_head (collection_id, element, date_added_us, opened)
        SELECT shown.collection_id, audience_member.element, max(shown.date_added_us),
            CAST(sum(shown.opened) AS BIGINT)
        FROM (
            SELECT collection_id, audience_id, max(date_added_us) AS date_added_us,
                count(*) AS opened
            FROM release GROUP BY collection_id, audience_id
        ) AS shown
        JOIN audience_member ON audience_member.audience_id = shown.audience_id
        GROUP BY shown.collection_id, audience_member.element
        """
    )
    op.add_column(
        "collection",
        sa.Column("opened", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.execute(
        """
        UPDATE collection SET opened = (
            SELECT count(*) FROM release WHERE release.collection_id = collection.id
        )
        """
    )
    op.create_index(
        "ix_release_audience_id",
        "release",
        ["collection_id", "audience_id", "date_added_us"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.drop_table("audience_head")


def downgrade() -> None:
    op.create_table(
        "audience_head",
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("audience_id", BIG_ID, nullable=False),
        sa.Column("date_added_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_audience_head_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_audience_head_collection_id")
        ),
        sa.PrimaryKeyConstraint("collection_id", "audience_id", name=op.f("pk_audience_head")),
    )
    op.execute(
        """
        INSERT INTO audience_head (collection_id, audience_id, date_added_us)
        SELECT collection_id, audience_id, max(date_added_us)
        FROM release GROUP BY collection_id, audience_id
        """
    )
    op.drop_index("ix_release_audience_id", "release")
    op.drop_column("collection", "opened")
    op.drop_table("view_head")
