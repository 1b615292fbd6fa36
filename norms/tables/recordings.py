"""Events that wait for a second person of a secretariat, and which forums ask for one.

What waits is no event: `norm_event` gets what was confirmed, and nothing else.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text

from kernel.db import content_metadata

four_eyes = Table(
    "four_eyes",
    content_metadata,
    Column("forum_id", ForeignKey("forum.id"), primary_key=True, autoincrement=False),
    Column("setting", Text, nullable=False),
    CheckConstraint("setting IN ('always', 'automatic', 'never')", name="setting"),
)

recording = Table(
    "recording",
    content_metadata,
    Column("id", Text, primary_key=True),
    # Whose secretariat records it, which may be about a forum below.
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    # JSON: the list of events as they were sent.
    Column("events", Text, nullable=False),
    Column("recorded_by", ForeignKey("person.id"), nullable=False),
    # As the audit names who records: a person, or its credential.
    Column("actor", Text, nullable=False),
    Column("recorded_us", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", ForeignKey("person.id")),
    Column("decided_us", BigInteger),
    Column("reason", Text),
    # JSON: the ids of the events that it has become.
    Column("became", Text, nullable=False),
    CheckConstraint("state IN ('waiting', 'confirmed', 'refused')", name="state"),
    CheckConstraint("decided_by <> recorded_by OR state <> 'confirmed'", name="second"),
    Index("ix_recording_forum_id", "forum_id", "state", "recorded_us"),
)
