"""The reader: who is asking. Every query takes one; there is no omnipotent reader.

What does not live here: how a reader is recognised (auth.doors) or what it may see (the
visibility of each room).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CredentialKind = Literal["individual", "machine"]

SCOPES = ("taxii:read", "taxii:write", "api:read", "api:write")
WRITING_SEATS = frozenset({"member", "partner-state"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks through one credential: a member, a partner of one forum, or a secretariat.

    `secretariat_of` is the number of the forum whose secretariat it is; such a reader is no
    recipient anywhere.

    `roles` are those of the person behind an individual credential, None for a machine.
    `actor` names the asker in the audit trail: `credential:ID`, or `operator` for a command
    that acts for a member. `tool_id` is the tool that the person let in, where it is one that
    asks.
    """

    actor: str
    credential_id: str
    kind: CredentialKind
    scopes: frozenset[str]
    member_id: int | None = None
    member_code: str | None = None
    partner_id: int | None = None
    roles: frozenset[str] | None = None
    secretariat_of: int | None = None
    tool_id: str | None = None

    def has_scope(self, scope: str) -> bool:
        """Whether the credential may be used for `scope` at all."""
        return scope in self.scopes

    def has_role(self, role: str) -> bool:
        """Whether the person behind the credential has `role`; a machine needs none."""
        return self.roles is None or role in self.roles


@dataclass(frozen=True, slots=True)
class Seated:
    """A reader in one forum, as the recipient that it is there.

    `element` is its place in an audience: 2 * bit, plus 1 for individual credentials.
    `role` is its seat's (`member`, `partner-state`, `observer`), or `partner`.
    """

    reader: Reader
    forum_id: int
    forum_slug: str
    forum_title: str
    recipient_id: int
    bit: int
    role: str

    @property
    def element(self) -> int:
        """Place of this recipient and credential kind among the bits of an audience."""
        return 2 * self.bit + (self.reader.kind == "individual")

    @property
    def member_id(self) -> int | None:
        """The member it acts for; None for a partner."""
        return self.reader.member_id

    def may_contribute_as(self, write_roles: frozenset[str]) -> bool:
        """Whether its seat writes to a collection that these roles may write to."""
        return (
            self.role in WRITING_SEATS
            and self.role in write_roles
            and self.reader.has_role("contributor")
        )
