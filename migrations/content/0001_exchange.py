"""The exchange: who takes part, what they share, and the ledger of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("ledger", "audit")


def upgrade() -> None:
    op.create_table(
        "body",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body")),
    )
    op.create_table(
        "forum",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tlp_ceiling", sa.SmallInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum")),
        sa.UniqueConstraint("slug", name=op.f("uq_forum_slug")),
    )
    op.create_table(
        "member",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=True),
        sa.Column("residency", sa.Text(), nullable=True),
        sa.Column("accredited_to", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'suspended', 'departed')", name=op.f("ck_member_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("code", name=op.f("uq_member_code")),
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
        "audit",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("member_id", BIG_ID, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_audit_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_member_id_id", "audit", ["member_id", "id"], unique=False)
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
        "member_bloc",
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("bloc", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_member_bloc_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "bloc", name=op.f("pk_member_bloc")),
    )
    op.create_table(
        "member_identity",
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_member_identity_member_id")
        ),
        sa.PrimaryKeyConstraint("stix_id", name=op.f("pk_member_identity")),
    )
    op.create_index(
        op.f("ix_member_identity_member_id"), "member_identity", ["member_id"], unique=False
    )
    op.create_table(
        "person",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("member_id", BIG_ID, nullable=True),
        sa.Column("forum_id", BIG_ID, nullable=True),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f("ck_person_status")),
        sa.CheckConstraint(
"(CASE WHEN member_id IS NULL THEN 0 ELSE 1 END)"
" + (CASE WHEN forum_id IS NULL THEN 0 ELSE 1 END)"
" + (CASE WHEN is_operator THEN 1 ELSE 0 END) = 1",
            name=op.f("ck_person_acts_for_one"),
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_person_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_person_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_index(op.f("ix_person_forum_id"), "person", ["forum_id"], unique=False)
    op.create_index(op.f("ix_person_member_id"), "person", ["member_id"], unique=False)
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
        "recipient",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("bit", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_recipient_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("forum_id", "bit", name=op.f("uq_recipient_forum_id_bit")),
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
        "partner",
        sa.Column("recipient_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'suspended', 'ended')", name=op.f("ck_partner_status")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_partner_forum_id")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_partner_recipient_id")
        ),
        sa.PrimaryKeyConstraint("recipient_id", name=op.f("pk_partner")),
        sa.UniqueConstraint("forum_id", "name", name=op.f("uq_partner_forum_id_name")),
    )
    op.create_table(
        "person_role",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_role_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_person_role")),
    )
    op.create_table(
        "seat",
        sa.Column("recipient_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role IN ('member', 'partner-state', 'observer')", name=op.f("ck_seat_role")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'suspended', 'ended')", name=op.f("ck_seat_status")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_seat_forum_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_seat_member_id")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_seat_recipient_id")
        ),
        sa.PrimaryKeyConstraint("recipient_id", name=op.f("pk_seat")),
        sa.UniqueConstraint("forum_id", "member_id", name=op.f("uq_seat_forum_id_member_id")),
    )
    op.create_index(op.f("ix_seat_member_id"), "seat", ["member_id"], unique=False)
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
        "credential",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", BIG_ID, nullable=True),
        sa.Column("partner_id", BIG_ID, nullable=True),
        sa.Column("person_id", BIG_ID, nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind = 'machine' OR person_id IS NOT NULL",
            name=op.f("ck_credential_individual_is_a_person"),
        ),
        sa.CheckConstraint("kind IN ('machine', 'individual')", name=op.f("ck_credential_kind")),
        sa.CheckConstraint(
            "(member_id IS NULL) <> (partner_id IS NULL)", name=op.f("ck_credential_acts_for_one")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_credential_member_id")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.recipient_id"], name=op.f("fk_credential_partner_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    op.create_index(op.f("ix_credential_member_id"), "credential", ["member_id"], unique=False)
    op.create_index(op.f("ix_credential_partner_id"), "credential", ["partner_id"], unique=False)
    op.create_index(op.f("ix_credential_person_id"), "credential", ["person_id"], unique=False)
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
    op.create_table(
        "token",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("issued_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_token_credential_id")
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_token")),
    )
    op.create_index(op.f("ix_token_credential_id"), "token", ["credential_id"], unique=False)
    op.create_index(op.f("ix_token_expires_us"), "token", ["expires_us"], unique=False)
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _forbid_changes(table: str) -> None:
    refusal = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_token_expires_us"), table_name="token")
    op.drop_index(op.f("ix_token_credential_id"), table_name="token")
    op.drop_table("token")
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
    op.drop_index(op.f("ix_credential_person_id"), table_name="credential")
    op.drop_index(op.f("ix_credential_partner_id"), table_name="credential")
    op.drop_index(op.f("ix_credential_member_id"), table_name="credential")
    op.drop_table("credential")
    op.drop_index(op.f("ix_status_requested_us"), table_name="status")
    op.drop_index("ix_status_member_id_forum_id", table_name="status")
    op.drop_table("status")
    op.drop_index(op.f("ix_seat_member_id"), table_name="seat")
    op.drop_table("seat")
    op.drop_table("person_role")
    op.drop_table("partner")
    op.drop_index("ix_contribution_originator_id_forum_id_seq", table_name="contribution")
    op.drop_index("ix_contribution_forum_id_stix_id", table_name="contribution")
    op.drop_table("contribution")
    op.drop_index("ix_audience_member_forum_id_element", table_name="audience_member")
    op.drop_table("audience_member")
    op.drop_table("audience_head")
    op.drop_table("recipient")
    op.drop_table("policy")
    op.drop_index(op.f("ix_person_member_id"), table_name="person")
    op.drop_index(op.f("ix_person_forum_id"), table_name="person")
    op.drop_table("person")
    op.drop_index(op.f("ix_member_identity_member_id"), table_name="member_identity")
    op.drop_table("member_identity")
    op.drop_table("member_bloc")
    op.drop_table("ledger")
    op.drop_table("forum_policy")
    op.drop_table("forum_head")
    op.drop_table("collection")
    op.drop_index("ix_audit_member_id_id", table_name="audit")
    op.drop_table("audit")
    op.drop_table("audience")
    op.drop_table("accepts")
    op.drop_table("member")
    op.drop_table("forum")
    op.drop_table("body")
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP FUNCTION {table}_refuse()")
