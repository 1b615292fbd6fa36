"""What each form of an object mentions: values, names, outside identifiers, cited provisions."""

from __future__ import annotations

import orjson
import sqlalchemy as sa
from alembic import op

from sharing.rules.mentions import list_mentions

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Ranges of beginnings are asked for: in the order of the letters' codes.
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BATCH = 500


def upgrade() -> None:
    op.create_table(
        "mention",
        sa.Column("body_id", BIG_ID, nullable=False),
        sa.Column("value", PLAIN, nullable=False),
        sa.ForeignKeyConstraint(
            ["body_id"], ["body.id"], name=op.f("fk_mention_body_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("body_id", "value", name=op.f("pk_mention")),
    )
    op.create_index("ix_mention_value", "mention", ["value", "body_id"])
    _read_what_is_stored()


def downgrade() -> None:
    op.drop_table("mention")


def _read_what_is_stored() -> None:
    connection = op.get_bind()
    body = sa.table("body", sa.column("id", BIG_ID), sa.column("content", sa.LargeBinary()))
    mention = sa.table("mention", sa.column("body_id", BIG_ID), sa.column("value", sa.Text()))
    last = -1
    while True:
        rows = connection.execute(
            sa.select(body).where(body.c.id > last).order_by(body.c.id).limit(_BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        found = [
            {"body_id": row.id, "value": value}
            for row in rows
            for value in list_mentions(orjson.loads(row.content))
        ]
        if found:
            connection.execute(sa.insert(mention), found)
