"""Push: exactly what the recipient sees, once, and back what it sees no more."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from auth.services import operator_reader
from kernel.errors import BadInput
from kernel.outbound.errors import AnswerBroken, StatusRefused
from kernel.outbound.transport import Answer
from sharing.queries.feed_lists import RunFilter, page_runs
from sharing.services import seating
from sharing.services.feeds.keeping import NewFeed
from sharing.services.feeds.pushing import Pushing, next_batch
from sharing.tables import delivery
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, TAXII, Odd
from tests.sharing.feeds.test_second_hand import statement
from tests.sharing.taxii.world import SHARES_WITH_XBB, START_US, TLP_GREEN
from tests.sharing.views.operating import list_audit, operate

NOBODY: dict[str, Any] = {"rules": []}
SHARE_ALL = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


@pytest.fixture
def partner(home: Node) -> Odd:
    server = Odd(now_us=START_US, page=50)
    home.network.others["odd.example"] = server
    return server


def push(home: Node, **more: Any) -> None:
    code = more.pop("code", "XBB")
    home.add_new(
        NewFeed("out", "https://odd.example/", COLLECTION, direction="push", **more), code=code
    )


def run(home: Node, code: str = "XBB") -> Any:
    home.world.clock.now_us += 60_000_000
    return home.run("out", code)


def test_a_push_sends_what_its_recipient_sees_and_then_what_is_new(
    home: Node, partner: Odd
) -> None:
    hidden = home.world.indicator()
    home.world.contribute(hidden, who="xcc")
    home.world.contribute(*home.world.indicators(5))
    push(home)
    first = run(home)
    assert (first.state, first.contributed) == ("done", 5), first
    assert {one["id"]: one for one in partner.posted} == {
        one["id"]: one for one in home.walk("xbb")
    }
    assert (run(home).contributed, len(partner.posted)) == (0, 5)
    home.world.contribute(home.world.indicator())
    assert (run(home).contributed, len(partner.posted)) == (1, 6)


def test_every_object_is_on_record_before_it_leaves(home: Node, partner: Odd) -> None:
    home.world.contribute(*home.world.indicators(3))
    push(home)
    recorded: list[int] = []

    def look(method: str, _url: str) -> None:
        if method == "POST":
            with home.world.database.deliveries.connect() as connection:
                rows = connection.execute(select(delivery.c.count, delivery.c.door)).all()
            recorded.extend(row.count for row in rows if row.door == "push")

    home.network.before = look
    run(home)
    assert recorded == [3]


def test_a_partner_of_the_forum_is_sent_its_view(home: Node, partner: Odd) -> None:
    green = home.world.indicator(object_marking_refs=[TLP_GREEN])
    home.world.contribute(green, home.world.indicator())
    push(home, code="XAA", as_recipient="mirror")
    feed_id = home.operated("out").id
    home.runner().run(feed_id)
    assert [one["id"] for one in partner.posted] == [green["id"]]
    # What that view holds is not the member's to count.
    with home.world.database.read() as connection:
        from sharing.queries.feeds import list_feeds  # noqa: PLC0415 - one use

        assert list_feeds(connection, home.world.seated("XAA").reader) == []


@pytest.mark.parametrize("deletes", [True, False])
def test_what_the_recipient_sees_no_more_is_withdrawn_or_recalled(
    home: Node, partner: Odd, deletes: bool
) -> None:
    partner.deletes = deletes
    one = home.world.indicator()
    home.world.contribute(one)
    push(home)
    run(home)
    home.world.set_policy(NOBODY)
    second = run(home)
    assert (second.state, second.withdrawn) == ("done", 1), second
    assert partner.deleted == ([one["id"]] if deletes else [])
    state = "withdrawn" if deletes else "recalled"
    assert [each.stix_id for each in home.sent("out", state, "XBB")] == [one["id"]]
    assert run(home).withdrawn == 0
    home.world.set_policy(SHARES_WITH_XBB)
    assert run(home).contributed == 1


@pytest.mark.parametrize("deletes", [True, False])
def test_a_version_that_is_seen_in_part_only_takes_the_place_of_the_whole(
    home: Node, partner: Odd, deletes: bool
) -> None:
    partner.deletes = deletes
    one = home.world.indicator(description="where from")
    home.world.contribute(one)
    push(home)
    run(home)
    less = {"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}
    home.world.set_policy({"rules": [less | {"omit": ["description"]}]})
    second = run(home)
    assert (second.state, second.withdrawn) == ("done", 1), second
    (seen,) = home.walk("xbb")
    assert "description" not in seen
    held = [each for _, each in partner.rows]
    assert held == ([seen] if deletes else [one])
    assert bool(home.sent("out", "recalled", "XBB")) is not deletes


def test_nothing_goes_back_to_where_it_came_from(home: Node, partner: Odd) -> None:
    partner.add(home.world.indicator())
    home.add_new(NewFeed("in", "https://odd.example/", COLLECTION))
    home.run("in")
    own = home.world.indicator()
    home.world.set_policy(SHARE_ALL, "XBB")
    home.world.contribute(own, who="xbb")
    push(home, code="XAA")
    out = run(home, "XAA")
    # Not what the partner gave, nor what XAA contributed itself: what others share with it.
    assert [one["id"] for one in partner.posted] == [own["id"]], out
    # And what was sent there comes back as nothing.
    home.world.clock.now_us = partner.now_us = partner.now_us + 3_600_000_000
    assert home.run("in").returned == 1


def test_one_object_that_is_refused_keeps_back_no_other(home: Node, partner: Odd) -> None:
    good, bad = home.world.indicators(2)
    home.world.contribute(good, bad)
    partner.refuses = lambda one: "not here" if one["id"] == bad["id"] else None
    push(home)
    first = run(home)
    assert (first.state, first.contributed, first.refused) == ("done", 1, 1), first
    assert [(each.stix_id, each.reason) for each in home.refusals("out", "XBB")] == [
        (bad["id"], "not here")
    ]


def test_envelopes_are_no_longer_than_the_partner_takes(home: Node, partner: Odd) -> None:
    partner.max_content_length = 1000
    home.world.contribute(*home.world.indicators(6))
    push(home)
    assert run(home).contributed == 6
    posts = [url for method, url in partner.asked if method == "POST"]
    assert len(posts) >= 3


def test_a_reply_that_is_lost_is_made_good_by_sending_again(home: Node, partner: Odd) -> None:
    home.world.contribute(*home.world.indicators(3))
    push(home)

    def lose(method: str, _url: str) -> None:
        if method == "POST":
            raise AnswerBroken("the line was cut")

    home.network.after = lose
    assert run(home).state == "failed"
    home.network.after = lambda _method, _url: None
    home.world.clock.now_us += 3_600_000_000
    second = run(home)
    assert (second.state, second.contributed) == ("done", 3), second
    assert {one["id"] for one in partner.posted} == {one["id"] for one in home.walk("xbb")}


LESS = {
    "rules": [
        {
            "id": "ally",
            "effect": "share",
            "audience": {"any": ["member:XBB"]},
            "omit": ["description"],
        }
    ]
}


def test_what_is_refused_in_another_form_is_still_there_to_be_withdrawn(
    home: Node, partner: Odd
) -> None:
    """A wider view that the partner does not take leaves the one that it has."""
    partner.deletes = True
    one = home.world.indicator(description="where from")
    home.world.contribute(one)
    home.world.set_policy(LESS)
    push(home)
    assert run(home).contributed == 1
    home.world.set_policy(SHARES_WITH_XBB)
    partner.refuses = lambda _one: "it has other content under this version"
    assert run(home).refused == 1
    (told,) = [each.reason for each in home.refusals("out", "XBB")]
    assert told.startswith("the partner keeps the form of this version that it was sent before")
    assert told.endswith(": it has other content under this version")
    home.world.set_policy(NOBODY)
    assert run(home).withdrawn == 1
    assert (partner.deleted, partner.rows) == ([one["id"]], [])


def test_a_part_that_another_comity_does_not_take_is_told_in_a_sentence(
    source: Node, home: Node
) -> None:
    home.world.contribute(home.world.indicator(description="where from"))
    home.add("south", source, code="XBB", who="xcc", direction="push")
    assert home.run("south", "XBB").contributed == 1
    home.world.set_policy(LESS)
    run_ = home.run("south", "XBB")
    (told,) = [each.reason for each in home.refusals("south", "XBB")]
    assert (run_.withdrawn, run_.refused) == (1, 1), run_
    assert told.startswith("the partner deleted the whole version and does not take the part")
    assert "so it has neither: " in told
    (sent,) = home.sent("south", "refused", "XBB")
    assert sent.reason == told


def set_seat(home: Node, status: str) -> None:
    world = home.world
    world.clock.now_us += 1_000_000
    seating.change_seat(world.database, "operator", "harbour", "XBB", status, now_us=world.clock())


def test_a_recipient_whose_seat_is_suspended_has_nothing_at_its_partner_until_it_is_back(
    home: Node, partner: Odd
) -> None:
    """Its view is empty, and a push sends exactly that: who may not see it keeps no copy of it."""
    partner.deletes = True
    home.world.contribute(*home.world.indicators(2))
    push(home)
    assert run(home).contributed == 2
    set_seat(home, "suspended")
    found = home.operated("out")
    assert (found.is_seated, found.document()["seated"]) == (False, False)
    home.runner().run(found.id)
    assert partner.rows == []
    set_seat(home, "active")
    assert home.operated("out").is_seated
    again = run(home)
    assert (again.state, again.contributed, len(partner.rows)) == ("done", 2, 2), again


def test_a_partner_that_is_suspended_keeps_nothing_and_is_sent_it_again(
    home: Node, partner: Odd
) -> None:
    partner.deletes = True
    home.world.contribute(home.world.indicator(object_marking_refs=[TLP_GREEN]))
    push(home, code="XAA", as_recipient="mirror")
    found = home.operated("out")
    home.runner().run(found.id)
    assert len(partner.rows) == 1
    for status, held in (("suspended", 0), ("active", 1), ("ended", 0)):
        home.world.clock.now_us += 60_000_000
        seating.change_partner(
            home.world.database, "operator", "harbour", "mirror", status, now_us=home.world.clock()
        )
        assert home.operated("out").is_seated == (status == "active")
        home.runner().run(found.id)
        assert len(partner.rows) == held
        with home.world.database.read() as connection:
            reader = operator_reader(connection, "XAA")
            [last] = page_runs(connection, reader, found.id, RunFilter(), limit=1)
        assert (last.state, last.code) == (
            ("done", None) if held else ("failed", "sharing.feed-without-seat")
        )


def test_a_partner_that_is_added_again_is_sent_nothing_before_somebody_resumes_its_push(
    home: Node, partner: Odd
) -> None:
    """The address and the credentials may be those of whoever had the name before."""
    partner.deletes = True
    world = home.world
    world.contribute(world.indicator(object_marking_refs=[TLP_GREEN]))
    push(home, code="XAA", as_recipient="mirror")
    found = home.operated("out")
    home.runner().run(found.id)
    operate(world, "partner", "end", "harbour", "mirror")
    home.runner().run(found.id)
    assert partner.rows == []
    operate(world, "partner", "add", "harbour", "mirror")
    assert home.runner().run(found.id) is None
    assert (partner.rows, home.operated("out").state) == ([], "paused")
    shown = operate(world, "feed", "status", "out")
    assert (
        "see that the address and the credentials are still its own" in shown["runs"][0]["reason"]
    )
    [(subject, detail)] = list_audit(world, "feed.pause")
    assert (subject, detail) == ("feed:out", {"because": shown["runs"][0]["reason"]})
    operate(world, "feed", "resume", "out")
    home.runner().run(found.id)
    assert len(partner.rows) == 1


def test_a_push_that_runs_while_its_partner_is_added_again_sends_nothing(
    home: Node, partner: Odd
) -> None:
    partner.deletes = True
    world = home.world
    world.contribute(world.indicator(object_marking_refs=[TLP_GREEN]))
    push(home, code="XAA", as_recipient="mirror")
    found = home.operated("out")
    operate(world, "partner", "end", "harbour", "mirror")
    operate(world, "partner", "add", "harbour", "mirror")
    with pytest.raises(BadInput, match="has just been paused"):
        next_batch(
            world.database,
            Pushing(found, 1),
            found.position,
            most=1,
            most_bytes=10_000,
            now_us=world.clock(),
        )


def test_what_was_sent_without_a_reply_is_withdrawn_when_it_is_seen_no_more(
    home: Node, partner: Odd
) -> None:
    partner.deletes = True
    one = home.world.indicator()
    home.world.contribute(one)
    push(home)

    def lose(method: str, _url: str) -> None:
        if method == "POST":
            raise AnswerBroken("the line was cut")

    home.network.after = lose
    assert run(home).state == "failed"
    assert partner.rows
    home.network.after = lambda _method, _url: None
    home.world.set_policy(NOBODY)
    second = run(home)
    assert (second.state, second.withdrawn) == ("done", 1), second
    assert partner.rows == []


def test_a_part_that_could_not_be_sent_at_once_is_sent_with_the_next_run(
    home: Node, partner: Odd
) -> None:
    partner.deletes = True
    home.world.contribute(home.world.indicator(description="where from"))
    push(home)
    run(home)
    home.world.set_policy(LESS)

    def lose(method: str, _url: str) -> None:
        if method == "POST":
            raise AnswerBroken("the line was cut")

    home.network.before = lose
    assert run(home).state == "failed"
    assert partner.rows == []
    home.network.before = lambda _method, _url: None
    assert run(home).state == "done"
    assert [each for _, each in partner.rows] == list(home.walk("xbb"))


def test_a_marking_is_withdrawn_after_what_carries_it(source: Node, home: Node) -> None:
    """Another Comity keeps a marking while something carries it (409)."""
    marking = statement(81, "no commercial use")
    home.world.contribute(marking, home.world.indicator(object_marking_refs=[marking["id"]]))
    home.add("out", source, code="XBB", who="xaa", direction="push")
    assert run(home).contributed == 2
    assert len(list(source.walk("xaa"))) == 2
    home.world.set_policy(NOBODY)
    second = run(home)
    assert (second.state, second.withdrawn) == ("done", 2), second
    assert list(source.walk("xaa")) == []


def test_a_delete_that_conflicts_is_a_recall_and_keeps_nothing_back(
    home: Node, partner: Odd
) -> None:
    home.world.contribute(home.world.indicator())
    push(home)
    run(home)
    home.world.set_policy(NOBODY)

    def refuse(method: str, _url: str) -> None:
        if method == "DELETE":
            raise StatusRefused("it is in use", answered=409)

    home.network.before = refuse
    assert run(home).state == "done"
    assert len(home.sent("out", "recalled", "XBB")) == 1


def test_a_failure_that_names_a_version_in_another_way_is_a_failure(
    home: Node, partner: Odd
) -> None:
    good, bad = home.world.indicators(2)
    home.world.contribute(good, bad)

    def cut(method: str, url: str, headers: Any, body: bytes | None) -> Answer:
        answer = partner(method, url, headers, body)
        if method != "POST":
            return answer
        return replace(answer, body=answer.body.replace(b'"version": "2026', b'"version": "2025'))

    home.network.others["odd.example"] = cut
    partner.refuses = lambda one: "not here" if one["id"] == bad["id"] else None
    push(home)
    assert (run(home).refused, home.runs("out", "XBB")[0].contributed) == (1, 1)


def test_a_status_that_never_ends_holds_up_nothing_and_what_was_sent_may_be_there(
    home: Node, partner: Odd
) -> None:
    partner.deletes = True
    one = home.world.indicator()
    home.world.contribute(one)
    pending = {
        "id": "22222222-2222-4222-8222-222222222222",
        "status": "pending",
        "total_count": 1,
        "success_count": 0,
        "failure_count": 0,
        "pending_count": 1,
    }

    def wait(method: str, url: str, headers: Any, body: bytes | None) -> Answer:
        if "/status/" in url:
            home.world.clock.now_us += 5_000_000
            return Answer(200, {"content-type": TAXII}, json.dumps(pending).encode())
        if method == "GET" and "/objects/indicator" in url:
            # It takes it later than it is asked.
            return Answer(404, {"content-type": TAXII}, b"{}")
        answer = partner(method, url, headers, body)
        return replace(answer, body=json.dumps(pending).encode()) if method == "POST" else answer

    home.network.others["odd.example"] = wait
    push(home)
    first = run(home)
    assert (first.state, first.refused) == ("done", 1), first
    assert "not said" in home.refusals("out", "XBB")[0].reason
    home.world.set_policy(NOBODY)
    assert run(home).withdrawn == 1
    assert partner.rows == []
