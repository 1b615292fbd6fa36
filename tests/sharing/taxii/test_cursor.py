"""`next` (TAXII 2.1 §3.5; field note 2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth.reader import SCOPES, Reader, Seated
from kernel.errors import BadInput
from kernel.signing import Signer
from sharing.queries.matching import ALL_VERSIONS, LAST_VERSION, Match, VersionFilter
from sharing.taxii.cursor import Walk, purpose_of, seal_walk, walk_of
from sharing.taxii.filters import Asked

SIGNER = Signer(b"k" * 32)
READER = Reader("credential:1", "1", "machine", frozenset(SCOPES), member_id=1, member_code="XAA")
SEATED = Seated(READER, 1, "harbour", "Harbour", 1, 0, "member")
COLLECTION = "5b6a6b2c-6a3e-4a54-9d2a-0b8f0a6e1a11"
PURPOSE = purpose_of(SEATED, COLLECTION, "objects", None)
MATCH = Match(
    ids=frozenset({"indicator--1"}),
    types=frozenset({"indicator", "malware"}),
    versions=VersionFilter(first=True, exact=frozenset({5, 7})),
    spec_versions=frozenset({"2.1"}),
)
WALK = Walk(MATCH, after_us=42, limit=10)


def go_on(token: str, **asked: object) -> Walk:
    return walk_of(SIGNER, PURPOSE, Asked(next=token, **asked), LAST_VERSION)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "walk", [WALK, Walk(Match(), 1, None), Walk(Match(versions=ALL_VERSIONS), 3, 1)]
)
def test_field_note_2_a_next_alone_carries_the_whole_walk(walk: Walk) -> None:
    assert go_on(seal_walk(SIGNER, PURPOSE, walk)) == walk


def test_field_note_2_a_next_is_the_same_whenever_it_is_made_and_never_ages() -> None:
    assert seal_walk(SIGNER, PURPOSE, WALK) == seal_walk(Signer(b"k" * 32), PURPOSE, WALK)


def test_field_note_2_a_moved_added_after_beside_next_changes_nothing() -> None:
    token = seal_walk(SIGNER, PURPOSE, WALK)
    for moved in (0, 41, 42, 43, 10**18):
        assert go_on(token, added_after_us=moved) == WALK


def test_field_note_2_another_limit_beside_next_holds_from_then_on() -> None:
    token = seal_walk(SIGNER, PURPOSE, WALK)
    assert go_on(token, limit=3) == replace(WALK, limit=3)


def test_the_same_filters_may_be_repeated_beside_next() -> None:
    token = seal_walk(SIGNER, PURPOSE, WALK)
    same = {"ids": MATCH.ids, "types": MATCH.types, "versions": MATCH.versions}
    assert go_on(token, **same, spec_versions=MATCH.spec_versions) == WALK


@pytest.mark.parametrize(
    "asked",
    [
        {"ids": frozenset({"indicator--2"})},
        {"types": frozenset({"indicator"})},
        {"versions": LAST_VERSION},
        {"spec_versions": frozenset({"2.0"})},
    ],
)
def test_filters_of_another_walk_beside_next_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(BadInput) as refusal:
        go_on(seal_walk(SIGNER, PURPOSE, WALK), **asked)
    assert refusal.value.code == "sharing.next-conflict"


def purpose_for(reader: Reader) -> str:
    return purpose_of(replace(SEATED, reader=reader), COLLECTION, "objects", None)


@pytest.mark.parametrize(
    "purpose",
    [
        purpose_for(replace(READER, member_code="XAB")),
        purpose_for(replace(READER, member_code=None)),
        purpose_for(replace(READER, kind="individual")),
        purpose_of(replace(SEATED, forum_slug="basin"), COLLECTION, "objects", None),
        purpose_of(SEATED, "another", "objects", None),
        purpose_of(SEATED, COLLECTION, "manifest", None),
        purpose_of(SEATED, COLLECTION, "object", "indicator--1"),
    ],
)
def test_a_next_opens_nothing_for_another_recipient_kind_place_or_endpoint(purpose: str) -> None:
    token = seal_walk(SIGNER, purpose, WALK)
    with pytest.raises(BadInput) as refusal:
        go_on(token)
    assert refusal.value.code == "sharing.bad-next"


@pytest.mark.parametrize("token", ["1", "é", "A" * 400, "../..", "\0", "bnVsbA", "=" * 8, "a b"])
def test_a_next_that_was_never_given_is_refused(token: str) -> None:
    with pytest.raises(BadInput) as refusal:
        go_on(token)
    assert refusal.value.code == "sharing.bad-next"


def test_a_next_that_was_tampered_with_is_refused() -> None:
    token = seal_walk(SIGNER, PURPOSE, WALK)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(BadInput):
            go_on(changed)


def test_a_next_is_safe_to_put_into_an_address_as_it_is() -> None:
    token = seal_walk(SIGNER, PURPOSE, WALK)
    assert token.replace("-", "").replace("_", "").isalnum()
