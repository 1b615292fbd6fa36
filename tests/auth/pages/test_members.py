"""A member's people and audit: who administers whom, and that nobody rises by its own hand."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from auth.queries.persons import Person, find_person
from kernel.clock import DAY_US
from tests.browsing import Browser, add_person
from tests.sharing.api.asking import exported, issue, status_of
from tests.sharing.taxii.world import World

PEOPLE, AUDIT = "/members", "/members/audit"
_ONCE = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
def adam(world: World) -> Browser:
    """Adam of XAA, its administrator."""
    return Browser(world, add_person(world, "adam@xaa.example", "XAA", "member-admin"))


def person_of(world: World, email: str) -> Person:
    with world.database.read() as connection:
        found = find_person(connection, email)
    assert found is not None
    return found


def shown(answer: Any) -> str:
    """The page without what is of one answer alone."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text)


def page_of(world: World, email: str) -> str:
    """As addresses call a person: by its own address alone."""
    return f"{PEOPLE}/{world.signer.hash('person-name', email)[:12].hex()}"


def entries(browser: Browser, **query: str) -> list[dict[str, Any]]:
    answer = browser.get(AUDIT, query_string={"format": "json", **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_an_administrator_adds_a_person_who_signs_in_by_a_link_shown_once(
    world: World, adam: Browser
) -> None:
    adam.get(PEOPLE)
    added = adam.post(PEOPLE, {"email": "Ana@xaa.example", "roles": ["reader", "contributor"]})
    assert added.request.path == page_of(world, "ana@xaa.example")
    once = _ONCE.search(added.text)
    assert once is not None
    told = adam.post(f"{added.request.path}/link", {"once": once[1]})
    link = re.search(r"<code>http://localhost(/sign-in/link[^<]+)</code>", told.text)
    assert link is not None
    assert adam.post(f"{added.request.path}/link", {"once": once[1]}).status_code == 409
    ana = Browser(world)
    ana.get(link[1])
    ana.post("/sign-in/link", {"token": link[1].partition("token=")[2]})
    assert "ana@xaa.example" in ana.get("/account").text
    assert person_of(world, "ana@xaa.example").roles == {"reader", "contributor"}


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"email": "", "roles": ["reader"]}, 400),
        ({"email": "nobody", "roles": ["reader"]}, 400),
        ({"email": "new@xaa.example"}, 400),
        ({"email": "new@xaa.example", "roles": ["operator"]}, 400),
        ({"email": "new@xaa.example", "roles": ["secretariat"]}, 400),
        ({"email": "adam@xaa.example", "roles": ["reader"]}, 409),
    ],
)
def test_a_person_who_cannot_be_is_not_added(
    world: World, adam: Browser, form: dict[str, Any], status: int
) -> None:
    adam.get(PEOPLE)
    answer = adam.post(PEOPLE, form)
    assert answer.status_code == status
    assert 'id="error-summary"' in answer.text
    assert len(adam.get(f"{PEOPLE}?format=json").get_json()["items"]) == 2


def test_roles_hold_from_the_next_request_on(world: World, adam: Browser) -> None:
    issue(world, "ana", "XAA", "reader")
    place = page_of(world, "ana@xaa.example")
    assert status_of(world, "ana", "GET", "/taxii2/") == 200
    adam.get(place)
    adam.post(f"{place}/roles", {"roles": ["auditor"]})
    assert person_of(world, "ana@xaa.example").roles == {"auditor"}
    assert status_of(world, "ana", "GET", "/taxii2/") == 403
    for wrong in ({}, {"roles": ["operator"]}):
        assert adam.post(f"{place}/roles", wrong).status_code == 400
    assert person_of(world, "ana@xaa.example").roles == {"auditor"}


def test_a_disabled_person_is_out_everywhere(world: World, adam: Browser) -> None:
    issue(world, "ana", "XAA", "reader")
    ana, place = Browser(world, "ana@xaa.example"), page_of(world, "ana@xaa.example")
    adam.get(place)
    adam.post(f"{place}/disable")
    assert ana.client.get("/account").status_code == 303
    assert status_of(world, "ana", "GET", "/taxii2/") == 401
    once = _ONCE.search(adam.get(page_of(world, "a@xaa.example")).text)
    assert once is not None
    assert adam.post(f"{place}/link", {"once": once[1]}).status_code == 409


def test_nobody_changes_their_own_record(world: World, adam: Browser) -> None:
    place = page_of(world, "adam@xaa.example")
    for verb, form in (("roles", {"roles": ["policy-officer"]}), ("disable", {}), ("link", {})):
        adam.get(PEOPLE)
        assert adam.post(f"{place}/{verb}", form).status_code == 403
    assert person_of(world, "adam@xaa.example").roles == {"member-admin"}
    assert person_of(world, "adam@xaa.example").status == "active"


