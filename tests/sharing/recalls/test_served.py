"""The log of deliveries names exactly what was served: no version more, no word less."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from auth.queries import list_roster
from sharing.gate.lessening import lessen
from sharing.queries.delivered import ServedVersion, list_served
from sharing.services.variants import read_omission
from sharing.tables import contribution
from tests.sharing.recalls.recording import Version, Walk, elements_of
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share

STEPS = 110


def list_named(world: World, code: str) -> tuple[dict[int, Version], list[ServedVersion]]:
    """The member's contributions, and what the log says of them."""
    member_id = world.member_id(code)
    with world.database.read() as connection, world.database.read_deliveries() as deliveries:
        rows = connection.execute(
            select(contribution).where(contribution.c.originator_id == member_id)
        ).all()
        named = {row.id: (row.stix_id, row.version_us) for row in rows}
        return named, list_served(connection, deliveries, member_id, named)


def elements(world: World) -> dict[int, str]:
    with world.database.read() as connection:
        roster = list_roster(connection, world.forum_id)
    mirror = next(row for row in roster if row.is_partner)
    return {2 * mirror.bit: "mirror"} | {
        element: who for who, element in elements_of(world).items()
    }


def contents_of(walk: Walk, version: Version, served: ServedVersion) -> list[str]:
    """What the log says was served of a version, as JSON."""
    raw = json.dumps(walk.sent[version]).encode()
    return sorted(
        canonical(json.loads(lessen(raw, read_omission(form)).raw)) for form in served.forms
    )


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("seed", range(2))
def test_the_log_names_what_recording_clients_got_through_every_door(
    world: World, tmp_path: Path, seed: int
) -> None:
    walk = Walk(world, random.Random(seed), tmp_path).begin()
    for _ in range(STEPS):
        walk.step()
    who_is = elements(world)
    told: dict[tuple[str, Version], list[str]] = {}
    for code in ("XAA", "XBB"):
        named, served = list_named(world, code)
        for one in served:
            version = named[one.contribution_id]
            told[(who_is[one.element], version)] = contents_of(walk, version, one)
    got = {
        (who, version): sorted({canonical(value) for value in one.contents})
        for who, versions in walk.got.items()
        for version, one in versions.items()
        if not is_own(who, version, walk)
    }
    assert told == got
    assert len(got) > 15
    assert sum(not contents for contents in got.values()) > 0


def is_own(who: str, version: Version, walk: Walk) -> bool:
    """Whether the client's own member contributed it; XBB's versions are of odd seconds."""
    by_xbb = version[1] // 1_000_000 % 2 == 1
    return who.startswith("xbb" if by_xbb else "xaa")


def test_each_form_that_was_served_is_named_with_the_instants_of_the_first_and_the_last(
    world: World,
) -> None:
    given = world.indicator(description="secret")
    world.contribute(given)
    instants = []
    for document in (
        policy(share("member:XBB")),
        policy(share("member:XBB", omit=["description"])),
    ):
        world.set_policy(document)
        assert len(look(world, "xbb")) == 1
        instants.append(world.clock())
    named, [served] = list_named(world, "XAA")
    assert named[served.contribution_id][0] == given["id"]
    assert served.forms == {None, '{"units":["description"],"ids":[]}'}
    assert (served.first_us, served.last_us) == tuple(instants)
    assert served.has_content


def test_nothing_is_told_of_what_another_member_contributed(world: World) -> None:
    world.contribute(world.indicator())
    assert len(look(world, "xbb")) == 1
    named, _ = list_named(world, "XAA")
    with world.database.read() as connection, world.database.read_deliveries() as deliveries:
        assert list_served(connection, deliveries, world.member_id("XBB"), named) == []
        assert len(list_served(connection, deliveries, world.member_id("XAA"), named)) == 1
