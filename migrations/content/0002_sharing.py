"""What is shared: collections, policies, contributions, releases, the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.append_only import allow_changes, refuse_changes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "body",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body")),
    )
    op.create_table(
        "accepts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_accepts_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_accepts_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepts")),
        sa.UniqueConstraint(
            "forum_id", "member_id", "version", name=op.f("uq_accepts_forum_id_member_id_version")
        ),
    )
    op.create_table(
        "audience",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mask", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_audience_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience")),
        sa.UniqueConstraint("forum_id", "digest", name=op.f("uq_audience_forum_id_digest")),
    )
    op.create_table(
        "collection",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("unmarked_as", sa.SmallInteger(), nullable=False),
        sa.Column("tlp_ceiling", sa.SmallInteger(), nullable=False),
        sa.Column("read_roles", sa.Text(), nullable=False),
        sa.Column("write_roles", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_collection_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("forum_id", "alias", name=op.f("uq_collection_forum_id_alias")),
        sa.UniqueConstraint("forum_id", "title", name=op.f("uq_collection_forum_id_title")),
        sa.UniqueConstraint("uuid", name=op.f("uq_collection_uuid")),
    )
    op.create_table(
        "forum_head",
        sa.Column("forum_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("date_added_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_forum_head_forum_id")),
        sa.PrimaryKeyConstraint("forum_id", name=op.f("pk_forum_head")),
    )
    op.create_table(
        "forum_policy",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('withhold', 'template')", name=op.f("ck_forum_policy_kind")),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_forum_policy_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_policy")),
        sa.UniqueConstraint(
            "forum_id", "kind", "version", name=op.f("uq_forum_policy_forum_id_kind_version")
        ),
    )
    op.create_table(
        "ledger",
        sa.Column("forum_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_ledger_forum_id")),
        sa.PrimaryKeyConstraint("forum_id", "seq", name=op.f("pk_ledger")),
    )
    op.create_table(
        "policy",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_policy_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_policy_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint(
            "forum_id", "member_id", "version", name=op.f("uq_policy_forum_id_member_id_version")
        ),
    )
    op.create_table(
        "audience_head",
        sa.Column("collection_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("audience_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("date_added_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_audience_head_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_audience_head_collection_id")
        ),
        sa.PrimaryKeyConstraint("collection_id", "audience_id", name=op.f("pk_audience_head")),
    )
    op.create_table(
        "audience_member",
        sa.Column("audience_id", BIG_ID, nullable=False),
        sa.Column("element", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_audience_member_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forum.id"], name=op.f("fk_audience_member_forum_id")
        ),
        sa.PrimaryKeyConstraint("audience_id", "element", name=op.f("pk_audience_member")),
    )
    op.create_index(
        "ix_audience_member_forum_id_element",
        "audience_member",
        ["forum_id", "element", "audience_id"],
        unique=False,
    )
    op.create_table(
        "contribution",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("originator_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("stix_type", sa.Text(), nullable=False),
        sa.Column("version_us", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("tlp", sa.SmallInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("body_id", BIG_ID, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("contributed_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('standing', 'held', 'deleted')", name=op.f("ck_contribution_state")
        ),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_contribution_body_id")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_contribution_collection_id")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_contribution_forum_id")),
        sa.ForeignKeyConstraint(
            ["originator_id"], ["member.id"], name=op.f("fk_contribution_originator_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution")),
        sa.UniqueConstraint(
            "collection_id",
            "stix_id",
            "originator_id",
            "version_us",
            name=op.f("uq_contribution_collection_id_stix_id_originator_id_version_us"),
        ),
    )
    op.create_index(
        "ix_contribution_forum_id_stix_id", "contribution", ["forum_id", "stix_id"], unique=False
    )
    op.create_index(
        "ix_contribution_originator_id_forum_id_seq",
        "contribution",
        ["originator_id", "forum_id", "seq"],
        unique=False,
    )
    op.create_table(
        "status",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("requested_us", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_status_collection_id")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_status_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_status_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status")),
    )
    op.create_index(
        "ix_status_member_id_forum_id",
        "status",
        ["member_id", "forum_id", "requested_us"],
        unique=False,
    )
    op.create_index(op.f("ix_status_requested_us"), "status", ["requested_us"], unique=False)
    op.create_table(
        "guard",
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("collection_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("originator_id", BIG_ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_guard_collection_id")
        ),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_guard_contribution_id")
        ),
        sa.ForeignKeyConstraint(
            ["originator_id"], ["member.id"], name=op.f("fk_guard_originator_id")
        ),
        sa.PrimaryKeyConstraint(
            "contribution_id", "stix_id", "collection_id", "originator_id", name=op.f("pk_guard")
        ),
    )
    op.create_index("ix_guard_stix_id", "guard", ["stix_id"], unique=False)
    op.create_table(
        "marking_use",
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("marking_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_marking_use_contribution_id")
        ),
        sa.PrimaryKeyConstraint("contribution_id", "marking_id", name=op.f("pk_marking_use")),
    )
    op.create_index("ix_marking_use_marking_id", "marking_use", ["marking_id"], unique=False)
    op.create_table(
        "release",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("collection_id", BIG_ID, nullable=False),
        sa.Column("date_added_us", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("body_id", BIG_ID, nullable=True),
        sa.Column("audience_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("stix_type", sa.Text(), nullable=False),
        sa.Column("version_us", sa.BigInteger(), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_release_audience_id")
        ),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_release_body_id")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_release_collection_id")
        ),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_release_contribution_id")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_release_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index("ix_release_body_id", "release", ["body_id"], unique=False)
    op.create_index("ix_release_contribution_id", "release", ["contribution_id"], unique=False)
    op.create_index(
        "ix_release_open",
        "release",
        ["collection_id", "date_added_us", "audience_id"],
        unique=True,
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.create_index(
        "ix_release_open_last",
        "release",
        ["collection_id", "date_added_us", "audience_id"],
        unique=False,
        sqlite_where=sa.text("closed IS NULL AND is_last"),
        postgresql_where=sa.text("closed IS NULL AND is_last"),
    )
    op.create_index(
        "ix_release_stix_id",
        "release",
        ["collection_id", "stix_id", "date_added_us"],
        unique=False,
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.create_index(
        "ix_release_type",
        "release",
        ["collection_id", "stix_type", "date_added_us"],
        unique=False,
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    refuse_changes("ledger")


def downgrade() -> None:
    allow_changes("ledger")
    op.drop_index(
        "ix_release_type",
        table_name="release",
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.drop_index(
        "ix_release_stix_id",
        table_name="release",
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.drop_index(
        "ix_release_open_last",
        table_name="release",
        sqlite_where=sa.text("closed IS NULL AND is_last"),
        postgresql_where=sa.text("closed IS NULL AND is_last"),
    )
    op.drop_index(
        "ix_release_open",
        table_name="release",
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.drop_index("ix_release_contribution_id", table_name="release")
    op.drop_index("ix_release_body_id", table_name="release")
    op.drop_table("release")
    op.drop_index("ix_marking_use_marking_id", table_name="marking_use")
    op.drop_table("marking_use")
    op.drop_index("ix_guard_stix_id", table_name="guard")
    op.drop_table("guard")
    op.drop_index(op.f("ix_status_requested_us"), table_name="status")
    op.drop_index("ix_status_member_id_forum_id", table_name="status")
    op.drop_table("status")
    op.drop_index("ix_contribution_originator_id_forum_id_seq", table_name="contribution")
    op.drop_index("ix_contribution_forum_id_stix_id", table_name="contribution")
    op.drop_table("contribution")
    op.drop_index("ix_audience_member_forum_id_element", table_name="audience_member")
    op.drop_table("audience_member")
    op.drop_table("audience_head")
    op.drop_table("policy")
    op.drop_table("ledger")
    op.drop_table("forum_policy")
    op.drop_table("forum_head")
    op.drop_table("collection")
    op.drop_table("audience")
    op.drop_table("accepts")
    op.drop_table("body")
