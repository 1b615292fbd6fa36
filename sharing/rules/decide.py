"""The decision for one recipient: the specification (sharing policy §4, steps 0 to 6 and 9).

Written to be read aloud. `audiences` computes the same for everybody at once, and a
property-based test holds the two equal. What does not live here: steps 7 and 8, which
depend on the recipient's own wishes and on other contributions; the words (`telling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from sharing.rules import reach, telling
from sharing.rules.model import CredentialKind, Facts, Place, Recipient
from sharing.rules.moment import Moment, holds
from sharing.rules.rule import (
    Conditions,
    Policy,
    Rule,
    applies,
    depends_on_commitments,
    names_one_by_one,
    names_or_may,
)
from sharing.rules.terms import releasable_terms, terms_naming
from sharing.rules.tlp import Tlp

Outcome = Literal["whole", "less", "hidden"]

Units = frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trace: the step of section 4, the rule it is about if any, a sentence.

    `is_forums` tells that the rule is the forum's; `grants` that it is a share rule that
    grants here; `taken` are the units that the line is a reason to leave out.
    """

    step: int
    rule: str | None
    sentence: str
    is_forums: bool = False
    grants: bool = False
    taken: Units = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, the units left out of it, the step that settled it, and why.

    The trace is all there is to know: what in it depends on others' secrets (reciprocity) is
    for whoever shows it to leave out (sharing policy §8). `alert` says that deciding failed;
    the object is hidden and somebody must be told.
    """

    outcome: Outcome
    omitted: Units
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
    moment: Moment
    bound: bool | None
    ignoring_embargo: bool

    @property
    def who(self) -> str:
        name = self.recipient.name
        return f"partner {name}" if self.recipient.is_partner else name

    def holds(self, rule: Rule) -> bool:
        now_us = self.moment.now_us
        return holds(rule, self.facts, now_us, ignoring_embargo=self.ignoring_embargo)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is granted after some steps; None is hidden, by the last step of the trace."""

    granted: Units | None
    trace: tuple[Step, ...]


def decide(  # noqa: PLR0913 - the inputs of the decision, all of them
    facts: Facts,
    place: Place,
    recipient: Recipient,
    kind: CredentialKind,
    policy: Policy,
    forum_policy: Policy,
    moment: Moment,
    *,
    bound: bool | None = None,
    ignoring_embargo: bool = False,
) -> Decision:
    """What the recipient sees of the object through a credential of this kind, and why.

    `policy` is the originator's in this forum. `bound` tells whether the recipient sees the
    earlier contribution that this one is bound to (step 9), None when it is bound to none.
    Never raises: whatever goes wrong is `hidden`, with `alert` set.
    """
    try:
        return _take_steps(
            _Case(
                facts,
                place,
                recipient,
                kind,
                policy,
                forum_policy,
                moment,
                bound,
                ignoring_embargo,
            )
        )
    except Exception as fault:  # noqa: BLE001 - whatever goes wrong must hide, not show
        sentence = f"Deciding failed ({type(fault).__name__}), so the object is hidden."
        return Decision("hidden", frozenset(), 0, (Step(0, None, sentence),), alert=True)


def _take_steps(case: _Case) -> Decision:
    settled = _find_activity_or_ownership(case)
    if settled is not None:
        return settled
    granted = _take_steps_1_to_4(case)
    trace = (Step(0, None, f"{case.who} is active."), *granted.trace)
    if granted.granted is None:
        return Decision("hidden", frozenset(), trace[-1].step, trace)
    kept, found = _check_property_levels(case, granted.granted)
    remaining, missed = _check_completeness(case, kept)
    trace += found + missed
    if remaining is None:
        return Decision("hidden", frozenset(), _LAST_STEP, trace)
    omitted = frozenset(case.facts.properties) - remaining
    return Decision("less" if omitted else "whole", omitted, _LAST_STEP, trace)


def _find_activity_or_ownership(case: _Case) -> Decision | None:
    """Step 0. Nothing for the inactive; its own contribution whole to every active member."""
    if not case.recipient.is_active:
        sentence = f"{case.who} or its seat is not active, so it sees nothing."
        return Decision("hidden", frozenset(), 0, (Step(0, None, sentence),))
    if not case.recipient.is_partner and case.recipient.name == case.facts.originator:
        sentence = f"{case.who} contributed the object, so it sees it whole."
        return Decision("whole", frozenset(), 0, (Step(0, None, sentence),))
    return None


