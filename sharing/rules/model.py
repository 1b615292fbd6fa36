"""What a decision is about: who asks (Recipient), where (Place), what (Facts); audiences as sets.

What does not live here: what the originator wants (`rule`), and the decision (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sharing.rules.tlp import Tlp

CredentialKind = Literal["machine", "individual"]

KINDS: Final[tuple[CredentialKind, ...]] = ("machine", "individual")
"""Credential kinds, at the place that `element` gives them."""

SEAT_ROLES: Final[frozenset[str]] = frozenset({"member", "partner-state", "observer"})
"""The roles a member's seat may have; a partner has no seat."""

PARTNER_ROLE: Final = "partner"
"""What collections call partners among their readers."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member with a seat in the forum, or one of the forum's partners (sharing policy §1).

    `bit` is its number among the forum's recipients, never reused; `name` a member's code or
    a partner's name; `is_active` says that it and its seat are. Raises ValueError when
    `is_partner` and `role` contradict each other: who is a partner is never guessed.
    """

    bit: int
    name: str
    is_partner: bool
    role: str
    is_active: bool
    jurisdiction: str | None
    blocs: frozenset[str]
    residency: str | None
    accredited_to: Tlp

    def __post_init__(self) -> None:
        if self.is_partner != (self.role == PARTNER_ROLE):
            raise ValueError(f"recipient {self.name!r} cannot have the role {self.role!r}")


@dataclass(frozen=True, slots=True)
class Place:
    """A collection (its UUID) with who may read it, and the ceilings it and its forum set."""

    collection: str
    read_roles: frozenset[str]
    collection_ceiling: Tlp
    forum_ceiling: Tlp


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """All that the rules need to know about one contribution. Compared by identity.

    `originator` is a member's code; `tlp` the object's level, the collection's
    `unmarked_as` already applied; `blockers` name what hides the object from all but its
    originator (`marking-scheme`). A **unit** is what can be left out by itself: a top-level
    property but `extensions`, or `extensions.<id>`; `properties` maps each to its own level,
    which counts where it is above the object's. `releasable_to` is None when the object does
    not carry it, () when it names nobody.

    For step 6: of each of `clauses`, none of them empty, one unit must remain; by a tie
    (a, b), `a` goes where `b` goes. `contributed_us` is what durations count from.
    """

    originator: str
    stix_type: str
    labels: frozenset[str]
    tlp: Tlp
    blockers: tuple[str, ...]
    properties: Mapping[str, Tlp]
    releasable_to: tuple[str, ...] | None
    clauses: tuple[frozenset[str], ...]
    ties: tuple[tuple[str, str], ...]
    contributed_us: int


def element(bit: int, kind: CredentialKind) -> int:
    """The number of (recipient, credential kind) in an audience, which is an int mask."""
    return bit * 2 + KINDS.index(kind)


def list_elements(audience: int) -> Iterator[tuple[int, CredentialKind]]:
    """The (recipient's bit, credential kind) pairs that an audience mask holds, ascending."""
    while audience:
        lowest = (audience & -audience).bit_length() - 1
        yield lowest // 2, KINDS[lowest % 2]
        audience &= audience - 1
