"""Hypothesis strategies for the sharing rules: recipients, facts, places, rules, documents.

All draw from the same few names, so that rules, objects and recipients meet often.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import product
from math import prod
from typing import Any

from hypothesis import strategies as st

from sharing.rules.model import KINDS, CredentialKind, Facts, Place, Recipient
from sharing.rules.moment import Counts, Moment
from sharing.rules.rule import Audience, Conditions, Effect, Policy, Reciprocity, Rule, When
from sharing.rules.terms import FORUM, PARTNERS, Term
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import ALPHA, BETA, EVERY_ROLE, NAMES

CODES = ("XAA", "XAB", "XAC", "XAD")
PARTNER_NAMES = ("relay", "archive")
BLOCS = ("north", "south")
TYPES = ("indicator", "malware", "relationship")
LABELS = ("op-frost", "phishing")
UNITS = ("pattern", "description", "x_victim", "latitude", "longitude", "extensions.archive-ext")
DAY_US = 86_400_000_000

tlps = st.sampled_from(Tlp)
kinds: st.SearchStrategy[CredentialKind] = st.sampled_from(KINDS)

_THROWS = st.sampled_from(range(8))


def mostly(usual: Any, otherwise: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual value seven times in eight, so that obstacles do not hide each other."""
    return _THROWS.flatmap(lambda throw: otherwise if throw == 4 else st.just(usual))


@cache
def subsets(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    """Some of the values, perhaps none."""
    return st.frozensets(st.sampled_from(values))


_MOSTLY_ACTIVE = (*[True] * 7, False)
_MOSTLY_RED = (*[Tlp.RED] * 11, *Tlp)
_ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "role": ("member", "member", "partner-state", "observer"),
    "is_active": _MOSTLY_ACTIVE,
    "jurisdiction": (None, "XAB", "XAC"),
    "blocs": tuple(map(frozenset, ((), ("north",), ("south",), BLOCS))),
    "residency": (None, "XAB"),
    "accredited_to": _MOSTLY_RED,
}


def members_named(code: str) -> st.SearchStrategy[Recipient]:
    """A member of this code with any attributes; mostly active and highly accredited."""

    def build(number: int) -> Recipient:
        chosen: dict[str, Any] = {}
        for key, values in _ATTRIBUTES.items():
            number, at = divmod(number, len(values))
            chosen[key] = values[at]
        return Recipient(bit=0, name=code, is_partner=False, **chosen)

    # One draw instead of one an attribute: drawing is what these tests spend their time on.
    return st.integers(0, prod(map(len, _ATTRIBUTES.values())) - 1).map(build)


def partners_named(name: str) -> st.SearchStrategy[Recipient]:
    """A partner of this name; nothing but its activity and ceiling varies."""

    def build(drawn: tuple[bool, Tlp]) -> Recipient:
        is_active, accredited_to = drawn
        return Recipient(
            bit=0,
            name=name,
            is_partner=True,
            role="partner",
            is_active=is_active,
            jurisdiction=None,
            blocs=frozenset(),
            residency=None,
            accredited_to=accredited_to,
        )

    return st.sampled_from(tuple(product(_MOSTLY_ACTIVE, _MOSTLY_RED))).map(build)


def _on_bits(drawn: tuple[tuple[Recipient, ...], list[int]]) -> tuple[Recipient, ...]:
    recipients, bits = drawn
    return tuple(replace(one, bit=bit) for one, bit in zip(recipients, bits, strict=True))


recipient_lists: st.SearchStrategy[tuple[Recipient, ...]] = st.tuples(
    st.tuples(*map(members_named, CODES), *map(partners_named, PARTNER_NAMES)),
    st.permutations(range(len(CODES) + len(PARTNER_NAMES))),
).map(_on_bits)
"""The recipients of one forum: four members and two partners, on bits of their own."""

RELEASABLE = ("member:XAA", "member:XAB", "member:XZZ", "jurisdiction:XAB", "jurisdiction:XAC")
unit_tlps = st.one_of(st.just(Tlp.CLEAR), tlps)

