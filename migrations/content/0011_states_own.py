"""What States say and do about what was agreed: positions, actions, silence procedures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.append_only import allow_changes, refuse_changes

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "position",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("date", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("forum_id", BIG_ID),
        sa.Column("instrument_id", sa.Text()),
        sa.Column("provisions", sa.Text(), nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("supersedes_id", BIG_ID),
        sa.Column("event_id", BIG_ID),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_us", sa.BigInteger(), nullable=False),
        sa.Column("released_by", sa.Text()),
        sa.Column("released_us", sa.BigInteger()),
        *_provenance(),
        sa.CheckConstraint(
            "audience IN ('public', 'own', 'parties')", name=op.f("ck_position_audience")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'released', 'withdrawn')", name=op.f("ck_position_state")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["norm_event.id"], name=op.f("fk_position_event_id")),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_position_forum_id")),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_position_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_position_party_code")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes_id"], ["position.id"], name=op.f("fk_position_supersedes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
        sa.UniqueConstraint("uuid", name=op.f("uq_position_uuid")),
    )
    op.create_index("ix_position_party_code", "position", ["party_code", "first_day"])
    op.create_table(
        "position_reader",
        sa.Column("position_id", BIG_ID, nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_position_reader_party_code")
        ),
        sa.ForeignKeyConstraint(
            ["position_id"], ["position.id"], name=op.f("fk_position_reader_position_id")
        ),
        sa.PrimaryKeyConstraint("position_id", "party_code", name=op.f("pk_position_reader")),
    )
    op.create_table(
        "action",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("provisions", sa.Text(), nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("items", sa.Text()),
        sa.Column("existing", sa.Text()),
        sa.Column("challenges", sa.Text()),
        sa.Column("capacities", sa.Text()),
        sa.Column("time_frame", sa.Text()),
        sa.Column("lead", sa.Text()),
        sa.Column("partners", sa.Text()),
        sa.Column("initiative", sa.Text()),
        sa.Column("area", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("sectoral_body", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("due", sa.Text()),
        sa.Column("due_day", sa.Integer()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_us", sa.BigInteger(), nullable=False),
        sa.Column("released_by", sa.Text()),
        sa.Column("released_us", sa.BigInteger()),
        *_provenance(),
        sa.CheckConstraint(
            "audience IN ('public', 'own', 'parties')", name=op.f("ck_action_audience")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'released', 'withdrawn')", name=op.f("ck_action_state")
        ),
        sa.ForeignKeyConstraint(["party_code"], ["party.code"], name=op.f("fk_action_party_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
        sa.UniqueConstraint("uuid", name=op.f("uq_action_uuid")),
    )
    op.create_index("ix_action_party_code", "action", ["party_code", "id"])
    op.create_table(
        "action_reader",
        sa.Column("action_id", BIG_ID, nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["action.id"], name=op.f("fk_action_reader_action_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_action_reader_party_code")
        ),
        sa.PrimaryKeyConstraint("action_id", "party_code", name=op.f("pk_action_reader")),
    )
    op.create_table(
        "action_event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("action_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("date", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("digest", sa.Text()),
        sa.Column("due", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["action_id"], ["action.id"], name=op.f("fk_action_event_action_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_event")),
        sa.UniqueConstraint("uuid", name=op.f("uq_action_event_uuid")),
    )
    op.create_index("ix_action_event_action_id", "action_event", ["action_id"])
    op.create_table(
        "silence_procedure",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forum.id"], name=op.f("fk_silence_procedure_forum_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence_procedure")),
        sa.UniqueConstraint("uuid", name=op.f("uq_silence_procedure_uuid")),
    )
    op.create_index("ix_silence_procedure_forum_id", "silence_procedure", ["forum_id"])
    op.create_table(
        "silence_event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("procedure_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("deadline_us", sa.BigInteger()),
        sa.Column("zone", sa.Text()),
        sa.Column("party_code", sa.Text()),
        sa.Column("body", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_silence_event_party_code")
        ),
        sa.ForeignKeyConstraint(
            ["procedure_id"], ["silence_procedure.id"], name=op.f("fk_silence_event_procedure_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence_event")),
    )
    op.create_index("ix_silence_event_procedure_id", "silence_event", ["procedure_id"])
    for table in ("action_event", "silence_event"):
        refuse_changes(table)


def downgrade() -> None:
    for table in ("action_event", "silence_event"):
        allow_changes(table)
    for table in (
        "silence_event",
        "silence_procedure",
        "action_event",
        "action_reader",
        "action",
        "position_reader",
        "position",
    ):
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
