"""Tell a recipient why it is given what it sees, and on which terms (sharing policy §8).

In general words: which rule, and whose, is not the recipient's to know; whose object it is, only
if the object tells. Nothing said depends on whether anything was left out of the object.
What does not live here: what an originator is told (explaining).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from auth.reader import Seated
from kernel.clock import format_version
from sharing.queries.collections import Collection
from sharing.queries.contributions import Stored, list_stored
from sharing.queries.viewed import ViewedForm, find_viewed, list_newest_viewed
from sharing.rules.decide import decide
from sharing.rules.model import Recipient
from sharing.rules.reach import may_be_exported
from sharing.rules.tlp import Tlp
from sharing.services.decisions import Decisions
from sharing.services.deliver import Served
from sharing.services.explanations import Line, merge_terms

PASSING_ON: Final[Mapping[Tlp, str]] = {
    Tlp.CLEAR: "TLP:clear sets no limit to passing it on.",
    Tlp.GREEN: "TLP:green lets you pass it on within your community, not in public.",
    Tlp.AMBER: (
        "TLP:amber lets you pass it on within your organisation, and to your own constituents who "
        "need to know it."
    ),
    Tlp.AMBER_STRICT: (
        "TLP:amber+strict lets you pass it on within your organisation alone, to those who need "
        "to know it."
    ),
    Tlp.RED: "TLP:red is for the persons who were given it, and for nobody else.",
}

_PARTIAL: Final = (
    "Optional properties, and items of lists, may have been left out of it; no object tells "
    "whether (TAXII 2.1, section 1.6.9)."
)
_BY_RULE: Final = (
    "Its originator shares it with you. By which of its rules, and what else these say, is the "
    "originator's to know."
)
_STATEMENT: Final = "A statement marking is seen with what carries it, and you see such an object."
_BOUND: Final = "It answers an earlier contribution, and goes to those who see that one."
_OWN: Final = "Your member contributed it, so you see it whole."


@dataclass(frozen=True, slots=True)
class Reasons:
    """What a recipient is told of a version that it sees.

    `is_marked` tells that the level is the object's own, not the collection's default;
    `created_by_ref` is what the object says as it is served; `terms` are the IEP statements
    of the rules that share it, each with all that these say; `may_leave` tells whether this
    form may stand in a file (sharing policy §2).
    """

    viewed: ViewedForm
    stix_type: str
    tlp: Tlp
    is_marked: bool
    created_by_ref: str | None
    trace: tuple[Line, ...]
    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_leave: bool = False

    def document(self, place: Collection, stix_id: str) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "id": stix_id,
            "collection": place.uuid,
            "version": format_version(self.viewed.version_us),
            "type": self.stix_type,
            "tlp": self.tlp.text,
            "tlp_is_marked": self.is_marked,
            "created_by_ref": self.created_by_ref,
            "terms": {statement: list(values) for statement, values in self.terms.items()},
            "trace": [line.document() for line in self.trace],
        }

    def served(self, stix_id: str, head: int, *, door: str) -> Served:
        """What an answer that tells this holds, read at a position of the forum's ledger."""
        return Served(
            collection_id=self.viewed.collection_id,
            door=door,
            filters={"id": [stix_id], "version": [self.viewed.version_us]},
            first_us=self.viewed.date_added_us,
            last_us=self.viewed.date_added_us,
            head=head,
            count=1,
        )


def find_recipient_reasons(
    connection: Connection,
    seated: Seated,
    place: Collection,
    stix_id: str,
    version_us: int | None,
    *,
    now_us: int,
) -> Reasons | None:
    """Why the reader sees this version, by default the last; None unless it does."""
    viewed = find_viewed(connection, seated, place, stix_id, version_us)
    if viewed is None:
        return None
    [stored] = list_stored(connection, [viewed.contribution_id])
    return make_reasons(connection, seated, viewed, stored, now_us=now_us)