def test_people_of_others_are_absent(world: World, adam: Browser) -> None:
    issue(world, "ben", "XBB", "reader")
    op = add_person(world, "op@comity.example", None, "operator")
    never = adam.get(f"{PEOPLE}/999999")
    for email in ("ben@xbb.example", op):
        place = page_of(world, email)
        answer = adam.get(place)
        assert (answer.status_code, never.status_code) == (404, 404)
        number = place.rpartition("/")[2]
        assert shown(answer).replace(f"/{number}", "/999999") == shown(never)
        for verb in ("roles", "disable", "link"):
            adam.get(PEOPLE)
            assert adam.post(f"{place}/{verb}", {"roles": ["auditor"]}).status_code == 404
    assert person_of(world, "ben@xbb.example").roles == {"reader"}


def test_people_are_filtered_and_exported(world: World, adam: Browser) -> None:
    issue(world, "ana", "XAA", "reader")
    rows = exported(adam.get(f"{PEOPLE}?format=csv"))
    assert [row["email"] for row in rows] == [
        "a@xaa.example",
        "adam@xaa.example",
        "ana@xaa.example",
    ]
    listed = adam.get(f"{PEOPLE}?role=member-admin&status=active").text
    assert "adam@xaa.example" in listed
    assert "ana@xaa.example" not in listed
    assert "Nobody here" in adam.get(f"{PEOPLE}?status=disabled").text


@pytest.fixture
def audra(world: World) -> Browser:
    """Audra of XAA, its auditor."""
    return Browser(world, add_person(world, "audra@xaa.example", "XAA", "auditor"))


def test_what_an_administrator_does_is_read_by_the_auditor(
    world: World, adam: Browser, audra: Browser
) -> None:
    issue(world, "ana", "XAA", "reader")
    place = page_of(world, "ana@xaa.example")
    adam.get(place)
    adam.post(f"{place}/roles", {"roles": ["contributor"]})
    adam.post(f"{place}/disable")
    found = entries(audra, actor="person:adam@xaa.example", subject="person:ana@xaa.example")
    assert [(one["action"], one["detail"]) for one in found] == [
        ("person.disable", {}),
        ("person.roles", {"before": ["reader"], "roles": ["contributor"]}),
    ]
    listed = audra.get(AUDIT).text
    assert "person.disable" in listed
    assert "contributor" in listed


def test_the_audit_is_of_one_member_and_for_its_auditors(
    world: World, adam: Browser, audra: Browser
) -> None:
    secret = issue(world, "xbb-secret", "XBB")
    issue(world, "xaa-known", "XAA")
    assert all("XBB" not in str(one) for one in entries(audra))
    assert secret not in str(entries(audra))
    assert adam.get(AUDIT).status_code == 403
    assert audra.get(PEOPLE).status_code == 403
    foreign = Browser(world, add_person(world, "x@xbb.example", "XBB", "auditor"))
    assert secret in str(entries(foreign))
    assert "xaa-known" not in str(entries(foreign))


def test_the_audit_is_paged_by_its_place_and_filtered_by_day(world: World, audra: Browser) -> None:
    for number in range(5):
        issue(world, f"xaa-{number}", "XAA")
    everything = [one["detail"] for one in entries(audra)]
    seen: list[Any] = []
    address: str | None = f"{AUDIT}?format=json&limit=2"
    while address is not None:
        document = audra.get(address).get_json()
        seen += [one["detail"] for one in document["items"]]
        # What comes while one reads moves nothing.
        issue(world, f"xaa-later-{len(seen)}", "XAA")
        onwards = document.get("next")
        address = f"{AUDIT}?format=json&limit=2&next={onwards}" if onwards else None
    assert seen == everything
    first = audra.get(f"{AUDIT}?limit=2").text
    onwards = re.search(r'rel="next" href="([^"]+)"', first)
    assert onwards is not None
    assert audra.get(html.unescape(onwards[1])).status_code == 200
    world.clock.now_us += 2 * DAY_US
    assert len(Browser(world, "audra@xaa.example").get(AUDIT).text) > 0
    audra = Browser(world, "audra@xaa.example")
    today = entries(audra, since="2026-09-23", until="2026-09-23")
    assert {one["action"] for one in today} == {"session.begin"}
    assert entries(audra, until="2026-09-22", action="session.begin") != []
    assert "No entry here" in audra.get(f"{AUDIT}?since=2027-01-01").text
    assert audra.get(f"{AUDIT}?since=x").status_code == 400
