"""What a member declines: the documents that can be saved, and the faults of the others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from sharing.rules.accepts import check_accepts
from sharing.rules.node import PolicyRefused
from tests.sharing.rules.makers import NAMES
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
