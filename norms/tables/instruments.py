"""Instruments, their provisions, how provisions relate, and where their words are found."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from kernel.db import BigId, content_metadata
from norms.tables.provenance import provenance

instrument = Table(
    "instrument",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("symbol", Text, nullable=False),
    Column("title", Text, nullable=False),
    # 'treaty', 'decision', 'report', 'declaration', 'work-plan', 'programme', ...
    Column("kind", Text, nullable=False),
    Column("legal_character", Text, nullable=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False, index=True),
    Column("adopted", Text),
    Column("opens", Text),
    Column("closes", Text),
    # As the depositary says; else it is computed from `force_rule` (JSON).
    Column("in_force", Text),
    Column("force_rule", Text),
    Column("welcomed_by", Text),
    Column("supersedes", Text),
    # Whether a party that joins the forum later takes over what was adopted before, and
    # whether one that leaves it is no longer committed.
    Column("binds_later_members", Boolean, nullable=False),
    Column("lapses_on_leaving", Boolean, nullable=False),
    # JSON list of the paths that a reservation may be made to; None: nothing is said.
    Column("reservable", Text),
    *provenance(),
)

# The smallest unit that can be cited: INSTRUMENT:PATH.
provision = Table(
    "provision",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("short", Text, nullable=False),
    # Our own words, never the instrument's.
    Column("paraphrase", Text, nullable=False),
    # 'restraint', 'positive-duty', 'process'; None where it is neither.
    Column("polarity", Text),
    Column("introduced_by", ForeignKey("instrument.id")),
    # The day from which it exists: its introducing instrument's adoption; None: unknown.
    Column("from_day", Integer),
    *provenance(),
    UniqueConstraint("instrument_id", "path"),
    Index("ix_provision_instrument_id", "instrument_id", "position"),
)

provision_link = Table(
    "provision_link",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("from_id", ForeignKey("provision.id"), nullable=False, index=True),
    # 'elaborates', 'restates', 'implements', 'narrows', 'supersedes', 'related-editorial'
    Column("kind", Text, nullable=False),
    # A provision, or paragraphs of an instrument that are no provisions here.
    Column("to_id", ForeignKey("provision.id"), index=True),
    Column("to_instrument_id", ForeignKey("instrument.id"), index=True),
    Column("to_paragraphs", Text),
    *provenance(),
)

# Where the words are, and what they were: symbol, link, digest; never the text. Append-only.
text_pin = Table(
    "text_pin",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("provision_id", ForeignKey("provision.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("language", Text, nullable=False),
    # 'authentic', 'official', 'working', 'unofficial-translation'
    Column("standing", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("link", Text),
    # SHA-256 of the words in NFC with single spaces, hexadecimal; None while nobody took it.
    Column("digest", Text),
    Column("pinned_us", BigInteger, nullable=False),
    *provenance(),
    UniqueConstraint("provision_id", "language", "version"),
)
