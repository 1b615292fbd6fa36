"""A policy in typed form: its rules, and whether a rule matches an object and a recipient.

What does not live here: reading a JSON document (`grammar`), the decision (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from sharing.rules.model import Facts, Place, Recipient
from sharing.rules.terms import Committed, Term, is_committed, terms_naming
from sharing.rules.tlp import Tlp

Effect = Literal["share", "withhold"]

COMMITTED: Final = "committed"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a rule is about: those that a term of `any` names, less those `excepted`."""

    any: frozenset[Term] = frozenset()
    excepted: frozenset[Term] = frozenset()


@dataclass(frozen=True, slots=True)
class When:
    """Which objects a rule is about: all that is given must hold; None is not given.

    `collections` are UUIDs. `originators` are members' codes, in a forum's own rules alone: so
    a forum decides otherwise about what a member contributed (sharing policy §5).
    """

    types: frozenset[str] | None = None
    labels: frozenset[str] | None = None
    collections: frozenset[str] | None = None
    tlp_at_most: Tlp | None = None
    tlp_at_least: Tlp | None = None
    originators: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Reciprocity:
    """At least `min_contributions` of the recipient's, within the last `window_days`."""

    min_contributions: int
    window_days: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be true of the recipient beyond being named; None is not asked for."""

    residency: frozenset[str] | None = None
    reciprocity: Reciprocity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, every key of the grammar in typed form (sharing policy §3).

    `omit` and `only` are property names, empty when the rule is about the whole object;
    instants and durations are microseconds; `terms` are IEP statements, recorded only.
    """

    id: str
    effect: Effect
    audience: Audience = field(default_factory=Audience)
    when: When = field(default_factory=When)
    omit: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    from_us: int | None = None
    until_us: int | None = None
    delay_us: int | None = None
    expire_after_us: int | None = None
    conditions: Conditions | None = None
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """An originator's policy in one forum, or the forum's own. Without rules it shares nothing."""

    rules: tuple[Rule, ...] = ()

    def list_shares(self) -> Iterator[Rule]:
        """The rules that grant."""
        return (rule for rule in self.rules if rule.effect == "share")

    def list_withholds(self) -> Iterator[Rule]:
        """The rules that take away."""
        return (rule for rule in self.rules if rule.effect == "withhold")

    def list_timed(self) -> tuple[Rule, ...]:
        """The rules that do not hold at all times."""
        return tuple(rule for rule in self.rules if is_timed(rule))


WITHHOLD_ALL: Final = Policy(
    (
        Rule(
            id="unreadable",
            effect="withhold",
            audience=Audience(frozenset({Term("forum"), Term("partners")})),
        ),
    )
)
"""What stands in for rules of a forum that cannot be read: nobody sees what is another's."""


def is_timed(rule: Rule) -> bool:
    """Whether the rule holds at some times only."""
    bounds = (rule.from_us, rule.until_us, rule.delay_us, rule.expire_after_us)
    return any(bound is not None for bound in bounds)


def applies(when: When, facts: Facts, place: Place) -> bool:
    """Whether a rule is about this object in this collection."""
    return is_about(when, facts, place) and admits(when, facts.tlp)


def is_about(when: When, facts: Facts, place: Place) -> bool:
    """Whether a rule is about objects of this type, these labels and this originator here, at
    some level."""
    return (
        (when.types is None or facts.stix_type in when.types)
        and (when.labels is None or not when.labels.isdisjoint(facts.labels))
        and (when.collections is None or place.collection in when.collections)
        and (when.originators is None or facts.originator in when.originators)
    )


def admits(when: When, level: Tlp) -> bool:
    """Whether a rule is about objects of this level."""
    return (when.tlp_at_most is None or level <= when.tlp_at_most) and (
        when.tlp_at_least is None or level >= when.tlp_at_least
    )


def names(audience: Audience, recipient: Recipient, committed: Committed | None = None) -> bool:
    """Whether a rule is about this recipient: named by `any` and by nothing in `except`.

    Where nobody's commitments are known, `committed:` names nobody.
    """
    return _is_among(recipient, audience.any, committed) and not _is_among(
        recipient, audience.excepted, committed
    )


def names_one_by_one(
    audience: Audience, recipient: Recipient, committed: Committed | None = None
) -> bool:
    """Whether `any` names this very member (`member:CODE`), as a red object requires."""
    return Term("member", recipient.name) in audience.any and names(audience, recipient, committed)


def names_or_may(rule: Rule, recipient: Recipient, committed: Committed | None) -> bool:
    """Whether the rule names the recipient, or may do so since commitments are not known."""
    if committed is None and depends_on_commitments(rule):
        return True
    return names(rule.audience, recipient, committed)


def depends_on_commitments(rule: Rule) -> bool:
    """Whether a term of the rule's audience is `committed:`, in `any` or in `except`.

    Where nobody's commitments are known, a share rule with such a term does not grant, and a
    withhold rule with one takes from everybody.
    """
    return bool(provisions_of(rule))


def provisions_of(rule: Rule) -> frozenset[str]:
    """The provisions on commitments to which it depends whom the rule is about."""
    terms = rule.audience.any | rule.audience.excepted
    return frozenset(term.value for term in terms if term.kind == COMMITTED)


def _is_among(recipient: Recipient, asked: frozenset[Term], committed: Committed | None) -> bool:
    if not terms_naming(recipient).isdisjoint(asked):
        return True
    return committed is not None and is_committed(recipient, asked, committed)
