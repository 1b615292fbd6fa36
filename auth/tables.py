"""Tables of the auth room. A recipient is a number in a forum; a seat or a partner holds it."""

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

forum = Table(
    "forum",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("tlp_ceiling", SmallInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)

member = Table(
    "member",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("jurisdiction", Text),
    Column("residency", Text),
    Column("accredited_to", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    CheckConstraint("status IN ('active', 'suspended', 'departed')", name="status"),
)

member_bloc = Table(
    "member_bloc",
    content_metadata,
    Column("member_id", ForeignKey("member.id"), primary_key=True),
    Column("bloc", Text, primary_key=True),
)

# A STIX identity belongs to at most one member.
member_identity = Table(
    "member_identity",
    content_metadata,
    Column("stix_id", Text, primary_key=True),
    Column("member_id", ForeignKey("member.id"), nullable=False, index=True),
)

recipient = Table(
    "recipient",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    # The recipient's place among the bits of an audience; never given to another.
    Column("bit", Integer, nullable=False),
    UniqueConstraint("forum_id", "bit"),
)

seat = Table(
    "seat",
    content_metadata,
    Column("recipient_id", ForeignKey("recipient.id"), primary_key=True, autoincrement=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("member_id", ForeignKey("member.id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    UniqueConstraint("forum_id", "member_id"),
    CheckConstraint("role IN ('member', 'partner-state', 'observer')", name="role"),
    CheckConstraint("status IN ('active', 'suspended', 'ended')", name="status"),
)

partner = Table(
    "partner",
    content_metadata,
    Column("recipient_id", ForeignKey("recipient.id"), primary_key=True, autoincrement=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    UniqueConstraint("forum_id", "name"),
    CheckConstraint("status IN ('active', 'suspended', 'ended')", name="status"),
)

# A person acts for one member, for one forum's secretariat, or for the installation.
person = Table(
    "person",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("member_id", ForeignKey("member.id"), index=True),
    Column("forum_id", ForeignKey("forum.id"), index=True),
    Column("is_operator", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    CheckConstraint("status IN ('active', 'disabled')", name="status"),
    CheckConstraint(
        "(CASE WHEN member_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN forum_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN is_operator THEN 1 ELSE 0 END) = 1",
        name="acts_for_one",
    ),
)

person_role = Table(
    "person_role",
    content_metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("role", Text, primary_key=True),
)

# Acts for exactly one: a member, a partner of one forum, or one forum's secretariat.
credential = Table(
    "credential",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("member_id", ForeignKey("member.id"), index=True),
    Column("partner_id", ForeignKey("partner.recipient_id"), index=True),
    Column("person_id", ForeignKey("person.id"), index=True),
    Column("scopes", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("forum_id", ForeignKey("forum.id"), index=True),
    CheckConstraint("kind IN ('machine', 'individual')", name="kind"),
    CheckConstraint(
        "(CASE WHEN member_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN partner_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN forum_id IS NULL THEN 0 ELSE 1 END) = 1",
        name="acts_for_one",
    ),
    CheckConstraint("kind = 'machine' OR person_id IS NOT NULL", name="individual_is_a_person"),
)

token = Table(
    "token",
    content_metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("credential_id", ForeignKey("credential.id"), nullable=False, index=True),
    Column("scopes", Text, nullable=False),
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
    Column("revoked_us", BigInteger),
)

# A person at a browser; the cookie's token is kept as a keyed hash.
session = Table(
    "session",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("method", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
    Column("revoked_us", BigInteger),
    CheckConstraint("method IN ('password', 'passkey', 'link', 'provider')", name="method"),
)

person_password = Table(
    "person_password",
    content_metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)

# Opens one session, once.
sign_in_link = Table(
    "sign_in_link",
    content_metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
)

passkey = Table(
    "passkey",
    content_metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
)

# What a browser has to answer once: gone when it is answered or has expired.
challenge = Table(
    "challenge",
    content_metadata,
    Column("value", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
)

# Where a member's own people prove who they are; `secret` is encrypted.
identity_provider = Table(
    "identity_provider",
    content_metadata,
    Column("member_id", ForeignKey("member.id"), primary_key=True, autoincrement=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)

# A person is known there by its subject, never by an address that can be given to another.
person_identity = Table(
    "person_identity",
    content_metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("created_us", BigInteger, nullable=False),
)

# A program that acts for people who let it in: of one member, or of every body (NULL).
tool = Table(
    "tool",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("member_id", ForeignKey("member.id"), index=True),
    # NULL: a public client (RFC 6749 §2.1), which cannot keep one.
    Column("secret_hash", LargeBinary),
    Column("scopes", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_us", BigInteger),
)

tool_redirect = Table(
    "tool_redirect",
    content_metadata,
    Column("tool_id", ForeignKey("tool.id"), primary_key=True),
    Column("uri", Text, primary_key=True),
)

# A person's grant to a tool is a credential of the person whose secret nobody ever had.
tool_grant = Table(
    "tool_grant",
    content_metadata,
    Column("credential_id", ForeignKey("credential.id"), primary_key=True),
    Column("tool_id", ForeignKey("tool.id"), nullable=False, index=True),
    Column("used_us", BigInteger),
)

# What a tool exchanges for tokens, once; kept for a while after, to tell a second use.
tool_code = Table(
    "tool_code",
    content_metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("tool_id", ForeignKey("tool.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
    Column("used_us", BigInteger),
    Column("credential_id", ForeignKey("credential.id")),
)

# Each is used once, for the next; one that is used twice ends its grant.
tool_refresh = Table(
    "tool_refresh",
    content_metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("credential_id", ForeignKey("credential.id"), nullable=False, index=True),
    Column("expires_us", BigInteger, nullable=False, index=True),
    Column("used_us", BigInteger),
)

# Append-only: a trigger refuses every update and delete.
audit = Table(
    "audit",
    content_metadata,
    Column("id", BigId, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    # 'operator', 'credential:ID', 'person:EMAIL' or 'unknown'
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # The member whose record this concerns, if any: its auditors may read the entry.
    Column("member_id", ForeignKey("member.id")),
    Column("detail", Text, nullable=False),
    Index("ix_audit_member_id_id", "member_id", "id"),
)
