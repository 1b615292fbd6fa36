"""The two halves: a sharing policy that names `committed:` follows the register of norms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kernel.clock import format_instant, parse_instant
from kernel.db import Database
from kernel.errors import ComityError
from kernel.settings import Settings
from norms.services.catalogue import record_document
from norms.services.provenance import Scribe
from sharing.services import policies
from sharing.services.policies import Setter
from tests.sharing.simulating.trying import policy_trial, simulate
from tests.sharing.taxii.world import World, make_world
from tests.sharing.views.looking import look, policy, share, walk, withhold

PROVISION = "xx-1:8"
REGISTER: dict[str, Any] = {
    "parties": [{"code": code} for code in ("XAA", "XBB", "XCC", "XEE")],
    "forums": [{"id": "quay", "members": ["XBB", "XEE"], "confidence": "certain"}],
    "instruments": [
        {
            "id": "xx-1",
            "symbol": "QD/1",
            "title": "Quay decision",
            "legal_character": "voluntary-non-binding",
            "forum": "quay",
            "adopted": "2020-01-01",
        }
    ],
    "provisions": [{"instrument": "xx-1", "path": path} for path in ("8", "9")],
    "events": [
        {
            "key": "adopted",
            "kind": "adoption",
            "instrument": "xx-1",
            "forum": "quay",
            "date": "2020-01-01",
        }
    ],
}


def record(world: World, *events: Mapping[str, Any], **rows: Any) -> None:
    """Put events on record a second later."""
    world.clock.now_us += 1_000_000
    with world.database.write() as connection:
        record_document(
            connection,
            {"events": [{"instrument": "xx-1", **event} for event in events], **rows},
            Scribe("operator", world.clock()),
        )


def names(world: World, who: str) -> list[str]:
    return sorted(one["name"] for one in look(world, who).values())


def move_to(world: World, text: str) -> None:
    world.clock.now_us = parse_instant(text)


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """The harbour of five States, and a register in which XBB and XEE are committed."""
    made = make_world(database, settings)
    record(made, **{**REGISTER, "events": []})
    record(made, *REGISTER["events"])
    made.set_policy(policy(share(f"committed:{PROVISION}")))
    made.contribute(made.indicator(name="one"))
    return made


def test_who_is_committed_sees_and_nobody_else(world: World) -> None:
    assert names(world, "xbb") == ["one"]
    assert names(world, "xcc") == []
    assert names(world, "mirror") == []


def test_a_provision_that_the_register_lacks_is_refused(world: World) -> None:
    with pytest.raises(ComityError, match="the register has no provision"):
        world.set_policy(policy(share("committed:xx-1:7")))


def test_who_commits_itself_sees_at_the_next_request_and_in_an_incremental_poll(
    world: World,
) -> None:
    before = world.clock()
    record(world, {"kind": "commitment", "party": "XCC", "date": "2026-09-01"})
    assert names(world, "xcc") == ["one"]
    later = walk(world, "xcc", after=format_instant(before))
    assert [one["name"] for one in later] == ["one"]


def test_who_withdraws_its_commitment_sees_nothing_at_the_next_request(world: World) -> None:
    record(world, {"kind": "commitment-withdrawal", "party": "XBB", "date": "2026-09-01"})
    assert names(world, "xbb") == []


def test_a_term_is_followed_however_its_letters_are_spelled(world: World) -> None:
    document = json.dumps(policy(share(f"committed:{PROVISION}")))
    spelled = document.replace("committed:", "\\u0063ommitted:").encode()
    number = world.member_id("XAA")
    world.clock.now_us += 1_000_000
    policies.set_policy(
        world.database,
        Setter("operator", number),
        world.forum_id,
        number,
        spelled,
        now_us=world.clock(),
    )
    assert names(world, "xbb") == ["one"]
    record(world, {"kind": "commitment-withdrawal", "party": "XBB", "date": "2026-09-01"})
    assert names(world, "xbb") == []


def test_what_takes_effect_later_does_so_to_the_second_with_no_worker_alive(world: World) -> None:
    record(
        world,
        {"kind": "commitment", "party": "XCC", "date": "2026-10-01"},
        {"kind": "commitment-withdrawal", "party": "XBB", "date": "2026-10-01"},
    )
    move_to(world, "2026-09-30T23:59:59.999999Z")
    assert (names(world, "xbb"), names(world, "xcc")) == (["one"], [])
    move_to(world, "2026-10-01T00:00:00Z")
    assert (names(world, "xbb"), names(world, "xcc")) == ([], ["one"])


def test_what_is_contributed_between_is_decided_when_it_falls_due_too(world: World) -> None:
    record(world, {"kind": "commitment", "party": "XCC", "date": "2026-10-01"})
    world.contribute(world.indicator(name="two"))
    move_to(world, "2026-10-01T00:00:00Z")
    assert names(world, "xcc") == ["one", "two"]


def test_a_reservation_against_the_very_provision_does_not_count_as_committed(
    world: World,
) -> None:
    record(
        world, {"kind": "reservation", "party": "XBB", "provisions": ["9"], "date": "2026-09-01"}
    )
    assert names(world, "xbb") == ["one"]
    record(
        world, {"kind": "reservation", "party": "XBB", "provisions": ["8"], "date": "2026-09-02"}
    )
    assert names(world, "xbb") == []


def test_a_commitment_that_its_state_contests_does_not_count(world: World) -> None:
    record(world, {"kind": "contest", "refers_to": "adopted", "party": "XBB", "date": "2026-09-02"})
    assert names(world, "xbb") == []
    assert names(world, "xee") == ["one"]


def test_a_correction_changes_who_sees(world: World) -> None:
    record(world, {"kind": "annulment", "corrects": "adopted"})
    assert names(world, "xbb") == []


def test_a_forums_withhold_rule_follows_the_register(world: World) -> None:
    world.set_policy(policy(share("forum")))
    world.clock.now_us += 1_000_000
    rules = policy(
        withhold("forum", audience={"any": ["forum"], "except": [f"committed:{PROVISION}"]})
    )
    policies.set_forum_policy(
        world.database,
        Setter("operator"),
        world.forum_id,
        json.dumps(rules).encode(),
        now_us=world.clock(),
    )
    assert (names(world, "xbb"), names(world, "xcc")) == (["one"], [])
    record(world, {"kind": "commitment", "party": "XCC", "date": "2026-09-01"})
    assert names(world, "xcc") == ["one"]


def test_policies_that_name_other_provisions_are_left_alone(world: World) -> None:
    stamps = [one["modified"] for one in walk(world, "xbb")]
    record(world, {"kind": "commitment", "party": "XCC", "provisions": ["9"], "date": "2026-09-01"})
    assert [one["modified"] for one in walk(world, "xbb")] == stamps
    assert names(world, "xcc") == []


def test_a_simulation_foresees_what_the_register_says_will_take_effect(world: World) -> None:
    record(world, {"kind": "commitment", "party": "XCC", "date": "2026-10-01"})
    world.set_policy(policy())
    made = simulate(world, policy_trial(world, policy(share(f"committed:{PROVISION}"))))
    told = json.dumps(made.result)
    assert "2026-10-01T00:00:00.000000Z" in told
    assert "XCC" in told


def test_explaining_tells_by_which_rule_and_when_it_changes(world: World) -> None:
    record(world, {"kind": "commitment-withdrawal", "party": "XBB", "date": "2026-10-01"})
    held = next(iter(look(world, "xaa")))
    answer = world.get(
        "xaa",
        f"/api/v1/forums/harbour/contributions/{held}/explanation?recipient=XBB",
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    assert "rule-0" in answer.text
    assert "2026-10-01T00:00:00.000000Z" in answer.text
