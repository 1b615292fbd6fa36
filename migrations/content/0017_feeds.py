"""Partner feeds: what is pulled and pushed, where each stands, what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("recipient_id", BIG_ID),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("min_tlp", sa.SmallInteger()),
        sa.Column("manifest_first", sa.Boolean(), nullable=False),
        sa.Column("user_name", sa.Text()),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("client_cert", sa.LargeBinary()),
        sa.Column("ca", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("next_us", sa.BigInteger()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("direction IN ('pull', 'push')", name="direction"),
        sa.CheckConstraint("auth IN ('none', 'basic', 'bearer')", name="auth"),
        sa.CheckConstraint("state IN ('active', 'paused')", name="state"),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_feed_collection_id")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_feed_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_feed_member_id")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_feed_recipient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("member_id", "name", name=op.f("uq_feed_member_id_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_feed_uuid")),
    )
    op.create_index("ix_feed_member_id", "feed", ["member_id"])
    op.create_index("ix_feed_next_us", "feed", ["next_us"])
    op.create_index("ix_feed_peer", "feed", ["peer"])
    op.create_table(
        "feed_run",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("told_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("contributed", sa.Integer(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text()),
        sa.Column("code", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("oddities", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_run_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_run")),
    )
    op.create_index("ix_feed_run_feed_id", "feed_run", ["feed_id", "id"])
    op.create_table(
        "feed_refusal",
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_refusal_feed_id")),
        sa.PrimaryKeyConstraint("feed_id", "stix_id", "version", name=op.f("pk_feed_refusal")),
    )
    op.create_index("ix_feed_refusal_at", "feed_refusal", ["feed_id", "at_us"])
    op.create_table(
        "feed_sent",
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("version_us", sa.BigInteger(), nullable=False),
        sa.Column("body_id", sa.BigInteger(), nullable=False),
        sa.Column("added_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('sent', 'refused', 'withdrawn', 'recalled')", name="state"),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_feed_sent_contribution_id")
        ),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_sent_feed_id")),
        sa.PrimaryKeyConstraint("feed_id", "contribution_id", name=op.f("pk_feed_sent")),
    )
    op.create_index("ix_feed_sent_stix_id", "feed_sent", ["stix_id"])
    op.add_column("contribution", sa.Column("feed_id", sa.BigInteger()))


def downgrade() -> None:
    op.execute("ALTER TABLE contribution DROP COLUMN feed_id")
    op.drop_table("feed_sent")
    op.drop_table("feed_refusal")
    op.drop_table("feed_run")
    op.drop_table("feed")
