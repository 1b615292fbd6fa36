"""Credentials of a forum's secretariat, which acts for no member and no partner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OF_TWO = "(member_id IS NULL) <> (partner_id IS NULL)"
_OF_THREE = (
    "(CASE WHEN member_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN partner_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN forum_id IS NULL THEN 0 ELSE 1 END) = 1"
)
_KEPT = (
    "id, name, kind, member_id, partner_id, person_id, scopes, secret_hash, created_us, "
    "expires_us, revoked_us"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(_OF_THREE, has_forum=True)
    else:
        op.add_column("credential", sa.Column("forum_id", BIG_ID))
        op.create_foreign_key("fk_credential_forum_id", "credential", "forum", ["forum_id"], ["id"])
        op.drop_constraint("ck_credential_acts_for_one", "credential")
        op.execute(
            f"ALTER TABLE credential ADD CONSTRAINT ck_credential_acts_for_one CHECK ({_OF_THREE})"
        )
    op.create_index("ix_credential_forum_id", "credential", ["forum_id"])


def downgrade() -> None:
    op.execute(
        "DELETE FROM token WHERE credential_id IN "
        "(SELECT id FROM credential WHERE forum_id IS NOT NULL)"
    )
    op.execute("DELETE FROM credential WHERE forum_id IS NOT NULL")
    op.drop_index("ix_credential_forum_id", table_name="credential")
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(_OF_TWO, has_forum=False)
        return
    op.drop_constraint("ck_credential_acts_for_one", "credential")
    op.drop_column("credential", "forum_id")
    op.execute(
        f"ALTER TABLE credential ADD CONSTRAINT ck_credential_acts_for_one CHECK ({_OF_TWO})"
    )


def _make_anew(acts_for_one: str, *, has_forum: bool) -> None:
    """SQLite changes no constraint of a table that is there; tokens wait aside meanwhile."""
    op.execute("CREATE TEMPORARY TABLE kept_token AS SELECT * FROM token")
    op.execute("DELETE FROM token")
    for name in ("member_id", "partner_id", "person_id"):
        op.drop_index(f"ix_credential_{name}", table_name="credential")
    op.execute("CREATE TEMPORARY TABLE kept_credential AS SELECT * FROM credential")
    op.drop_table("credential")
    more = [sa.Column("forum_id", BIG_ID)] if has_forum else []
    keys = [("member_id", "member.id"), ("partner_id", "partner.recipient_id")]
    keys += [("person_id", "person.id")] + ([("forum_id", "forum.id")] if has_forum else [])
    op.create_table(
        "credential",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", BIG_ID),
        sa.Column("partner_id", BIG_ID),
        sa.Column("person_id", BIG_ID),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger()),
        sa.Column("revoked_us", sa.BigInteger()),
        *more,
        sa.CheckConstraint(
            "kind = 'machine' OR person_id IS NOT NULL",
            name=op.f("ck_credential_individual_is_a_person"),
        ),
        sa.CheckConstraint("kind IN ('machine', 'individual')", name=op.f("ck_credential_kind")),
        sa.CheckConstraint(acts_for_one, name=op.f("ck_credential_acts_for_one")),
        *(
            sa.ForeignKeyConstraint([name], [target], name=op.f(f"fk_credential_{name}"))
            for name, target in keys
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    op.execute(f"INSERT INTO credential ({_KEPT}) SELECT {_KEPT} FROM kept_credential")  # noqa: S608
    op.execute("INSERT INTO token SELECT * FROM kept_token")
    op.execute("DROP TABLE kept_token")
    op.execute("DROP TABLE kept_credential")
    for name in ("member_id", "partner_id", "person_id"):
        op.create_index(f"ix_credential_{name}", "credential", [name])
