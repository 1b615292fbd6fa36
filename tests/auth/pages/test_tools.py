"""Tools at the browser: registered by who may, listed with what they were granted, revoked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from auth.queries.tools import list_tools
from tests.auth.tools.asking import BEA, Desk, make_desk, register
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World

OURS, ALL = "/members/tools", "/operator/tools"
FORM = {
    "name": "Notebook",
    "kind": "confidential",
    "redirects": "https://notebook.example/back\r\nhttp://127.0.0.1/back",
    "scopes": ["taxii:read"],
}
_ONCE = re.compile(r'name="once" value="([^"]+)"')
_SHOWN = re.compile(r"<code>([^<]+)</code>")


@pytest.fixture
def desk(world: World) -> Desk:
    """Bea of XBB before a tool of her member."""
    return make_desk(world)


@pytest.fixture
def adam(desk: Desk) -> Browser:
    """Adam of XBB, its administrator."""
    return Browser(desk.world, add_person(desk.world, "adam@xbb.example", "XBB", "member-admin"))


@pytest.fixture
def opal(desk: Desk) -> Browser:
    """Opal, an operator."""
    return Browser(desk.world, add_person(desk.world, "opal@comity.example", None, "operator"))


def once_of(browser: Browser, address: str) -> str:
    found = _ONCE.search(browser.get(address).text)
    assert found is not None
    return found[1]


def add(browser: Browser, address: str, **changed: Any) -> Any:
    return browser.post(address, FORM | {"once": once_of(browser, address)} | changed)


def names_in(browser: Browser, address: str, **query: str) -> list[str]:
    answer = browser.get(address, query_string={"format": "json", **query})
    return [row["name"] for row in answer.get_json()["items"]]


def test_an_administrator_registers_a_tool_whose_secret_is_shown_once(
    desk: Desk, adam: Browser
) -> None:
    once = once_of(adam, OURS)
    shown = adam.post(OURS, FORM | {"once": once})
    tool_id, secret, metadata = _SHOWN.findall(shown.text)
    assert metadata == "http://localhost/.well-known/oauth-authorization-server"
    assert adam.post(OURS, FORM | {"once": once}).status_code == 409
    listed = adam.get(OURS).text
    assert tool_id in listed
    assert secret not in listed
    desk.tool, desk.back = type(desk.tool)(tool_id, secret), "http://127.0.0.1:5/back"
    assert desk.let_in(scope="taxii:read")["scope"] == "taxii:read"


def test_a_public_tool_is_shown_no_secret(adam: Browser) -> None:
    assert len(_SHOWN.findall(add(adam, OURS, kind="public").text)) == 2


@pytest.mark.parametrize(
    ("changed", "blamed"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"kind": "other"}, "kind"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"redirects": ""}, "redirects"),
        ({"redirects": "http://workbench.example/back"}, "redirects"),
        ({"redirects": "\n".join(f"https://x.example/{n}" for n in range(11))}, "redirects"),
    ],
)
def test_a_form_that_is_wrong_says_so_and_registers_nothing(
    desk: Desk, adam: Browser, changed: dict[str, Any], blamed: str
) -> None:
    answer = add(adam, OURS, **changed)
    assert answer.status_code == 400
    assert f'href="#{blamed}"' in answer.text
    assert names_in(adam, OURS) == ["Workbench"]


def test_who_is_no_administrator_registers_and_revokes_nothing(desk: Desk) -> None:
    world = desk.world
    for email, code, role in (
        (BEA, "XBB", ""),
        ("pol@xbb.example", "XBB", "policy-officer"),
    ):
        if role:
            add_person(world, email, code, role)
        browser = Browser(world, email)
        assert browser.get(OURS).status_code == 403
        assert browser.get(ALL).status_code == 403
        browser.get("/account")
        for address in (OURS, f"{OURS}/{desk.tool.id}/revoke", f"{ALL}/{desk.tool.id}/revoke"):
            assert browser.post(address, FORM).status_code == 403
    with world.database.read() as connection:
        (only,) = list_tools(connection, now_us=world.clock())
    assert only.revoked_us is None


def test_an_administrator_revokes_a_tool_of_the_member_and_no_other(
    desk: Desk, adam: Browser
) -> None:
    world, tokens = desk.world, desk.let_in()
    others, everybodys = register(world, member_code="XAA"), register(world, member_code=None)
    for tool_id in (others.id, everybodys.id, "tool-aaaaaaaaaaaaaaaa", "x"):
        adam.get(OURS)
        assert adam.post(f"{OURS}/{tool_id}/revoke").status_code == 404
    assert "XAA" not in adam.get(OURS).text
    assert adam.post(f"{OURS}/{desk.tool.id}/revoke").status_code == 200
    assert desk.use(tokens["access_token"]) == 401
    adam.get(OURS)
    assert adam.post(f"{OURS}/{desk.tool.id}/revoke").status_code == 200
    assert desk.actions().count("tool.revoke") == 1


def test_a_member_counts_its_own_peoples_grants_alone(
    desk: Desk, adam: Browser, opal: Browser
) -> None:
    world = desk.world
    desk.tool = register(world, member_code=None, name="Everybodys")
    desk.let_in()
    other = Desk(
        world, desk.tool, Browser(world, add_person(world, "x@xaa.example", "XAA", "reader"))
    )
    other.let_in()
    other.let_in()

    def counted(browser: Browser, address: str) -> dict[str, int]:
        rows = browser.get(f"{address}?format=json").get_json()["items"]
        return {row["name"]: row["granted"] for row in rows}

    assert counted(adam, OURS) == {"Workbench": 0, "Everybodys": 1}
    assert counted(opal, ALL) == {"Workbench": 0, "Everybodys": 3}


def test_an_operator_registers_for_everybody_and_revokes_any(desk: Desk, opal: Browser) -> None:
    world, mine = desk.world, desk.tool
    tool_id, secret, _ = _SHOWN.findall(add(opal, ALL).text)
    ana = Browser(world, add_person(world, "ana@xaa.example", "XAA", "reader"))
    other = Desk(world, type(mine)(tool_id, secret), ana, back="https://notebook.example/back")
    tokens = other.let_in(scope="taxii:read")
    assert other.use(tokens["access_token"]) == 200
    for one in (tool_id, mine.id):
        opal.get(ALL)
        assert opal.post(f"{ALL}/{one}/revoke").status_code == 200
    assert other.use(tokens["access_token"]) == 401
    assert names_in(opal, ALL, state="standing") == []
    assert sorted(names_in(opal, ALL, state="revoked")) == ["Notebook", "Workbench"]
    assert opal.get(f"{ALL}?state=x").status_code == 400


def test_a_person_sees_what_she_let_in_and_takes_it_back(desk: Desk) -> None:
    tokens, world = desk.let_in(), desk.world
    shown = desk.browser.get("/account").text
    assert "Workbench" in shown
    found = re.search(r'action="(/account/tools/[a-z0-9]+/take-back)"', shown)
    assert found is not None
    others = Browser(world, add_person(world, "c@xbb.example", "XBB", "reader"))
    others.get("/account")
    assert others.post(found[1]).status_code == 404
    assert "Workbench" not in others.get("/account").text
    assert desk.use(tokens["access_token"]) == 200
    desk.browser.get("/account")
    assert "Workbench may do nothing" in desk.browser.post(found[1]).text
    assert desk.use(tokens["access_token"]) == 401
    assert desk.renew(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert "take-back" not in desk.browser.get("/account").text
    assert desk.actions()[-1] == "credential.revoke"


def test_a_credential_that_is_no_tools_is_not_taken_back_there(desk: Desk) -> None:
    world = desk.world
    for name in (world.secrets["xbb-person"][0], world.secrets["xbb"][0], "k3v7q2m9x4b8", "x"):
        desk.browser.get("/account")
        assert desk.browser.post(f"/account/tools/{name}/take-back").status_code == 404
    assert world.get("xbb-person", "/taxii2/").status_code == 200
