"""What follows from the events: spans of days, [from_day, to_day), derived as events come in.

Days to come are in them too. All of it can be derived anew from nothing, with the same result.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from kernel.db import BigId, content_metadata

# One party's commitment to one provision, in one forum, with one status.
commitment = Table(
    "commitment",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), nullable=False),
    Column("provision_id", ForeignKey("provision.id"), nullable=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("party_code", ForeignKey("party.code"), nullable=False),
    Column("from_day", Integer, nullable=False),
    Column("to_day", Integer),
    Column("status", Text, nullable=False),
    Column("basis", Text, nullable=False),
    # The partial date from which it counts, as it was given.
    Column("since", Text, nullable=False),
    Column("event_id", ForeignKey("norm_event.id"), nullable=False),
    # A reservation concerns this provision; the party claims that it was recorded wrongly.
    Column("is_reserved", Boolean, nullable=False),
    Column("is_contested", Boolean, nullable=False),
    Index("ix_commitment_forum_id", "forum_id", "party_code", "from_day"),
    Index("ix_commitment_provision_id", "provision_id", "from_day"),
    Index("ix_commitment_party_code", "party_code", "from_day"),
    Index("ix_commitment_instrument_id", "instrument_id", "party_code"),
)

treaty_standing = Table(
    "treaty_standing",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), nullable=False),
    Column("party_code", ForeignKey("party.code"), nullable=False),
    Column("from_day", Integer, nullable=False),
    Column("to_day", Integer),
    # 'invited', 'signatory', 'contracting', 'party', 'suspended', 'former-party'
    Column("status", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("event_id", ForeignKey("norm_event.id"), nullable=False),
    Index("ix_treaty_standing_instrument_id", "instrument_id", "party_code", "from_day"),
    Index("ix_treaty_standing_party_code", "party_code", "from_day"),
)

instrument_standing = Table(
    "instrument_standing",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), nullable=False),
    Column("from_day", Integer, nullable=False),
    Column("to_day", Integer),
    # 'adopted', 'open-for-signature', 'closed-for-signature', 'in-force', 'terminated', ...
    Column("status", Text, nullable=False),
    Column("since", Text, nullable=False),
    Index("ix_instrument_standing_instrument_id", "instrument_id", "from_day"),
)
