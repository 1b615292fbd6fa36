"""What the whole policy needs: references, variants, who was seen by whom, what falls due.

Everything that is stored falls due at once, so that the first reader or worker decides it anew:
what an earlier version hid for want of these tables is then decided.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BATCH = 1000


def upgrade() -> None:
    _add_columns()
    op.create_table(
        "past_seen",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("mask", sa.LargeBinary(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_past_seen_contribution_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_seen")),
    )
    op.create_index("ix_past_seen_contribution_id", "past_seen", ["contribution_id"])
    op.create_table(
        "reference",
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("stix_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_reference_contribution_id")
        ),
        sa.PrimaryKeyConstraint("contribution_id", "stix_id", name=op.f("pk_reference")),
    )
    op.create_index("ix_reference_stix_id", "reference", ["stix_id"])
    op.create_table(
        "variant",
        sa.Column("contribution_id", BIG_ID, nullable=False),
        sa.Column("omitted", sa.Text(), nullable=False),
        sa.Column("body_id", BIG_ID, nullable=False),
        sa.Column("statements", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_variant_body_id")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contribution.id"], name=op.f("fk_variant_contribution_id")
        ),
        sa.PrimaryKeyConstraint("contribution_id", "omitted", name=op.f("pk_variant")),
    )
    _let_everything_fall_due()


def _add_columns() -> None:
    op.add_column(
        "forum_head",
        sa.Column("settled_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("forum_head", sa.Column("due_us", sa.BigInteger()))
    op.add_column("forum_head", sa.Column("counted_us", sa.BigInteger()))
    for name in ("is_held", "never_returns"):
        op.add_column(
            "contribution",
            sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False),
        )
    # In one statement, which both databases take; Alembic would rebuild SQLite's table.
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE contribution ADD COLUMN bound_id {number} "
        "CONSTRAINT fk_contribution_bound_id REFERENCES contribution (id)"
    )
    op.add_column("contribution", sa.Column("seen", sa.LargeBinary()))
    op.add_column("contribution", sa.Column("seen_since_us", sa.BigInteger()))
    op.add_column("contribution", sa.Column("due_us", sa.BigInteger()))
    op.add_column("release", sa.Column("omitted", sa.Text()))
    for name in ("due", "bound_id"):
        column = "due_us" if name == "due" else name
        op.create_index(
            f"ix_contribution_{name}",
            "contribution",
            ["forum_id", column] if name == "due" else [column],
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def _let_everything_fall_due() -> None:
    connection = op.get_bind()
    contribution = sa.table(
        "contribution", sa.column("id"), sa.column("facts"), sa.column("due_us")
    )
    reference = sa.table("reference", sa.column("contribution_id"), sa.column("stix_id"))
    after = 0
    while True:
        rows = connection.execute(
            sa.select(contribution.c.id, contribution.c.facts)
            .where(contribution.c.id > after)
            .order_by(contribution.c.id)
            .limit(_BATCH)
        ).all()
        if not rows:
            break
        after = rows[-1].id
        named = [
            {"contribution_id": row.id, "stix_id": stix_id}
            for row in rows
            for stix_id in json.loads(row.facts)["references"]
        ]
        if named:
            connection.execute(sa.insert(reference), named)
    connection.execute(sa.update(contribution).values(due_us=0))
    if after:
        head = sa.table("forum_head", sa.column("due_us"))
        connection.execute(sa.update(head).values(due_us=0))


def downgrade() -> None:
    for table in ("variant", "reference", "past_seen"):
        op.drop_table(table)
    for name, column in (("bound_id", "bound_id"), ("due", "due_us")):
        op.drop_index(
            f"ix_contribution_{name}",
            table_name="contribution",
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.drop_column("release", "omitted")
    for column in ("due_us", "seen_since_us", "seen", "bound_id", "never_returns", "is_held"):
        _drop_column("contribution", column)
    for column in ("counted_us", "due_us", "settled_us"):
        _drop_column("forum_head", column)


def _drop_column(table: str, column: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
