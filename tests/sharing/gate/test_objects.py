"""Facts of an object, the order of a commit, and what references are."""

from __future__ import annotations

import pytest

from kernel.clock import MINUTE_US, parse_instant
from sharing.gate.ids import is_stix_id, is_stix_type
from sharing.gate.objects import check_object
from sharing.gate.times import UNVERSIONED
from sharing.gate.verdicts import Checked, Refused
from sharing.services.plan import rank_of
from tests.sharing.gate.makers import (
    NOW_US,
    RED,
    UUID,
    checked,
    make_indicator,
    make_raw,
    refused,
)


def make_object(stix_type: str, **more: object) -> dict[str, object]:
    times = {"created": "2026-03-01T08:00:00.000Z", "modified": "2026-03-01T08:00:00.000Z"}
    common = {"type": stix_type, "spec_version": "2.1", "id": f"{stix_type}--{UUID}"}
    return common | times | more


def test_commit_releases_ends_before_the_edges_that_need_them() -> None:
    refs = [f"indicator--{UUID}"]
    objects = [
        make_object("relationship", relationship_type="x", source_ref=refs[0], target_ref=refs[0]),
        make_object("sighting", sighting_of_ref=refs[0]),
        make_object("report", name="r", published="2026-03-01T08:00:00Z", object_refs=refs),
        make_object("grouping", context="c", object_refs=refs),
        make_object("note", content="c", object_refs=refs),
        make_object("opinion", opinion="agree", object_refs=refs),
        make_object(
            "observed-data",
            first_observed="2026-03-01T08:00:00Z",
            last_observed="2026-03-01T08:00:00Z",
            number_observed=1,
            object_refs=[f"url--{UUID}"],
        ),
        make_indicator(),
        make_object("x-anything"),
        make_object("identity", name="i"),
        make_object(
            "marking-definition", definition_type="statement", definition={"statement": "s"}
        ),
    ]
    ranks = [rank_of(checked(each).stix_type) for each in objects]
    assert ranks == [3] * 7 + [2, 2, 1, 0]


def test_facts_of_an_object_are_all_there() -> None:
    value = make_indicator(
        created_by_ref=f"identity--{UUID}",
        labels=["b", "a", "a"],
        object_marking_refs=[RED],
        granular_markings=[{"marking_ref": RED, "selectors": ["labels.[2]", "pattern"]}],
    )
    verdict = check_object(make_raw(value, index=7), now_us=NOW_US)
    assert isinstance(verdict, Checked)
    assert verdict.index == 7
    assert verdict.created_by_ref == f"identity--{UUID}"
    assert verdict.labels == {"a", "b"}
    assert verdict.object_marking_refs == (RED,)
    assert verdict.granular_markings == ((RED, ("labels.[2]", "pattern")),)
    assert verdict.releasable_to is None
    assert verdict.named.references == {f"identity--{UUID}": ("created_by_ref",)}
    assert verdict.properties == tuple(value)
    assert verdict.version == "2026-03-02T08:00:00.000Z"
    assert verdict.version_us == parse_instant(verdict.version)
    assert len(verdict.digest) == 32


def test_digest_tells_content_not_spelling() -> None:
    one = checked(make_indicator(confidence=5))
    other = check_object(
        make_raw(str(one.raw.decode()).replace('"confidence": 5', '"confidence":5.0')),
        now_us=NOW_US,
    )
    assert isinstance(other, Checked)
    assert other.digest == one.digest
    assert other.raw != one.raw
    assert checked(make_indicator(confidence=6)).digest != one.digest


def test_version_is_modified_else_created_else_1970() -> None:
    assert checked(make_indicator()).version == "2026-03-02T08:00:00.000Z"
    marking = make_object(
        "marking-definition", definition_type="statement", definition={"statement": "s"}
    )
    del marking["modified"]
    assert checked(marking).version == "2026-03-01T08:00:00.000Z"
    mutex = checked({"type": "mutex", "id": f"mutex--{UUID}", "name": "m"})
    assert (mutex.version, mutex.version_us) == (UNVERSIONED, 0)


@pytest.mark.parametrize(
    ("ahead_us", "taken"), [(0, True), (5 * MINUTE_US, True), (5 * MINUTE_US + 1, False)]
)
def test_version_may_be_five_minutes_ahead_and_no_more(ahead_us: int, taken: bool) -> None:
    raw = make_raw(make_indicator(modified="2026-11-27T12:00:00.000000Z"))
    verdict = check_object(raw, now_us=NOW_US - ahead_us)
    assert isinstance(verdict, Checked) is taken
    assert taken or (isinstance(verdict, Refused) and verdict.code == "sharing.future-version")


def test_refusal_names_the_object_as_far_as_it_can_be_shown() -> None:
    verdict = refused(make_indicator(confidence=900))
    assert verdict.stix_id == f"indicator--{UUID}"
    assert verdict.version == "2026-03-02T08:00:00.000Z"
    nameless = refused({"type": "indicator", "id": "INDICATOR", "modified": "é" * 999})
    assert (nameless.stix_id, nameless.version) == (None, None)
    long = refused(make_indicator(modified="9" * 999))
    assert long.version == "9" * 37 + "..."


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        (f"indicator--{UUID}", True),
        (f"x-a1-b2--{UUID}", True),
        (f"ab--{UUID}", False),
        (f"a--b--{UUID}", False),
        (f"-ab--{UUID}", False),
        (f"ab---{UUID}", False),
        (f"1ab--{UUID}", False),
        (f"indicator--{UUID} ", False),
        (f"see indicator--{UUID}", False),
        (UUID, False),
        ("", False),
        (f"{'a' * 250}--{UUID}", True),
        (f"{'a' * 251}--{UUID}", False),
    ],
)
def test_id_is_a_type_and_a_canonical_uuid(text: str, is_id: bool) -> None:
    assert is_stix_id(text) is is_id


def test_type_is_lower_case_words_joined_by_single_hyphens() -> None:
    assert [
        name
        for name in ("abc", "a-b", "x1-2", "ab", "a--b", "ab-", "Abc", "a_c")
        if is_stix_type(name)
    ] == [
        "abc",
        "a-b",
        "x1-2",
    ]