def make_reasons(
    connection: Connection, seated: Seated, viewed: ViewedForm, stored: Stored, *, now_us: int
) -> Reasons:
    """Why the reader sees a version that is in its view."""
    content: dict[str, Any] = orjson.loads(viewed.content)
    is_own = stored.originator_id == seated.member_id
    terms: Mapping[str, tuple[str, ...]] = {}
    if not is_own:
        terms = Terms(connection, seated, now_us=now_us).of([stored])
    return Reasons(
        viewed=viewed,
        stix_type=stored.stix_type,
        tlp=stored.tlp,
        is_marked=stored.facts.marked_tlp is not None,
        created_by_ref=content.get("created_by_ref"),
        trace=(Line("4.0", _OWN),) if is_own else tuple(_tell(seated, stored)),
        terms=terms,
        may_leave=may_be_exported(_levels_in(content, stored), stored.tlp),
    )


def _levels_in(content: Mapping[str, Any], stored: Stored) -> list[Tlp]:
    """The levels of the properties that this form of the object has."""
    extensions = content.get("extensions")
    inside = extensions if isinstance(extensions, dict) else {}
    held = {*content, *(f"extensions.{name}" for name in inside)}
    return [level for unit, level in stored.facts.properties.items() if unit in held]


class Terms:
    """The IEP statements of the rules that share with one reader what it sees."""

    def __init__(self, connection: Connection, seated: Seated, *, now_us: int) -> None:
        self._connection = connection
        self._seated = seated
        self._decisions = Decisions(connection, seated.forum_id, now_us)
        self._recipient = self._find_recipient()
        self._known: dict[object, Mapping[str, tuple[str, ...]]] = {}

    def of(self, viewed: Iterable[Stored]) -> dict[str, tuple[str, ...]]:
        """Those of some contributions that the reader sees, each with all that is said of it."""
        merged: dict[str, set[str]] = {}
        for stored in viewed:
            if stored.originator_id == self._seated.member_id or stored.facts.is_statement:
                continue
            for statement, values in self._of_one(stored).items():
                merged.setdefault(statement, set()).update(values)
        return {statement: tuple(sorted(merged[statement])) for statement in sorted(merged)}

    def of_newest(self, collection_id: int, *, limit: int) -> dict[str, tuple[str, ...]]:
        """Those of the `limit` versions that came last into the reader's view."""
        newest = list_newest_viewed(self._connection, self._seated, collection_id, limit=limit)
        return self.of(list_stored(self._connection, newest))

    def _of_one(self, stored: Stored) -> Mapping[str, tuple[str, ...]]:
        """By the rules that tell contributions apart, so each such kind is decided once."""
        policy, forum_policy = self._decisions.policies_about(stored)
        if stored.bound_id is not None or not any(rule.terms for rule in policy.rules):
            return {}
        key = self._decisions.signature_of(stored)
        if key not in self._known:
            decision = decide(
                self._decisions.facts_of(stored),
                self._decisions.places[stored.collection_id],
                self._recipient,
                self._seated.reader.kind,
                policy,
                forum_policy,
                self._decisions.moment,
            )
            granting = [step.rule for step in decision.trace if step.grants and step.rule]
            self._known[key] = merge_terms(policy, granting)
        return self._known[key]

    def _find_recipient(self) -> Recipient:
        recipients = self._decisions.electorate.recipients
        return next(one for one in recipients if one.bit == self._seated.bit)


def _tell(seated: Seated, stored: Stored) -> Iterable[Line]:
    """The steps of the decision in general words; the same whatever was left out."""
    kind = "a person's" if seated.reader.kind == "individual" else "a machine's"
    yield Line("4.0", "You are active here.")
    if stored.facts.is_statement:
        yield Line("4", _STATEMENT)
    else:
        yield Line(
            "4.1",
            f"The role {seated.role} reads this collection, and TLP:{stored.tlp.text} may reach "
            f"you here through {kind} credential.",
        )
        if stored.bound_id is not None:
            yield Line("4.9", _BOUND)
        else:
            yield Line("4.2", _BY_RULE)
            if stored.facts.releasable_to is not None:
                yield Line("4.4", "Its `releasable_to` names you.")
    yield Line("1", _PARTIAL)
    if not stored.facts.is_statement:
        yield Line("2", PASSING_ON[stored.tlp])
