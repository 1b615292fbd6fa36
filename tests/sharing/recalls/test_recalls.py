"""A recall reaches exactly those who had been served, and tells each no more than that."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from kernel.clock import DAY_US, format_version, parse_instant
from sharing.services import deliver, seating
from sharing.services.deliver import Served
from sharing.services.notices import LATE_US
from sharing.tables import recall_gathering, recall_notice
from tests.sharing.api.asking import FORUM, issue, items, read, same_refusal, send, walk
from tests.sharing.recalls.recording import READERS, Walk
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share

RECALLS = f"{FORUM}/recalls"
SENT = f"{RECALLS}/sent"


def recall(world: World, stix_id: str, who: str = "xaa", **members: Any) -> Any:
    """The answer to recalling an object, a second after whatever was before."""
    world.clock.now_us += 1_000_000
    body = {"collection": "reports", "id": stix_id, "reason": "A mistake of ours."} | members
    return send(world, who, "POST", RECALLS, body)


def recalled(world: World, stix_id: str, who: str = "xaa", **members: Any) -> dict[str, Any]:
    answer = recall(world, stix_id, who, **members)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def acknowledge(world: World, who: str, recall_id: str) -> Any:
    world.clock.now_us += 1_000_000
    return send(world, who, "POST", f"{RECALLS}/{recall_id}/receipt")


def served_to(world: World, *readers: str, **members: Any) -> dict[str, Any]:
    """An object of XAA's that these readers have polled."""
    value = world.indicator(**members)
    world.contribute(value)
    for who in readers:
        assert value["id"] in look(world, who)
    return value


