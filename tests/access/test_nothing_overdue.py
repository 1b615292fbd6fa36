"""Nobody is shown, at any door, what has expired and what nobody has settled yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from auth.queries import find_person
from kernel.clock import DAY_US
from sharing.tables import contribution, release
from tests.browsing import Browser, add_person
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.api.asking import issue
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share

CITING = [{"source_name": "comity-register", "external_id": "qd:1"}]
# Doors through which what others share can be seen; a new one that is not here fails the test.
SHOWING = frozenset(
    {
        "/api/v1/forums/<forum>/citations",
        "/api/v1/forums/<forum>/new.atom",
        "/api/v1/forums/<forum>/received/objects",
        "/api/v1/forums/<forum>/received/objects/<stix_id>/explanation",
        "/taxii2/<forum>/collections/<ref>/manifest/",
        "/taxii2/<forum>/collections/<ref>/objects/",
        "/taxii2/<forum>/collections/<ref>/objects/<stix_id>/",
        "/taxii2/<forum>/collections/<ref>/objects/<stix_id>/versions/",
    }
)


def list_doors(app: Flask) -> list[tuple[str, Rule]]:
    """Every method and rule below a forum that reads or withdraws."""
    return [
        (method, rule)
        for rule in sorted(app.url_map.iter_rules(), key=str)
        if "forum" in rule.arguments and rule.rule.startswith(("/taxii2/", "/api/v1/"))
        for method in sorted((rule.methods or set()) & {"GET", "DELETE"})
    ]


# Who asks, so that no door is shut before it looks: of every role a person of a member can have.
PERSON = "xbb-everything"
ROLES = ("reader", "contributor", "policy-officer", "member-admin", "release-approver")


def ask(world: World, method: str, rule: Rule, stix_id: str) -> Any:
    """The answer to XBB, which says all that the door needs to be told."""
    never = "00000000-0000-4000-8000-000000000000"
    values = dict.fromkeys(rule.arguments, never) | {
        "forum": "harbour",
        "ref": world.collections["reports"],
        "stix_id": stix_id,
    }
    address = rule.rule
    for name in rule.arguments:
        address = address.replace(f"<{name}>", values[name])
    if address.startswith("/taxii2/"):
        return world.open("xbb", method, address)
    if PERSON not in world.secrets:
        issue(world, PERSON, "XBB", *ROLES)
    told = {}
    if address.endswith(("/explanation", "/served")):
        told |= {"collection": world.collections["reports"]}
    if "/contributions/" in address and address.endswith("/explanation"):
        told |= {"recipient": "XCC"}
    if address.endswith("/served"):
        told |= {"id": stix_id}
    accepted = {"Accept": "application/json"}
    return world.open(PERSON, method, address, query_string=told, headers=accepted)


def is_about_one(rule: Rule) -> bool:
    """Whether the door is asked for one thing by its id, and XBB has no such thing."""
    return bool(rule.arguments - {"forum", "ref"}) or rule.rule.endswith("/served")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a person of XBB's; `{id}` and `{value}` are of the object that it might show."""

    address: str

    def look(self, world: World, one: dict[str, Any]) -> Any:
        """As a browser finds it that has signed in just now: no session lasts for a day."""
        if find(world, READER) is None:
            add_person(world, READER, "XBB", *ROLES)
        value = one["pattern"].split("'")[1]
        return Browser(world, READER).get(self.address.format(id=one["id"], value=value))


READER = "reads@xbb.example"
# What a page is asked for beyond its address, where that shows the same in another form.
FORMS = {
    "/sharing/harbour/objects": ("json", "csv", "stix", "atom"),
    "/sharing/harbour/objects/{id}": ("stix", "graph"),
}
# Pages on which what others share can be seen; a new one that is not here fails the test.
SHOWING_PAGES = frozenset(
    {
        "/sharing",
        "/sharing/harbour/objects",
        "/sharing/harbour/objects?format=json",
        "/sharing/harbour/objects?format=csv",
        "/sharing/harbour/objects?format=stix",
        "/sharing/harbour/objects?format=atom",
        "/sharing/harbour/objects/{id}",
        "/sharing/harbour/objects/{id}?format=stix",
        "/sharing/harbour/objects/{id}?format=graph",
        "/sharing/search?q={value}",
    }
)


def find(world: World, email: str) -> Any:
    with world.database.read() as connection:
        return find_person(connection, email)


def list_pages(world: World) -> list[Page]:
    """Every page of the sharing half that is looked at, the inbox, and the forms they come in."""
    named = {"forum": "harbour", "ref": world.collections["reports"], "stix_id": "{id}"}
    addresses = ["/inbox", "/sharing/search?q={value}"]
    for rule in sorted(world.app.url_map.iter_rules(), key=str):
        is_page = rule.rule.startswith("/sharing") and "GET" in (rule.methods or ())
        if not is_page or rule.arguments - named.keys() or rule.rule == "/sharing/search":
            continue
        address = rule.rule
        for name in rule.arguments:
            address = address.replace(f"<{name}>", named[name])
        addresses += [address, *(f"{address}?format={form}" for form in FORMS.get(address, ()))]
    return [Page(address) for address in addresses]


