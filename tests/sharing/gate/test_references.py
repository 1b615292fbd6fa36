"""Which ids an object names, where, and when what else goes with them."""

from __future__ import annotations

import json

import pytest

from sharing.gate.references import find_named
from sharing.gate.releasable import RELEASE_EXTENSION
from sharing.rules.formulas import (
    Layer,
    all_of,
    any_of,
    read_formula,
    read_layer,
    vanishes,
    write_layer,
)
from tests.sharing.gate.makers import RED, make_indicator, refused
from tests.sharing.gate.samples import EXTENSION, SAMPLES, STATEMENT, VARIANTS, name_id

ONE, TWO, THREE = (name_id("tool", number) for number in (1, 2, 3))


def test_id_is_named_by_a_string_or_by_the_name_of_a_member() -> None:
    value = make_indicator(
        created_by_ref=ONE,
        x_list=[TWO.upper(), f"see {THREE}"],
        x_map={THREE: {"again_refs": [ONE]}},
        extensions={EXTENSION: {"extension_type": "property-extension", "of": TWO}},
    )
    assert find_named(value).references == {
        ONE: ("created_by_ref", "x_map"),
        TWO: ("x_list", f"extensions.{EXTENSION}"),
        THREE: ("x_map",),
    }


def test_own_id_markings_and_extensions_are_not_named() -> None:
    value = make_indicator(
        object_marking_refs=[RED],
        granular_markings=[{"marking_ref": STATEMENT, "selectors": ["pattern"], "x_of": ONE}],
        extensions={
            RELEASE_EXTENSION: {"extension_type": "property-extension", "releasable_to": []}
        },
    )
    value["x_note"] = [value["id"], {value["id"].upper(): 1}]
    named = find_named(value)
    assert named.references == {ONE: ("granular_markings",)}
    assert named.vanishing == {}


def test_property_for_references_refuses_another_form_of_an_id() -> None:
    assert refused(make_indicator(x_refs=[ONE, TWO.upper()])).code == "sharing.bad-id"


def test_list_goes_with_the_last_of_its_items_and_stays_for_what_is_no_id() -> None:
    vanishing = find_named(make_indicator(x_ids=[ONE, TWO, ONE], x_text=[ONE, "text"])).vanishing
    assert vanishing == {"x_ids": ("all", (ONE, TWO))}


def test_list_that_a_selector_points_into_goes_with_the_first_of_its_items() -> None:
    marking = {"marking_ref": RED, "selectors": ["x_list.[0]", "x_deep.inner.[1].a"]}
    value = make_indicator(
        x_list=["text", ONE, TWO],
        x_deep={"inner": [{"b": ONE}, {"a": TWO, "b": THREE}, "text"], "c": 1},
        granular_markings=[marking],
    )
    named = find_named(value)
    assert named.vanishing == {"x_list": ("any", (ONE, TWO))}
    gone = ("any", (ONE, ("all", (TWO, THREE))))
    inner = Layer(gone, (ONE, TWO, THREE, None), ())
    assert named.entangled == {"x_deep": Layer(None, (None,), (inner,))}


def test_object_that_lacks_what_stix_asks_for_goes_with_its_item() -> None:
    source = {"source_name": "n", "external_id": ONE, "url": TWO}
    value = make_indicator(external_references=[source, {"source_name": THREE, "url": "u"}])
    named = find_named(value)
    assert named.vanishing == {"external_references": ("all", (ONE, TWO, THREE))}
    part = [{"body": "b"}, {"body_raw_ref": ONE}]
    assert "body_multipart" not in find_named(SAMPLES["email-message"]).vanishing
    email = SAMPLES["email-message"] | {"body_multipart": part[1:]}
    assert find_named(email).vanishing["body_multipart"] == ONE


def test_header_fields_go_when_only_names_that_stix_forbids_alone_would_stay() -> None:
    email = SAMPLES["email-message"] | {"additional_header_fields": {"subject": "s", "X-A": ONE}}
    assert find_named(email).vanishing["additional_header_fields"] == ONE


def test_what_an_observables_id_is_made_of_goes_with_the_first_hidden_id() -> None:
    archive = {"contains_refs": [ONE, TWO], "comment": "c"}
    value = SAMPLES["file"] | {"extensions": {"archive-ext": archive}}
    assert find_named(value).vanishing["extensions.archive-ext"] == ("any", (ONE, TWO))


def test_object_inside_that_carries_markings_is_whole_or_gone() -> None:
    value = make_indicator(x_map={"a": {"object_marking_refs": [STATEMENT], "b": [ONE, 1]}, "c": 1})
    named = find_named(value)
    assert named.vanishing == {}
    inner = Layer(("any", (STATEMENT, ONE)), (STATEMENT, ONE, None), ())
    assert named.entangled == {"x_map": Layer(None, (None,), (inner,))}


def test_nested_observable_needs_what_its_own_type_needs() -> None:
    value = VARIANTS["observed-data-with-objects"]
    inner = {
        "type": "artifact",
        "id": ONE,
        "hashes": {"MD5": "b" * 32},
        "url": "https://a.example/",
    }
    named = find_named(value | {"objects": {"0": inner}})
    assert named.vanishing["objects"] == ONE


def test_formula_holds_for_those_from_whom_enough_is_hidden() -> None:
    formula = any_of((ONE, all_of((TWO, THREE))))
    assert formula == ("any", (ONE, ("all", (TWO, THREE))))
    assert vanishes(formula, {ONE: 0b0001, TWO: 0b0110, THREE: 0b1100}) == 0b0101
    assert vanishes(formula, {}) == 0
    assert vanishes(("all", (ONE, TWO)), {TWO: 1}) == 0


def test_formulas_have_one_form() -> None:
    assert any_of((None, ONE, None)) == ONE
    assert any_of(()) is None
    assert all_of((ONE, None)) is None
    assert all_of((ONE, ("all", (TWO, ONE)))) == ("all", (ONE, TWO))
    assert read_formula(["any", [ONE, ["all", [TWO, THREE]]]]) == any_of(
        (ONE, all_of((TWO, THREE)))
    )


@pytest.mark.parametrize("value", [None, 3, [], ["any"], ["none", [ONE]]])
def test_what_is_no_formula_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a formula"):
        read_formula(value)


def test_layer_is_read_as_it_was_written() -> None:
    layer = Layer(None, (None, ONE), (Layer(("any", (ONE, TWO)), (None,), ()),))
    assert read_layer(json.loads(json.dumps(write_layer(layer)))) == layer
    with pytest.raises(ValueError, match="not a layer"):
        read_layer([None, []])


def test_what_is_kept_of_an_object_grows_with_it_and_no_faster() -> None:
    """A list with all its items in every leaf's formula would grow with the square."""

    def size(count: int) -> int:
        ids = [name_id("tool", number) for number in range(count)]
        marking = {"lang": "de", "selectors": ["x_map.in.[0]"]}
        items = [*ids, *({"a": each, "b": 1} for each in ids)]
        named = find_named(make_indicator(x_map={"in": items, "b": 1}, granular_markings=[marking]))
        layers = [write_layer(layer) for layer in named.entangled.values()]
        return len(json.dumps([named.references, named.vanishing, layers]))

    assert size(80) < 2.2 * size(40)
