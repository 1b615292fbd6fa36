"""A member's own identity provider, and the people whom it knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("member_id", BIG_ID, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_identity_provider_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_identity_provider")),
    )
    op.create_table(
        "person_identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_identity_person_id")
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_person_identity")),
    )
    op.create_index("ix_person_identity_person_id", "person_identity", ["person_id"])


def downgrade() -> None:
    op.drop_table("person_identity")
    op.drop_table("identity_provider")
