"""Trying changes out at a terminal, and applying exactly what was tried out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sharing.cli.running import FORUM, SHARES_WITH_XBB, Installation, indicator

KEYS = {"id", "epoch", "gains", "loses", "already_served"}
WITHHOLDS = {"rules": [{"id": "none", "effect": "withhold", "audience": {"any": ["member:XBB"]}}]}


@pytest.fixture
def shared(embedded_harbour: Installation, tmp_path: Path) -> Installation:
    """A forum in which XAA has contributed one indicator."""
    bundle = tmp_path / "objects.json"
    bundle.write_text(json.dumps([indicator(1)]))
    (place,) = embedded_harbour.done("collection", "list", FORUM)
    embedded_harbour.done("import", str(bundle), "--member", "XAA", "--collection", place["id"])
    return embedded_harbour


def simulated(installation: Installation, *command: str, given: Any = None) -> Any:
    document = installation.done(*command, given=json.dumps(given) if given else None)
    assert document.keys() >= KEYS
    return document


def test_an_operator_applies_the_policy_it_has_simulated(shared: Installation) -> None:
    told = simulated(shared, "policy", "simulate", "XAA", FORUM, "-", given=SHARES_WITH_XBB)
    assert [(row["recipient"], row["versions"]) for row in told["gains"]] == [("XBB", 1)]
    assert shared.done("policy", "show", "XAA", FORUM)["version"] == 1
    held = shared.done(
        *("policy", "set", "XAA", FORUM, "-", "--simulation", told["id"]),
        given=json.dumps(SHARES_WITH_XBB),
    )
    assert (held["version"], held["gained"], held["lost"]) == (2, 1, 0)


def test_a_stale_simulation_is_refused_in_one_line(shared: Installation) -> None:
    told = simulated(shared, "policy", "simulate", "XAA", FORUM, "-", given=SHARES_WITH_XBB)
    shared.set_policy("XAA", SHARES_WITH_XBB)
    reason = shared.refused(
        *("policy", "set", "XAA", FORUM, "-", "--simulation", told["id"]),
        given=json.dumps(SHARES_WITH_XBB),
    )
    assert "simulate again" in reason
    assert shared.done("policy", "show", "XAA", FORUM)["version"] == 2
    unknown = shared.refused(
        *("policy", "set", "XAA", FORUM, "-", "--simulation", "nothing"),
        given=json.dumps(SHARES_WITH_XBB),
    )
    assert "no such simulation" in unknown


def test_a_policy_with_a_fault_is_refused_when_it_is_simulated(shared: Installation) -> None:
    bad = {"rules": [{"id": "a", "effect": "share", "audience": {"any": ["member:XQQ"]}}]}
    reason = shared.refused("policy", "simulate", "XAA", FORUM, "-", given=json.dumps(bad))
    assert reason.startswith("comity: rules[0].audience.any[0]: ")
    for given in ('{"rules": [', " " * 70_000):
        assert shared.refused("policy", "simulate", "XAA", FORUM, "-", given=given)


def test_a_simulation_reads_as_sentences(shared: Installation) -> None:
    given = json.dumps(SHARES_WITH_XBB)
    told = shared.run("policy", "simulate", "XAA", FORUM, "-", given=given)
    assert told.code == 0
    assert "XBB in harbour gains 1 versions (indicator 1)" in told.out
    assert "comity policy set XAA harbour - --simulation " in told.out
    nothing = shared.run("policy", "simulate", "XAA", FORUM, "-", given='{"rules": []}')
    assert "nobody gains or loses anything" in nothing.out


def test_forum_rules_a_seat_and_a_suspension_are_tried_out_and_applied(
    shared: Installation,
) -> None:
    shared.set_policy(
        "XAA", {"rules": [SHARES_WITH_XBB["rules"][0] | {"audience": {"any": ["forum"]}}]}
    )
    rules = simulated(shared, "forum-policy", "simulate", FORUM, "-", given=WITHHOLDS)
    assert [(row["recipient"], row["types"]) for row in rules["loses"]] == [
        ("XBB", {"indicator": 1})
    ]
    seat = simulated(shared, "seat", "add", FORUM, "XCC", "--role", "observer", "--simulate")
    assert [(row["recipient"], row["versions"]) for row in seat["gains"]] == [("XCC", 1)]
    suspension = simulated(shared, "member", "suspend", "XBB", "--simulate")
    assert [(row["recipient"], row["versions"]) for row in suspension["loses"]] == [("XBB", 1)]
    added = shared.done(
        "seat", "add", FORUM, "XCC", "--role", "observer", "--simulation", seat["id"]
    )
    assert (added["role"], added["gained"]) == ("observer", 1)
    suspended = shared.done("member", "suspend", "XBB", "--simulation", suspension["id"])
    assert suspended["status"] == "suspended"
    reason = shared.refused(
        *("forum-policy", "set", FORUM, "-", "--simulation", rules["id"]),
        given=json.dumps(WITHHOLDS),
    )
    assert "simulate again" in reason
    again = simulated(shared, "forum-policy", "simulate", FORUM, "-", given=WITHHOLDS)
    held = shared.done(
        *("forum-policy", "set", FORUM, "-", "--simulation", again["id"]),
        given=json.dumps(WITHHOLDS),
    )
    assert held["version"] == 1


def test_trying_out_and_applying_at_once_is_bad_usage(shared: Installation) -> None:
    for command in (("member", "suspend", "XBB"), ("seat", "add", FORUM, "XCC")):
        ran = shared.run(*command, "--simulate", "--simulation", "some")
        assert (ran.code, ran.out) == (2, "")
