"""What records may look like, and what a credential's owner lets it do."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import rules
from auth.reader import SCOPES
from kernel.errors import BadInput

ROLES = st.frozensets(st.sampled_from(rules.MEMBER_PERSON_ROLES))
ASKED = st.frozensets(st.sampled_from(SCOPES))
CHECKS: list[tuple[Callable[[str], str], list[str], list[str]]] = [
    (
        rules.check_code,
        ["XA", "XAA", "X-1", "A" * 16],
        ["", "X", "xaa", "1AA", "-AA", "A" * 17, "XAA\n", "XÄA", "X A", "\uff38AA", "X\0"],
    ),
    (
        rules.check_slug,
        ["a", "un-gge", "2026", "a" * 63],
        ["", "-a", "A", "a_b", "a/b", "a" * 64, "status", "collections", "taxii2", "a\n", "é"],
    ),
    (
        rules.check_partner_name,
        ["mirror", "CERT.eu_1-a"],
        ["", " mirror", "a b", "a/b", "a:b", "-a", "a" * 64, "ä"],
    ),
    (
        rules.check_email,
        ["a@b.example", "First.Last+tag@Sub.Example"],
        ["", "a", "a@", "@b", "a@b@c", "a b@c.example", "a@b..example", "a" * 65 + "@b.example"],
    ),
    (
        rules.check_identity,
        ["identity--3d3e7f2c-8f8f-4f7b-9f3a-0a7d0a1b2c3d"],
        [
            "identity--3D3E7F2C-8f8f-4f7b-9f3a-0a7d0a1b2c3d",
            "indicator--3d3e7f2c-8f8f-4f7b-9f3a-0a7d0a1b2c3d",
            "identity--3d3e7f2c",
            "3d3e7f2c-8f8f-4f7b-9f3a-0a7d0a1b2c3d",
            "",
        ],
    ),
]


@pytest.mark.parametrize(("check", "good", "bad"), CHECKS)
def test_an_operator_is_told_what_cannot_be_taken(
    check: Callable[[str], str], good: list[str], bad: list[str]
) -> None:
    for text in good:
        assert check(text).lower() == text.lower()
    for text in bad:
        with pytest.raises(BadInput) as refused:
            check(text)
        assert "\n" not in refused.value.message, text


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x07", "a" * 201, "\u202ea"])
def test_a_name_is_one_printable_line(name: str) -> None:
    assert rules.check_name("--name", " Côte ") == "Côte"
    with pytest.raises(BadInput):
        rules.check_name("--name", name)


@pytest.mark.parametrize("value", ["", "a b", "a:b", "ä", "a" * 64])
def test_an_attribute_can_be_written_in_a_policy(value: str) -> None:
    assert rules.check_attribute("--bloc", "EU27.core_1") == "EU27.core_1"
    with pytest.raises(BadInput):
        rules.check_attribute("--bloc", value)


def test_a_person_has_at_least_one_known_role() -> None:
    assert rules.check_roles(["reader", "auditor", "reader"], rules.MEMBER_PERSON_ROLES) == [
        "auditor",
        "reader",
    ]
    for roles in ([], ["secretariat"]):
        with pytest.raises(BadInput):
            rules.check_roles(roles, rules.MEMBER_PERSON_ROLES)


def test_a_credential_has_all_scopes_unless_told() -> None:
    assert rules.check_scopes([], of_partner=False) == list(SCOPES)
    assert rules.check_scopes(["api:read", "taxii:read"], of_partner=False) == [
        "taxii:read",
        "api:read",
    ]
    assert set(rules.check_scopes([], of_partner=True)) == rules.PARTNER_SCOPES
    with pytest.raises(BadInput):
        rules.check_scopes(["taxii:write"], of_partner=True)


@given(ASKED, ROLES)
def test_no_role_ever_adds_a_scope(scopes: frozenset[str], roles: frozenset[str]) -> None:
    bound = rules.bound_scopes(scopes, of_partner=False, roles=roles)
    assert bound <= scopes
    for fewer in itertools.chain([frozenset[str]()], ({role} for role in roles)):
        assert rules.bound_scopes(scopes, of_partner=False, roles=frozenset(fewer)) <= bound
    assert ("taxii:write" in bound) == ("taxii:write" in scopes and "contributor" in roles)


@given(ASKED)
def test_a_partner_only_reads_whatever_its_record_says(scopes: frozenset[str]) -> None:
    bound = rules.bound_scopes(scopes, of_partner=True, roles=None)
    assert bound == scopes & rules.PARTNER_SCOPES
    assert rules.bound_scopes(scopes, of_partner=False, roles=None) == scopes


@pytest.mark.parametrize(
    "uri",
    [
        "https://tool.example",
        "https://tool.example/",
        "https://tool.example:8443/a/b;c=1?d=e&f=%20?/",
        "https://198.51.100.7/back",
        "http://127.0.0.1",
        "http://127.0.0.1:80/back",
        "http://[::1]:65535/back?x",
    ],
)
def test_where_a_tool_may_be_answered(uri: str) -> None:
    assert rules.check_redirects([uri, f" {uri} "]) == [uri]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "tool.example/back",
        "http://tool.example/back",
        "http://localhost/back",
        "http://127.0.0.1.evil.example/back",
        "http://127.0.0.1@evil.example/",
        "http://127.1/back",
        "https://",
        "https://user@tool.example/",
        "https://tool.example:0/",
        "https://tool.example/#x",
        "https://tool.example/a b",
        "https://tool.example/%zz",
        "https://tool.example\\@evil.example/",
        "https://TOOL.example/",
        "https://tool.example/\u2603",
        "https://tool.example/\nX: y",
        "https://*.tool.example/",
        "javascript:alert(1)",
        "com.example.tool:/back",
        "https://tool.example/" + "x" * 500,
    ],
)
def test_where_no_tool_is_answered(uri: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.check_redirects([uri])
    assert refused.value.code == "auth.bad-redirect"


def test_a_tool_has_some_addresses_and_not_too_many() -> None:
    for uris in ([], [f"https://tool.example/{number}" for number in range(11)]):
        with pytest.raises(BadInput):
            rules.check_redirects(uris)


@pytest.mark.parametrize(
    ("registered", "asked", "expected"),
    [
        ("https://tool.example/a", "https://tool.example/a", True),
        ("https://tool.example/a", "https://tool.example/a/", False),
        ("https://tool.example/a", "https://tool.example:8443/a", False),
        ("http://127.0.0.1/a", "http://127.0.0.1:1234/a", True),
        ("http://127.0.0.1:9/a", "http://127.0.0.1/a", True),
        ("http://127.0.0.1/a", "http://127.0.0.1:1234/b", False),
        ("http://127.0.0.1/a", "http://127.0.0.1:1234/a?x", False),
        ("http://127.0.0.1/a", "http://[::1]:1234/a", False),
        ("http://127.0.0.1/a", "http://127.0.0.1:1234@evil.example/a", False),
        ("http://127.0.0.1/a", "http://127.0.0.1:123456/a", False),
    ],
)
def test_an_address_is_gone_back_to_by_the_letter_but_for_ports_of_ones_own_computer(
    registered: str, asked: str, expected: bool
) -> None:
    assert rules.is_redirect_to(registered, asked) is expected


def test_what_a_policy_of_contents_has_to_name() -> None:
    assert rules.origin_of("https://tool.example:8443/a?b") == "https://tool.example:8443"
    assert rules.origin_of("https://tool.example?b") == "https://tool.example"
    assert rules.origin_of("http://[::1]:1/a") == "http:"


def test_a_tool_may_ask_for_something_and_for_known_scopes_alone() -> None:
    assert rules.check_tool_scopes(["api:read", "taxii:read", "api:read"]) == [
        "taxii:read",
        "api:read",
    ]
    for scopes in ([], ["everything"]):
        with pytest.raises(BadInput):
            rules.check_tool_scopes(scopes)
