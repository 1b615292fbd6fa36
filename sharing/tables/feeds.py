"""Tables of partner feeds: what goes over, where each one stands, what became of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from kernel.db import BigId, content_metadata

# A partner's TAXII collection that a member pulls from, or pushes a recipient's view to.
feed = Table(
    "feed",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    # Of the member's own: whether another has a feed of that name is not for it to learn.
    Column("name", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("collection_id", ForeignKey("collection.id"), nullable=False),
    # Who answers for it: what it brings is this member's, second-hand.
    Column("member_id", ForeignKey("member.id"), nullable=False, index=True),
    # Whose view a push sends.
    Column("recipient_id", ForeignKey("recipient.id")),
    Column("url", Text, nullable=False),
    # An id, an alias or a title there.
    Column("remote", Text, nullable=False),
    # Scheme, host and port: nothing goes back to where it came from.
    Column("peer", Text, nullable=False, index=True),
    Column("every_s", Integer, nullable=False),
    Column("min_tlp", SmallInteger),
    Column("manifest_first", Boolean, nullable=False),
    Column("user_name", Text),
    # 'none', 'basic' or 'bearer'; the secrets are sealed (kernel.sealing).
    Column("auth", Text, nullable=False),
    Column("secret", LargeBinary),
    Column("client_cert", LargeBinary),
    Column("ca", Text),
    Column("state", Text, nullable=False),
    # JSON: where the next run goes on; written with what the last one brought.
    Column("position", Text, nullable=False),
    # When it is due; None while it is paused.
    Column("next_us", BigInteger, index=True),
    Column("failures", Integer, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    # Then it is paused for good, and its name says so: another may have it.
    Column("removed_us", BigInteger),
    CheckConstraint("direction IN ('pull', 'push')", name="direction"),
    CheckConstraint("auth IN ('none', 'basic', 'bearer')", name="auth"),
    CheckConstraint("state IN ('active', 'paused')", name="state"),
    UniqueConstraint("member_id", "name"),
)

# One turn of a feed: from when to when, what it moved, how it ended. Kept for some weeks.
feed_run = Table(
    "feed_run",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("feed_id", ForeignKey("feed.id"), nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("told_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    # 'running', 'done', 'more' (its budget is spent), 'failed', 'cut-off' (its process died)
    Column("state", Text, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # How many objects went over; what became of them.
    Column("objects", Integer, nullable=False),
    Column("contributed", Integer, nullable=False),
    Column("replaced", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("returned", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("step", Text),
    Column("code", Text),
    Column("reason", Text),
    # JSON list: what was odd about the partner, and how it was dealt with.
    Column("oddities", Text, nullable=False),
    Index("ix_feed_run_feed_id", "feed_id", "id"),
)

# What a feed brought and was not taken, or sent and the partner did not take: the last word on
# each version.
feed_refusal = Table(
    "feed_refusal",
    content_metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True, autoincrement=False),
    Column("stix_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_feed_refusal_at", "feed_id", "at_us"),
)

# What a push has sent, in which form, and what has become of it.
feed_sent = Table(
    "feed_sent",
    content_metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True, autoincrement=False),
    Column("contribution_id", ForeignKey("contribution.id"), primary_key=True),
    Column("stix_id", Text, nullable=False),
    Column("version_us", BigInteger, nullable=False),
    # The form that was sent; it may have been destroyed since.
    Column("body_id", BigInteger, nullable=False),
    # The release's `date_added`: what is added later is another form, and sent in its turn.
    Column("added_us", BigInteger, nullable=False),
    Column("sent_us", BigInteger, nullable=False),
    # 'sent', 'refused' (by the partner), 'withdrawn', 'recalled' (the partner keeps it)
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_feed_sent_stix_id", "stix_id"),
    CheckConstraint("state IN ('sent', 'refused', 'withdrawn', 'recalled')", name="state"),
)