def is_open(world: World, stix_id: str) -> bool:
    with world.database.read() as connection:
        statement = (
            select(release.c.id)
            .join(contribution, contribution.c.id == release.c.contribution_id)
            .where(release.c.stix_id == stix_id, release.c.closed.is_(None))
            .where(contribution.c.due_us <= world.clock())
        )
        return connection.execute(statement).first() is not None


def test_at_no_door_does_a_member_see_what_has_expired_and_nobody_settled(world: World) -> None:
    doors = list_doors(world.app)
    assert len(doors) >= 15
    world.set_policy(policy(share("member:XBB", expire_after="P1D")))
    given = []
    for _ in doors:
        one = world.indicator(external_references=CITING)
        world.contribute(one)
        given.append((one["id"], world.clock()))
    for (method, rule), (stix_id, contributed_us) in zip(doors, given, strict=True):
        world.clock.now_us = contributed_us + DAY_US
        assert is_open(world, stix_id)
        answer = ask(world, method, rule, stix_id)
        expected = 404 if is_about_one(rule) else 200
        assert answer.status_code == expected, (method, rule.rule, answer.text)
        if expected == 200:
            assert stix_id not in answer.text, (method, rule.rule)


@POSTGRESQL_AT_LENGTH
def test_on_no_page_does_a_person_see_what_has_expired_and_nobody_settled(world: World) -> None:
    world.set_policy(policy(share("member:XBB", expire_after="P1D")))
    given = []
    for page in list_pages(world):
        one = world.indicator(external_references=CITING)
        one["name"] = f"{one['name']}, as it is called"
        world.contribute(one)
        given.append((page, one, world.clock()))
    assert len(given) >= 25
    for page, one, contributed_us in given:
        world.clock.now_us = contributed_us + DAY_US
        assert is_open(world, one["id"])
        answer = page.look(world, one)
        # A page that is about one object is one that never was; it says again what was asked for.
        wanted = (404,) if "{id}" in page.address else (200, 404)
        assert answer.status_code in wanted, page
        assert answer.status_code == 404 or one["id"] not in answer.text, page
        assert one["name"] not in answer.text, page


@POSTGRESQL_AT_LENGTH
def test_an_instant_earlier_each_page_that_shows_it_does(world: World) -> None:
    """The control: the pages above are those on which it can be seen."""
    world.set_policy(policy(share("member:XBB", expire_after="P1D")))
    one = world.indicator(external_references=CITING)
    world.contribute(one)
    world.clock.now_us += DAY_US - 1
    showing = {page.address for page in list_pages(world) if is_on(world, page, one)}
    assert showing == SHOWING_PAGES


def is_on(world: World, page: Page, one: dict[str, Any]) -> bool:
    answer = page.look(world, one)
    return answer.status_code == 200 and one["id"] in answer.text


@POSTGRESQL_AT_LENGTH
def test_at_every_door_and_page_an_embargo_opens_to_whoever_comes_first(world: World) -> None:
    """Each has an object of its own, which nobody has settled when it is asked for."""
    world.set_policy(policy(share("member:XBB", delay="P1D")))
    doors = [rule for method, rule in list_doors(world.app) if method == "GET"]
    doors = [rule for rule in doors if rule.rule in SHOWING]
    assert len(doors) == len(SHOWING)
    given: list[tuple[Any, dict[str, Any], int]] = []
    for door in (*doors, *(Page(address) for address in sorted(SHOWING_PAGES))):
        one = world.indicator(external_references=CITING)
        world.contribute(one)
        given.append((door, one, world.clock()))

    def is_shown(door: Any, one: dict[str, Any]) -> bool:
        if isinstance(door, Page):
            return is_on(world, door, one)
        return shows(world, door, one["id"])

    for door, one, contributed_us in given:
        world.clock.now_us = contributed_us + DAY_US - 1
        assert not is_shown(door, one), door
        world.clock.now_us = contributed_us + DAY_US
        assert is_shown(door, one), door


def test_an_instant_earlier_each_door_that_shows_it_does(world: World) -> None:
    """The control: the doors above are those through which it can be seen."""
    world.set_policy(policy(share("member:XBB", expire_after="P1D")))
    one = world.indicator(external_references=CITING)
    world.contribute(one)
    world.clock.now_us += DAY_US - 1
    showing = {
        rule.rule
        for method, rule in list_doors(world.app)
        if method == "GET"
        and "received" not in rule.rule.split("/")[-1]
        and shows(world, rule, one["id"])
    }
    assert showing == SHOWING


def shows(world: World, rule: Rule, stix_id: str) -> bool:
    answer = ask(world, "GET", rule, stix_id)
    if answer.status_code != 200:
        return False
    return stix_id in answer.text or "versions/" in rule.rule
