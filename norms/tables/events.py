"""What happened, as dated events. Append-only: a correction is another event."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from kernel.db import BigId, content_metadata
from norms.tables.provenance import provenance

norm_event = Table(
    "norm_event",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    # What a catalogue calls it, so that loading it twice records it once.
    Column("key", Text, unique=True),
    Column("kind", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("forum_id", ForeignKey("forum.id")),
    Column("instrument_id", ForeignKey("instrument.id")),
    Column("party_code", ForeignKey("party.code")),
    # JSON lists: provisions (empty: all of the instrument), and parties bound by name.
    Column("provisions", Text, nullable=False),
    Column("parties", Text, nullable=False),
    Column("basis", Text),
    Column("symbol", Text),
    Column("refers_to_id", ForeignKey("norm_event.id"), index=True),
    # One event is corrected at most once; a correction can be corrected.
    Column("corrects_id", ForeignKey("norm_event.id"), unique=True),
    # What it says, in our words, or a State's own.
    Column("body", Text),
    # JSON: what only some kinds have (`notified`, `articles`, `territory`, ...).
    Column("detail", Text, nullable=False),
    Column("on_behalf_of", ForeignKey("party.code")),
    *provenance(),
    Index("ix_norm_event_instrument_id", "instrument_id", "party_code"),
    Index("ix_norm_event_party_code", "party_code", "first_day"),
    Index("ix_norm_event_forum_id", "forum_id", "first_day"),
)
