"""Tables of the sharing room: collections, policies, contributions, releases, ledger.

A release is an interval of ledger positions in which a contribution is visible to an
audience; it is opened and closed, never edited. Instants are microseconds (UTC).
"""

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
    text,
)

from kernel.db import BigId, content_metadata, delivery_metadata

collection = Table(
    "collection",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("alias", Text),
    Column("unmarked_as", SmallInteger, nullable=False),
    Column("tlp_ceiling", SmallInteger, nullable=False),
    Column("read_roles", Text, nullable=False),
    Column("write_roles", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    # How many releases were ever opened in it.
    Column("opened", BigInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("forum_id", "title"),
    UniqueConstraint("forum_id", "alias"),
)

# One row a forum, locked by whoever writes to it: the end of its ledger and its last stamp.
forum_head = Table(
    "forum_head",
    content_metadata,
    Column("forum_id", ForeignKey("forum.id"), primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("date_added_us", BigInteger, nullable=False),
    # The instant up to which everything that fell due has been settled; decisions never go back.
    Column("settled_us", BigInteger, nullable=False, server_default=text("0")),
    # The earliest instant at which a decision changes by itself; None when none ever does.
    Column("due_us", BigInteger),
    # The last 00:00Z at which reciprocity was counted; None while no policy asks for it.
    Column("counted_us", BigInteger),
)

# Append-only: a trigger refuses every update and delete.
ledger = Table(
    "ledger",
    content_metadata,
    Column("forum_id", ForeignKey("forum.id"), primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)

# Versions of a member's sharing policy in a forum; the newest holds. `epoch` is the ledger
# position at which it took effect.
policy = Table(
    "policy",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("member_id", ForeignKey("member.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    UniqueConstraint("forum_id", "member_id", "version"),
)

# A forum's own documents: its withhold rules and the template of a new seat's policy.
forum_policy = Table(
    "forum_policy",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    UniqueConstraint("forum_id", "kind", "version"),
    CheckConstraint("kind IN ('withhold', 'template')", name="kind"),
)

accepts = Table(
    "accepts",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("member_id", ForeignKey("member.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    UniqueConstraint("forum_id", "member_id", "version"),
)

# Bytes: an object exactly as received, or (later) less some properties. Can be destroyed.
body = Table(
    "body",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# What each form of an object mentions (rules.mentions), gone with its bytes. Beginnings are
# asked for as ranges: in the order of the letters' codes.
mention = Table(
    "mention",
    content_metadata,
    Column("body_id", ForeignKey("body.id", ondelete="CASCADE"), primary_key=True),
    Column("value", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Index("ix_mention_value", "value", "body_id"),
)

# One version of one object by one originator in one collection.
contribution = Table(
    "contribution",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("collection_id", ForeignKey("collection.id"), nullable=False),
    Column("originator_id", ForeignKey("member.id"), nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("stix_type", Text, nullable=False),
    Column("version_us", BigInteger, nullable=False),
    # Of the JSON value, so that another spelling of the same content is the same content.
    Column("digest", LargeBinary, nullable=False),
    Column("tlp", SmallInteger, nullable=False),
    # JSON: what the decision may know (labels, properties with their TLP, releasable_to, ...).
    Column("facts", Text, nullable=False),
    # None once the content has been deleted; the facts stay.
    Column("body_id", ForeignKey("body.id")),
    Column("state", Text, nullable=False),
    # The ledger position at which this version was first contributed, and when.
    Column("seq", BigInteger, nullable=False),
    Column("contributed_us", BigInteger, nullable=False),
    # A held downgrade that no release-approver has confirmed, deleted since or not.
    Column("is_held", Boolean, nullable=False, server_default=text("false")),
    # Recalled for good: equal content is refused.
    Column("never_returns", Boolean, nullable=False, server_default=text("false")),
    # The contribution that this one answers; those who see that one see this one.
    Column("bound_id", ForeignKey("contribution.id")),
    # Who is decided to see this version (a mask as in `audience`), since when; None before the
    # first decision. Which copy stands and what a recipient accepts are not in it.
    Column("seen", LargeBinary),
    Column("seen_since_us", BigInteger),
    # The next instant at which its decision changes by itself.
    Column("due_us", BigInteger),
    # The actor that contributed it, or brought it back: who may not confirm it alone.
    Column("contributed_by", Text),
    # The feed that delivered it, second-hand; None for what the originator contributed itself.
    Column("feed_id", BigInteger),
    UniqueConstraint("collection_id", "stix_id", "originator_id", "version_us"),
    CheckConstraint("state IN ('standing', 'held', 'deleted')", name="state"),
    Index("ix_contribution_forum_id_stix_id", "forum_id", "stix_id"),
    Index("ix_contribution_originator_id_forum_id_seq", "originator_id", "forum_id", "seq"),
    Index(
        "ix_contribution_due",
        "forum_id",
        "due_us",
        info={"where": text("due_us IS NOT NULL")},
    ),
    Index(
        "ix_contribution_held",
        "originator_id",
        "forum_id",
        info={"where": text("state = 'held'")},
    ),
    Index(
        "ix_contribution_bound_id",
        "bound_id",
        info={"where": text("bound_id IS NOT NULL")},
    ),
)

# Who was decided to see a version, and is no more or no longer in this composition: what
# reciprocity counts. Only what has changed is written.
past_seen = Table(
    "past_seen",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("contribution_id", ForeignKey("contribution.id"), nullable=False),
    Column("mask", LargeBinary, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Index("ix_past_seen_contribution_id", "contribution_id"),
)

# The STIX ids that a contribution names.
reference = Table(
    "reference",
    content_metadata,
    Column("contribution_id", ForeignKey("contribution.id"), primary_key=True),
    Column("stix_id", Text, primary_key=True),
    Index("ix_reference_stix_id", "stix_id"),
)

# The bytes of a contribution less what `omitted` names (JSON: units and ids, sorted), made once.
# `statements` are the statement markings that this form still carries (JSON list).
variant = Table(
    "variant",
    content_metadata,
    Column("contribution_id", ForeignKey("contribution.id"), primary_key=True),
    Column("omitted", Text, primary_key=True),
    Column("body_id", ForeignKey("body.id"), nullable=False),
    Column("statements", Text, nullable=False),
)

# The statement marking-definitions that a contribution carries, those they carry included.
marking_use = Table(
    "marking_use",
    content_metadata,
    Column("contribution_id", ForeignKey("contribution.id"), primary_key=True),
    Column("marking_id", Text, primary_key=True),
    Index("ix_marking_use_marking_id", "marking_id"),
)

# What a contribution's references meant when it was contributed: for an id the originator
# had no copy of, the copy that then stood in the originator's view (whose, and where).
guard = Table(
    "guard",
    content_metadata,
    Column("contribution_id", ForeignKey("contribution.id"), primary_key=True),
    Column("stix_id", Text, primary_key=True),
    Column("collection_id", ForeignKey("collection.id"), primary_key=True, autoincrement=False),
    Column("originator_id", ForeignKey("member.id"), primary_key=True, autoincrement=False),
    Index("ix_guard_stix_id", "stix_id"),
)

# Content-addressed sets of (recipient, credential kind); `mask` is big-endian, least bit last.
audience = Table(
    "audience",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("mask", LargeBinary, nullable=False),
    UniqueConstraint("forum_id", "digest"),
)

# element = 2 * recipient.bit + (1 for individual credentials, 0 for machine ones)
audience_member = Table(
    "audience_member",
    content_metadata,
    Column("audience_id", ForeignKey("audience.id"), primary_key=True),
    Column("element", Integer, primary_key=True, autoincrement=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Index("ix_audience_member_forum_id_element", "forum_id", "element", "audience_id"),
)

# Where the view of one recipient and credential kind stands in a collection: an upper bound of
# its newest `date_added`, and how many releases were ever opened for it. Answers empty polls
# without a scan, and by one row, whatever others are shown.
view_head = Table(
    "view_head",
    content_metadata,
    Column("collection_id", ForeignKey("collection.id"), primary_key=True, autoincrement=False),
    Column("element", Integer, primary_key=True, autoincrement=False),
    Column("date_added_us", BigInteger, nullable=False),
    Column("opened", BigInteger, nullable=False),
)

_OPEN = text("closed IS NULL")
_OPEN_LAST = text("closed IS NULL AND is_last")

release = Table(
    "release",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("collection_id", ForeignKey("collection.id"), nullable=False),
    Column("date_added_us", BigInteger, nullable=False),
    Column("contribution_id", ForeignKey("contribution.id"), nullable=False),
    # None once closed and the content deleted.
    Column("body_id", ForeignKey("body.id")),
    # What this form of the object lacks, as in `variant`; None when it is whole.
    Column("omitted", Text),
    Column("audience_id", ForeignKey("audience.id"), nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("stix_type", Text, nullable=False),
    Column("version_us", BigInteger, nullable=False),
    Column("is_first", Boolean, nullable=False),
    Column("is_last", Boolean, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("closed", BigInteger),
    Index(
        "ix_release_open",
        "collection_id",
        "date_added_us",
        "audience_id",
        unique=True,
        info={"where": _OPEN},
    ),
    Index(
        "ix_release_open_last",
        "collection_id",
        "date_added_us",
        "audience_id",
        info={"where": _OPEN_LAST},
    ),
    Index(
        "ix_release_type",
        "collection_id",
        "stix_type",
        "date_added_us",
        info={"where": _OPEN},
    ),
    Index(
        "ix_release_stix_id",
        "collection_id",
        "stix_id",
        "date_added_us",
        info={"where": _OPEN},
    ),
    Index(
        "ix_release_audience_id",
        "collection_id",
        "audience_id",
        "date_added_us",
        info={"where": _OPEN},
    ),
    Index("ix_release_contribution_id", "contribution_id"),
    Index("ix_release_body_id", "body_id"),
)

# What became of each object of a request, readable by the contributing member alone.
status = Table(
    "status",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("collection_id", ForeignKey("collection.id"), nullable=False),
    Column("member_id", ForeignKey("member.id"), nullable=False),
    Column("requested_us", BigInteger, nullable=False, index=True),
    Column("document", LargeBinary, nullable=False),
    Index("ix_status_member_id_forum_id", "member_id", "forum_id", "requested_us"),
)

# A change that was tried out before it happens, for seven days. `forum_id` is None for a member's
# suspension, `member_id` for a forum's rules. With `document_digest` (what was tried) and
# `result_digest` (all that the asker could see of it) it is applied only if nothing moved.
simulation = Table(
    "simulation",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("forum_id", ForeignKey("forum.id")),
    Column("member_id", ForeignKey("member.id")),
    Column("asked_by", Text, nullable=False),
    Column("document_digest", LargeBinary, nullable=False),
    Column("result_digest", LargeBinary, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    # JSON: what was told.
    Column("result", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False, index=True),
    CheckConstraint("kind IN ('policy', 'forum-policy', 'suspension', 'seat')", name="kind"),
)

# What was served to whom, written before the bytes leave. With `head` (the ledger position of
# the answer) the releases it held can be named for ever after.
delivery = Table(
    "delivery",
    delivery_metadata,
    Column("id", BigId, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("forum_id", BigInteger, nullable=False),
    Column("collection_id", BigInteger, nullable=False),
    Column("element", Integer, nullable=False),
    # 'objects', 'manifest', 'object', 'versions', 'api', 'page', 'export', 'own', 'push'
    Column("door", Text, nullable=False),
    Column("filters", Text, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Index("ix_delivery_forum_id_element_at_us", "forum_id", "element", "at_us", "id"),
    Index("ix_delivery_collection_id", "collection_id", "id"),
)
