"""What States say and do about what was agreed: positions, implementation actions, silence.

A position or an action is a draft of its State until it is released to an audience.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.schema import SchemaItem

from kernel.db import BigId, content_metadata
from norms.tables.provenance import provenance


def _life() -> tuple[SchemaItem, ...]:
    """Who may see it: a draft its State; what is released `public`, `own` or chosen `parties`."""
    return (
        Column("state", Text, nullable=False),
        Column("audience", Text, nullable=False),
        Column("drafted_by", Text, nullable=False),
        Column("drafted_us", BigInteger, nullable=False),
        Column("released_by", Text),
        Column("released_us", BigInteger),
        CheckConstraint("state IN ('draft', 'released', 'withdrawn')", name="state"),
        CheckConstraint("audience IN ('public', 'own', 'parties')", name="audience"),
    )


position = Table(
    "position",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("party_code", ForeignKey("party.code"), nullable=False),
    # 'national-position', 'explanation-of-position', 'national-view'
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("forum_id", ForeignKey("forum.id")),
    Column("instrument_id", ForeignKey("instrument.id")),
    # JSON lists: provisions that it is about, and the text pins that it answers.
    Column("provisions", Text, nullable=False),
    Column("pins", Text, nullable=False),
    Column("supersedes_id", ForeignKey("position.id")),
    # The public explanation of position as an event, which qualifies a commitment.
    Column("event_id", ForeignKey("norm_event.id")),
    *_life(),
    *provenance(),
    Index("ix_position_party_code", "party_code", "first_day"),
)

position_reader = Table(
    "position_reader",
    content_metadata,
    Column("position_id", ForeignKey("position.id"), primary_key=True),
    Column("party_code", ForeignKey("party.code"), primary_key=True),
)

# The columns of the ASEAN Regional Action Plan's matrix, with an owner and a due date.
action = Table(
    "action",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("party_code", ForeignKey("party.code"), nullable=False),
    Column("number", Text),
    Column("provisions", Text, nullable=False),
    Column("pins", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("items", Text),
    Column("existing", Text),
    Column("challenges", Text),
    Column("capacities", Text),
    Column("time_frame", Text),
    Column("lead", Text),
    Column("partners", Text),
    Column("initiative", Text),
    Column("area", Text),
    Column("outcome", Text),
    Column("sectoral_body", Text),
    Column("owner", Text),
    Column("due", Text),
    Column("due_day", Integer),
    *_life(),
    *provenance(),
    Index("ix_action_party_code", "party_code", "id"),
)

action_reader = Table(
    "action_reader",
    content_metadata,
    Column("action_id", ForeignKey("action.id"), primary_key=True),
    Column("party_code", ForeignKey("party.code"), primary_key=True),
)

# Append-only: an action's status follows from these, evidence among them.
action_event = Table(
    "action_event",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("action_id", ForeignKey("action.id"), nullable=False, index=True),
    # 'begun', 'progress', 'completed', 'discontinued', 'due-moved', 'evidence'
    Column("kind", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("body", Text),
    Column("link", Text),
    Column("digest", Text),
    Column("due", Text),
    *provenance(),
)

silence_procedure = Table(
    "silence_procedure",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    *provenance(),
)

# Append-only: circulated, extended, broken, withdrawn, adopted; the state follows.
silence_event = Table(
    "silence_event",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("procedure_id", ForeignKey("silence_procedure.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("deadline_us", BigInteger),
    # IANA name of the zone in which the deadline was set.
    Column("zone", Text),
    # Who broke it: told to members of the forum alone.
    Column("party_code", ForeignKey("party.code")),
    Column("body", Text),
    *provenance(),
)