facts = st.builds(
    Facts,
    originator=st.sampled_from((*CODES, "XZZ")),
    stix_type=st.sampled_from(TYPES),
    labels=subsets(LABELS),
    tlp=tlps,
    blockers=mostly((), st.just(("marking-scheme",))),
    properties=st.dictionaries(st.sampled_from(UNITS), unit_tlps, min_size=1),
    releasable_to=mostly(None, st.lists(st.sampled_from(RELEASABLE), max_size=2).map(tuple)),
    clauses=mostly((), st.lists(subsets(UNITS), max_size=2).map(tuple)),
    ties=mostly((), st.lists(st.tuples(*[st.sampled_from(UNITS)] * 2), max_size=3).map(tuple)),
    contributed_us=st.sampled_from((0, DAY_US)),
)
"""Any contribution; its units now and then above its level, its clauses now and then empty."""

places = st.builds(
    Place,
    collection=st.sampled_from((ALPHA, BETA)),
    read_roles=mostly(EVERY_ROLE, subsets(tuple(sorted(EVERY_ROLE)))),
    collection_ceiling=mostly(Tlp.RED, tlps),
    forum_ceiling=mostly(Tlp.RED, tlps),
)

terms = st.one_of(
    st.just(FORUM),
    st.just(PARTNERS),
    st.sampled_from(("member", "partner-state", "observer")).map(lambda v: Term("role", v)),
    *[st.sampled_from((*CODES, "XZZ")).map(lambda v: Term("member", v))] * 2,
    st.sampled_from(BLOCS).map(lambda v: Term("bloc", v)),
    st.sampled_from(("XAB", "XAC")).map(lambda v: Term("jurisdiction", v)),
    st.sampled_from(PARTNER_NAMES).map(lambda v: Term("partner", v)),
)
PROVISIONS = ("un-a-70-174:13(k)", "xx-1:CBM 8")
commitments = st.sampled_from(PROVISIONS).map(lambda v: Term("committed", v))


@cache
def audiences(*, with_commitments: bool = False) -> st.SearchStrategy[Audience]:
    """An audience; with commitments, now and then one that depends on them."""
    named = st.one_of(terms, terms, commitments) if with_commitments else terms
    return st.builds(
        Audience,
        st.frozensets(named, min_size=1, max_size=4),
        st.frozensets(named, max_size=1),
    )


@cache
def whens(effect: Effect) -> st.SearchStrategy[When]:
    """What a rule of this effect may ask of objects; most keys mostly not given."""
    at_levels = st.one_of(st.none(), st.none(), tlps)
    return st.builds(
        When,
        types=mostly(None, subsets(TYPES)),
        labels=mostly(None, subsets(LABELS)),
        collections=mostly(None, subsets((ALPHA, BETA))),
        tlp_at_most=at_levels if effect == "share" else st.none(),
        tlp_at_least=at_levels if effect == "withhold" else st.none(),
        originators=mostly(None, subsets(CODES)) if effect == "withhold" else st.none(),
    )


