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
from sharing.queries.contributions import list_own_copies
from sharing.queries.exporting import ViewedRow, list_viewed
from sharing.queries.policies import NO_RULES, find_policy, read_saved
from sharing.rules.decide import Decision, decide
from sharing.rules.model import KINDS
from sharing.rules.rule import Policy
from sharing.services.decisions import Decisions

_MOST_OBJECTS: Final = 1000
_GRANTS: Final = 2


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
    viewed = list_viewed(connection, seated, place.id, after_us=None, limit=_MOST_OBJECTS)
    own = [row for row in viewed if row.originator_id == seated.member_id]
    judge = _Judge(connection, seated, place, other, now_us=now_us)
    return Account(
        state,
        other,
        tuple(judge.explain(row, own) for row in own),
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


class _Judge:
    """Decides about one State's contributions for the other, as the exchange does."""

    def __init__(
        self,
        connection: Connection,
        seated: Seated,
        place: Collection,
        other: State,
        *,
        now_us: int,
    ) -> None:
        decisions = Decisions(connection, seated.forum_id, now_us)
        self._decisions = decisions
        self._connection = connection
        self._seated = seated
        held = find_policy(connection, seated.forum_id, seated.member_id or 0)
        document = held.document if held else NO_RULES
        self._policy = read_saved(document, decisions.collection_names)
        self._place = decisions.places[place.id]
        self._recipient = next(
            recipient
            for recipient in decisions.electorate.recipients
            if recipient.name == other.code
        )

    def explain(self, row: ViewedRow, own: list[ViewedRow]) -> Own:
        """How far `row` reaches; a statement marking goes wherever what carries it goes."""
        if row.facts.is_statement:
            carriers = [carrier for carrier in own if row.stix_id in carrier.facts.markings]
            reached = {kind: any(self._grants(c, kind) for c in carriers) for kind in KINDS}
            why = "A statement goes wherever an object that carries it goes."
        else:
            reached = {kind: self._grants(row, kind) for kind in KINDS}
            why = self._why(row)
        return Own(row.stix_id, _title(row), _tlp(row), _reach(reached), why)

    def _why(self, row: ViewedRow) -> str:
        """The rules that grant it to a person, or what hides it; then what keeps machines out."""
        decision = self._decide(row, "individual")
        reasons = _list_reasons(decision)
        if decision.outcome != "hidden":
            machine = self._decide(row, "machine")
            reasons += _list_reasons(machine) if machine.outcome == "hidden" else []
        return " ".join(reasons)

    def _grants(self, row: ViewedRow, kind: CredentialKind) -> bool:
        return self._decide(row, kind).outcome != "hidden"

    def _decide(self, row: ViewedRow, kind: CredentialKind) -> Decision:
        [stored] = (
            copy
            for copy in list_own_copies(
                self._connection,
                self._seated.forum_id,
                self._seated.member_id or 0,
                [row.stix_id],
            )
            if copy.version_us == row.version_us
        )
        facts = self._decisions.facts_of(stored)
        moment = self._decisions.moment
        # The example forum has no rules of its own.
        return decide(facts, self._place, self._recipient, kind, self._policy, Policy(), moment)


def _list_reasons(decision: Decision) -> list[str]:
    """The trace of the step that settled it: the grants, or what hides. Equal ones together."""
    is_granted = decision.outcome != "hidden"
    settled = _GRANTS if is_granted else decision.step
    rules: dict[str, list[str]] = {}
    for entry in decision.trace:
        if entry.step == settled and (entry.rule or not is_granted):
            rules.setdefault(entry.sentence, []).extend([entry.rule] if entry.rule else [])
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
