"""Where a row comes from: the columns that every row of the register has."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Text


def provenance() -> tuple[Column[object], ...]:
    """Source (symbol, notification or link), its class, confidence, and who recorded it when.

    `loaded` is a digest of what a catalogue last said of the row; None when none did.
    """
    return (
        Column("source", Text, nullable=False),
        Column("source_class", Text, nullable=False),
        Column("confidence", Text, nullable=False),
        Column("note", Text),
        Column("recorded_by", Text, nullable=False),
        Column("recorded_us", BigInteger, nullable=False),
        Column("loaded", Text),
    )
