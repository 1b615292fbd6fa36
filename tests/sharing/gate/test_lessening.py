"""Lessening: exactly what must go goes, nothing tells that it was there, the rest is as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sharing.facts import StoredFacts
from sharing.gate.envelopes import read_import
from sharing.gate.lessening import WHOLE, Omission, gains, lessen, normal
from sharing.gate.objects import check_object
from sharing.gate.verdicts import Checked
from sharing.rules.formulas import vanishes
from sharing.rules.tlp import Tlp
from tests.sharing.gate.makers import NOW_US, RED, WIDE, check, checked, make_indicator
from tests.sharing.gate.objects_that_name import checked_objects, omissions
from tests.sharing.gate.samples import STATEMENT, VARIANTS, name_id
from tests.sharing.gate.surviving import list_surviving, rest_of

SHARED = Path(__file__).parents[4] / "shared" / "data" / "stix"


def make_facts(one: Checked) -> StoredFacts:
    return StoredFacts(
        properties=dict.fromkeys(one.properties, Tlp.GREEN),
        references=one.named.references,
        hard_references=one.named.hard,
        vanishing=one.named.vanishing,
        entangled=one.named.entangled,
        clauses=one.needs.clauses,
        ties=one.needs.ties,
    )


def omit(*units: str, ids: tuple[str, ...] = ()) -> Omission:
    return Omission(frozenset(units), frozenset(ids))


def less(value: dict[str, Any], omission: Omission) -> Any:
    return json.loads(lessen(json.dumps(value).encode(), omission).raw)


def list_strings(value: Any, inside: str = "") -> Iterator[str]:
    """Every string and every name, markings and the object's own id apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, held in value.items():
            yield name
            if name not in ("marking_ref", "object_marking_refs") or inside:
                yield from list_strings(held, "" if name == "granular_markings" else name)
    elif isinstance(value, list):
        for item in value:
            yield from list_strings(item, inside)


def holds(one: Checked, omission: Omission) -> bool:
    """Whether all that must stay does."""
    lost = normal(omission, make_facts(one)).units
    return not any(clause <= lost for clause in one.needs.clauses) and not any(
        tied not in lost and to in lost for tied, to in one.needs.ties
    )


@settings(max_examples=60)
@given(checked_objects())
def test_whole_object_is_served_as_it_came(one: Checked) -> None:
    assert lessen(one.raw, WHOLE).raw == one.raw
    assert lessen(one.raw, omit("not_there", ids=(name_id("nobody", 77),))).raw == one.raw


@settings(max_examples=150)
@given(checked_objects(), st.data())
def test_exactly_what_must_go_goes(one: Checked, data: st.DataObject) -> None:
    omission = data.draw(omissions(one))
    served = json.loads(lessen(one.raw, omission).raw)
    expected = rest_of(one.value, omission)
    assert served == expected
    assert list(served) == [name for name in one.value if name in expected]


@settings(max_examples=100)
@given(checked_objects(), st.data())
def test_nothing_tells_what_is_gone(one: Checked, data: st.DataObject) -> None:
    omission = data.draw(omissions(one))
    served = json.loads(lessen(one.raw, omission).raw)
    # The name of an extension names a unit; what it defines may be hidden all the same.
    inside = served | {"extensions": list(served.get("extensions", {}).values())}
    assert omission.ids.isdisjoint(each.lower() for each in list_strings(inside))
    units = {name for name in served if name != "extensions"}
    units |= {f"extensions.{name}" for name in served.get("extensions", {})}
    assert units <= set(one.properties) - omission.units
    assert isinstance(check(served | {"id": one.stix_id}), Checked) or not holds(one, omission)


@settings(max_examples=100)
@given(checked_objects(), st.data())
def test_units_that_ids_take_are_those_that_the_facts_tell(
    one: Checked, data: st.DataObject
) -> None:
    hidden = data.draw(omissions(one)).ids
    served = json.loads(lessen(one.raw, Omission(frozenset(), hidden)).raw)
    left = {name for name in served if name != "extensions"}
    left |= {f"extensions.{name}" for name in served.get("extensions", {})}
    masks = dict.fromkeys(hidden, 0b1010)
    gone = {unit for unit, f in one.named.vanishing.items() if vanishes(f, masks) == 0b1010}
    assert set(one.properties) - left - {"granular_markings"} == gone
    assert all(vanishes(f, masks) in (0, 0b1010) for f in one.named.vanishing.values())


@settings(max_examples=100)
@given(checked_objects(), st.data())
def test_what_is_served_passes_the_gate_when_what_must_stay_does(
    one: Checked, data: st.DataObject
) -> None:
    omission = data.draw(omissions(one))
    assume(holds(one, omission))
    verdict = check(json.loads(lessen(one.raw, omission).raw))
    assert isinstance(verdict, Checked), verdict


@settings(max_examples=80)
@given(checked_objects(), st.data())
def test_normal_form_names_the_same_variant_and_lessening_twice_changes_nothing(
    one: Checked, data: st.DataObject
) -> None:
    omission = data.draw(omissions(one))
    facts = make_facts(one)
    once = lessen(one.raw, omission)
    small = normal(omission, facts)
    assert lessen(one.raw, small) == once
    assert normal(small, facts) == small
    assert json.loads(lessen(once.raw, omission).raw) == json.loads(once.raw)


