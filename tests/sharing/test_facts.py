"""Facts outlive the content: what was written is read, and what is old hides rather than shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.facts import Naming, StoredFacts, load_facts, named_part, ruled_part
from sharing.gate.lessening import Omission, gains, normal
from sharing.rules.tlp import Tlp
from tests.sharing.gate.makers import checked, make_indicator
from tests.sharing.gate.samples import SAMPLES, VARIANTS, name_id

OLD_KEYS = (
    *("labels", "created_by_ref", "properties", "releasable_to", "references", "markings"),
    *("is_scheme_understood", "has_granular_markings", "is_statement", "has_modified"),
    "marked_tlp",
)
MARKINGS = tuple(name_id("marking-definition", number) for number in (1, 2))


def make_facts(name: str) -> StoredFacts:
    one = checked((SAMPLES | VARIANTS)[name])
    return StoredFacts(
        labels=frozenset({"b", "a"}),
        created_by_ref=one.created_by_ref,
        properties=dict.fromkeys(one.properties, Tlp.GREEN),
        releasable_to=("member:XAA",),
        references=one.named.references,
        hard_references=one.named.hard,
        vanishing=one.named.vanishing,
        entangled=one.named.entangled,
        clauses=one.needs.clauses,
        ties=one.needs.ties,
        markings=MARKINGS,
        statements={MARKINGS[0]: ()},
        carries={MARKINGS[0]: (MARKINGS[1],)},
        marked_tlp=Tlp.GREEN,
    )


@pytest.mark.parametrize("name", SAMPLES | VARIANTS)
def test_facts_are_read_as_they_were_written(name: str) -> None:
    facts = make_facts(name)
    assert load_facts(facts.dump()) == facts
    assert load_facts(StoredFacts().dump()) == StoredFacts()


@pytest.mark.parametrize("name", SAMPLES | VARIANTS)
def test_what_an_object_names_is_read_without_the_rest_of_its_facts(name: str) -> None:
    facts = make_facts(name)
    soft = tuple(each for each in facts.references if each not in facts.hard_references)
    assert named_part(facts.dump()) == Naming(facts.hard_references, soft)
    assert named_part(StoredFacts().dump()) == Naming()
    written = json.loads(facts.dump())
    assert named_part(json.dumps({key: written[key] for key in OLD_KEYS})) is None


def test_facts_written_before_partial_views_hide_the_object_rather_than_a_part() -> None:
    new = make_facts("report")
    written = json.loads(new.dump())
    written["references"] = list(written["references"])
    facts = load_facts(json.dumps({key: written[key] for key in OLD_KEYS}))
    assert facts.properties == new.properties
    assert set(facts.clauses) == {frozenset({unit}) for unit in new.properties}
    assert facts.hard_references == tuple(facts.references) == tuple(new.references)
    assert all(set(units) == set(new.properties) for units in facts.references.values())
    assert (facts.vanishing, facts.entangled, facts.ties) == ({}, {}, ())
    assert facts.statements == dict.fromkeys(MARKINGS, ())
    assert facts.carries == {MARKINGS[0]: MARKINGS[1:], MARKINGS[1]: MARKINGS[:1]}


def test_only_a_foreign_marking_scheme_blocks() -> None:
    facts = StoredFacts(has_granular_markings=True, releasable_to=())
    assert facts.blockers == ()
    assert StoredFacts(is_scheme_understood=False).blockers == ("marking-scheme",)


def test_variants_are_told_apart_by_facts_that_were_stored() -> None:
    one, two = name_id("tool", 1), name_id("tool", 2)
    checked_one = checked(
        make_indicator(
            x_list=[one, two, "text"],
            granular_markings=[{"lang": "de", "selectors": ["x_list.[2]"]}],
        )
    )
    facts = load_facts(
        StoredFacts(
            properties=dict.fromkeys(checked_one.properties, Tlp.GREEN),
            references=checked_one.named.references,
            vanishing=checked_one.named.vanishing,
            entangled=checked_one.named.entangled,
        ).dump()
    )
    hidden = [Omission(frozenset(), frozenset({each})) for each in (one, two)]
    assert {normal(each, facts) for each in hidden} == {
        Omission(frozenset({"x_list"}), frozenset())
    }
    assert not gains(hidden[0], hidden[1], facts)


# What somebody would write to pass one object's facts off as another's.
SLY = st.sampled_from(
    ["a", "references", "clauses", ',"references":{', ',"clauses":[', '"', "\\", "x_é"]
)
UNITS = st.dictionaries(SLY, st.sampled_from(Tlp), max_size=3)
TERMS = st.none() | st.lists(SLY, max_size=2).map(tuple)
MANY_FACTS = st.builds(
    StoredFacts,
    labels=st.frozensets(SLY, max_size=2),
    created_by_ref=st.none() | SLY,
    properties=UNITS,
    releasable_to=TERMS,
    references=st.dictionaries(SLY, st.lists(SLY, max_size=2).map(tuple), max_size=2),
    hard_references=st.lists(SLY, max_size=1).map(tuple),
    clauses=st.lists(st.frozensets(SLY, min_size=1, max_size=2), max_size=2).map(tuple),
    ties=st.lists(st.tuples(SLY, SLY), max_size=1).map(tuple),
    markings=st.lists(st.just(MARKINGS[0]), max_size=1).map(tuple),
    statements=st.dictionaries(st.sampled_from(MARKINGS), st.just(()), max_size=1),
    is_scheme_understood=st.booleans(),
)


def asked_by_rules(facts: StoredFacts) -> object:
    return (
        *(facts.labels, facts.blockers, dict(facts.properties), facts.releasable_to),
        *(facts.clauses, facts.ties),
    )


@given(MANY_FACTS, MANY_FACTS, st.booleans())
def test_what_rules_tell_apart_is_told_apart_by_the_ruled_part(
    one: StoredFacts, other: StoredFacts, naming_others: bool
) -> None:
    if naming_others:
        other = replace(one, references=other.references, hard_references=other.hard_references)
    left, right = load_facts(one.dump()), load_facts(other.dump())
    assert (ruled_part(one.dump()) == ruled_part(other.dump())) >= naming_others
    if left.ruled == right.ruled:
        assert asked_by_rules(left) == asked_by_rules(right)
    assert left == one
