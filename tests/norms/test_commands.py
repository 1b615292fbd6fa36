"""`comity norms`: the catalogue, provisions, status as of a date, recording, confirming."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from norms.services.catalogue import read_packaged
from tests.sharing.cli.running import Installation

SMALL: dict[str, Any] = {
    "parties": [{"code": code, "name": code} for code in ("XAA", "XAB", "XAC")],
    "forums": [
        {
            "id": "harbour",
            "name": "Harbour",
            "kind": "regional",
            "member_label": "Participant",
            "confidence": "certain",
            "members": [{"party": "XAA"}, {"party": "XAB"}, {"party": "XAC", "from": "2020-01-01"}],
            "observers": ["XAC"],
            "meetings": [{"t": "plenary", "start": "2026-07-20", "end": "2026-07-24"}],
            "programmes": [
                {
                    "id": "harbour-ways",
                    "title": "Ways",
                    "party": "XAA",
                    "items": [
                        {
                            "id": "ends",
                            "title": "Ends",
                            "items": [{"id": "means", "title": "Means", "kind": "activity"}],
                        }
                    ],
                }
            ],
        }
    ],
    "instruments": [
        {
            "id": "xx",
            "symbol": "HD/1",
            "title": "Harbour decision",
            "legal_character": "voluntary-non-binding",
            "forum": "harbour",
            "adopted": "2018-05",
            "confidence": "likely",
        }
    ],
    "provisions": [
        {"instrument": "xx", "path": "1", "short": "First", "confidence": "likely"},
        {"instrument": "xx", "path": "2", "short": "Second", "confidence": "certain"},
    ],
    "links": [{"from": "xx:1", "to": "xx:2", "kind": "implements"}],
    "adoptions": [
        {
            "key": "adopted",
            "kind": "adoption",
            "instrument": "xx",
            "forum": "harbour",
            "date": "2018-05",
            "symbol": "HD/1",
            "confidence": "checked",
        }
    ],
}


def counts(installation: Installation, document: dict[str, Any], verb: str) -> Any:
    told = installation.done("norms", verb, "-", given=json.dumps(document))
    return told["catalogue" if verb == "load" else "recorded"]


def status(installation: Installation, forum: str, day: str, *more: str) -> list[dict[str, Any]]:
    told = installation.done("norms", "status", "--forum", forum, "--as-of", day, *more)
    assert (told["forum"], told["as_of"]) == (forum, day)
    rows: list[dict[str, Any]] = told["rows"]
    return rows


def changes(told: dict[str, dict[str, int]]) -> int:
    return sum(n for each in told.values() for word, n in each.items() if word in ADDED_OR_CHANGED)


ADDED_OR_CHANGED = ("added", "changed")


def test_rule_3_status_in_a_forum_as_of_a_date_says_words_and_sources(
    loaded: Installation,
) -> None:
    rows = status(loaded, "osce", "2017-01-01")
    assert len(rows) == 57 * 16
    assert Counter((row["status"], row["basis"], row["since"]) for row in rows) == {
        ("in-effect", "consensus-adoption", "2013-12-03"): 57 * 11,
        ("in-effect", "consensus-adoption", "2016-03-10"): 57 * 5,
    }
    assert rows[0] == rows[0] | {
        "member": "ALB",
        "provision": "osce-1202:CBM 1",
        "source": "PC.DEC/1106",
        "source_class": "secretariat-recorded",
        "confidence": "checked",
        "verified": True,
    }
    # By code and place, never by merit; nothing in a row counts or grades a State.
    assert rows == sorted(rows, key=lambda row: row["member"])
    assert not {"score", "rank", "count"} & rows[0].keys()


@pytest.mark.parametrize(
    ("forum", "day", "members", "provisions"),
    [
        ("osce", "2014-01-01", 57, 11),
        ("un-ga", "2016-01-01", 193, 11),
        ("oas", "2018-12-31", 33, 2),
    ],
)
def test_rule_2_what_did_not_exist_yet_is_not_in_the_status(
    loaded: Installation, forum: str, day: str, members: int, provisions: int
) -> None:
    rows = status(loaded, forum, day)
    assert len({row["provision"] for row in rows}) == provisions
    assert len({row["member"] for row in rows}) == members
    assert len(rows) == members * provisions


def test_rule_7_a_late_joiner_without_a_commitment_has_made_no_statement(
    loaded: Installation,
) -> None:
    rows = [row for row in status(loaded, "asean", "2026-01-01") if row["member"] == "TLS"]
    assert {(row["status"], row["basis"], row["since"], row["source"]) for row in rows} == {
        ("no-statement", None, None, None)
    }
    told = loaded.run("norms", "status", "--forum", "asean", "--as-of", "2026-01-01")
    assert "TLS  un-a-70-174:13(a)  no statement" in told.out
    assert "non-compliant" not in told.out


def test_loading_opens_nothing_and_seats_nobody(loaded: Installation) -> None:
    assert not any(forum["open"] for forum in loaded.done("forum", "list"))
    assert loaded.done("member", "list") == []


def test_loading_twice_changes_nothing(registry: Installation) -> None:
    first = registry.done("norms", "load")["catalogue"]
    assert {noun: each["added"] for noun, each in first.items()} == {
        "party": 196,
        "forum": 21,
        "membership": 469,
        "session": 3,
        "co-chair": 2,
        "instrument": 20,
        "provision": 55,
        "link": 21,
        "pin": 55,
        "event": 6,
    }
    before = status(registry, "osce", "2026-01-01")
    assert changes(registry.done("norms", "load")["catalogue"]) == 0
    assert status(registry, "osce", "2026-01-01") == before


def test_a_newer_catalogue_merges_and_leaves_alone_what_a_person_confirmed(
    registry: Installation,
) -> None:
    counts(registry, SMALL, "load")
    registry.done("person", "add", "--operator", "--email", "ann@x.example", "--role", "operator")
    confirmed = registry.done(
        *("norms", "confirm", "provision", "xx:1", "--as", "ann@x.example", "--against", "HD/1")
    )
    assert confirmed["confirmed_by"] == "ann@x.example"
    newer = json.loads(json.dumps(SMALL))
    newer["provisions"] = [
        {"instrument": "xx", "path": path, "short": "Otherwise", "confidence": "likely"}
        for path in ("1", "2", "3")
    ]
    newer["adoptions"][0]["date"] = "2018-06-01"
    told = counts(registry, newer, "load")
    assert told["provision"] == {"added": 1, "changed": 1, "unchanged": 0, "kept": 1}
    assert told["event"]["added"] == 1  # a correction, since events are never edited
    first, second = (registry.done("norms", "show", f"xx:{path}") for path in ("1", "2"))
    assert (first["short"], first["verified"], first["confidence"]) == ("First", True, "likely")
    assert first["confirmed_by"] == "ann@x.example"
    assert (second["short"], second["verified"]) == ("Otherwise", False)
    assert {row["since"] for row in status(registry, "harbour", "2019-01-01")} == {"2018-06-01"}
    assert changes(counts(registry, newer, "load")) == 0


def test_rule_13_what_nobody_confirmed_is_said_to_be_unverified(loaded: Installation) -> None:
    assert "(unverified)" in loaded.run("norms", "show", "un-a-70-174:13(k)").out
    shown = loaded.done("norms", "show", "un-a-70-174:13(k)")
    assert (shown["verified"], shown["confirmed_by"]) == (False, None)
    assert shown["links"][0]["to_instrument"] == "un-a-76-135"
    assert shown["pins"][0]["symbol"] == "A/70/174 para 13(k)"
    assert shown["pins"][0].keys().isdisjoint({"text", "words"})


def test_rule_4_every_row_says_where_it_comes_from(loaded: Installation) -> None:
    rows = loaded.done("norms", "list")
    assert len(rows) == 55
    for row in (*rows, *status(loaded, "oas", "2020-01-01")):
        assert row["source"]
        assert row["source_class"] == "secretariat-recorded"
        assert row["confidence"] in {"certain", "checked", "likely", "unconfirmed"}


def test_events_are_recorded_and_status_follows(registry: Installation) -> None:
    counts(registry, SMALL, "load")
    told = counts(
        registry,
        {
            "events": [
                {
                    "key": "reserved",
                    "kind": "reservation",
                    "instrument": "xx",
                    "party": "XAA",
                    "provisions": ["1"],
                    "date": "2019-01-01",
                    "source": "note verbale 7",
                    "body": "Reads it otherwise",
                },
                {
                    "kind": "objection",
                    "refers_to": "reserved",
                    "party": "XAB",
                    "date": "2019-03-01",
                    "source": "note verbale 8",
                },
                {"kind": "commitment", "instrument": "xx", "party": "XAC", "date": "2021"},
            ]
        },
        "record",
    )
    assert told["event"]["added"] == 3
    found = {
        (row["member"], row["provision"]): row for row in status(registry, "harbour", "2022-06-01")
    }
    assert found["XAA", "xx:1"]["status"] == "qualified"
    assert found["XAA", "xx:1"]["reserved"] is True
    assert found["XAA", "xx:2"]["status"] == "in-effect"
    assert found["XAC", "xx:1"]["basis"] == "unilateral-declaration"
    assert len(found) == 6


def test_programmes_and_their_items_are_kept(registry: Installation) -> None:
    told = counts(registry, SMALL, "load")
    assert told["programme"]["added"] == 1
    assert told["programme-item"]["added"] == 2


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "the document"),
        ({"parties": "XAA"}, "parties"),
        ({"parties": [7]}, "parties[0]"),
        ({"parties": [{"code": "XAA", "kind": "planet"}]}, "parties[0].kind"),
        ({"forums": [{"id": "Not a slug"}]}, "cannot name a forum"),
        ({"forums": [{"id": "a", "parent": "b"}]}, "forums[0].parent"),
        (
            {"forums": [{"id": "a", "members": [{"party": "XAA", "from": "soon"}]}]},
            "members[0].from",
        ),
        ({"instruments": [{"id": "a"}]}, "instruments[0].legal_character"),
        ({"provisions": [{"instrument": "zz", "path": "1"}]}, "no instrument 'zz'"),
        ({"links": [{"from": "a:1", "to": "b:1"}]}, "no provision 'a:1'"),
        ({"pins": [{"provision": "a:1"}]}, "no provision 'a:1'"),
        ({"events": [{"kind": "revolution", "date": "2019"}]}, "events[0].kind"),
        ({"events": [{"kind": "ratification", "instrument": "zz"}]}, "events[0].instrument"),
        ({"events": [{"kind": "annulment"}]}, "events[0].corrects"),
        ({"events": [{"kind": "objection", "instrument": "a"}]}, "events[0].refers_to"),
        ({"events": [{"kind": "contest", "refers_to": "nothing"}]}, "no event 'nothing'"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_and_leaves_nothing(
    loaded: Installation, document: Any, place: str
) -> None:
    before = loaded.done("norms", "list")
    ran = loaded.run("norms", "record", "-", given=json.dumps(document))
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert place in ran.err
    assert loaded.done("norms", "list") == before
    assert len(loaded.done("forum", "list")) == 21


@pytest.mark.parametrize(
    "arguments",
    [
        ("norms", "show", "zz:1"),
        ("norms", "status", "--forum", "zz"),
        ("norms", "status", "--forum", "osce", "--as-of", "2017"),
        ("norms", "load", "/nowhere/at/all"),
        ("norms", "confirm", "planet", "x", "--as", "ann@x.example", "--against", "y"),
    ],
)
def test_what_does_not_exist_is_one_line_and_exit_1(
    loaded: Installation, arguments: tuple[str, ...]
) -> None:
    ran = loaded.run(*arguments)
    assert (ran.code, ran.err.count("\n")) == (1, 1)


def test_the_packaged_catalogue_tells_only_our_own_words() -> None:
    for row in read_packaged()["provisions"]:
        assert len(row["paraphrase"]) < 300
        assert all("text" not in pin for pin in row["pins"])