@pytest.mark.parametrize("seed", range(2))
def test_every_client_of_a_walk_is_told_of_what_it_got_and_of_nothing_else(
    world: World, tmp_path: Path, seed: int
) -> None:
    steps = Walk(world, random.Random(seed), tmp_path).begin()
    for _ in range(90):
        steps.step()
    own = sorted({stix_id for stix_id, us in steps.sent if us // 1_000_000 % 2 == 0})
    recalls = {}
    for stix_id in own:
        # What is still carried is not to be recalled; its carriers are, one after the other.
        answer = recall(world, stix_id)
        if answer.status_code == 201:
            recalls[answer.get_json()["id"]] = stix_id
    assert len(recalls) >= 4
    for who in READERS:
        theirs = {} if who.startswith("xaa") else steps.got[who]
        # A person meets what its member's feed was served, too.
        if who == "xbb-person":
            theirs = {**steps.got["xbb"], **theirs}
        expected = {(i, v) for i, v in theirs if i in recalls.values() and v // 1_000_000 % 2 == 0}
        told = [
            (row["object_id"], parse_instant(version))
            for row in items(world, who, RECALLS)
            for version in row["versions"]
        ]
        assert sorted(told) == sorted(expected), who
    assert items(world, "xaa-person", RECALLS) == []


def test_a_recalled_object_is_gone_and_its_notice_says_what_was_received(world: World) -> None:
    value = served_to(world, "xbb")
    sent = recalled(world, value["id"])
    assert look(world, "xbb") == {} == look(world, "xaa")
    [notice] = items(world, "xbb", RECALLS)
    assert notice | {"told": ""} == {
        "id": sent["id"],
        "collection": world.collections["reports"],
        "object_id": value["id"],
        "versions": [value["modified"]],
        "reason": "A mistake of ours.",
        "told": "",
        "acknowledged": None,
    }
    assert (sent["told"], sent["acknowledged"]) == (1, 0)


def test_a_receipt_reaches_the_originator_with_the_instant_and_without_the_person(
    world: World,
) -> None:
    value = served_to(world, "xbb", "xbb-person")
    sent = recalled(world, value["id"])
    first = acknowledge(world, "xbb-person", sent["id"])
    assert first.status_code == 200, first.text
    assert acknowledge(world, "xbb", sent["id"]).get_json() == first.get_json()
    [row] = items(world, "xaa", f"{SENT}/{sent['id']}")
    assert (row["recipient"], row["acknowledged"]) == ("XBB", first.get_json()["acknowledged"])
    assert row.keys() == {"recipient", "version", "content", "less", "served", "acknowledged"}
    [shown] = items(world, "xaa", SENT)
    assert (shown["told"], shown["acknowledged"]) == (1, 1)
    [notice] = items(world, "xbb", RECALLS)
    assert notice["acknowledged"] == row["acknowledged"]


def test_what_a_person_was_served_its_feed_is_not_told(world: World) -> None:
    value = served_to(world, "xbb-person")
    sent = recalled(world, value["id"])
    assert items(world, "xbb", RECALLS) == []
    unknown = [acknowledge(world, "xbb", uuid) for uuid in (sent["id"], "never")]
    assert same_refusal(*unknown) == (404, "sharing.unknown-recall")
    assert acknowledge(world, "xbb-person", sent["id"]).status_code == 200


def test_a_feed_does_not_acknowledge_for_the_person(world: World) -> None:
    value = served_to(world, "xbb-person", "xbb")
    sent = recalled(world, value["id"])
    assert acknowledge(world, "xbb", sent["id"]).status_code == 200
    assert items(world, "xbb-person", RECALLS)[0]["acknowledged"] is None
    assert items(world, "xaa", SENT)[0]["acknowledged"] == 0


def test_a_partner_finds_its_notice_and_acknowledges_it_though_it_never_writes(
    world: World,
) -> None:
    green = {"object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}
    value = served_to(world, "mirror", **green)
    sent = recalled(world, value["id"])
    assert [row["id"] for row in items(world, "mirror", RECALLS)] == [sent["id"]]
    assert acknowledge(world, "mirror", sent["id"]).status_code == 200
    [row] = items(world, "xaa", f"{SENT}/{sent['id']}")
    assert row["recipient"] == "partner:mirror"
    assert recall(world, value["id"], "mirror").status_code == 403


def test_the_originator_learns_what_of_it_was_served_and_through_which_answer(
    world: World,
) -> None:
    world.set_policy(policy(share("member:XBB"), share("member:XCC", omit=["description"])))
    value = served_to(world, "xbb", "xcc", description="secret")
    newer = value | {"modified": "2026-01-02T00:00:00.000Z"}
    world.contribute(newer)
    world.get("xcc", world.address(rest="manifest/"))
    query = {"collection": "reports", "id": value["id"]}
    rows = items(world, "xaa", f"{FORUM}/served", **query)
    told = [(row["recipient"], row["version"], row["content"], row["less"]) for row in rows]
    assert told == [
        ("XBB", value["modified"], True, []),
        ("XCC", value["modified"], True, ["description"]),
        ("XCC", newer["modified"], False, []),
    ]
    assert items(world, "xaa", f"{FORUM}/served", version=newer["modified"], **query) == rows[2:]
    sent = recalled(world, value["id"])
    notices = items(world, "xaa", f"{SENT}/{sent['id']}")
    assert [{**row, "acknowledged": None} for row in rows] == notices
    assert walk(world, "xaa", f"{SENT}/{sent['id']}", limit=1) == notices


def test_what_another_member_hides_is_not_told_by_what_a_form_lacks(world: World) -> None:
    hidden = world.indicator()
    world.set_policy(policy(share("member:XAA")), "XCC")
    world.contribute(hidden, who="xcc")
    value = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "content": "A note.",
        "object_refs": ["indicator--00000000-0000-4000-8000-00000000ffff"],
        "created_by_ref": "identity--00000000-0000-4000-8000-00000000eeee",
        "x_seen_with": hidden["id"],
    }
    world.contribute(value)
    assert "x_seen_with" not in look(world, "xbb")[value["id"]]
    [row] = items(world, "xaa", f"{FORUM}/served", collection="reports", id=value["id"])
    assert row["less"] == []


def test_whoever_was_not_served_sees_no_difference(world: World) -> None:
    """Neither one that could see it and did not look, nor one that it was hidden from."""
    value = served_to(world, "xbb")
    rest = world.indicator()
    world.contribute(rest)
    addresses = [
        world.address(),
        world.address(rest="manifest/"),
        world.address(rest=f"objects/{value['id']}/"),
        world.address(rest=f"objects/{value['id']}/versions/"),
        RECALLS,
        f"{FORUM}/received",
        f"{FORUM}/received/objects",
        f"{FORUM}/contributions",
        SENT,
        f"{FORUM}/served?collection=reports&id={value['id']}",
    ]

    def answers(who: str) -> list[tuple[int, bytes]]:
        found = [world.get(who, address) for address in addresses]
        return [(answer.status_code, answer.data) for answer in found]

    before = {who: answers(who) for who in ("xcc", "mirror", "xee")}
    sent = recalled(world, value["id"])
    assert {who: answers(who) for who in before} == before
    for who in before:
        refusals = [acknowledge(world, who, uuid) for uuid in (sent["id"], "never")]
        assert same_refusal(*refusals) == (404, "sharing.unknown-recall")


def test_a_hidden_object_is_recalled_like_one_that_never_was(world: World) -> None:
    value = served_to(world, "xbb")
    answers = [recall(world, stix_id, "xcc") for stix_id in (value["id"], "indicator--none")]
    assert same_refusal(*answers) == (404, "sharing.unknown-object")
    assert recall(world, value["id"], "xbb").get_json()["code"] == "sharing.not-originator"
    served = [
        world.get("xcc", f"{FORUM}/served?collection=reports&id={stix_id}")
        for stix_id in (value["id"], "indicator--none")
    ]
    assert same_refusal(*served) == (404, "sharing.unknown-object")
    assert look(world, "xbb") == {value["id"]: value}


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        (("contributor",), True),
        (("policy-officer",), True),
        (("reader", "release-approver", "auditor", "member-admin"), False),
    ],
)
def test_a_contributor_or_a_policy_officer_recalls(
    world: World, roles: tuple[str, ...], may: bool
) -> None:
    value = served_to(world, "xbb")
    issue(world, "someone", "XAA", *roles)
    for stix_id in ("indicator--none", value["id"]):
        answer = recall(world, stix_id, "someone")
        expected = (404 if stix_id != value["id"] else 201) if may else 403
        assert answer.status_code == expected, answer.text
    assert len(items(world, "xbb", RECALLS)) == may
    status = world.get("someone", SENT).status_code
    assert status == (200 if may else 403)


def test_what_never_returns_is_refused_in_every_spelling_and_a_new_version_is_not(
    world: World,
) -> None:
    value = served_to(world, "xbb")
    recalled(world, value["id"], never_return=True)
    for spelt in (
        value,
        dict(reversed(value.items())),
        value | {"modified": "2026-01-01T00:00:00Z"},
        value | {"modified": "2026-01-01T00:00:00.000000Z", "name": "another"},
    ):
        answer = world.post("xaa", world.address(), {"objects": [spelt]})
        [failure] = answer.get_json()["failures"]
        assert "recalled this version for good" in failure["message"]
    assert look(world, "xbb") == {} == look(world, "xaa")
    newer = value | {"modified": "2026-01-02T00:00:00.000Z"}
    world.contribute(newer)
    assert look(world, "xbb") == {value["id"]: newer}


def test_what_was_deleted_before_is_recalled_and_never_returns_either(world: World) -> None:
    value = served_to(world, "xbb")
    world.delete("xaa", world.address(rest=f"objects/{value['id']}/"))
    recalled(world, value["id"], never_return=True)
    assert [row["object_id"] for row in items(world, "xbb", RECALLS)] == [value["id"]]
    answer = world.post("xaa", world.address(), {"objects": [value]})
    assert answer.get_json()["failure_count"] == 1


def test_a_recalled_object_may_return_and_a_second_recall_tells_anew(world: World) -> None:
    value = served_to(world, "xbb")
    first = recalled(world, value["id"])
    world.contribute(value)
    assert look(world, "xbb") == {value["id"]: value}
    second = recalled(world, value["id"])
    assert [row["id"] for row in items(world, "xbb", RECALLS)] == [first["id"], second["id"]]
    # Nobody who came too late for a recall is told of it.
    assert items(world, "xcc", RECALLS) == []


def test_only_the_versions_that_are_named_are_recalled(world: World) -> None:
    value = served_to(world, "xbb")
    newer = value | {"modified": "2026-01-02T00:00:00.000Z"}
    world.contribute(newer)
    look(world, "xbb")
    unknown = recall(world, value["id"], versions=[newer["modified"], "2026-01-09T00:00:00Z"])
    assert unknown.status_code == 404
    sent = recalled(world, value["id"], versions=[newer["modified"]])
    assert sent["versions"] == [newer["modified"]]
    assert look(world, "xbb") == {value["id"]: value}
    assert items(world, "xbb", RECALLS)[0]["versions"] == [newer["modified"]]


def test_what_is_kept_stays_and_only_those_served_before_are_told(world: World) -> None:
    world.set_policy(policy(share("member:XBB", "member:XCC")))
    value = served_to(world, "xbb")
    sent = recalled(world, value["id"], keep=True)
    assert look(world, "xcc") == {value["id"]: value} == look(world, "xbb")
    assert (sent["keep"], sent["told"]) == (True, 1)
    assert items(world, "xcc", RECALLS) == []
    assert len(items(world, "xbb", RECALLS)) == 1


@pytest.mark.parametrize("whose", ["XBB", "XAA"])
def test_notices_survive_a_suspension_of_either_side(world: World, whose: str) -> None:
    value = served_to(world, "xbb")
    if whose == "XBB":
        change(world, whose, "suspended")
    sent = recalled(world, value["id"])
    if whose == "XAA":
        change(world, whose, "suspended")
        assert len(items(world, "xbb", RECALLS)) == 1
    else:
        assert world.get("xbb", RECALLS).status_code == 404
    change(world, whose, "active")
    assert [row["id"] for row in items(world, "xbb", RECALLS)] == [sent["id"]]
    assert items(world, "xaa", SENT)[0]["told"] == 1


def change(world: World, code: str, status: str) -> None:
    world.clock.now_us += 1_000_000
    seating.change_seat(world.database, "operator", "harbour", code, status, now_us=world.clock())


def test_an_answer_that_was_read_before_a_recall_and_recorded_after_it_is_told_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the recall is committed between a page's look and its record."""
    value = world.indicator()
    world.contribute(value)
    recording = deliver.record_delivery
    sent = {}

    def recall_meanwhile(*given: Any, **named: Any) -> None:
        monkeypatch.setattr("sharing.taxii.pages.record_delivery", recording)
        sent.update(recalled(world, value["id"]))
        recording(*given, **named)

    monkeypatch.setattr("sharing.taxii.pages.record_delivery", recall_meanwhile)
    assert look(world, "xbb") == {value["id"]: value}
    assert sent["told"] == 0
    assert [row["id"] for row in items(world, "xbb", RECALLS)] == [sent["id"]]
    assert items(world, "xaa", SENT)[0]["told"] == 1


def test_the_log_is_read_for_a_day_and_then_left_alone(world: World) -> None:
    value = served_to(world, "xbb")
    recalled(world, value["id"])
    items(world, "xbb", RECALLS)
    assert count(world, recall_gathering) == 1
    world.clock.now_us += LATE_US
    assert len(items(world, "xbb", RECALLS)) == 1
    assert (count(world, recall_gathering), count(world, recall_notice)) == (0, 1)
    assert LATE_US == DAY_US


def count(world: World, table: Any) -> int:
    with world.database.read() as connection:
        found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def test_a_client_that_asks_since_the_last_notice_misses_none(world: World) -> None:
    values = [served_to(world, "xbb") for _ in range(3)]
    since, met = "2026-01-01T00:00:00Z", []
    for value in values:
        recalled(world, value["id"])
        fresh = items(world, "xbb", RECALLS, since=since)
        since = fresh[-1]["told"]
        met += [row["id"] for row in fresh if row["id"] not in met]
    assert met == [row["id"] for row in walk(world, "xbb", RECALLS, limit=1)]
    assert items(world, "xbb", RECALLS, object_id=values[1]["id"])[0]["id"] == met[1]
    assert items(world, "xbb", RECALLS, until="2026-01-01T00:00:00Z") == []


def test_a_statement_that_is_carried_is_not_recalled_but_told_of_when_kept(world: World) -> None:
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
    }
    world.contribute(statement, world.indicator(object_marking_refs=[statement["id"]]))
    assert statement["id"] in look(world, "xbb")
    assert recall(world, statement["id"]).status_code == 409
    assert recalled(world, statement["id"], keep=True)["told"] == 1
    [notice] = items(world, "xbb", RECALLS)
    assert notice["versions"] == [format_version(parse_instant(statement["created"]))]


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": " \n"},
        {"reason": "a\0b"},
        {"reason": "x" * 1001},
        {"reason": None},
        {"keep": True, "never_return": True},
        {"keep": "yes"},
        {"versions": "2026-01-01T00:00:00Z"},
        {"versions": ["yesterday"]},
        {"versions": []},
        {"versions": [7]},
        {"id": 7},
        {"person": "somebody"},
    ],
)
def test_a_recall_that_cannot_be_read_changes_nothing(world: World, wrong: dict[str, Any]) -> None:
    value = served_to(world, "xbb")
    assert recall(world, value["id"], **wrong).status_code == 400
    assert look(world, "xbb") == {value["id"]: value}
    assert read(world, "xaa", SENT) == {"items": []}


def test_a_delivery_to_another_forum_or_collection_is_nobodys_notice(world: World) -> None:
    """The same range, filters and element, elsewhere."""
    value = world.indicator()
    world.contribute(value)
    everything = Served(
        collection_id=world.collection("second").id,
        door="objects",
        filters={"version": ["all"]},
        first_us=0,
        last_us=2**62,
        head=2**40,
        count=1,
    )
    for collection_id in (everything.collection_id, 2**40):
        deliver.record_delivery(
            world.database,
            world.seated("XBB"),
            replace(everything, collection_id=collection_id),
            now_us=world.clock(),
        )
    assert recalled(world, value["id"])["told"] == 0
    assert items(world, "xbb", RECALLS) == []


@pytest.mark.parametrize("table", ["recall", "recall_notice", "recall_receipt"])
def test_nobody_rewrites_a_recall_a_notice_or_a_receipt(world: World, table: str) -> None:
    sent = recalled(world, served_to(world, "xbb")["id"])
    acknowledge(world, "xbb", sent["id"])
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET at_us = 0"):
        with pytest.raises(DBAPIError, match="append-only"), world.database.write() as connection:
            connection.execute(text(statement))
    with world.database.read() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1