_often = st.booleans()
_effects: st.SearchStrategy[Effect] = st.sampled_from(("share", "share", "share", "withhold"))
_ids = st.integers(0, 9999).map("rule-{}".format)
instants = st.integers(0, 8).map(lambda half_days: half_days * DAY_US // 2)
"""Half days of four days: objects, rules and moments meet often, and at the very instant."""
ASKED = (Reciprocity(1, 30), Reciprocity(2, 30))


@st.composite
def rules(draw: st.DrawFn, effect: Effect | None = None) -> Rule:
    """Any rule, of one effect if given; one in two has a key beyond audience and `when`."""
    chosen: Effect = draw(_effects) if effect is None else effect
    more = draw(_more_keys(chosen)) if draw(_often) else {}
    return Rule(
        id=draw(_ids),
        effect=chosen,
        audience=draw(audiences(with_commitments=draw(mostly(False, st.just(True))))),
        when=draw(whens(chosen)),
        **more,
    )


@cache
def _more_keys(effect: Effect) -> st.SearchStrategy[dict[str, Any]]:
    times = {
        key: mostly(None, instants)
        for key in ("from_us", "until_us", "delay_us", "expire_after_us")
    }
    units: st.SearchStrategy[frozenset[str]] = st.one_of(st.just(frozenset()), subsets(UNITS))
    if effect == "withhold":
        return st.fixed_dictionaries(times | {"only": units})
    conditions = st.builds(
        Conditions,
        residency=st.sampled_from((None, frozenset({"XAB"}))),
        reciprocity=st.sampled_from((None, *ASKED)),
    )
    return st.fixed_dictionaries(times | {"omit": units, "conditions": mostly(None, conditions)})


def _counting(met: dict[Reciprocity, frozenset[str]]) -> Counts:
    return lambda _originator, asked: met[asked]


moments = st.builds(
    Moment,
    instants,
    st.fixed_dictionaries({asked: subsets((*CODES, "XZZ")) for asked in ASKED}).map(_counting),
    st.one_of(
        st.none(),
        st.fixed_dictionaries({each: subsets((*CODES, "XZZ")) for each in PROVISIONS}).map(
            lambda drawn: drawn.__getitem__
        ),
    ),
)
"""An instant, any members meeting each of the two reciprocities that are asked for, and any
committed to each of two provisions; now and then nobody knows who."""

policies = st.lists(rules(), min_size=1, max_size=6).map(lambda drawn: Policy(tuple(drawn)))
forum_policies = st.lists(rules("withhold"), max_size=1).map(lambda drawn: Policy(tuple(drawn)))

json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from(("share", "withhold", "forum", "member:XAB", "amber", "P7D", ALPHA)),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


@cache
def _some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


_term_lists = _some(
    *("forum", "partners", "role:member", "member:XAB", "member:XZZ"),
    *("bloc:north", "jurisdiction:XAC", "partner:relay"),
)
_when_documents = {
    "types": _some(*TYPES),
    "labels": _some(*LABELS),
    "collections": _some(*NAMES.collections),
}
_levels = st.sampled_from(("clear", "white", "green", "amber", "amber+strict", "RED"))
_properties = _some("description", "created_by_ref", "x_victim", "extensions.archive-ext")


@cache
def rule_documents(effect: Effect, *, of_forum: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """A rule as JSON that the grammar accepts, with any of its keys."""
    return st.fixed_dictionaries(
        {
            "id": _ids,
            "effect": st.just(effect),
            "audience": st.fixed_dictionaries(
                {"any": _term_lists}, optional={"except": _term_lists}
            ),
        },
        optional=_optional_documents(effect, of_forum=of_forum),
    )


@cache
def _optional_documents(effect: Effect, *, of_forum: bool) -> dict[str, st.SearchStrategy[Any]]:
    when = _when_documents | {"tlp_at_most" if effect == "share" else "tlp_at_least": _levels}
    if of_forum:
        when |= {"originators": _some(*CODES, "XZZ")}
    keys: dict[str, st.SearchStrategy[Any]] = {
        "when": st.fixed_dictionaries({}, optional=when),
        "from": st.just("2026-01-01T00:00:00Z"),
        "until": st.just("2027-01-01T00:00:00.5Z"),
        "delay": st.sampled_from(("PT0S", "PT1H30M", "P2D")),
        "expire_after": st.sampled_from(("P7D", "P1W", "P30DT1S")),
    }
    if effect == "withhold":
        return keys | {"only": _properties}
    return keys | {
        "omit": _properties,
        "conditions": st.fixed_dictionaries(
            {},
            optional={
                "residency": _some("XAB", "XAC"),
                "reciprocity": st.just({"min_contributions": 3, "window_days": 30}),
            },
        ),
        "terms": st.dictionaries(st.just("attribution"), st.just("must-not")),
    }


def _lists_of_rules(min_size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    rule = st.one_of(rule_documents("share"), rule_documents("withhold"))
    return st.lists(rule, min_size=min_size, max_size=3, unique_by=lambda drawn: drawn["id"])


forum_policy_documents = st.lists(
    rule_documents("withhold", of_forum=True), max_size=3, unique_by=lambda drawn: drawn["id"]
).map(lambda drawn: {"rules": drawn})
policy_documents = _lists_of_rules(0).map(lambda drawn: {"rules": drawn})
_documents_with_rules = _lists_of_rules(1).map(lambda drawn: {"rules": drawn})


@st.composite
def mutated_policy_documents(draw: st.DrawFn) -> Any:
    """A good policy document with one value somewhere replaced, removed or added."""
    document: Any = deepcopy(draw(_documents_with_rules))  # `just` gives the same dict each time
    holder, key = draw(st.sampled_from(list(_list_spots(document))))
    change = draw(st.sampled_from(("replace", "remove", "add")))
    if change == "replace":
        holder[key] = draw(json_values)
    elif change == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder[draw(st.text())] = draw(json_values)
    else:
        holder.append(draw(json_values))
    return document


def _list_spots(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every (object or list, key or index) of a JSON value."""
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _list_spots(holder[key])
