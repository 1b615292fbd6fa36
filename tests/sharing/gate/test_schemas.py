"""The schemas: read from the installed package, amended where they are wrong, for every type."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema_rs
import pytest

from kernel.errors import BadInput, Misconfigured
from sharing.gate import schemas
from sharing.gate.amendments import AMENDMENTS, Amendment
from sharing.gate.objects import check_object
from sharing.gate.releasable import (
    RELEASE_EXTENSION,
    RELEASE_EXTENSION_SCHEMA,
    check_releasable_to,
)
from sharing.gate.schemas import check_schema, known_types, observable_types, timestamp_names
from sharing.gate.verdicts import RawObject, Refused
from tests.sharing.gate.makers import NOW_US, make_indicator


def test_every_type_of_stix_is_known_and_compiles() -> None:
    assert len(known_types()) == 42
    assert len(observable_types()) == 18
    assert known_types() >= {"indicator", "sighting", "marking-definition", "language-content"}
    assert "bundle" not in known_types()
    for stix_type in known_types():
        with pytest.raises(BadInput, match=r"\$"):
            check_schema({}, stix_type)


def test_timestamps_of_a_type_are_found_in_its_schema() -> None:
    assert timestamp_names("indicator") == {"valid_from", "valid_until"}
    assert timestamp_names("report") == {"published"}
    assert timestamp_names("x509-certificate") == {"validity_not_before", "validity_not_after"}
    assert timestamp_names("x-custom") == frozenset()


@pytest.mark.parametrize("amendment", AMENDMENTS, ids=lambda each: f"{each.document} {each.path}")
def test_amendment_still_changes_what_the_package_ships(amendment: Amendment) -> None:
    place = json.loads((schemas._schema_folder() / amendment.document).read_text("utf-8"))
    for step in amendment.path[:-1]:
        place = place[step]
    last = amendment.path[-1]
    shipped = place[last] if isinstance(last, int) else place.get(last)
    assert shipped != amendment.new
    assert len(amendment.reason) > 10


def test_missing_schemas_are_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match=r"install stix2-validator 3\.2\.0"):
        schemas._schema_folder()


def test_gate_starts_no_pattern_parser_and_no_network_client() -> None:
    code = (
        "import sys; from sharing.gate.schemas import known_types; known_types();"
        "sys.exit(any(name in sys.modules for name in ('stix2validator', 'antlr4', 'requests')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("terms", "passes"),
    [
        ([], True),
        (["member:XAA", "jurisdiction:XAB"], True),
        (["member:X"], False),
        (["bloc:north"], False),
        (["member:XAA "], False),
        ("member:XAA", False),
        ([None], False),
        (["member:XAA"] * 1001, False),
    ],
)
def test_schema_served_for_the_extension_says_what_the_gate_does(
    terms: object, passes: bool
) -> None:
    extension = {"extension_type": "property-extension", "releasable_to": terms}
    assert jsonschema_rs.is_valid(RELEASE_EXTENSION_SCHEMA, extension) is passes
    value = {"extensions": {RELEASE_EXTENSION: extension}}
    if passes:
        assert check_releasable_to(value) is not None
    else:
        with pytest.raises(BadInput):
            check_releasable_to(value)


def test_failure_of_the_gate_itself_refuses_that_object_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("sharing.gate.objects.check_schema", fail)
    verdict = check_object(RawObject(4, b"{}", make_indicator()), now_us=NOW_US)
    assert isinstance(verdict, Refused)
    assert (verdict.code, verdict.index) == ("sharing.gate-failed", 4)
    assert "the gate failed" in caplog.text
