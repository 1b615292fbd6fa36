"""Content negotiation (TAXII 2.1 §1.6.8, §3.1; field notes 8 and 9)."""

from __future__ import annotations

import pytest

from kernel.errors import NotAcceptable, UnsupportedMedia
from sharing.taxii.media import check_accept, check_content_type

SERVED = [
    None,
    "",
    "   ",
    "*/*",
    "application/*",
    "application/json",
    "APPLICATION/JSON",
    "application/taxii+json",
    "application/taxii+json;version=2.1",
    "application/taxii+json; version=2.1",
    "application/taxii+json ; version = 2.1",
    'application/taxii+json;version="2.1"',
    "Application/TAXII+JSON;Version=2.1",
    "application/taxii+json;version=2.1;q=0.5",
    "application/taxii+json;version=2.1, application/stix+json;version=2.1",
    "application/stix+json;version=2.1,application/taxii+json;version=2.1",
    "application/taxii+json;version=2.0, application/taxii+json;version=2.1",
    "application/taxii+json;version=2.0;q=1, */*;q=0.1",
    "application/vnd.oasis.taxii+json; version=2.0, application/taxii+json; version=2.1",
    "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
    "application/json, text/plain, */*",
    "application/taxii+json;charset=utf-8;version=2.1",
    'text/plain;x="a,b;c", application/json',
    "text/html;q=nonsense, */*",
]

REFUSED = [
    "application/taxii+json;version=2.0",
    "application/taxii+json;version=2.2",
    "application/taxii+json;version=",
    "application/vnd.oasis.taxii+json; version=2.0",
    "application/stix+json;version=2.1",
    "application/stix+json",
    "text/html",
    "text/*",
    "application/xml",
    "foo",
    ";;;,,,",
    "*/*;q=0",
    "application/taxii+json;version=2.1;q=0",
    "application/taxii+json;version=2.1;q=0, */*",
    "application/json;q=0, text/html",
    'text/plain;x="*/*, application/json"',
]


@pytest.mark.parametrize("header", SERVED)
def test_field_note_8_a_client_that_can_take_taxii_is_served(header: str | None) -> None:
    assert check_accept(header) is None


@pytest.mark.parametrize("header", REFUSED)
def test_field_note_8_a_client_that_wants_something_else_alone_is_refused(header: str) -> None:
    with pytest.raises(NotAcceptable) as refusal:
        check_accept(header)
    assert refusal.value.code == "sharing.not-acceptable"


@pytest.mark.parametrize(
    "header",
    [
        "application/taxii+json",
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        'application/taxii+json; version="2.1"',
        "application/taxii+json;version=2.1;charset=utf-8",
        "application/stix+json",
        "application/stix+json; version=2.1",
        "APPLICATION/TAXII+JSON",
    ],
)
def test_field_note_9_a_writer_may_post_taxii_or_as_a_courtesy_stix(header: str) -> None:
    assert check_content_type(header, None) is None
    assert check_content_type(header, "identity") is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/taxii+json;version=2.0",
        "application/vnd.oasis.stix+json; version=2.0",
        "application/stix+json;version=2.0",
        "*/*",
    ],
)
def test_field_note_9_a_writer_that_posts_anything_else_is_refused(header: str | None) -> None:
    with pytest.raises(UnsupportedMedia) as refusal:
        check_content_type(header, None)
    assert refusal.value.status == 415


def test_a_writer_that_posts_a_compressed_body_is_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        check_content_type("application/taxii+json", "gzip")
