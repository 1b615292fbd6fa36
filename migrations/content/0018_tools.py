"""Tools that people let in: registered, granted, with their codes and refresh tokens."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OF_TOOLS = "SELECT credential_id FROM tool_grant"
_STANDING = f"SELECT id FROM credential WHERE revoked_us IS NULL AND id IN ({_OF_TOOLS})"  # noqa: S608


def upgrade() -> None:
    op.create_table(
        "tool",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("member_id", BIG_ID),
        sa.Column("secret_hash", sa.LargeBinary()),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger()),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_tool_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool")),
    )
    op.create_index("ix_tool_member_id", "tool", ["member_id"])
    op.create_table(
        "tool_redirect",
        sa.Column("tool_id", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tool_id"], ["tool.id"], name=op.f("fk_tool_redirect_tool_id")),
        sa.PrimaryKeyConstraint("tool_id", "uri", name=op.f("pk_tool_redirect")),
    )
    _make_grants()
    _make_codes()


def _make_grants() -> None:
    op.create_table(
        "tool_grant",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("tool_id", sa.Text(), nullable=False),
        sa.Column("used_us", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_tool_grant_credential_id")
        ),
        sa.ForeignKeyConstraint(["tool_id"], ["tool.id"], name=op.f("fk_tool_grant_tool_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_tool_grant")),
    )
    op.create_index("ix_tool_grant_tool_id", "tool_grant", ["tool_id"])
    op.create_table(
        "tool_refresh",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_tool_refresh_credential_id")
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tool_refresh")),
    )
    op.create_index("ix_tool_refresh_credential_id", "tool_refresh", ["credential_id"])
    op.create_index("ix_tool_refresh_expires_us", "tool_refresh", ["expires_us"])


def _make_codes() -> None:
    op.create_table(
        "tool_code",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("tool_id", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger()),
        sa.Column("credential_id", sa.Text()),
        sa.ForeignKeyConstraint(["tool_id"], ["tool.id"], name=op.f("fk_tool_code_tool_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_tool_code_person_id")),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_tool_code_credential_id")
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tool_code")),
    )
    op.create_index("ix_tool_code_expires_us", "tool_code", ["expires_us"])


def downgrade() -> None:
    # An older release would not know that these are bound to a tool.
    op.execute(f"DELETE FROM token WHERE credential_id IN ({_OF_TOOLS})")  # noqa: S608
    now_us = time.time_ns() // 1000
    op.execute(f"UPDATE credential SET revoked_us = {now_us} WHERE id IN ({_STANDING})")  # noqa: S608
    for name in ("tool_code", "tool_refresh", "tool_grant", "tool_redirect", "tool"):
        op.drop_table(name)
