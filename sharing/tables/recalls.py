"""Tables of recalls: what was taken back, who was told, who took note. Append-only."""

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
)

from kernel.db import BigId, content_metadata

# An originator takes back what it had contributed. Append-only, as are its notices and receipts.
recall = Table(
    "recall",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("collection_id", ForeignKey("collection.id"), nullable=False),
    Column("originator_id", ForeignKey("member.id"), nullable=False),
    Column("stix_id", Text, nullable=False),
    # JSON: the recalled contributions, as [id, version in µs], by version.
    Column("versions", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("never_return", Boolean, nullable=False),
    Column("keep", Boolean, nullable=False),
    # What was read before this ledger position is recalled; what is read after is not.
    Column("seq", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_recall_originator_id_forum_id", "originator_id", "forum_id", "at_us"),
)

# That one recipient, through one kind of credential, had been served one recalled version.
# `forms` are those it was served (JSON, as `release.omitted`); none when it was only told of it.
recall_notice = Table(
    "recall_notice",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("recall_id", ForeignKey("recall.id"), nullable=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("element", Integer, nullable=False),
    Column("contribution_id", ForeignKey("contribution.id"), nullable=False),
    Column("version_us", BigInteger, nullable=False),
    Column("forms", Text, nullable=False),
    Column("served_us", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_recall_notice_forum_id_element", "forum_id", "element", "at_us"),
    Index("ix_recall_notice_recall_id", "recall_id", "element"),
)

# That a recipient, through one kind of credential, has taken note of its notices until then.
recall_receipt = Table(
    "recall_receipt",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("recall_id", ForeignKey("recall.id"), nullable=False),
    Column("element", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_recall_receipt_recall_id", "recall_id", "element"),
)

# How far the log of deliveries has been read for a recall: an answer that was being written
# while it was made is recorded after it. Gone once no such answer can be left.
recall_gathering = Table(
    "recall_gathering",
    content_metadata,
    Column("recall_id", ForeignKey("recall.id"), primary_key=True, autoincrement=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False, index=True),
    Column("delivery_id", BigInteger, nullable=False),
)
