"""What each State of a demonstration contributed, who receives it and why; what it receives.

A State is told about its own contributions, and about others' only what it receives. What
does not live here: the decision, whose own words are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from auth.reader import CredentialKind, Seated
from auth.services import seat_for_operator
from kernel.db import Database
from kernel.errors import Misconfigured
from sharing.demo.making import FORUM, STATES, State
from sharing.queries.collections import Collection, find_collection
from sharing.queries.exporting import ViewedRow, list_viewed
from sharing.rules.model import KINDS
from sharing.services.explaining import Explainer
from sharing.services.explanations import Explanation

_MOST_OBJECTS: Final = 1000
_MOST_BYTES: Final = 1 << 20
_CARRIED: Final = "A statement goes wherever an object that carries it goes."


class Reach(IntEnum):
    """How far a contribution reaches the other State; the widest first."""

    EVERY_CREDENTIAL = 0
    PERSONS_ONLY = 1
    NOBODY = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """An object that a State sees, in words; `tlp` is empty where no level counts."""

    stix_id: str
    title: str
    tlp: str


@dataclass(frozen=True, slots=True)
class Own(Seen):
    """One contribution of a State's own: how far it reaches the other, and why."""

    reach: Reach
    why: str


@dataclass(frozen=True, slots=True)
class Account:
    """What one State may know of the exchange; `received` through a person's credential."""

    state: State
    other: State
    own: tuple[Own, ...]
    received: tuple[Seen, ...]


def explain_demo(database: Database, collection_uuid: str, *, now_us: int) -> list[Account]:
    """An account for each State, from the decisions' own traces and the views as they are."""
    with database.read() as connection:
        return [
            _account(connection, state, other, collection_uuid, now_us=now_us)
            for state, other in (STATES, STATES[::-1])
        ]


def _account(
    connection: Connection, state: State, other: State, uuid: str, *, now_us: int
) -> Account:
    seated, place = _enter(connection, state, uuid)
    viewed = list_viewed(
        *(connection, seated, place.id),
        after_us=None,
        limit=_MOST_OBJECTS,
        most_bytes=_MOST_BYTES,
    )
    own = [row for row in viewed if row.originator_id == seated.member_id]
    told = _Told(connection, seated, place, other, own, now_us=now_us)
    return Account(
        state,
        other,
        tuple(told.explain(row) for row in own),
        tuple(
            Seen(row.stix_id, _title(row), _tlp(row))
            for row in viewed
            if row.originator_id != seated.member_id
        ),
    )


def _enter(connection: Connection, state: State, uuid: str) -> tuple[Seated, Collection]:
    seated = seat_for_operator(connection, state.code, FORUM)
    place = find_collection(connection, seated, uuid)
    if place is None:
        raise Misconfigured("sharing.demo-incomplete", f"{state.code} has no collection {uuid}")
    return seated, place


class _Told:
    """What one State may know of its contributions' way to the other."""

    def __init__(
        self,
        connection: Connection,
        seated: Seated,
        place: Collection,
        other: State,
        own: list[ViewedRow],
        *,
        now_us: int,
    ) -> None:
        ids = [row.stix_id for row in own]
        self._explainer = Explainer(connection, seated, ids, now_us=now_us)
        self._recipient = self._explainer.find_recipient(other.code)
        self._place = place

    def explain(self, row: ViewedRow) -> Own:
        """How far `row` reaches, by which rules or for want of what."""
        stored = self._explainer.find_version(self._place.id, row.stix_id, row.version_us)
        if stored is None:
            raise Misconfigured("sharing.demo-incomplete", f"{row.stix_id} is not there")
        told = {kind: self._explainer.explain(stored, self._recipient, kind) for kind in KINDS}
        reasons = _list_reasons(told["individual"])
        if told["individual"].decision != "hidden" and told["machine"].decision == "hidden":
            reasons += _list_reasons(told["machine"])
        reached = {kind: one.decision != "hidden" for kind, one in told.items()}
        return Own(row.stix_id, _title(row), _tlp(row), _reach(reached), " ".join(reasons))


def _list_reasons(told: Explanation) -> list[str]:
    """What settled it: the rules that share it, or what hides it. Equal sentences together."""
    settling = [line for line in told.trace if line.grants]
    if told.decision == "hidden":
        settling = [line for line in told.trace if line.clause == told.trace[-1].clause]
    if not settling:
        return [_CARRIED]
    rules: dict[str, list[str]] = {}
    for line in settling:
        rules.setdefault(line.sentence, []).extend([line.rule] if line.rule else [])
    return [
        f"{sentence} ({', '.join(named)})" if named else sentence
        for sentence, named in rules.items()
    ]


def _reach(reached: Mapping[CredentialKind, bool]) -> Reach:
    if reached["machine"]:
        return Reach.EVERY_CREDENTIAL
    return Reach.PERSONS_ONLY if reached["individual"] else Reach.NOBODY


def _tlp(row: ViewedRow) -> str:
    return "" if row.facts.is_statement else row.tlp.text


def _title(row: ViewedRow) -> str:
    """The type, and a name where the object has one."""
    value: dict[str, Any] = orjson.loads(row.content)
    name = value.get("name") or value.get("value") or value.get("relationship_type") or ""
    return f"{row.stix_type} {name}".rstrip()
