"""The decision for one recipient: the specification (sharing policy §4, steps 0 to 3).

Written to be read aloud. `audiences` computes the same for everybody at once, and a
property-based test holds the two equal. What does not live here: steps 4 to 9, which
this version cannot decide; an object or a rule that needs them is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sharing.rules import reach
from sharing.rules.model import CredentialKind, Facts, Place, Recipient
from sharing.rules.rule import (
    Policy,
    Rule,
    applies,
    list_undecided,
    names_one_by_one,
    names_or_may,
)
from sharing.rules.tlp import Tlp

Outcome = Literal["whole", "hidden"]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trace: the step of section 4, the rule it is about if any, a sentence."""

    step: int
    rule: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, the step that settled it, and why.

    `alert` says that deciding failed; the object is hidden and somebody must be told.
    """

    outcome: Outcome
    step: int
    trace: tuple[Step, ...]
    alert: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    facts: Facts
    place: Place
    recipient: Recipient
    kind: CredentialKind
    policy: Policy
    forum_policy: Policy

    @property
    def who(self) -> str:
        name = self.recipient.name
        return f"partner {name}" if self.recipient.is_partner else name


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one step found; without an outcome the next step goes on."""

    outcome: Outcome | None
    trace: tuple[Step, ...]


def decide(
    facts: Facts,
    place: Place,
    recipient: Recipient,
    kind: CredentialKind,
    policy: Policy,
    forum_policy: Policy,
) -> Decision:
    """What the recipient sees of the object through a credential of this kind, and why.

    `policy` is the originator's in this forum. Never raises: whatever goes wrong is
    `hidden`, with `alert` set.
    """
    try:
        return _take_steps(_Case(facts, place, recipient, kind, policy, forum_policy))
    except Exception as fault:  # noqa: BLE001 - whatever goes wrong must hide, not show
        sentence = f"Deciding failed ({type(fault).__name__}), so the object is hidden."
        return Decision("hidden", 0, (Step(0, None, sentence),), alert=True)


def _take_steps(case: _Case) -> Decision:
    trace: tuple[Step, ...] = ()
    for number, step in enumerate(_STEPS):
        finding = step(case)
        trace += finding.trace
        if finding.outcome is not None:
            return Decision(finding.outcome, number, trace)
    return Decision("whole", _LAST_STEP, trace)


def _check_activity_and_ownership(case: _Case) -> _Finding:
    """Step 0. Nothing for the inactive; its own contribution whole to every active member."""
    if not case.recipient.is_active:
        sentence = f"{case.who} or its seat is not active, so it sees nothing."
        return _Finding("hidden", (Step(0, None, sentence),))
    if _is_own(case):
        sentence = f"{case.who} contributed the object, so it sees it whole."
        return _Finding("whole", (Step(0, None, sentence),))
    return _Finding(None, (Step(0, None, f"{case.who} is active."),))


def _is_own(case: _Case) -> bool:
    return not case.recipient.is_partner and case.recipient.name == case.facts.originator


def _check_reach(case: _Case) -> _Finding:
    """Step 1. Hidden unless nothing but the rules stands in the way."""
    for find_obstacle in _OBSTACLES:
        obstacle = find_obstacle(case)
        if obstacle is not None:
            return _Finding("hidden", (Step(1, None, obstacle),))
    level = case.facts.tlp.text
    sentence = f"{case.who} may read the collection, and TLP:{level} may reach it here."
    return _Finding(None, (Step(1, None, sentence),))


def _find_closed_collection(case: _Case) -> str | None:
    if reach.may_read(case.recipient, case.place):
        return None
    return f"The collection is not open to the role {case.recipient.role}."


def _find_blocker(case: _Case) -> str | None:
    if not case.facts.blockers:
        return None
    reasons = [_BLOCKERS.get(blocker, blocker) for blocker in case.facts.blockers]
    return f"Only its originator sees the object: {'; '.join(reasons)}."


def _find_low_ceiling(case: _Case) -> str | None:
    level = case.facts.tlp.text
    if not reach.is_within_place(case.facts.tlp, case.place):
        return f"TLP:{level} is above the ceiling of the forum or of the collection."
    if not reach.is_accredited(case.recipient, case.facts.tlp):
        return f"TLP:{level} is above what {case.who} is accredited to."
    return None


def _find_closed_credential(case: _Case) -> str | None:
    if reach.may_reach(case.facts.tlp, case.recipient, case.kind):
        return None
    if case.recipient.is_partner:
        return "A partner receives at most TLP:green, through a machine credential."
    return "TLP:red reaches persons only, not machine credentials."


def _check_grants(case: _Case) -> _Finding:
    """Step 2. Hidden unless a share rule of the originator grants the object."""
    trace: list[Step] = []
    is_granted = False
    for rule in _list_matching(case.policy.list_shares(), case):
        objection = _find_objection(rule, case)
        is_granted = is_granted or objection is None
        sentence = objection or f"The rule shares the object with {case.who}."
        trace.append(Step(2, rule.id, sentence))
    if is_granted:
        return _Finding(None, tuple(trace))
    trace.append(Step(2, None, f"No share rule grants the object to {case.who}."))
    return _Finding("hidden", tuple(trace))


def _find_objection(rule: Rule, case: _Case) -> str | None:
    """Why a share rule that matches grants nothing all the same."""
    undecided = list_undecided(rule)
    if undecided:
        return f"{_cannot_decide(undecided)}, so it hides: the rule shares nothing."
    if case.facts.tlp == Tlp.RED and not names_one_by_one(rule.audience, case.recipient):
        return f"TLP:red needs a rule that names member:{case.recipient.name} itself."
    return None


def _check_withholdings(case: _Case) -> _Finding:
    """Step 3. Hidden if a withhold rule of the originator or of the forum says so."""
    trace = (
        *_list_withholdings(case.policy, case.facts.originator, case),
        *_list_withholdings(case.forum_policy, "the forum", case),
    )
    if trace:
        return _Finding("hidden", trace)
    return _Finding(None, (Step(3, None, f"No withhold rule is about {case.who}."),))


def _list_withholdings(policy: Policy, owner: str, case: _Case) -> Iterator[Step]:
    for rule in _list_matching(policy.list_withholds(), case):
        sentence = f"A rule of {owner} withholds the object from {case.who}."
        undecided = list_undecided(rule)
        if undecided:
            sentence += f" {_cannot_decide(undecided)}, so it hides the whole object."
        yield Step(3, rule.id, sentence)


def _list_matching(rules: Iterator[Rule], case: _Case) -> Iterator[Rule]:
    return (
        rule
        for rule in rules
        if applies(rule.when, case.facts, case.place) and names_or_may(rule, case.recipient)
    )


def _cannot_decide(keys: tuple[str, ...]) -> str:
    return f"This version of Comity cannot decide {', '.join(keys)} yet"


_STEPS: Final = (
    _check_activity_and_ownership,
    _check_reach,
    _check_grants,
    _check_withholdings,
)
_LAST_STEP: Final = len(_STEPS) - 1
_OBSTACLES: Final = (
    _find_closed_collection,
    _find_blocker,
    _find_low_ceiling,
    _find_closed_credential,
)
_BLOCKERS: Final[dict[str, str]] = {
    "marking-scheme": "it carries a marking of a scheme that Comity does not understand",
    "granular-markings": _cannot_decide(("granular markings",)) + ", so it hides",
    "releasable-to": _cannot_decide(("releasable_to",)) + ", so it hides",
}
