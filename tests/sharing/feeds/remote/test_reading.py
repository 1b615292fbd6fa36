"""Pages, manifests and statuses as partners write them: as they came, or refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kernel.clock import parse_instant
from kernel.outbound.budgets import Budget
from kernel.outbound.errors import BudgetSpent, StatusRefused
from kernel.outbound.session import Outbound
from sharing.feeds.remote.errors import BadAnswer, NotAllowed
from sharing.feeds.remote.server import Remote
from sharing.feeds.remote.values import CollectionInfo, RemotePage, RemoteStatus, Told
from tests.sharing.feeds.remote.scripted import BASE, ID, ROOT, Scripted, answering

OBJECTS, MANIFEST = f"/forum/collections/{ID}/objects/", f"/forum/collections/{ID}/manifest/"
STATUS = "2d086da7-4bdc-4f91-900e-d77486753710"
STIX = "indicator--00000000-0000-4000-8000-000000000001"
STAMP = "2026-11-27T08:30:00.123456Z"
COMPLETE = {
    "id": STATUS, "status": "complete", "total_count": 1, "success_count": 1,
    "failure_count": 0, "pending_count": 0,
}  # fmt: skip
PENDING = COMPLETE | {"status": "pending", "success_count": 0, "pending_count": 1}


def page(body: bytes, **headers: str) -> RemotePage:
    place = Scripted({OBJECTS: answering(body, **headers)}).place()
    found: RemotePage = place.objects_page()
    return found


def test_objects_are_the_bytes_that_came() -> None:
    raw = (b'{ "id":"a", "x" : 1.50, "\\u0061":"\xc3\xbc" }', b'{"a":1,"a":2}', b'{"n":NaN}', b"5")
    body = b'{"more": false, "objects": [ ' + b" ,\n".join(raw) + b" ] }"
    found = page(body)
    assert (found.objects, found.size) == (raw, len(body))
    assert (found.more, found.next, found.first_us, found.last_us) == (False, None, None, None)


@pytest.mark.parametrize("body", [b"{}", b'{"objects": []}', b'{"more": false}'])
def test_a_page_of_nothing_is_one(body: bytes) -> None:
    assert page(body).objects == ()


def test_a_page_says_where_it_goes_on_and_when_it_was_added() -> None:
    found = page(
        b'{"more": true, "next": "abc", "objects": [{}]}',
        x_taxii_date_added_first="2026-11-27T08:30:00Z",
        x_taxii_date_added_last="2026-11-27T08:30:00.123456789Z",
    )
    assert (found.more, found.next) == (True, "abc")
    assert found.first_us == parse_instant("2026-11-27T08:30:00Z")
    assert found.last_us == parse_instant(STAMP)


@pytest.mark.parametrize(
    ("members", "following"),
    [('"next": 25', "25"), ('"next": ""', None), ('"next": null', None), ('"more": true', None)],
)
def test_a_next_that_is_a_number_or_forgotten_is_told_as_it_is(
    members: str, following: str | None
) -> None:
    assert page(f"{{{members}}}".encode()).next == following


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (b'{"objects": {}}', {}, "are no list"),
        (b'{"objects": null}', {}, "are no list"),
        (b'{"more": "yes"}', {}, "neither true nor false"),
        (b'{"next": true}', {}, "with no text"),
        (b'{"next": ["a"]}', {}, "with no text"),
        (b'{"next": "' + b"a" * 5000 + b'"}', {}, "more than 4096"),
        (b'{"objects": [], "objects": []}', {}, "appears twice"),
        (b'{"objects": [1, 2', {}, "is not read"),
        (b"[]", {}, "a list"),
        (b"{}", {"x_taxii_date_added_last": "yesterday"}, "no instant"),
    ],
)
def test_a_page_that_is_none_is_refused_by_name(
    body: bytes, headers: dict[str, str], told: str
) -> None:
    with pytest.raises(BadAnswer, match=told):
        page(body, **headers)


def test_what_is_given_is_what_is_asked_for() -> None:
    partner = Scripted({OBJECTS: b"{}", MANIFEST: b"{}", f"{OBJECTS}{STIX}/": b"{}"})
    place = partner.place()
    place.objects_page()
    place.objects_page(added_after_us=parse_instant("2026-11-27T08:30:00Z"), limit=50)
    place.objects_page(next="a b&c", limit=50)
    place.manifest_page(added_after_us=0, next="x")
    place.object(STIX)
    place.object(STIX, "all")
    assert partner.asked == [
        f"GET {OBJECTS}",
        f"GET {OBJECTS}?added_after=2026-11-27T08%3A30%3A00.000000Z&limit=50",
        f"GET {OBJECTS}?next=a+b%26c&limit=50",
        f"GET {MANIFEST}?added_after=1970-01-01T00%3A00%3A00.000000Z&next=x",
        f"GET {OBJECTS}{STIX}/",
        f"GET {OBJECTS}{STIX}/?match%5Bversion%5D=all",
    ]


def test_pages_are_counted() -> None:
    partner = Scripted({OBJECTS: b"{}", MANIFEST: b"{}"})
    outbound = Outbound(BASE, transport=partner, budget=Budget(pages=2))
    place = Remote(outbound).collection(CollectionInfo(ROOT, ID))
    place.objects_page()
    place.manifest_page()
    with pytest.raises(BudgetSpent):
        place.objects_page()


def test_a_manifest_tells_what_there_is() -> None:
    line = {"id": STIX, "date_added": STAMP, "version": "2026-01-01T00:00:00.000Z"}
    partner = Scripted({MANIFEST: {"more": True, "next": "n", "objects": [line]}})
    found = partner.place().manifest_page()
    assert (found.records[0].id, found.records[0].date_added_us) == (STIX, parse_instant(STAMP))
    assert (found.records[0].version, found.more, found.next) == (line["version"], True, "n")


@pytest.mark.parametrize(
    "line", [5, {}, {"id": STIX}, {"id": STIX, "date_added": "x", "version": "1"}, {"id": 1}]
)
def test_a_manifest_that_is_none_is_refused(line: Any) -> None:
    with pytest.raises(BadAnswer, match="a line of the manifest"):
        Scripted({MANIFEST: {"objects": [line]}}).place().manifest_page()


def test_what_is_sent_is_told_of_when_it_is_complete() -> None:
    partner = Scripted({OBJECTS: PENDING, f"/forum/status/{STATUS}/": PENDING})
    place = partner.place()
    assert place.post(b'{"objects": []}', wait_seconds=10) == RemoteStatus(
        STATUS, is_complete=False, total_count=1, success_count=0, failure_count=0, pending_count=1
    )
    assert partner.sent[0] == b'{"objects": []}'
    assert partner.asked[1:] == [f"GET /forum/status/{STATUS}/"] * 5
    assert partner.now < 10
    partner.said[f"/forum/status/{STATUS}/"] = COMPLETE
    assert place.post(b"{}").is_complete


def test_what_a_partner_refuses_is_told_in_its_words_cut() -> None:
    refused = COMPLETE | {
        "success_count": 0,
        "failure_count": 3,
        "total_count": 3,
        "failures": [{"id": STIX, "version": "v", "message": "m" * 9000}, 5, {"message": None}],
    }
    found = Scripted({OBJECTS: refused}).place().post(b"{}")
    assert found.failures == (Told(STIX, "v", "m" * 500), Told("", "", ""), Told("", "", ""))


@pytest.mark.parametrize(
    "status",
    [
        {},
        COMPLETE | {"id": 5},
        COMPLETE | {"id": "../.."},
        COMPLETE | {"success_count": 5},
        COMPLETE | {"total_count": "1"},
        COMPLETE | {"success_count": True},
        COMPLETE | {"success_count": -1, "total_count": -1},
        COMPLETE | {"failures": 5, "failure_count": 1},
        COMPLETE | {"self": 1},
    ],
)
def test_a_status_that_is_none_is_refused(status: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        Scripted({OBJECTS: status}).place().post(b"{}")


def test_what_is_withdrawn_was_there_or_was_not() -> None:
    partner = Scripted({f"{OBJECTS}{STIX}/": answering(b"", code=200)})
    assert partner.place().delete(STIX) is True
    assert partner.place().delete(STIX, "2026-01-01T00:00:00.000Z") is True
    assert partner.asked[1] == (
        f"DELETE {OBJECTS}{STIX}/?match%5Bversion%5D=2026-01-01T00%3A00%3A00.000Z"
    )
    assert partner.place().delete(STIX.replace("1", "2")) is False
    partner.said[f"{OBJECTS}{STIX}/"] = answering(b"", code=405)
    with pytest.raises(StatusRefused):
        partner.place().delete(STIX)


def test_what_the_collection_does_not_allow_is_not_asked() -> None:
    partner = Scripted()
    with pytest.raises(NotAllowed):
        partner.place(can_read=False).objects_page()
    with pytest.raises(NotAllowed):
        partner.place(can_write=False).post(b"{}")
    assert partner.asked == []


@pytest.mark.parametrize("name", ["..", "a/../../b", "a?b", "", "a b", "a" * 300])
def test_an_id_that_leads_out_of_the_collection_is_not_asked(name: str) -> None:
    partner = Scripted()
    for ask in (partner.place().object, partner.place().delete, partner.place().status):
        with pytest.raises(BadAnswer):
            ask(name)
    assert partner.asked == []


def test_a_large_page_is_taken_whole() -> None:
    objects = [{"id": f"x--{number}", "values": [1, 2, 3]} for number in range(20_000)]
    assert len(page(json.dumps({"objects": objects}).encode()).objects) == 20_000