def _take_steps_1_to_4(case: _Case) -> _Finding:
    """What of the object the recipient is granted, were every property of the object's TLP."""
    steps = _STEPS_OF_RULES if case.bound is None else _STEPS_OF_BOUND
    finding = _Finding(frozenset(case.facts.properties), ())
    for step in steps:
        if finding.granted is None:
            break
        found = step(case, finding.granted)
        finding = _Finding(found.granted, finding.trace + found.trace)
    return finding


def _check_reach(case: _Case, granted: Units) -> _Finding:
    """Step 1. Hidden unless nothing but the rules stands in the way."""
    for find_obstacle in _OBSTACLES:
        obstacle = find_obstacle(case)
        if obstacle is not None:
            return _Finding(None, (Step(1, None, obstacle),))
    level = case.facts.tlp.text
    sentence = f"{case.who} may read the collection, and TLP:{level} may reach it here."
    return _Finding(granted, (Step(1, None, sentence),))


def _find_closed_collection(case: _Case) -> str | None:
    if reach.may_read(case.recipient, case.place):
        return None
    return f"The collection is not open to the role {case.recipient.role}."


def _find_blocker(case: _Case) -> str | None:
    if not case.facts.blockers:
        return None
    return telling.tell_blockers(case.facts.blockers)


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


def _check_grants(case: _Case, granted: Units) -> _Finding:
    """Step 2. Granted is what some share rule of the originator grants."""
    trace: list[Step] = []
    is_shared, shared = False, Units()
    for rule in _list_matching(case.policy.list_shares(), case):
        objection = _find_objection(rule, case)
        if objection is None:
            is_shared, shared = True, shared | (granted - rule.omit)
            trace.append(
                Step(
                    2,
                    rule.id,
                    telling.tell_share(rule, case.who, case.facts),
                    grants=True,
                    taken=rule.omit & granted,
                )
            )
        else:
            trace.append(Step(2, rule.id, objection))
    if is_shared:
        return _Finding(shared, tuple(trace))
    trace.append(Step(2, None, f"No share rule grants the object to {case.who}."))
    return _Finding(None, tuple(trace))


def _find_objection(rule: Rule, case: _Case) -> str | None:
    """Why a share rule that matches grants nothing all the same."""
    if case.moment.committed is None and depends_on_commitments(rule):
        return f"{telling.UNKNOWN_COMMITMENTS}: the rule shares nothing."
    if not case.holds(rule):
        return telling.tell_span(rule, case.facts, case.moment.now_us)
    if rule.conditions is not None:
        objection = _find_unmet_condition(rule.conditions, case)
        if objection is not None:
            return objection
    if case.facts.tlp == Tlp.RED and not names_one_by_one(
        rule.audience, case.recipient, case.moment.committed
    ):
        return f"TLP:red needs a rule that names member:{case.recipient.name} itself."
    return None


def _find_unmet_condition(conditions: Conditions, case: _Case) -> str | None:
    recipient, originator = case.recipient, case.facts.originator
    if recipient.is_partner:
        return "The rule has conditions, and a partner meets none."
    if conditions.residency is not None and recipient.residency not in conditions.residency:
        return telling.tell_residency(case.who, conditions.residency)
    asked = conditions.reciprocity
    if asked is not None and recipient.name not in case.moment.counts(originator, asked):
        return telling.tell_reciprocity(case.who, originator, asked)
    return None


def _check_withholdings(case: _Case, granted: Units) -> _Finding:
    """Step 3. A withhold rule of the originator or the forum takes the object, or parts of it."""
    trace: list[Step] = []
    is_taken = False
    owners = ((case.policy, case.facts.originator), (case.forum_policy, "the forum"))
    for policy, owner in owners:
        for rule in _list_matching(policy.list_withholds(), case):
            is_forums, taken = policy is case.forum_policy, Units()
            if not case.holds(rule):
                sentence = telling.tell_span(rule, case.facts, case.moment.now_us)
            else:
                sentence = telling.tell_withholding(rule, owner, case.who, case.facts)
                if case.moment.committed is None and depends_on_commitments(rule):
                    sentence += f" {telling.UNKNOWN_COMMITMENTS}, so it withholds from everybody."
                is_taken = is_taken or not rule.only
                taken = rule.only & case.facts.properties.keys()
                granted -= taken
            trace.append(Step(3, rule.id, sentence, is_forums=is_forums, taken=taken))
    if not trace:
        trace.append(Step(3, None, f"No withhold rule is about {case.who}."))
    return _Finding(None if is_taken else granted, tuple(trace))


