"""Saved documents that cannot be read any more: said where they are looked at, and mended there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Table, insert, select, update

from app import main
from sharing.services.following import follow
from sharing.tables import accepts, contribution, forum_head, forum_policy, policy
from tests.sharing.cli.running import Installation
from tests.sharing.taxii.world import TLP_GREEN, World
from tests.sharing.views.looking import look, withhold
from tests.sharing.views.looking import policy as policy_of
from tests.sharing.views.operating import operate

NOT_JSON = "no committed: JSON"
UNREADABLE = [
    NOT_JSON,
    '"committed:a"',
    '{"rules": "committed:a"}',
    '{"rules": [{"audience": {"any": ["committed:a", 3]}}]}',
    '{"rules": [{"id": "x", "effect": "zap", "audience": {"any": ["committed:a"]}}]}',
]
FEW = [NOT_JSON, '{"rules": "committed:a"}', UNREADABLE[-1]]


def keep(world: World, table: Table, document: str, **keys: Any) -> None:
    """Write the newest version of a document as no verb of ours would."""
    values = {"forum_id": world.forum_id, "version": 100, "document": document} | keys
    values |= {"set_us": 1, "set_by": "another hand"}
    if table is not accepts:
        values["epoch"] = 1
    with world.database.write() as connection:
        connection.execute(insert(table).values(values))


def keep_policy(world: World, document: str) -> None:
    keep(world, policy, document, member_id=world.member_id("XAA"))


def alerted(world: World, *command: str, given: Any) -> Any:
    """The document of a command that decides by what cannot be read: it succeeds, and the log has
    the alert of every such decision (sharing policy §4)."""
    surroundings = {
        "COMITY_DATA_DIR": world.settings.data_dir,
        "COMITY_DATABASE_URL": world.settings.database_url,
    }
    ran = CliRunner().invoke(main, [*command, "--json"], input=json.dumps(given), env=surroundings)
    assert (ran.exit_code, ran.exception) == (0, None), ran.output
    alerts = [json.loads(line) for line in ran.stderr.splitlines()]
    assert {alert["event"] for alert in alerts} == {"decision-failed"}
    return json.loads(ran.stdout)


@pytest.mark.parametrize("document", UNREADABLE)
def test_a_change_of_commitments_decides_what_cannot_be_read_anew(
    world: World, document: str
) -> None:
    world.contribute(world.indicator())
    keep_policy(world, document)
    keep(world, forum_policy, document, kind="withhold")
    with world.database.write() as connection:
        connection.execute(update(forum_head).values(due_us=None))
        connection.execute(update(contribution).values(due_us=None))
        follow(connection, frozenset({"a"}), 5)
        due = connection.execute(
            select(forum_head.c.due_us).where(forum_head.c.forum_id == world.forum_id)
        ).scalar_one()
        assert (due, set(connection.execute(select(contribution.c.due_us)).scalars())) == (5, {5})


@pytest.mark.parametrize("document", FEW)
def test_the_doctor_finds_each_with_its_mend(world: World, document: str) -> None:
    keep_policy(world, document)
    keep(world, accepts, document, member_id=world.member_id("XEE"))
    for kind in ("withhold", "template"):
        keep(world, forum_policy, document, kind=kind)
    found = {one["code"]: one for one in operate(world, "doctor")}
    mends = {
        "policy-unreadable": "comity policy set XAA harbour FILE",
        "accepts-unreadable": "comity accepts set XEE harbour FILE",
        "forum-policy-unreadable": "comity forum-policy set harbour FILE",
        "template-unreadable": "comity forum-policy template set harbour FILE",
    }
    assert {code: found[code]["mend"] for code in mends} == mends


@pytest.mark.parametrize("document", [NOT_JSON])
def test_commands_show_it_as_it_is_kept_and_try_out_and_set_another(
    world: World, document: str
) -> None:
    shared = world.indicator(object_marking_refs=[TLP_GREEN])
    world.contribute(shared)
    keep_policy(world, document)
    keep(world, forum_policy, document, kind="withhold")
    ours, its = ("XAA", "harbour"), ("harbour",)
    installation = Installation(world.settings)
    for command in (("policy", "show", *ours), ("forum-policy", "show", *its)):
        ran = installation.run(*command)
        assert (ran.code, ran.out, ran.err) == (0, f"{document}\n", "")
        shown = operate(world, *command)
        assert (shown["version"], shown["document"]) == (100, document)
    assert operate(world, "policy", "history", *ours)[0]["version"] == 100
    nothing = policy_of(withhold("member:XCC"))
    gained = alerted(world, "forum-policy", "simulate", *its, "-", given=nothing)
    assert gained["loses"] == []
    alerted(world, "forum-policy", "set", *its, "-", given=nothing)
    ally = policy_of({"effect": "share", "audience": {"any": ["member:XBB"]}})
    told = alerted(world, "policy", "simulate", *ours, "-", given=ally)
    assert {row["recipient"] for row in told["gains"]} | {
        row["recipient"] for row in told["loses"]
    } <= {"XBB", "partner:mirror", "mirror"}
    alerted(world, "policy", "set", *ours, "-", given=ally)
    assert look(world, "xbb").keys() == {shared["id"]}


@pytest.mark.parametrize("document", FEW)
def test_the_api_says_that_there_is_none_to_read(world: World, document: str) -> None:
    keep_policy(world, document)
    keep(world, accepts, document, member_id=world.member_id("XAA"))
    api = "/api/v1/forums/harbour"
    is_object = document.startswith("{")
    for answer in (
        world.get("xaa", f"{api}/policy", headers={"Accept": "application/json"}),
        world.get("xaa", f"{api}/accepts", headers={"Accept": "application/json"}),
    ):
        assert answer.status_code == 200
        shown = answer.get_json()
        assert (shown["version"], shown["document"] is not None) == (100, is_object)
    history = world.get("xaa", f"{api}/policy/history", headers={"Accept": "application/json"})
    assert history.get_json()["items"][0]["version"] == 100
