"""What is known of forums: kind, parent, members over time, sessions, programmes.

The forum itself is one record for both halves (`auth.tables.forum`).
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from auth.tables import forum as _forum  # noqa: F401 - the keys below point at it
from kernel.db import BigId, content_metadata
from norms.tables.provenance import provenance

forum_profile = Table(
    "forum_profile",
    content_metadata,
    Column("forum_id", ForeignKey("forum.id"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("parent_id", ForeignKey("forum.id"), index=True),
    # The forum whose members are this one's members too.
    Column("members_of_id", ForeignKey("forum.id")),
    Column("decision_rule", Text),
    # JSON list of language tags.
    Column("languages", Text, nullable=False),
    # What a member is called here: 'participating State', 'Ally', ...
    Column("member_label", Text, nullable=False),
    Column("begun", Text),
    Column("ended", Text),
    # What founds it, and what binds its work (co-chairs, meetings a year, exercises).
    Column("basis", Text),
    Column("rules", Text),
    Column("cycle_years", Integer),
    *provenance(),
)

# One party's belonging to a forum for a time: in [from_day, to_day).
membership = Table(
    "membership",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("party_code", ForeignKey("party.code"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    # 'member', 'observer', 'not-participating', 'suspended', 'disputed'
    Column("standing", Text, nullable=False),
    Column("from_date", Text),
    Column("to_date", Text),
    # None: since before anybody asked, and until further notice.
    Column("from_day", Integer),
    Column("to_day", Integer),
    *provenance(),
    Index("ix_membership_forum_id", "forum_id", "party_code"),
)

co_chair = Table(
    "co_chair",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False, index=True),
    Column("party_code", ForeignKey("party.code"), nullable=False),
    # As its forum calls it, say `2017-2020`.
    Column("cycle", Text, nullable=False),
    *provenance(),
)

forum_session = Table(
    "forum_session",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("place", Text),
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    *provenance(),
    Index("ix_forum_session_forum_id", "forum_id", "first_day"),
)

# Objectives (ends), goals (ways) and activities (means) of a forum, or of it with one party.
programme = Table(
    "programme",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False, index=True),
    Column("party_code", ForeignKey("party.code")),
    Column("title", Text, nullable=False),
    Column("from_date", Text),
    Column("to_date", Text),
    *provenance(),
)

programme_item = Table(
    "programme_item",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("programme_id", ForeignKey("programme.id"), nullable=False, index=True),
    Column("parent_id", ForeignKey("programme_item.id")),
    # 'objective', 'goal', 'activity'
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("due", Text),
    *provenance(),
)