@settings(max_examples=80)
@given(checked_objects(), st.data())
def test_lessening_in_two_steps_omits_what_one_step_does(one: Checked, data: st.DataObject) -> None:
    first, second = data.draw(omissions(one)), data.draw(omissions(one))
    indexed = any("[" in each for _, selectors in one.granular_markings for each in selectors)
    assume(not indexed and "type" not in first.units)
    both = Omission(first.units | second.units, first.ids | second.ids)
    step = lessen(lessen(one.raw, first).raw, second)
    assert json.loads(step.raw) == json.loads(lessen(one.raw, both).raw)


@settings(max_examples=120)
@given(checked_objects(), st.data())
def test_variant_gains_exactly_when_it_shows_something_more(
    one: Checked, data: st.DataObject
) -> None:
    new, old = data.draw(omissions(one)), data.draw(omissions(one))
    marks = frozenset({"granular_markings"})
    new, old = (Omission(each.units - marks, each.ids) for each in (new, old))
    more = list_surviving(one.value, new) - list_surviving(one.value, old)
    assert gains(new, old, make_facts(one)) is bool(more)


def test_hidden_id_goes_with_item_property_or_member_and_what_it_empties() -> None:
    one, two = name_id("malware", 1), name_id("malware", 2)
    value = make_indicator(
        x_list=["text", one, {"of_ref": one}],
        x_map={one: "named", "deep": {"deeper": [one]}, "kept": [[], {}]},
        x_gone={"deep": [[one.upper()]]},
        x_other=[two, two],
        extensions={"x-ext": {"only": one}},
    )
    served = less(value, omit(ids=(one,)))
    assert served == make_indicator(x_list=["text"], x_map={"kept": [[], {}]}, x_other=[two, two])


def test_list_that_a_selector_points_into_goes_whole_and_so_do_stale_selectors() -> None:
    one = name_id("malware", 1)
    marking = {"marking_ref": RED, "selectors": ["x_list.[0]", "description", "name"]}
    value = make_indicator(
        name="n",
        description="d",
        x_list=["text", one],
        x_free=["text", one],
        granular_markings=[marking, {"lang": "de", "selectors": ["x_list"]}],
    )
    served = less(value, omit("description", ids=(one,)))
    assert served == make_indicator(
        name="n", x_free=["text"], granular_markings=[marking | {"selectors": ["name"]}]
    )
    assert "granular_markings" not in less(value, omit("description", "name", "x_list"))


def test_place_among_the_markings_is_forgotten_when_they_change() -> None:
    markings = [
        {"marking_ref": RED, "selectors": ["description"]},
        {"marking_ref": STATEMENT, "selectors": ["granular_markings.[1].marking_ref", "name"]},
    ]
    value = make_indicator(name="n", description="d", granular_markings=markings)
    assert less(value, omit("x_none"))["granular_markings"] == markings
    served = less(value, omit("description"))
    assert served["granular_markings"] == [{"marking_ref": STATEMENT, "selectors": ["name"]}]


def test_observed_objects_go_together_because_they_name_each_other() -> None:
    value = VARIANTS["observed-data-with-objects"]
    assert "objects" not in less(value, omit(ids=(name_id("file", 4),)))
    served = less(value, omit(ids=(name_id("identity", 3),)))
    assert served["objects"]["1"]["x_note"] == ["text"]
    assert served["objects"]["2"] == value["objects"]["2"]


def test_statements_are_those_that_the_variant_still_carries() -> None:
    other = name_id("marking-definition", 3)
    value = make_indicator(
        name="n",
        object_marking_refs=[RED, other],
        granular_markings=[{"marking_ref": STATEMENT, "selectors": ["name"]}],
    )
    raw = json.dumps(value).encode()
    assert lessen(raw, WHOLE).statements == (other, STATEMENT)
    assert lessen(raw, omit("name")).statements == (other,)


def test_normal_form_leaves_out_what_makes_no_difference() -> None:
    report = checked(
        make_indicator(
            x_refs=[name_id("tool", 1), name_id("tool", 2)], x_note=name_id("tool", 1), name="n"
        )
    )
    facts = make_facts(report)
    ids = (name_id("tool", 1), name_id("tool", 2), name_id("tool", 3))
    assert normal(omit("nothing", ids=ids), facts) == omit("x_refs", "x_note")
    assert normal(omit("x_refs", ids=ids[1:]), facts) == omit("x_refs")
    assert normal(omit(ids=ids[:1]), facts) == omit("x_note", ids=ids[:1])


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/stix is not beside this checkout")
def test_objects_of_the_field_lose_any_unit_and_any_id_and_stay_valid() -> None:
    found = 0
    for file in sorted(SHARED.iterdir()):
        for raw in read_import(file.read_bytes(), limits=WIDE):
            one = check_object(raw, now_us=NOW_US)
            assert isinstance(one, Checked)
            assert lessen(one.raw, WHOLE).raw == one.raw
            omissions_of_one = [omit(unit) for unit in one.properties]
            omissions_of_one += [omit(ids=(each,)) for each in one.named.references]
            omissions_of_one.append(omit(ids=tuple(one.named.references)))
            for omission in omissions_of_one:
                served = json.loads(lessen(one.raw, omission).raw)
                assert served == rest_of(one.value, omission)
                assert not holds(one, omission) or isinstance(check(served), Checked)
                found += 1
    assert found > 5000
