"""What a member declines: the documents that can be saved, and the faults of the others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from sharing.rules.accepts import Accepts, check_accepts, read_accepts
from sharing.rules.node import PolicyRefused
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import NAMES, make_facts
from tests.sharing.rules.strategies import json_values


def refusal(document: object) -> PolicyRefused | None:
    """Why the document cannot be saved; None when it can."""
    try:
        check_accepts(document, members=NAMES.members)
    except PolicyRefused as fault:
        return fault
    return None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"types": []},
        {"types": ["indicator", "x-acme-thing"]},
        {"tlp_at_most": "AMBER"},
        {"except_originators": ["XAB"]},
        {"types": ["malware"], "tlp_at_most": "green", "except_originators": []},
    ],
)
def test_a_member_may_decline_by_type_level_and_originator(document: object) -> None:
    assert refusal(document) is None


def test_an_absent_key_accepts_everything_and_an_empty_list_of_types_nothing() -> None:
    assert read_accepts({}) == Accepts()
    assert not Accepts().refuses(make_facts(tlp=Tlp.RED))
    assert read_accepts({"types": []}).refuses(make_facts())


@pytest.mark.parametrize(
    ("document", "is_refused"),
    [
        ({"types": ["malware", "indicator"]}, False),
        ({"types": ["malware"]}, True),
        ({"tlp_at_most": "AMBER"}, False),
        ({"tlp_at_most": "green"}, True),
        ({"except_originators": ["XAB"]}, False),
        ({"except_originators": ["XAA", "XAB"]}, True),
        ({"types": ["indicator"], "tlp_at_most": "green"}, True),
    ],
)
def test_a_member_declines_by_type_level_and_originator(document: object, is_refused: bool) -> None:
    accepts = read_accepts(document)
    assert accepts.refuses(make_facts(tlp=Tlp.AMBER)) == is_refused


def test_the_level_of_a_property_is_not_what_a_member_declines() -> None:
    facts = make_facts(properties={"description": Tlp.RED})
    assert not Accepts(tlp_at_most=Tlp.GREEN).refuses(facts)


def test_a_saved_document_is_read_without_asking_who_exists_today() -> None:
    assert read_accepts({"except_originators": ["XYY"]}).except_originators == {"XYY"}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "policy"),
        ({"tlp": "amber"}, "tlp"),
        ({"types": "indicator"}, "types"),
        ({"types": ["indicator", 7]}, "types[1]"),
        ({"tlp_at_most": "purple"}, "tlp_at_most"),
        ({"tlp_at_most": 2}, "tlp_at_most"),
        ({"except_originators": "XAB"}, "except_originators"),
        ({"except_originators": ["XAB", "XAQ"]}, "except_originators[1]"),
    ],
)
def test_a_fault_is_refused_with_its_path(document: object, path: str) -> None:
    fault = refusal(document)
    assert fault is not None
    assert (fault.path, fault.message) == (path, f"{path}: {fault.reason}")
    assert not fault.reason.startswith(path)


@settings(deadline=None)
@given(json_values)
def test_any_json_can_be_saved_or_is_refused(document: object) -> None:
    fault = refusal(document)
    assert fault is None or fault.path
