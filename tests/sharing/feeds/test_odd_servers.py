"""Servers that tie dates, forget or repeat `next`, or go back in time: nothing is lost, and what
cannot be walked is stopped by name."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kernel.outbound.errors import AnswerTooBig, StatusRefused
from sharing.queries.feeds import FeedRun
from sharing.services.feeds.keeping import NewFeed
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.feeds.test_second_hand import statement
from tests.sharing.taxii.world import START_US

pytestmark = POSTGRESQL_AT_LENGTH

SECOND = 1_000_000


@pytest.fixture
def odd(home: Node) -> Odd:
    server = Odd(now_us=START_US)
    home.network.others["odd.example"] = server
    home.add_new(NewFeed("odd", "https://odd.example/", COLLECTION))
    return server


def poll(home: Node, server: Odd, seconds: int = 60, **more: Any) -> FeedRun:
    """One run, a while after the last by everybody's clock."""
    home.world.clock.now_us += seconds * SECOND
    server.now_us += seconds * SECOND
    return home.run("odd", **more)


def arrived(home: Node) -> set[str]:
    return {one["id"] for one in home.walk("xaa")}


def sent(server: Odd) -> set[str]:
    return {one["id"] for _, one in server.rows}


def fill(home: Node, server: Odd, count: int, *, apart_us: int = SECOND + 123_457) -> None:
    for one in home.world.indicators(count):
        server.now_us += apart_us
        home.world.clock.now_us += apart_us
        server.add(one)


@pytest.mark.parametrize("digits", [0, 3, 6])
@pytest.mark.parametrize("next_kind", ["offset", "none"])
def test_what_is_added_between_and_during_runs_arrives_once(
    home: Node, odd: Odd, digits: int, next_kind: str
) -> None:
    odd.digits, odd.next_kind, odd.page = digits, next_kind, 3
    fill(home, odd, 7, apart_us=700_000)
    first = poll(home, odd)
    assert first.state == "done", first
    assert arrived(home) == sent(odd)
    fill(home, odd, 4, apart_us=700_000)
    second = poll(home, odd, 1)
    assert (second.state, second.contributed) == ("done", 4), second
    assert arrived(home) == sent(odd)
    third = poll(home, odd)
    assert (third.state, third.contributed) == ("done", 0)
    assert ("second-precision" in first.oddities) == (digits == 0)
    assert ("more-without-next" in first.oddities) == (next_kind == "none")


def test_what_shares_a_date_with_the_end_of_the_last_run_is_not_lost(home: Node, odd: Odd) -> None:
    odd.digits = 0
    at = odd.now_us
    odd.add(home.world.indicator(), at_us=at)
    assert poll(home, odd, 30).contributed == 1
    odd.add(home.world.indicator(), at_us=at + 400_000)
    assert poll(home, odd, 30).contributed == 1
    assert arrived(home) == sent(odd)


def test_what_was_being_added_while_it_was_asked_is_asked_for_again(home: Node, odd: Odd) -> None:
    fill(home, odd, 2)
    assert poll(home, odd, 1).contributed == 2
    # A transaction that began before, and ended after what was shown.
    odd.add(home.world.indicator(), at_us=odd.now_us - 3 * SECOND)
    assert poll(home, odd, 30).contributed == 1


def test_more_objects_of_one_date_than_a_page_holds(home: Node, odd: Odd) -> None:
    odd.add(*home.world.indicators(7), at_us=odd.now_us)
    assert poll(home, odd).state == "done"
    assert arrived(home) == sent(odd)


def test_more_objects_of_one_date_than_a_page_without_next_is_stopped_by_name(
    home: Node, odd: Odd
) -> None:
    odd.next_kind = "none"
    odd.add(*home.world.indicators(7), at_us=odd.now_us)
    run = poll(home, odd)
    assert (run.state, run.code) == ("failed", "sharing.feed-stuck")
    assert "more objects of one date" in (run.reason or "")
    assert len(odd.pages_asked) < 10


@pytest.mark.parametrize(
    ("next_kind", "words"), [("same", "the same page"), ("fresh", "comes again and again")]
)
def test_a_walk_in_a_circle_is_stopped_by_name(
    home: Node, odd: Odd, next_kind: str, words: str
) -> None:
    odd.next_kind = next_kind
    fill(home, odd, 9)
    run = poll(home, odd)
    assert (run.state, run.code) == ("failed", "sharing.feed-stuck"), run
    assert words in (run.reason or "")
    assert len(odd.pages_asked) < 10


def test_a_forgotten_next_is_gone_on_with_by_date(home: Node, odd: Odd) -> None:
    fill(home, odd, 9)
    odd.forgets = True
    run = poll(home, odd)
    assert (run.state, run.oddities) == ("done", ("next-forgotten",)), run
    assert arrived(home) == sent(odd)


def test_a_few_empty_pages_that_say_more_are_passed_over(home: Node, odd: Odd) -> None:
    odd.empty_more = 2
    fill(home, odd, 3)
    run = poll(home, odd)
    assert (run.state, "empty-page-with-more" in run.oddities) == ("done", True), run
    assert arrived(home) == sent(odd)


