"""What happened to norms, as events, and what follows from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.append_only import allow_changes, refuse_changes

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "norm_event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("date", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("forum_id", BIG_ID),
        sa.Column("instrument_id", sa.Text()),
        sa.Column("party_code", sa.Text()),
        sa.Column("provisions", sa.Text(), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text()),
        sa.Column("symbol", sa.Text()),
        sa.Column("refers_to_id", BIG_ID),
        sa.Column("corrects_id", BIG_ID),
        sa.Column("body", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["norm_event.id"], name=op.f("fk_norm_event_corrects_id")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_norm_event_forum_id")),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_norm_event_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["on_behalf_of"], ["party.code"], name=op.f("fk_norm_event_on_behalf_of")
        ),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_norm_event_party_code")
        ),
        sa.ForeignKeyConstraint(
            ["refers_to_id"], ["norm_event.id"], name=op.f("fk_norm_event_refers_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_norm_event")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_norm_event_corrects_id")),
        sa.UniqueConstraint("key", name=op.f("uq_norm_event_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_norm_event_uuid")),
    )
    op.create_index("ix_norm_event_forum_id", "norm_event", ["forum_id", "first_day"])
    op.create_index(
        "ix_norm_event_instrument_id", "norm_event", ["instrument_id", "party_code"], unique=False
    )
    op.create_index(
        "ix_norm_event_party_code", "norm_event", ["party_code", "first_day"], unique=False
    )
    op.create_index("ix_norm_event_refers_to_id", "norm_event", ["refers_to_id"])
    op.create_table(
        "commitment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("instrument_id", sa.Text(), nullable=False),
        sa.Column("provision_id", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("to_day", sa.Integer()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("is_reserved", sa.Boolean(), nullable=False),
        sa.Column("is_contested", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["norm_event.id"], name=op.f("fk_commitment_event_id")
        ),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_commitment_forum_id")),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_commitment_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_commitment_party_code")
        ),
        sa.ForeignKeyConstraint(
            ["provision_id"], ["provision.id"], name=op.f("fk_commitment_provision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment")),
    )
    op.create_index("ix_commitment_forum_id", "commitment", ["forum_id", "party_code", "from_day"])
    op.create_index(
        "ix_commitment_instrument_id", "commitment", ["instrument_id", "party_code"], unique=False
    )
    op.create_index(
        "ix_commitment_party_code", "commitment", ["party_code", "from_day"], unique=False
    )
    op.create_index(
        "ix_commitment_provision_id", "commitment", ["provision_id", "from_day"], unique=False
    )
    op.create_table(
        "treaty_standing",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("instrument_id", sa.Text(), nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("to_day", sa.Integer()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["norm_event.id"], name=op.f("fk_treaty_standing_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_treaty_standing_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_treaty_standing_party_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treaty_standing")),
    )
    op.create_index(
        "ix_treaty_standing_instrument_id",
        "treaty_standing",
        ["instrument_id", "party_code", "from_day"],
        unique=False,
    )
    op.create_index(
        "ix_treaty_standing_party_code", "treaty_standing", ["party_code", "from_day"], unique=False
    )
    op.create_table(
        "instrument_standing",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("instrument_id", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("to_day", sa.Integer()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_instrument_standing_instrument_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument_standing")),
    )
    op.create_index(
        "ix_instrument_standing_instrument_id",
        "instrument_standing",
        ["instrument_id", "from_day"],
        unique=False,
    )
    for table in ("norm_event",):
        refuse_changes(table)


def downgrade() -> None:
    for table in ("norm_event",):
        allow_changes(table)
    for table in ("instrument_standing", "treaty_standing", "commitment", "norm_event"):
        op.drop_table(table)


def _provenance() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_class", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("loaded", sa.Text()),
    )
