"""Parties (States, regional organizations), and what named persons have confirmed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from kernel.db import BigId, content_metadata
from norms.tables.provenance import provenance

# A public fact, whether or not a member of this installation has the same code.
party = Table(
    "party",
    content_metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # 'state', 'un-observer-state', 'reio', 'io', 'other'
    Column("kind", Text, nullable=False),
    *provenance(),
)

# Append-only: that a person has compared a row with its source.
confirmation = Table(
    "confirmation",
    content_metadata,
    Column("id", BigId, primary_key=True),
    # The noun (`provision`, `event`, ...) and the row's own id or key.
    Column("subject_kind", Text, nullable=False),
    Column("subject_key", Text, nullable=False, index=True),
    Column("confirmed_by", Text, nullable=False),
    Column("confirmed_us", BigInteger, nullable=False),
    # What it was compared with.
    Column("against", Text, nullable=False),
    Column("actor", Text, nullable=False),
)