def test_empty_pages_without_an_end_are_stopped_by_name(home: Node, odd: Odd) -> None:
    odd.empty_more = 10**6
    run = poll(home, odd)
    assert (run.state, run.code) == ("failed", "sharing.feed-stuck"), run
    assert len(odd.pages_asked) < 10


def test_a_server_that_gives_no_dates(home: Node, odd: Odd) -> None:
    odd.has_dates = False
    fill(home, odd, 5)
    assert poll(home, odd).state == "done"
    assert arrived(home) == sent(odd)
    fill(home, odd, 2)
    second = poll(home, odd)
    assert (second.contributed, "no-dates" in second.oddities) == (2, True), second


def test_a_server_without_order_begins_again_and_loses_nothing(home: Node, odd: Odd) -> None:
    odd.sorts = False
    for one in home.world.indicators(5):
        odd.add(one, at_us=odd.now_us - len(odd.rows) * SECOND)
    run = poll(home, odd)
    assert (run.state, "dates-out-of-order" in run.oddities) == ("done", True), run
    assert arrived(home) == sent(odd)


def test_a_clock_that_goes_back_loses_nothing(home: Node, odd: Odd) -> None:
    fill(home, odd, 3)
    assert poll(home, odd).contributed == 3
    odd.now_us -= 3600 * SECOND
    fill(home, odd, 3)
    second = poll(home, odd)
    assert (second.contributed, "clock-went-back" in second.oddities) == (3, True), second
    fill(home, odd, 2)
    assert poll(home, odd).contributed == 2
    assert arrived(home) == sent(odd)


def test_a_server_that_ignores_added_after_is_only_slow(home: Node, odd: Odd) -> None:
    odd.ignores_after = True
    fill(home, odd, 5)
    assert poll(home, odd).contributed == 5
    fill(home, odd, 1)
    second = poll(home, odd)
    assert (second.state, second.contributed) == ("done", 1), second


def test_a_spent_budget_goes_on_where_it_ended(home: Node, odd: Odd) -> None:
    # All of one date: only `next` leads on.
    odd.add(*home.world.indicators(9), at_us=odd.now_us)
    runs = 0
    while True:
        left = 2

        def goes_on() -> bool:
            nonlocal left
            left -= 1
            return left >= 0

        run = poll(home, odd, 1, goes_on=goes_on)
        runs += 1
        assert runs < 20
        if run.state == "done":
            break
        assert run.state == "more", run
    assert runs > 2
    assert arrived(home) == sent(odd)


def test_manifest_first_fetches_only_what_is_new(home: Node, odd: Odd) -> None:
    home.add_new(
        NewFeed("light", "https://odd.example/", COLLECTION, manifest_first=True), code="XBB"
    )
    fill(home, odd, 5)
    home.run("light", "XBB")
    assert {one["id"] for one in home.walk("xbb")} == sent(odd)
    fetched = [url for url in odd.pages_asked if "/objects/indicator" in url]
    assert len(fetched) == 5
    fill(home, odd, 1)
    odd.now_us += SECOND
    second = home.run("light", "XBB")
    assert (second.state, second.contributed) == ("done", 1), second
    assert len([url for url in odd.pages_asked if "/objects/indicator" in url]) == 6


def test_pages_that_are_too_big_are_asked_for_smaller(home: Node, odd: Odd) -> None:
    odd.page = 1000
    fill(home, odd, 12)

    def judge(_method: str, url: str) -> None:
        asked = parse_qs(urlsplit(url).query)
        if "limit" in asked and int(asked["limit"][0]) > 8:
            raise AnswerTooBig("the answer holds more than is taken")

    home.network.before = judge
    run = poll(home, odd)
    assert (run.state, "page-too-big" in run.oddities) == ("done", True), run
    assert arrived(home) == sent(odd)


def test_a_walk_without_an_end_has_its_turn_and_no_more(home: Node, odd: Odd) -> None:
    """Ever new objects: the turn ends by its pages, what came stays, others go on meanwhile."""
    odd.page = 1

    def grow(_method: str, url: str) -> None:
        if "/objects/" in url:
            odd.now_us += 1000
            odd.add(home.world.indicator())

    odd.add(home.world.indicator())
    home.network.before = grow
    left = iter(range(30))
    run = poll(home, odd, goes_on=lambda: next(left, None) is not None)
    assert (run.state, run.pages) == ("more", 30), run


def test_an_answer_that_takes_long_is_no_clock_that_goes_back(home: Node, odd: Odd) -> None:
    """The clock is the server's when it began to answer; by the end of a heavy page it is past."""
    fill(home, odd, 9)

    def drip(_method: str, url: str) -> None:
        if "next=" in url:
            home.world.clock.now_us += 5 * SECOND

    home.network.after = drip
    run = poll(home, odd)
    assert (run.state, "clock-went-back" in run.oddities) == ("done", False), run
    assert arrived(home) == sent(odd)


