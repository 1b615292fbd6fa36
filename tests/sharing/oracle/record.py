"""What has happened in a forum, as plain as it can be written down.

Kept by the test beside the product, or read from what the product has stored (`stored`). Rules
and accepts stay the JSON documents that they were set as.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.sharing.oracle import objects
from tests.sharing.oracle.objects import Object, Steps

Form = tuple[Object, frozenset[Steps], bool]
"""An object less something, the places of the original that are left, and if that will do."""

KINDS = ("machine", "individual")
DAY_US = 86_400_000_000


@dataclass(eq=False, slots=True)
class Recipient:
    """A member with a seat, or a partner (`role` is then `partner`)."""

    name: str
    role: str
    accredited_to: int = objects.RED
    jurisdiction: str | None = None
    residency: str | None = None
    blocs: frozenset[str] = frozenset()
    is_member_active: bool = True
    is_seat_active: bool = True
    has_seat_ended: bool = False
    rules: list[dict[str, Any]] = field(default_factory=list)
    accepts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_partner(self) -> bool:
        return self.role == "partner"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of credential that it may have: a partner's are `machine`."""
        return KINDS[:1] if self.is_partner else KINDS

    @property
    def is_active(self) -> bool:
        return self.is_member_active and self.is_seat_active


@dataclass(eq=False, slots=True)
class Place:
    """A collection; `key` is what the views call it."""

    key: int
    uuid: str
    readers: frozenset[str]
    writers: frozenset[str]
    unmarked_as: int
    ceiling: int


Copy = tuple[str, int, str]
"""Originator, collection's key, STIX id."""


@dataclass(eq=False, slots=True)
class Contribution:
    """One version of one object by one originator in one collection, and its facts.

    `guards` are the foreign copies that stood for what it names when it was contributed;
    `seen` is who was decided to see it, as [since, until) intervals by member's code; `answers`
    the earlier contribution that it is bound to; `feed` who delivered it, with the level that
    nothing it delivers is decided below.
    """

    originator: str
    place: Place
    value: Object
    order: int
    contributed_us: int
    is_deleted: bool = False
    is_held: bool = False
    never_returns: bool = False
    answers: Contribution | None = None
    feed: str = ""
    floor: int | None = None
    guards: dict[str, set[Copy]] = field(default_factory=dict)
    seen: dict[str, list[list[int | None]]] = field(default_factory=dict)
    key: object = None
    forms: dict[object, Form] = field(default_factory=dict)
    level: int = field(init=False)
    levels: dict[str, int] = field(init=False)
    named: set[str] = field(init=False)
    hard: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.level = objects.level_of(
            self.value, self.place.unmarked_as if self.floor is None else self.floor
        )
        if self.floor is not None:
            self.level = max(self.level, self.floor)
        self.levels = objects.unit_levels(self.value, self.level)
        self.named = objects.named_ids(self.value)
        self.hard = objects.hard_ids(self.value)

    def less(self, lost: frozenset[str], hidden: frozenset[str]) -> Form:
        """The object less these units and ids, worked out once."""
        key = (lost, hidden)
        if key not in self.forms:
            served, left = objects.less(self.value, lost, hidden)
            self.forms[key] = (served, left, objects.is_complete(self.value, served))
        return self.forms[key]

    @property
    def id(self) -> str:
        return str(self.value["id"])

    @property
    def whole(self) -> Form:
        return self.less(frozenset(), frozenset())

    @property
    def version(self) -> str:
        return objects.version_of(self.value)

    @property
    def copy(self) -> Copy:
        return (self.originator, self.place.key, self.id)

    @property
    def is_statement(self) -> bool:
        return objects.is_statement(self.value)


@dataclass(frozen=True, slots=True)
class Commitment:
    """A member's commitment to a provision, in effect in [from, until)."""

    code: str
    provision: str
    from_us: int
    until_us: int | None

    def is_in_effect(self, at_us: int) -> bool:
        """Whether it is at this instant."""
        return self.from_us <= at_us and (self.until_us is None or at_us < self.until_us)


@dataclass(slots=True)
class Record:
    """A forum with all that has happened in it; `now_us` is how far it has been brought."""

    ceiling: int
    now_us: int
    recipients: dict[str, Recipient] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    forum_rules: list[dict[str, Any]] = field(default_factory=list)
    template: list[dict[str, Any]] = field(default_factory=list)
    identities: dict[str, str] = field(default_factory=dict)
    commitments: list[Commitment] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    orders: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def list_copy(self, copy: Copy) -> list[Contribution]:
        """Every version of a copy, deleted ones too, the newest first."""
        versions = [each for each in self.contributions if each.copy == copy]
        return sorted(versions, key=lambda each: each.version, reverse=True)

    def find(self, copy: Copy, version: str) -> Contribution | None:
        return next((each for each in self.list_copy(copy) if each.version == version), None)

    def own_copies(self, originator: str, stix_id: str) -> set[Copy]:
        """The originator's own copies of an id, in all collections of the forum."""
        return {
            each.copy
            for each in self.contributions
            if each.originator == originator and each.id == stix_id
        }

    def rules_of(self, originator: str) -> list[dict[str, Any]]:
        found = self.recipients.get(originator)
        return found.rules if found else []
