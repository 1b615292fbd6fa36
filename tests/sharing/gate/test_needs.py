"""What must stay of an object: enough that what is served is valid STIX, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import chain, combinations
from typing import Any

import pytest

from sharing.gate.lessening import Omission, lessen
from sharing.gate.needs import find_needs, list_units
from sharing.gate.references import find_named
from sharing.gate.releasable import RELEASE_EXTENSION
from sharing.gate.schemas import known_types, observable_types
from sharing.gate.shapes import CONTRIBUTING
from sharing.gate.verdicts import Checked
from sharing.rules.formulas import vanishes
from tests.sharing.gate.makers import RED, check, checked, make_indicator
from tests.sharing.gate.objects_that_name import at, list_paths, replace_at
from tests.sharing.gate.samples import EXTENSION, SAMPLES, STATEMENT, VARIANTS, name_id

OBJECTS = SAMPLES | VARIANTS
HIDDEN = name_id("identity", 77)


def list_clauses(value: dict[str, Any]) -> set[frozenset[str]]:
    return set(find_needs(value).clauses)


def only(*units: str) -> set[frozenset[str]]:
    return {frozenset({unit}) for unit in units}


def list_droppable(one: Checked) -> Iterator[frozenset[str]]:
    """Every set of units that may go together."""
    required = {unit for clause in one.needs.clauses if len(clause) == 1 for unit in clause}
    free = [unit for unit in one.properties if unit not in required]
    for lost in chain.from_iterable(combinations(free, n) for n in range(len(free) + 1)):
        if may_go(one, frozenset(lost)):
            yield frozenset(lost)


def may_go(one: Checked, lost: frozenset[str]) -> bool:
    return not any(clause <= lost for clause in one.needs.clauses) and not any(
        tied not in lost and to in lost for tied, to in one.needs.ties
    )


def test_there_is_a_sample_of_every_type() -> None:
    assert SAMPLES.keys() == known_types()
    assert CONTRIBUTING.keys() == observable_types() - {"process"}


@pytest.mark.parametrize("name", OBJECTS)
def test_object_less_any_units_that_may_go_passes_the_gate(name: str) -> None:
    one = checked(OBJECTS[name])
    subsets = list(list_droppable(one))
    assert len(subsets) > 1 or len(one.properties) < 6
    for lost in subsets:
        served = json.loads(lessen(one.raw, Omission(lost, frozenset())).raw)
        assert set(list_units(served)) == set(one.properties) - lost
        verdict = check(served)
        assert isinstance(verdict, Checked), (lost, verdict)


@pytest.mark.parametrize("name", OBJECTS)
def test_object_with_any_string_inside_it_hidden_passes_the_gate(name: str) -> None:
    """Ids where STIX has other strings too: nothing that STIX asks for inside is lost."""
    value = OBJECTS[name]
    tried = 0
    for path in list_paths(value):
        if not isinstance(at(value, path), str) or path in (("id",), ("type",)):
            continue
        verdict = check(replace_at(value, path, HIDDEN))
        if not isinstance(verdict, Checked):
            continue
        tried += 1
        served = json.loads(lessen(verdict.raw, Omission(frozenset(), frozenset({HIDDEN}))).raw)
        assert HIDDEN not in json.dumps(served)
        lost = frozenset(verdict.properties) - set(list_units(served))
        vanishing = verdict.named.vanishing.items()
        assert lost == {unit for unit, formula in vanishing if vanishes(formula, {HIDDEN: 1})}
        if may_go(verdict, lost):
            again = check(served)
            assert isinstance(again, Checked), (path, again)
    assert tried > 0 or name in ("mac-addr", "artifact-with-payload", "file-by-hash")


@pytest.mark.parametrize("name", OBJECTS)
def test_object_with_all_strings_of_a_unit_hidden_passes_the_gate(name: str) -> None:
    value = OBJECTS[name]
    for unit in value:
        changed = deepcopy(value)
        for path in list_paths(value):
            if path[0] == unit != "id" and isinstance(at(value, path), str):
                one_more = replace_at(changed, path, HIDDEN)
                changed = one_more if isinstance(check(one_more), Checked) else changed
        one = checked(changed)
        served = json.loads(lessen(one.raw, Omission(frozenset(), frozenset({HIDDEN}))).raw)
        assert HIDDEN not in json.dumps(served)
        if may_go(one, frozenset(one.properties) - set(list_units(served))):
            assert isinstance(check(served), Checked), unit


def test_what_names_protects_and_dates_an_object_must_stay() -> None:
    value = make_indicator(
        labels=["l"],
        object_marking_refs=[RED],
        granular_markings=[{"marking_ref": STATEMENT, "selectors": ["labels"]}],
        extensions={
            RELEASE_EXTENSION: {"extension_type": "property-extension", "releasable_to": []},
            EXTENSION: {"extension_type": "property-extension"},
        },
    )
    assert list_clauses(value) == only(
        *("type", "id", "spec_version", "created", "modified"),
        *("object_marking_refs", "granular_markings", f"extensions.{RELEASE_EXTENSION}"),
        *("pattern", "pattern_type", "valid_from"),
    )


@pytest.mark.parametrize("kind", ["new-sdo", "new-sco", "new-sro"])
def test_extension_that_describes_the_object_must_stay(kind: str) -> None:
    extensions = {EXTENSION: {"extension_type": kind}, "x-ext": {"a": 1}}
    value = {"type": "x-thing", "id": name_id("x-thing"), "name": "n", "extensions": extensions}
    assert list_clauses(value) == only("type", "id", f"extensions.{EXTENSION}")


def test_location_is_a_region_a_country_or_both_coordinates() -> None:
    needs = find_needs(SAMPLES["location"])
    assert frozenset({"region", "country", "latitude"}) in needs.clauses
    assert frozenset({"region", "country", "longitude"}) in needs.clauses
    assert set(needs.ties) == {
        ("latitude", "longitude"),
        ("longitude", "latitude"),
        ("precision", "latitude"),
    }


def test_family_of_malware_has_a_name_and_an_instance_need_not() -> None:
    assert frozenset({"name"}) in list_clauses(SAMPLES["malware"])
    assert frozenset({"name"}) not in list_clauses(VARIANTS["malware-instance"])


def test_process_keeps_one_of_what_it_has() -> None:
    value = VARIANTS["process-by-extension"]
    assert list_clauses(value) == only("type", "id", "spec_version") | {
        frozenset({"extensions.windows-process-ext", "extensions.windows-service-ext"})
    }


@pytest.mark.parametrize("kind", sorted(CONTRIBUTING))
def test_what_an_observables_id_is_made_of_must_stay(kind: str) -> None:
    value = SAMPLES[kind]
    for name in CONTRIBUTING[kind] & value.keys() - {"extensions"}:
        assert frozenset({name}) in list_clauses(value)
    if "extensions" in CONTRIBUTING[kind]:
        assert only(*(f"extensions.{each}" for each in value["extensions"])) <= list_clauses(value)


def test_no_clause_is_kept_beside_a_stricter_one() -> None:
    for value in OBJECTS.values():
        clauses = find_needs(value).clauses
        assert not [(a, b) for a in clauses for b in clauses if a < b]
        assert set(chain.from_iterable(clauses)) <= set(list_units(value))


def test_ends_of_an_edge_and_what_is_translated_are_hard() -> None:
    assert find_named(SAMPLES["relationship"]).hard == (name_id("indicator"), name_id("malware"))
    assert find_named(SAMPLES["sighting"]).hard == (name_id("indicator"),)
    assert find_named(SAMPLES["language-content"]).hard == (name_id("report"),)
    assert find_named(make_indicator(object_ref=name_id("report"))).hard == ()
