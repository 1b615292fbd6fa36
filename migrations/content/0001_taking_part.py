"""Who takes part: forums, members, seats, partners, persons, credentials, the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.append_only import allow_changes, refuse_changes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
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
        "recipient",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("bit", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_recipient_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("forum_id", "bit", name=op.f("uq_recipient_forum_id_bit")),
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
    refuse_changes("audit")


def downgrade() -> None:
    allow_changes("audit")
    op.drop_index(op.f("ix_token_expires_us"), table_name="token")
    op.drop_index(op.f("ix_token_credential_id"), table_name="token")
    op.drop_table("token")
    op.drop_index(op.f("ix_credential_person_id"), table_name="credential")
    op.drop_index(op.f("ix_credential_partner_id"), table_name="credential")
    op.drop_index(op.f("ix_credential_member_id"), table_name="credential")
    op.drop_table("credential")
    op.drop_index(op.f("ix_seat_member_id"), table_name="seat")
    op.drop_table("seat")
    op.drop_table("person_role")
    op.drop_table("partner")
    op.drop_table("recipient")
    op.drop_index(op.f("ix_person_member_id"), table_name="person")
    op.drop_index(op.f("ix_person_forum_id"), table_name="person")
    op.drop_table("person")
    op.drop_index(op.f("ix_member_identity_member_id"), table_name="member_identity")
    op.drop_table("member_identity")
    op.drop_table("member_bloc")
    op.drop_index("ix_audit_member_id_id", table_name="audit")
    op.drop_table("audit")
    op.drop_table("member")
    op.drop_table("forum")
