"""How the tests try a change out and apply it, through the product's own verbs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from auth.queries import Forum, Member, find_forum, find_member
from sharing.queries.simulations import Simulation
from sharing.services.policies import Saved, Setter
from sharing.services.simulations import (
    Trial,
    apply_policy,
    trial_of_forum_policy,
    trial_of_policy,
    trial_of_seat,
    trial_of_suspension,
    try_out,
)
from tests.sharing.taxii.world import World


def forum_of(world: World, slug: str = "harbour") -> Forum:
    with world.database.read() as connection:
        forum = find_forum(connection, slug)
    assert forum is not None
    return forum


def member_of(world: World, code: str) -> Member:
    with world.database.read() as connection:
        member = find_member(connection, code)
    assert member is not None
    return member


def policy_trial(world: World, document: Mapping[str, Any], code: str = "XAA") -> Trial:
    return trial_of_policy(forum_of(world), world.member_id(code), json.dumps(document).encode())


def rules_trial(world: World, document: Mapping[str, Any]) -> Trial:
    return trial_of_forum_policy(forum_of(world), json.dumps(document).encode())


def suspension_trial(world: World, code: str) -> Trial:
    member = member_of(world, code)
    with world.database.read() as connection:
        return trial_of_suspension(connection, member, "suspended")


def seat_trial(world: World, code: str, role: str = "member") -> Trial:
    return trial_of_seat(forum_of(world), member_of(world, code), role)


def simulate(world: World, trial: Trial) -> Simulation:
    world.clock.now_us += 1_000_000
    return try_out(world.database, "operator", trial, now_us=world.clock())


def simulate_policy(world: World, document: Mapping[str, Any], code: str = "XAA") -> Simulation:
    return simulate(world, policy_trial(world, document, code))


def apply(world: World, trial: Trial, simulation: Simulation, code: str = "XAA") -> Saved:
    world.clock.now_us += 1_000_000
    setter = Setter("operator", world.member_id(code))
    return apply_policy(world.database, setter, trial, simulation.id, now_us=world.clock())


def counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many versions each recipient is told to gain, or lose."""
    return {row["recipient"]: row["versions"] for row in rows}


def named(rows: list[dict[str, Any]], recipient: str) -> list[dict[str, Any]]:
    """The versions that are named for one recipient."""
    (row,) = [row for row in rows if row["recipient"] == recipient]
    found: list[dict[str, Any]] = row["objects"]
    return found
