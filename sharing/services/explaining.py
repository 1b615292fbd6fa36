"""Explain to an originator who is given its objects, and why (sharing policy §8).

Sentence by sentence, with its own rule ids and the forum's. What depends on others' secrets is
taken from `own_copies`, where it cannot make a difference, and ends in one sentence that is
always the same: where it stands in the way, the object is `not deliverable`.
What does not live here: what a recipient is told (reasons).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from auth.reader import Seated
from kernel.errors import Forbidden, NotFound
from sharing.gate.lessening import Omission, lessen, normal
from sharing.queries.carriers import find_content
from sharing.queries.contributions import Stored
from sharing.rules import telling
from sharing.rules.audiences import follow_ties
from sharing.rules.copies import see
from sharing.rules.decide import Decision, Step, decide
from sharing.rules.formulas import vanishes
from sharing.rules.model import KINDS, CredentialKind, Recipient, element
from sharing.services.explanations import Explanation, Line, merge_terms
from sharing.services.own_copies import OwnCopies

_VERSIONS: Final = "5"
_SECRETS: Final = "8"


class Explainer:
    """Explains the contributions of one member in one forum. Raises Forbidden for a partner."""

    def __init__(
        self, connection: Connection, seated: Seated, stix_ids: Iterable[str], *, now_us: int
    ) -> None:
        if seated.member_id is None:
            raise Forbidden("auth.role-needed", "only a member has this, not a partner")
        self._connection = connection
        self._copies = OwnCopies(connection, seated.forum_id, seated.member_id, now_us=now_us)
        self._copies.settle(stix_ids)
        self._decisions = self._copies.decisions

    def list_recipients(self) -> list[Recipient]:
        """Everybody the forum ever had as a recipient, active or not, by name; members first."""
        found = self._decisions.electorate.recipients
        return sorted(found, key=lambda one: (one.is_partner, one.name))

    def find_recipient(self, name: str) -> Recipient:
        """A member by its code, or a partner by its name. Raises NotFound."""
        for recipient in self.list_recipients():
            if recipient.name == name:
                return recipient
        raise NotFound(
            "sharing.unknown-recipient", "no member or partner of this forum has that name"
        )

    def explain_to_all(self, stored: Stored) -> list[Explanation]:
        """For every active recipient but the originator, through each kind it can have."""
        return [
            told
            for recipient in self.list_recipients()
            if recipient.is_active
            for kind in (("machine",) if recipient.is_partner else KINDS)
            if not (told := self.explain(stored, recipient, kind)).is_own
        ]

    def find_version(
        self, collection_id: int, stix_id: str, version_us: int | None = None
    ) -> Stored | None:
        """The version, or the newest that was not withdrawn, if any was not."""
        versions = self._copies.list_versions(stix_id, collection_id)
        if version_us is not None:
            return next((one for one in versions if one.version_us == version_us), None)
        standing = [one for one in versions if not one.is_deleted]
        return next(iter(standing or versions), None)

    def explain(self, stored: Stored, recipient: Recipient, kind: CredentialKind) -> Explanation:
        """Whether this version goes to the recipient, and why."""
        originator = self._decisions.code_of(stored.originator_id)
        if stored.is_deleted:
            line = Line(_VERSIONS, telling.tell_withdrawn(originator))
            return Explanation(recipient, kind, "hidden", (line,))
        bit = 1 << element(recipient.bit, kind)
        if stored.facts.is_statement and not bit & self._copies.own:
            return self._explain_statement(stored, recipient, kind)
        decision = self._decide(stored, recipient, kind)
        trace = tuple(_line(step) for step in decision.trace)
        if bit & self._copies.own:
            return Explanation(recipient, kind, decision.outcome, trace, is_own=True)
        who = _name(recipient)
        if decision.outcome != "hidden":
            trace += tuple(self._tell_rest(stored, decision, who, bit))
        return self._concluded(stored, Explanation(recipient, kind, "hidden", trace), bit)

    def _decide(self, stored: Stored, recipient: Recipient, kind: CredentialKind) -> Decision:
        policy, forum_policy = self._decisions.policies_about(stored)
        return decide(
            self._decisions.facts_of(stored),
            self._decisions.places[stored.collection_id],
            recipient,
            kind,
            policy,
            forum_policy,
            self._decisions.moment,
            bound=None if stored.bound_id is None else True,
        )

    def _concluded(self, stored: Stored, told: Explanation, bit: int) -> Explanation:
        """With the outcome of the versions and references of the copy taken together."""
        sight = self._copies.sight_of(stored)
        facts = self._decisions.facts_of(stored)
        changes_us = self._decisions.next_change(stored, facts)
        if not sight.mask & bit:
            return replace(told, changes_us=changes_us)
        lost = frozenset(unit for unit, mask in sight.lost.items() if mask & bit)
        hidden = frozenset(each for each, m in self._copies.hidden_of(stored).items() if m & bit)
        omission = normal(Omission(lost, hidden), stored.facts)
        ending = Line(_SECRETS, telling.tell_secrets(_name(told.recipient)))
        return replace(
            told,
            decision="less" if omission.units or omission.ids else "whole",
            trace=(*told.trace, ending),
            omitted={unit: _reasons(unit, told.trace) for unit in sorted(omission.units)},
            dropped=tuple(sorted(omission.ids)),
            terms=merge_terms(self._decisions.policies_about(stored)[0], _granting(told.trace)),
            changes_us=changes_us,
        )

    # --- references and versions -----------------------------------------------------------

    def _tell_rest(self, stored: Stored, decision: Decision, who: str, bit: int) -> Iterator[Line]:
        """Step 8 and the rules about versions, where the rules alone would grant it."""
        hidden = {each for each, mask in self._copies.hidden_of(stored).items() if mask & bit}
        yield from _tell_references(stored, decision.omitted, hidden, who)
        if stored.is_held:
            yield Line(_VERSIONS, telling.tell_held(self._decisions.code_of(stored.originator_id)))
            return
        yield from self._tell_newer(stored, decision.omitted, who, bit)

    def _tell_newer(
        self, stored: Stored, omitted: frozenset[str], who: str, bit: int
    ) -> Iterator[Line]:
        """What newer versions keep from an older one."""
        versions = self._copies.list_versions(stored.stix_id, stored.collection_id)
        newer = [v for v in versions if v.version_us > stored.version_us and not v.is_held]
        for version in reversed(newer):
            if not self._opens(version) & bit:
                yield Line(
                    _VERSIONS,
                    telling.tell_newer(version.version_us, who, is_deleted=version.is_deleted),
                )
                return
        for version in newer:
            if self._reaches(version) & bit:
                taken = self._withheld_from(version, bit) & stored.facts.properties.keys()
                for unit in sorted(taken - omitted):
                    sentence = telling.tell_inherited(unit, version.version_us)
                    yield Line(_VERSIONS, sentence, taken=frozenset({unit}))
                lost = follow_ties(
                    self._decisions.facts_of(stored), dict.fromkeys(taken | omitted, bit)
                )
                yield from _tell_missing(stored, frozenset(lost))
                return

    def _opens(self, version: Stored) -> int:
        """Who would see a version, embargoes apart, if it were alone."""
        asked = self._copies.version_of(version, self._copies.hidden_of(version))
        return see([replace(asked, now=asked.open)])[version.id].mask

    def _reaches(self, version: Stored) -> int:
        asked = self._copies.version_of(version, self._copies.hidden_of(version))
        return see([asked])[version.id].mask

    def _withheld_from(self, version: Stored, bit: int) -> frozenset[str]:
        """What steps 2 to 5 take from a version."""
        lost = self._copies.version_of(version, {}).now.lost
        return frozenset(unit for unit, mask in lost.items() if mask & bit)

    # --- statements ------------------------------------------------------------------------

    def _explain_statement(
        self, stored: Stored, recipient: Recipient, kind: CredentialKind
    ) -> Explanation:
        """Rules do not count for a statement marking: it goes with what carries it."""
        who, bit = _name(recipient), 1 << element(recipient.bit, kind)
        carriers = [
            carrier.stix_id
            for carrier in self._copies.list_carriers_of(stored)
            if self._copies.sight_of(carrier).mask & bit and self._carries(carrier, stored, bit)
        ]
        trace = [Line("4", telling.tell_carriers(carriers, who))]
        if not carriers:
            return Explanation(recipient, kind, "hidden", tuple(trace))
        hidden = {each for each, mask in self._copies.hidden_of(stored).items() if mask & bit}
        trace += _tell_references(stored, frozenset(), hidden, who)
        omission = normal(Omission(frozenset(), frozenset(hidden)), stored.facts)
        return Explanation(
            recipient,
            kind,
            "less" if omission.units or omission.ids else "whole",
            (*trace, Line(_SECRETS, telling.tell_secrets(who))),
            omitted={unit: _reasons(unit, trace) for unit in sorted(omission.units)},
            dropped=tuple(sorted(omission.ids)),
        )

    def _carries(self, carrier: Stored, statement: Stored, bit: int) -> bool:
        """Whether the form of a carrier that goes to somebody still carries the statement."""
        sight = self._copies.sight_of(carrier)
        units = frozenset(unit for unit, mask in sight.lost.items() if mask & bit)
        hidden = frozenset(each for each, m in self._copies.hidden_of(carrier).items() if m & bit)
        omission = normal(Omission(units, hidden), carrier.facts)
        if not omission.units and not omission.ids:
            return True
        if carrier.body_id is None:
            return False
        left = lessen(find_content(self._connection, carrier.body_id), omission).statements
        return statement.stix_id in left or any(
            statement.stix_id in carrier.facts.carries.get(each, ()) for each in left
        )


def _name(recipient: Recipient) -> str:
    return f"partner {recipient.name}" if recipient.is_partner else recipient.name


def _line(step: Step) -> Line:
    sentence = telling.tell_bound() if step.step == 9 else step.sentence
    rule_of = None
    if step.rule is not None:
        rule_of = "forum" if step.is_forums else "member"
    return Line(f"4.{step.step}", sentence, step.rule, rule_of, step.taken, step.grants)


def _granting(trace: Iterable[Line]) -> Iterator[str]:
    return (line.rule for line in trace if line.grants and line.rule is not None)


def _reasons(unit: str, trace: Iterable[Line]) -> tuple[Line, ...]:
    """Why a unit is left out. That one share rule omits it is no reason while another does not."""
    trace = list(trace)
    grants = [line for line in trace if line.grants]
    is_granted = any(unit not in line.taken for line in grants)
    return tuple(line for line in trace if unit in line.taken and not (line.grants and is_granted))


def _tell_references(
    stored: Stored, omitted: frozenset[str], hidden: set[str], who: str
) -> Iterator[Line]:
    """Step 8 for one recipient, then step 6 again."""
    hard = sorted(hidden.intersection(stored.facts.hard_references))
    for stix_id in hard:
        yield Line("4.8", telling.tell_target(stix_id, who))
    if hard or not hidden:
        return
    gone = dict.fromkeys(hidden, 1)
    vanished = {
        unit
        for unit, formula in stored.facts.vanishing.items()
        if unit not in omitted and vanishes(formula, gone)
    }
    for unit in sorted(vanished):
        ids = [each for each in hidden if unit in stored.facts.references[each]]
        sentence = telling.tell_vanishing(unit, ids, who)
        yield Line("4.8", sentence, taken=frozenset({unit}))
    for stix_id in sorted(hidden):
        units = set(stored.facts.references[stix_id]) - vanished - omitted
        if units:
            yield Line("4.8", telling.tell_dropped(stix_id, units, who))
    yield from _tell_missing(stored, omitted | vanished)


def _tell_missing(stored: Stored, lost: frozenset[str]) -> Iterator[Line]:
    """Step 6: what goes along, and that the object cannot be without something."""
    gone = set(lost)
    while stray := next(
        (
            tie
            for tie in stored.facts.ties
            if tie[1] in gone and tie[0] in stored.facts.properties and tie[0] not in gone
        ),
        None,
    ):
        gone.add(stray[0])
        yield Line("4.6", telling.tell_tie(*stray), taken=frozenset({stray[0]}))
    for clause in stored.facts.clauses:
        if clause and clause <= gone:
            yield Line("4.6", telling.tell_requirement(clause))
            return