def test_a_clock_that_shows_nonsense_once_ends_no_feed(home: Node, odd: Odd) -> None:
    fill(home, odd, 3)
    assert poll(home, odd).state == "done"
    fill(home, odd, 1)
    now_us, odd.now_us = odd.now_us, 253_300_000_000 * SECOND
    poll(home, odd, 0)
    odd.now_us = now_us
    fill(home, odd, 1)
    for _ in range(2):
        assert poll(home, odd).state == "done"
    assert arrived(home) == sent(odd)


def test_without_dates_the_clock_is_the_servers_and_not_ours(home: Node, odd: Odd) -> None:
    """Ours is an hour ahead; what is added in front while it is walked comes with the next run."""
    odd.has_dates, odd.sorts = False, False
    home.world.clock.now_us += 3600 * SECOND
    fill(home, odd, 5)
    late = home.world.indicator()
    added: list[bool] = []

    def grow(_method: str, url: str) -> None:
        if "next=" in url and not added:
            added.append(True)
            odd.now_us += SECOND
            odd.rows.insert(0, (odd.now_us, late))
            odd.now_us += 20 * SECOND
            home.world.clock.now_us += 21 * SECOND

    home.network.before = grow
    assert poll(home, odd).state == "done"
    assert late["id"] not in arrived(home)
    assert poll(home, odd).state == "done"
    assert late["id"] in arrived(home)


@pytest.mark.parametrize("manifest_first", [False, True])
def test_an_id_that_no_address_holds_stops_no_other_object(
    home: Node, odd: Odd, manifest_first: bool
) -> None:
    home.add_new(
        NewFeed("light", "https://odd.example/", COLLECTION, manifest_first=manifest_first),
        code="XBB",
    )
    good = home.world.indicator()
    for wrong in ("a/../b", "x" * 300, "nul\0"):
        odd.add(
            home.world.indicator(object_marking_refs=[f"marking-definition--{wrong}"]),
            home.world.indicator(id=f"indicator--{wrong}"),
        )
    odd.add(good)
    run = home.run("light", "XBB")
    assert run.state == "done", run
    assert {one["id"] for one in home.walk("xbb")} == {good["id"]}


def test_a_marking_that_a_partner_does_not_show_stops_no_other_object(home: Node, odd: Odd) -> None:
    marking = "marking-definition--99999999-9999-4999-8999-999999999999"
    good = home.world.indicator()
    odd.add(home.world.indicator(object_marking_refs=[marking]), good)

    def refuse(_method: str, url: str) -> None:
        if marking in url:
            raise StatusRefused("not by that way", answered=405)

    home.network.before = refuse
    run = poll(home, odd)
    assert (run.state, run.refused) == ("done", 1), run
    assert {one["id"] for one in home.walk()} == {good["id"]}


@pytest.mark.parametrize("manifest_first", [False, True])
def test_a_page_that_takes_longer_than_a_turn_is_taken_in_parts(
    home: Node, odd: Odd, manifest_first: bool
) -> None:
    """Objects one by one, ten seconds each: what came before the turn's end stays."""
    home.add_new(
        NewFeed("slow", "https://odd.example/", COLLECTION, manifest_first=manifest_first),
        code="XBB",
    )
    odd.page = 50
    if manifest_first:
        odd.add(*home.world.indicators(20))
    else:
        marked = [statement(each, "as said") for each in range(300, 320)]
        odd.next_kind, odd.page = "offset", 20
        for one in marked:
            odd.add(home.world.indicator(object_marking_refs=[one["id"]]))
        odd.now_us += SECOND
        odd.add(*marked)

    def wait(_method: str, url: str) -> None:
        if "/objects/indicator" in url or "/objects/marking" in url:
            home.world.clock.now_us += 10 * SECOND
            odd.now_us += 10 * SECOND

    home.network.after = wait
    for _ in range(10):
        run = home.run("slow", "XBB")
        if run.state == "done":
            break
        assert run.state == "more", run
    assert run.state == "done"
    assert {one["id"] for one in home.walk("xbb")} == sent(odd)
    assert home.refusals("slow", "XBB") == []


def test_a_turn_in_which_nothing_was_done_is_a_failure(home: Node, odd: Odd) -> None:
    fill(home, odd, 3)

    def wait(_method: str, _url: str) -> None:
        home.world.clock.now_us += 40 * SECOND

    home.network.after = wait
    run = poll(home, odd)
    assert (run.state, run.step) == ("failed", "budget"), run
    assert home.feed("odd").failures == 1


def test_a_wider_view_under_the_same_version_is_fetched_manifest_first_too(
    home: Node, odd: Odd
) -> None:
    home.add_new(
        NewFeed("light", "https://odd.example/", COLLECTION, manifest_first=True), code="XBB"
    )
    fill(home, odd, 2)
    home.run("light", "XBB")
    ((_, one), _) = odd.rows
    odd.rows.pop(0)
    odd.now_us += 60 * SECOND
    home.world.clock.now_us += 60 * SECOND
    odd.add(one | {"description": "told now"})
    run = home.run("light", "XBB")
    assert (run.state, run.replaced) == ("done", 1), run
    assert "told now" in {each.get("description") for each in home.walk("xbb")}
