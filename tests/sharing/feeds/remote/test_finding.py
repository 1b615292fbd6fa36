"""Where the collection is that somebody means, by whatever address and name they have."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.outbound.errors import AddressRefused, CredentialRefused, OutboundError
from sharing.feeds.remote.errors import BadAnswer, NoCollection, NotTaxii, RootElsewhere
from sharing.feeds.remote.values import CollectionInfo
from tests.sharing.feeds.remote.scripted import BASE, ID, ROOT, Scripted, answering, described

OTHER = "52892447-4d7e-4f70-b94d-d7f22742ff63"
CLOSED = answering(b"{}", code=401)
TWO = (described(alias="reports"), described(id=OTHER, title="Indicators", can_write=False))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (BASE, "Indicators"),
        (f"{BASE}/", OTHER),
        (f"{BASE}/taxii2", "Indicators"),
        (f"{BASE}/taxii2/", "Indicators"),
        (f"{BASE}/forum", "Indicators"),
        (ROOT, OTHER),
        (f"{ROOT}collections/{OTHER}/", ""),
        (f"{ROOT}collections/{OTHER}", "Indicators"),
    ],
)
def test_a_collection_is_found_by_any_address_of_its_server(url: str, name: str) -> None:
    found = Scripted.whole(*TWO).remote().find(url, name)
    assert found == CollectionInfo(ROOT, OTHER, "Indicators", "", can_read=True, can_write=False)
    assert found.url == f"{ROOT}collections/{OTHER}/"


def test_a_collection_is_found_by_its_alias_and_alone_without_a_name() -> None:
    assert Scripted.whole(*TWO).remote().find(ROOT, "reports").id == ID
    assert Scripted.whole().remote().find(BASE).id == ID


@pytest.mark.parametrize(
    ("url", "name", "told"),
    [
        (ROOT, "", "say which collection is meant; shown to this credential: 'Reports', 'Indic"),
        (ROOT, "nothing", "no collection is called 'nothing'"),
        (f"{ROOT}collections/{ID}/", "nothing", "no collection is called 'nothing'"),
    ],
)
def test_a_collection_that_is_not_there_is_said_with_those_that_are(
    url: str, name: str, told: str
) -> None:
    with pytest.raises(NoCollection, match=told):
        Scripted.whole(*TWO).remote().find(url, name)


def test_a_title_that_two_collections_have_is_not_guessed() -> None:
    partner = Scripted.whole(described(), described(id=OTHER))
    with pytest.raises(NoCollection, match="2 collections are called 'Reports'; give the id"):
        partner.remote().find(ROOT, "Reports")
    assert partner.remote().find(ROOT, OTHER).id == OTHER


def test_no_collection_at_all_is_said_so() -> None:
    partner = Scripted.whole()
    partner.said["/forum/collections/"] = {}
    with pytest.raises(NoCollection, match="shown to this credential: none"):
        partner.remote().find(ROOT, "x")


def test_roots_of_other_servers_are_named_and_not_asked() -> None:
    partner = Scripted.whole()
    partner.said["/taxii2/"] = {
        "title": "Elsewhere",
        "default": "http://partner.example/forum/",
        "api_roots": ["https://other.example/a/", "http://partner.example/forum/", "\\", 5],
    }
    with pytest.raises(RootElsewhere, match=r"at: http://partner.example:80, https://other"):
        partner.remote().find(BASE)
    assert partner.asked == ["GET /taxii2/"]
    partner.said["/taxii2/"] = {"title": "Empty"}
    with pytest.raises(RootElsewhere, match="at: none"):
        partner.remote().find(BASE)


def test_relative_roots_are_of_their_server() -> None:
    partner = Scripted.whole()
    partner.said["/taxii2/"] = {"title": "Partner", "api_roots": ["/forum/"]}
    assert partner.remote().find(BASE).root_url == ROOT


def test_a_root_that_is_closed_hides_no_other_and_is_told_when_it_is_the_only_one() -> None:
    partner = Scripted.whole()
    partner.said["/taxii2/"] = {"title": "P", "default": f"{BASE}/closed/", "api_roots": [ROOT]}
    partner.said["/closed/"] = CLOSED
    assert partner.remote().find(BASE).id == ID
    partner.said["/forum/"] = CLOSED
    with pytest.raises(CredentialRefused):
        partner.remote().find(BASE)


def test_a_credential_in_an_address_or_a_query_is_refused() -> None:
    for url in (f"{ROOT}?key=secret", "https://u:secret@partner.example/"):
        with pytest.raises(AddressRefused) as refusal:
            Scripted.whole().remote().find(url)
        assert "secret" not in refusal.value.message


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        (answering(b"<html>", "text/html; charset=utf-8"), NotTaxii, "a web page answers"),
        (answering(b"{}", "application/vnd.oasis.taxii+json; version=2.0"), NotTaxii, r"2\.0, not"),
        (answering(b"{}", "application/taxii+json;version=2.2"), NotTaxii, "another version"),
        (answering(b"{}", "application/json"), NotTaxii, "'application/json'"),
        (answering(b"{}", ""), NotTaxii, "no media type"),
        (b"", BadAnswer, "is not read"),
        (b"{", BadAnswer, "is not read"),
        (b"[]", BadAnswer, "a list, where an object belongs"),
        (b'"text"', BadAnswer, "is not read"),
        (b'{"title": "a", "title": "b"}', BadAnswer, "appears twice"),
        (b'{"title": NaN}', BadAnswer, "is not read"),
        (b'\xef\xbb\xbf{"title": "a"}', BadAnswer, "byte order mark"),
        (b'{"title": "\xff"}', BadAnswer, "not UTF-8"),
        (b"[" * 100_000, BadAnswer, "nests deeper"),
        (b"{}", BadAnswer, "neither discovery, an API root nor a collection"),
        (b'{"title": "a", "api_roots": 5}', BadAnswer, "as no list"),
    ],
)
def test_what_answers_in_place_of_discovery_is_named(said: Any, error: type, told: str) -> None:
    partner = Scripted({"/taxii2/": said})
    with pytest.raises(error, match=told):
        partner.remote().find(BASE)


@pytest.mark.parametrize("media", [
    "application/taxii+json;version=2.1", "application/taxii+json; version=2.1",
    "Application/TAXII+JSON", 'application/taxii+json; charset=utf-8; version="2.1"',
])  # fmt: skip
def test_the_media_type_may_be_written_in_any_of_its_forms(media: str) -> None:
    partner = Scripted({"/taxii2/": answering(b'{"title": "P", "api_roots": []}', media)})
    with pytest.raises(RootElsewhere, match="names no API root"):
        partner.remote().find(BASE)


@pytest.mark.parametrize(
    "root",
    [
        {"versions": ["2.1"]},
        {"title": "R", "versions": [], "max_content_length": 5},
        {"title": "R", "versions": ["x"], "max_content_length": "5"},
        {"title": "R", "versions": ["x"], "max_content_length": 0},
        {"title": 5, "versions": ["x"], "max_content_length": 5},
        {"title": "R", "versions": ["x"], "max_content_length": 5, "self": 1},
    ],
)
def test_a_root_that_is_not_described_is_refused(root: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        Scripted({"/forum/": root}).remote().api_root(ROOT)


@pytest.mark.parametrize(
    "listed",
    [
        5,
        [5],
        ["text"],
        [{}],
        [described(id=5)],
        [described(id="../../admin")],
        [described(id="..")],
        [described(id="a/b")],
        [described(id="a" * 300)],
        [described(can_read="no")],
        [described(can_write=None)],
        [described(title="")],
        [described(self=1)],
    ],
)
def test_a_collection_that_is_not_described_is_refused(listed: Any) -> None:
    partner = Scripted({"/forum/collections/": {"collections": listed}})
    with pytest.raises(OutboundError) as fault:
        partner.remote().collections(ROOT)
    assert isinstance(fault.value, BadAnswer)
