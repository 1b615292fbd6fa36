"""The operator's page: whether the installation is well, and nothing of what members share."""

from __future__ import annotations

import pytest

from kernel.leases import Leases
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World

SECRET_RULE = {"id": "very-secret-rule", "effect": "share", "audience": {"any": ["forum"]}}


@pytest.fixture
def op(world: World) -> Browser:
    """An operator."""
    return Browser(world, add_person(world, "op@comity.example", None, "operator"))


def test_the_operator_sees_who_takes_part_and_that_all_is_well(op: Browser) -> None:
    shown = op.get("/").text
    assert op.last.request.path == "/operator"
    for told in ("State XAA", "harbour", "op@comity.example", "deliveries", "settle"):
        assert told in shown
    assert "not current" not in shown
    assert "Nobody is at work" in shown


def test_the_operator_sees_nothing_of_what_is_shared(world: World, op: Browser) -> None:
    one = world.indicator(name="a very secret name")
    world.contribute(one)
    world.set_policy({"rules": [SECRET_RULE]})
    shown = op.get("/operator").text
    for hidden in (one["id"], one["name"], one["pattern"], "very-secret-rule", "Reports"):
        assert hidden not in shown
    for id_, secret in world.secrets.values():
        assert id_ not in shown
        assert secret not in shown


def test_the_operator_sees_work_that_is_ready_and_who_does_it(world: World, op: Browser) -> None:
    Leases(world.database, "host:1:abc", now_us=world.clock).take("settle/1")
    assert "host:1:abc" in op.get("/operator").text
    world.clock.now_us += 60_000_000
    assert "host:1:abc" not in op.get("/operator").text


def test_a_setting_that_is_wrong_is_told_with_its_mend(world: World) -> None:
    world.with_app_of_its_own(trusted_proxies=1)
    op = Browser(world, add_person(world, "op@comity.example", None, "operator"))
    assert "public-url-unset" in op.get("/operator").text


def test_nobody_else_enters(world: World) -> None:
    ana = Browser(world, add_person(world, "ana@xaa.example", "XAA", "member-admin"))
    assert ana.get("/operator").status_code == 403