def _list_matching(rules: Iterator[Rule], case: _Case) -> Iterator[Rule]:
    return (
        rule
        for rule in rules
        if applies(rule.when, case.facts, case.place)
        and names_or_may(rule, case.recipient, case.moment.committed)
    )


def _check_release(case: _Case, granted: Units) -> _Finding:
    """Step 4. `releasable_to` on the object leaves those it names."""
    if case.facts.releasable_to is None:
        return _Finding(granted, ())
    named = releasable_terms(case.facts.releasable_to)
    if case.recipient.is_partner or named.isdisjoint(terms_naming(case.recipient)):
        sentence = f"The object's `releasable_to` does not name {case.who}."
        return _Finding(None, (Step(4, None, sentence),))
    sentence = f"The object's `releasable_to` names {case.who}."
    return _Finding(granted, (Step(4, None, sentence),))


def _check_bound(case: _Case, granted: Units) -> _Finding:
    """Step 9, in place of steps 2 to 4. Granted to whoever sees the earlier contribution."""
    if case.bound:
        sentence = f"It is bound to an earlier contribution, which {case.who} sees."
        return _Finding(granted, (Step(9, None, sentence),))
    sentence = f"It is bound to an earlier contribution, which {case.who} does not see."
    return _Finding(None, (Step(9, None, sentence),))


def _check_property_levels(case: _Case, granted: Units) -> tuple[Units, tuple[Step, ...]]:
    """Step 5. A property above the object's TLP stays if an object of that TLP would give it."""
    trace: list[Step] = []
    kept = granted
    for unit in sorted(granted):
        level = case.facts.properties[unit]
        if level <= case.facts.tlp:
            continue
        raised = _take_steps_1_to_4(replace(case, facts=replace(case.facts, tlp=level)))
        taken = Units()
        if raised.granted is not None and unit in raised.granted:
            sentence = f"{unit} is TLP:{level.text}, and {case.who} may have it."
        else:
            taken = Units({unit})
            sentence = f"{unit} is TLP:{level.text}: an object of that level would not give it."
            sentence += f" {raised.trace[-1].sentence}" if raised.granted is None else ""
        kept -= taken
        trace.append(Step(5, None, sentence, taken=taken))
    return kept, tuple(trace)


def _check_completeness(case: _Case, kept: Units) -> tuple[Units | None, tuple[Step, ...]]:
    """Step 6. What cannot stay alone goes too; hidden if what the object requires is lost."""
    trace: list[Step] = []
    present = frozenset(case.facts.properties)
    while stray := _find_stray(case.facts, present, kept):
        unit, needed = stray
        kept -= {unit}
        trace.append(Step(6, None, telling.tell_tie(unit, needed), taken=Units({unit})))
    for clause in case.facts.clauses:
        if clause and clause <= present - kept:
            trace.append(Step(6, None, telling.tell_requirement(clause)))
            return None, tuple(trace)
    return kept, tuple(trace)


def _find_stray(facts: Facts, present: Units, kept: Units) -> tuple[str, str] | None:
    """A unit that is kept though what it is tied to is lost."""
    for unit, needed in facts.ties:
        if unit in kept and needed in present - kept:
            return unit, needed
    return None


_STEPS_OF_RULES: Final[tuple[Callable[[_Case, Units], _Finding], ...]] = (
    _check_reach,
    _check_grants,
    _check_withholdings,
    _check_release,
)
_STEPS_OF_BOUND: Final = (_check_reach, _check_bound)
_LAST_STEP: Final = 6
_OBSTACLES: Final = (
    _find_closed_collection,
    _find_blocker,
    _find_low_ceiling,
    _find_closed_credential,
)
