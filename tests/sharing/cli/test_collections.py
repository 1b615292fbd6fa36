"""An operator adds collections to a forum and lists them."""

from __future__ import annotations

import uuid

from tests.sharing.cli.running import FORUM, Installation


def test_an_operator_adds_a_collection_with_the_usual_roles(embedded_harbour: Installation) -> None:
    added = embedded_harbour.done("collection", "add", FORUM, "--title", "Alerts")
    assert uuid.UUID(added["id"]).version == 4
    assert added["read"] == ["member", "observer", "partner", "partner-state"]
    assert added["write"] == ["member", "partner-state"]
    assert (added["unmarked_as"], added["tlp_ceiling"]) == ("amber+strict", "red")
    assert added["address"] == f"/taxii2/{FORUM}/collections/{added['id']}/"


def test_an_operator_says_who_reads_writes_and_up_to_what(embedded_harbour: Installation) -> None:
    added = embedded_harbour.done(
        *("collection", "add", FORUM, "--title", "Alerts", "--alias", "alerts"),
        *("--unmarked-as", "green", "--tlp-ceiling", "AMBER"),
        *("--read", "member", "--read", "observer", "--write", "member"),
    )
    assert (added["alias"], added["unmarked_as"], added["tlp_ceiling"]) == (
        "alerts",
        "green",
        "amber",
    )
    assert (added["read"], added["write"]) == (["member", "observer"], ["member"])


def test_an_operator_lists_collections_in_the_order_they_were_made(
    embedded_harbour: Installation,
) -> None:
    added = embedded_harbour.done("collection", "add", FORUM, "--title", "Alerts")
    listed = embedded_harbour.done("collection", "list", FORUM)
    assert [place["title"] for place in listed] == ["Reports", "Alerts"]
    assert listed[1] == added
    shown = embedded_harbour.run("collection", "list", FORUM)
    assert [line.split()[0] for line in shown.out.splitlines()] == [p["id"] for p in listed]


def test_a_title_that_is_taken_is_refused(embedded_harbour: Installation) -> None:
    reason = embedded_harbour.refused("collection", "add", FORUM, "--title", "Reports")
    assert "choose another" in reason


def test_a_level_that_is_none_is_refused(embedded_harbour: Installation) -> None:
    reason = embedded_harbour.refused(
        "collection", "add", FORUM, "--title", "T", "--unmarked-as", "purple"
    )
    assert "purple" in reason


def test_a_forum_that_does_not_exist_is_refused(embedded_harbour: Installation) -> None:
    assert "comity forum list" in embedded_harbour.refused("collection", "list", "nowhere")
    assert "comity forum list" in embedded_harbour.refused(
        "collection", "add", "nowhere", "--title", "T"
    )


def test_a_collection_without_a_title_is_bad_usage(embedded_harbour: Installation) -> None:
    ran = embedded_harbour.run("collection", "add", FORUM)
    assert (ran.code, ran.out) == (2, "")
