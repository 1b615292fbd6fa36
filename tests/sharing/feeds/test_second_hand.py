"""What a feed brings is second-hand: its own redelivery replaces it; it speaks for no member."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sharing.queries.delivered import list_served
from sharing.queries.feed_lists import (
    RunFilter,
    VersionFilter,
    page_refusals,
    page_runs,
    page_sent,
)
from sharing.rules.properties import RELEASE_EXTENSION
from sharing.rules.tlp import Tlp
from sharing.services.confirm import list_held
from sharing.services.exporting import export_view
from sharing.services.feeds.keeping import NewFeed
from sharing.services.withdraw import withdraw
from sharing.tables import body, contribution, feed, ledger
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import START_US, TLP_GREEN, TLP_RED, World

TLP_CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
TLP_AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
SHARE_GREEN = {
    "rules": [
        {
            "id": "green",
            "effect": "share",
            "audience": {"any": ["forum"]},
            "when": {"tlp_at_most": "green"},
        }
    ]
}
SHARE_ALL = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


@pytest.fixture
def odd(home: Node) -> Odd:
    server = Odd(now_us=START_US, page=50)
    home.network.others["odd.example"] = server
    home.add_new(NewFeed("odd", "https://odd.example/", COLLECTION))
    return server


def poll(home: Node, server: Odd, name: str = "odd") -> Any:
    home.world.clock.now_us += 60_000_000
    server.now_us += 60_000_000
    return home.run(name)


def rows(world: World, table: Any) -> list[Any]:
    with world.database.read() as connection:
        return list(connection.execute(select(table)))


def test_what_a_feed_brings_is_its_members_and_names_the_feed(home: Node, odd: Odd) -> None:
    odd.add(home.world.indicator())
    assert poll(home, odd).contributed == 1
    (stored,) = rows(home.world, contribution)
    (kept,) = rows(home.world, feed)
    assert (stored.originator_id, stored.feed_id) == (home.world.member_id("XAA"), kept.id)
    assert stored.contributed_by == f"feed:{kept.uuid}"
    # Under XAA's policy XBB sees it, and nobody else.
    assert list(home.walk("xbb"))
    assert not list(home.walk("xcc"))


def test_a_redelivery_replaces_what_the_same_feed_delivered_before(home: Node, odd: Odd) -> None:
    one = home.world.indicator()
    odd.add(one)
    poll(home, odd)
    before = home.world.get("xbb", home.world.address()).headers["X-TAXII-Date-Added-Last"]
    odd.rows.clear()
    odd.add(one | {"name": "corrected"})
    run = poll(home, odd)
    assert (run.replaced, run.refused, run.contributed) == (1, 0, 0), run
    for who in ("xaa", "xbb"):
        (seen,) = home.walk(who)
        assert seen["name"] == "corrected"
    after = home.world.get("xbb", home.world.address(), query_string={"added_after": before})
    assert [each["name"] for each in after.get_json()["objects"]] == ["corrected"]
    assert "replace" in {row.kind for row in rows(home.world, ledger)}
    assert all(b"corrected" in bytes(row.content) for row in rows(home.world, body))
    assert poll(home, odd).known == 1


def test_another_feed_and_the_member_itself_replace_nothing(home: Node, odd: Odd) -> None:
    one, own = home.world.indicators(2)
    odd.add(one)
    poll(home, odd)
    other = Odd(now_us=odd.now_us, host="other.example")
    home.network.others["other.example"] = other
    home.add_new(NewFeed("other", "https://other.example/", COLLECTION))
    other.add(one | {"name": "of another"})
    run = poll(home, other, "other")
    assert (run.refused, run.replaced) == (1, 0), run
    home.world.clock.now_us += 1_000_000
    posted = home.world.post(
        "xaa", home.world.address(), {"objects": [one | {"name": "by hand"}, own]}
    ).get_json()
    assert (posted["failure_count"], posted["success_count"]) == (1, 1)
    assert {each["name"] for each in home.walk("xaa")} == {one["name"], own["name"]}


def test_what_was_deleted_is_never_revived_by_a_feed(home: Node, odd: Odd) -> None:
    one = home.world.indicator()
    odd.add(one)
    poll(home, odd)
    world = home.world
    withdraw(
        world.database, world.seated("XAA"), world.collection(), one["id"], now_us=world.clock()
    )
    run = poll(home, odd)
    assert (run.refused, run.contributed) == (1, 0), run
    assert not list(home.walk("xaa"))
    odd.rows.clear()
    odd.add(one | {"name": "again"})
    assert poll(home, odd).refused == 1
    assert not list(home.walk("xaa"))


def test_a_redelivery_that_is_marked_looser_is_held(home: Node, odd: Odd) -> None:
    home.world.set_policy(
        {
            "rules": [
                {
                    "id": "green",
                    "effect": "share",
                    "audience": {"any": ["forum"]},
                    "when": {"tlp_at_most": "green"},
                }
            ]
        }
    )
    one = home.world.indicator(object_marking_refs=[TLP_AMBER])
    odd.add(one)
    poll(home, odd)
    assert not list(home.walk("xbb"))
    odd.rows.clear()
    odd.add(one | {"object_marking_refs": [TLP_GREEN]})
    assert poll(home, odd).replaced == 1
    assert not list(home.walk("xbb")), "held until somebody confirms it"
    (stored,) = rows(home.world, contribution)
    assert stored.state == "held"


def test_a_looser_redelivery_that_no_longer_names_what_was_hidden_is_held(
    home: Node, odd: Odd
) -> None:
    """What the first delivery named hid it from XCC; what the second names does not."""
    world = home.world
    world.set_policy(SHARE_ALL)
    seen, hidden = world.indicators(2)
    to_all = {"id": "all", "effect": "share", "audience": {"any": ["forum"]}}
    to_all["when"] = {"labels": ["seen"]}
    to_one = {"id": "one", "effect": "share", "audience": {"any": ["member:XAA"]}}
    world.set_policy({"rules": [to_all, to_one]}, code="XBB")
    world.contribute(seen | {"labels": ["seen"]}, hidden, who="xbb")
    edge = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.UUID(int=7001, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": seen["id"],
    }
    odd.add(edge | {"target_ref": hidden["id"], "object_marking_refs": [TLP_AMBER]})
    poll(home, odd)
    assert edge["id"] not in [each["id"] for each in home.walk("xcc")]
    odd.rows.clear()
    odd.add(edge | {"target_ref": seen["id"], "object_marking_refs": [TLP_GREEN]})
    assert poll(home, odd).replaced == 1
    assert edge["id"] not in [each["id"] for each in home.walk("xcc")], "held"


def test_what_takes_the_place_of_a_held_redelivery_is_held_too(home: Node, odd: Odd) -> None:
    """A partner that says it twice has not been confirmed by anybody."""
    home.world.set_policy(SHARE_GREEN)
    one = home.world.indicator(object_marking_refs=[TLP_AMBER])
    for name, marking in (("first", TLP_AMBER), ("second", TLP_GREEN), ("third", TLP_GREEN)):
        odd.rows.clear()
        odd.add(one | {"name": name, "object_marking_refs": [marking]})
        poll(home, odd)
        assert not list(home.walk("xbb")), name
    (stored,) = rows(home.world, contribution)
    assert (stored.state, stored.is_held) == ("held", True)


def test_what_is_confirmed_is_what_was_looked_at(home: Node, odd: Odd) -> None:
    """Other content that a feed has put in the place of a held version has an id of its own."""
    home.world.set_policy(SHARE_GREEN)
    one = home.world.indicator(object_marking_refs=[TLP_AMBER])
    ids = []
    for name, marking in (("first", TLP_AMBER), ("second", TLP_GREEN), ("third", TLP_GREEN)):
        odd.rows.clear()
        odd.add(one | {"name": name, "object_marking_refs": [marking]})
        poll(home, odd)
        with home.world.database.read() as connection:
            held = list_held(
                connection,
                home.world.signer,
                home.world.forum_id,
                home.world.member_id("XAA"),
                now_us=home.world.clock(),
            )
        ids += [each.id for each in held]
    assert len(set(ids)) == 2


def test_a_redelivery_that_is_marked_tighter_reaches_nobody_any_more(home: Node, odd: Odd) -> None:
    home.world.set_policy(
        {
            "rules": [
                {
                    "id": "green",
                    "effect": "share",
                    "audience": {"any": ["forum"]},
                    "when": {"tlp_at_most": "green"},
                }
            ]
        }
    )
    one = home.world.indicator(object_marking_refs=[TLP_GREEN])
    odd.add(one)
    poll(home, odd)
    assert list(home.walk("xbb"))
    odd.rows.clear()
    odd.add(one | {"object_marking_refs": [TLP_AMBER]})
    assert poll(home, odd).replaced == 1
    assert not list(home.walk("xbb"))
    assert list(home.walk("xaa"))


@pytest.mark.parametrize(
    ("marked", "least", "level"),
    [
        (None, Tlp.GREEN, Tlp.GREEN),
        (None, None, Tlp.AMBER_STRICT),
        (TLP_CLEAR, Tlp.GREEN, Tlp.GREEN),
        (TLP_AMBER, Tlp.GREEN, Tlp.AMBER),
        (TLP_CLEAR, None, Tlp.CLEAR),
    ],
)
def test_the_least_tlp_of_a_feed(
    home: Node, odd: Odd, marked: str | None, least: Tlp | None, level: Tlp
) -> None:
    home.add_new(NewFeed("least", "https://odd.example/", COLLECTION, min_tlp=least))
    odd.add(home.world.indicator(**({"object_marking_refs": [marked]} if marked else {})))
    poll(home, odd, "least")
    (stored,) = rows(home.world, contribution)
    assert stored.tlp == level


def test_nobody_speaks_for_a_member_through_a_feed(home: Node, odd: Odd) -> None:
    """Neither as an author whom a member is bound to, nor by a newer version of its own object."""
    identity = f"identity--{uuid.UUID(int=77, version=4)}"
    with home.world.database.write() as connection:
        from auth.tables import member_identity  # noqa: PLC0415 - one use

        connection.execute(
            member_identity.insert().values(stix_id=identity, member_id=home.world.member_id("XBB"))
        )
    own = home.world.indicator()
    home.world.contribute(own)
    newer = own | {"modified": "2026-02-01T00:00:00.000Z", "name": "forged"}
    forged = home.world.indicator(created_by_ref=identity)
    who = {
        "type": "identity",
        "spec_version": "2.1",
        "id": identity,
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "XBB",
        "identity_class": "organization",
    }
    odd.add(newer, forged, who)
    run = poll(home, odd)
    assert (run.refused, run.contributed) == (3, 0), run
    assert [each["name"] for each in home.walk("xaa")] == [own["name"]]


def test_what_was_contributed_here_comes_back_as_nothing(home: Node, odd: Odd) -> None:
    mine, theirs = home.world.indicators(2)
    home.world.contribute(mine)
    home.world.contribute(theirs, who="xbb")
    home.world.set_policy(SHARE_ALL, "XBB")
    odd.add(mine, theirs)
    run = poll(home, odd)
    assert (run.returned, run.contributed, run.refused) == (2, 0, 0), run
    assert len(rows(home.world, contribution)) == 2


def test_a_marking_that_an_object_carries_is_fetched_before_it(home: Node, odd: Odd) -> None:
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.UUID(int=78, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "no commercial use"},
    }
    odd.page = 1
    odd.add(home.world.indicator(object_marking_refs=[marking["id"]]))
    odd.now_us += 1_000_000
    odd.add(marking)
    run = poll(home, odd)
    assert (run.refused, run.state) == (0, "done"), run
    assert {each["type"] for each in home.walk("xaa")} == {"indicator", "marking-definition"}


def test_what_is_refused_is_kept_with_its_reason_until_it_is_mended(home: Node, odd: Odd) -> None:
    bad = home.world.indicator() | {"created": "2024"}
    odd.add(bad, home.world.indicator())
    run = poll(home, odd)
    assert (run.refused, run.contributed) == (1, 1), run
    refusals = home.refusals("odd")
    assert [each.stix_id for each in refusals] == [bad["id"]]
    assert "created" in refusals[0].reason
    odd.rows.clear()
    odd.add(bad | {"created": "2026-01-01T00:00:00.000Z"})
    assert poll(home, odd).contributed == 1
    assert home.refusals("odd") == []


def test_what_may_be_released_to_whom_travels_and_is_enforced_here(home: Node, odd: Odd) -> None:
    home.world.set_policy(SHARE_ALL)
    terms = {"extension_type": "property-extension", "releasable_to": ["member:XBB"]}
    odd.add(
        home.world.indicator(extensions={RELEASE_EXTENSION: terms}),
        home.world.indicator(object_marking_refs=[TLP_GREEN]),
    )
    run = poll(home, odd)
    assert (run.contributed, run.refused) == (2, 0), home.refusals("odd")
    assert len(list(home.walk("xbb"))) == 2
    assert len(list(home.walk("xcc"))) == 1


def statement(number: int, words: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.UUID(int=number, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": words},
    } | members


def test_a_marking_that_a_redelivery_carries_no_more_is_shown_no_more(home: Node, odd: Odd) -> None:
    marking = statement(79, "no commercial use")
    one = home.world.indicator()
    odd.add(marking, one | {"object_marking_refs": [marking["id"]]})
    poll(home, odd)
    assert {each["type"] for each in home.walk("xbb")} == {"indicator", "marking-definition"}
    odd.rows.clear()
    odd.add(one)
    assert poll(home, odd).replaced == 1
    assert {each["type"] for each in home.walk("xbb")} == {"indicator"}


def test_a_marking_never_changes_and_so_nothing_that_carries_it(home: Node, odd: Odd) -> None:
    """Neither what it says, nor the level that it lends to what carries it."""
    marking = statement(80, "first")
    one = home.world.indicator(object_marking_refs=[marking["id"]])
    odd.add(marking, one)
    poll(home, odd)
    odd.rows.clear()
    odd.add(statement(80, "second"), statement(80, "first", object_marking_refs=[TLP_AMBER]), one)
    run = poll(home, odd)
    assert (run.replaced, run.refused) == (0, 2), run
    assert {each.code for each in home.refusals("odd")} == {"sharing.version-conflict"}
    for who in ("xaa", "xbb"):
        shown = [each for each in home.walk(who) if each["type"] == "marking-definition"]
        assert shown == [marking], who


def test_what_another_member_sent_there_is_not_told_by_what_is_taken(home: Node, odd: Odd) -> None:
    """XCC sees nothing of it: its pull must go as if it had never been sent."""
    one = home.world.indicator()
    home.world.contribute(one)
    home.add_new(NewFeed("out", "https://odd.example/", COLLECTION, direction="push"), code="XBB")
    assert home.run("out", "XBB").contributed == 1
    home.add_new(NewFeed("in", "https://odd.example/", COLLECTION), code="XCC")
    home.world.clock.now_us += 60_000_000
    run = home.run("in", "XCC")
    assert (run.contributed, run.returned) == (1, 0), run


def test_who_was_served_what_a_feed_replaced_is_known_whatever_it_says_now(
    home: Node, odd: Odd, tmp_path: Path
) -> None:
    """XBB's file held it as amber; it is red now, which never leaves in a file."""
    one = home.world.indicator(object_marking_refs=[TLP_AMBER])
    odd.add(one)
    poll(home, odd)
    world = home.world
    export_view(
        world.database,
        world.seated("XBB", "individual"),
        world.collection(code="XBB"),
        tmp_path / "view.json",
        bundle_id=f"bundle--{uuid.UUID(int=9, version=4)}",
        now_us=world.clock(),
    )
    odd.rows.clear()
    odd.add(one | {"object_marking_refs": [TLP_RED]})
    assert poll(home, odd).replaced == 1
    (stored,) = rows(world, contribution)
    with world.database.read() as connection, world.database.deliveries.connect() as log:
        served = list_served(connection, log, world.member_id("XAA"), [stored.id])
    assert [each.has_content for each in served] == [True]


def test_what_a_feed_did_is_its_own_member_s_to_read(home: Node, odd: Odd) -> None:
    odd.add(home.world.indicator() | {"created": "2024"})
    poll(home, odd)
    found = home.feed("odd")
    with home.world.database.read() as connection:
        for code, count in (("XAA", 1), ("XBB", 0)):
            reader = home.world.seated(code).reader
            runs = page_runs(connection, reader, found.id, RunFilter(), limit=9)
            refused = page_refusals(connection, reader, found.id, VersionFilter(), limit=9)
            assert (len(runs), len(refused)) == (count, count), code
            assert page_sent(connection, reader, found.id, VersionFilter(), limit=9) == []
