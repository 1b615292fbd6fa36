"""How a walk goes on: the cases that are told apart, one by one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kernel.errors import BadInput
from sharing.rules.walking import (
    Ask,
    Got,
    Position,
    Walk,
    advance,
    begin,
    forget_next,
    leave,
    load_position,
    reach,
)

SECOND = 1_000_000
T = 1_790_000_000 * SECOND + 123_457
WALK = Walk(after_us=T, begun_us=T)
AT = Position(after_us=T, walk=WALK)


def got(**members: Any) -> Got:
    page = Got(count=2, more=False, next=None, first_us=T + 1, last_us=T + 2, server_us=None)
    return replace(page, **members)


def go(position: Position, page: Got, ask: Ask | None = None, **times: int) -> Any:
    given = {"asked_us": T + SECOND, "now_us": T + SECOND} | times
    return advance(position, ask or Ask(T), page, **given)


@pytest.mark.parametrize(
    "position", [Position(), AT, replace(AT, walk=replace(WALK, next="n", last_us=T + 5))]
)
def test_a_position_is_read_as_it_was_written(position: Position) -> None:
    assert load_position(position.dump()) == position


# As this release has stored it, in the middle of a walk: later ones read it too.
STORED = (
    '{"after_us":1790000000123457,"server_us":1790000001000000,"local_us":1790000001000000,'
    '"walk":{"after_us":1790000000123457,"begun_us":1790000000500000,"next":"n",'
    '"last_us":1790000000900000,"is_ordered":true,"is_clean":true,"empty":1}}'
)


def test_what_this_release_has_stored_stays_readable() -> None:
    walk = Walk(
        after_us=1790000000123457,
        begun_us=1790000000500000,
        next="n",
        last_us=1790000000900000,
        is_clean=True,
        empty=1,
    )
    known = Position(1790000000123457, 1790000001000000, 1790000001000000, walk)
    assert load_position(STORED) == known
    assert known.dump() == STORED


@pytest.mark.parametrize("name", ["after_us", "server_us", "local_us", "walk"])
def test_a_field_that_an_earlier_release_did_not_store_is_as_by_default(name: str) -> None:
    document = json.loads(STORED)
    del document[name]
    expected = replace(load_position(STORED), **{name: None})
    assert load_position(json.dumps(document)) == expected


@pytest.mark.parametrize("name", ["next", "last_us", "is_ordered", "is_clean", "empty"])
def test_so_is_one_of_its_walk(name: str) -> None:
    document, known = json.loads(STORED), load_position(STORED)
    del document["walk"][name]
    assert known.walk is not None
    default = getattr(Walk(after_us=0, begun_us=0), name)
    expected = replace(known, walk=replace(known.walk, **{name: default}))
    assert load_position(json.dumps(document)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"after_us":"1"}',
        '{"after_us":true}',
        '{"after_us":1.5}',
        '{"later":1}',
        '{"walk":[]}',
        '{"walk":{}}',
        '{"walk":{"after_us":1}}',
        '{"walk":{"after_us":1,"begun_us":null}}',
        '{"walk":{"after_us":1,"begun_us":1,"is_clean":1}}',
        '{"walk":{"after_us":1,"begun_us":1,"later":1}}',
    ],
)
def test_what_no_release_has_stored_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="replay the feed"):
        load_position(text)


def test_a_walk_begins_where_the_last_one_ended() -> None:
    assert begin(Position(), now_us=T).ask == Ask(None)
    assert begin(Position(after_us=T), now_us=T).ask == Ask(T)
    whole = T - T % SECOND
    assert begin(Position(after_us=whole), now_us=T).ask == Ask(whole - SECOND)
    thousandth = T - T % 1000
    assert begin(Position(after_us=thousandth), now_us=T).ask == Ask(thousandth - 1000)


@pytest.mark.parametrize(("since", "back"), [(9, 10), (10, 0)])
def test_what_was_being_added_is_asked_for_again(since: int, back: int) -> None:
    position = Position(after_us=T, server_us=T + since * SECOND, local_us=T)
    assert begin(position, now_us=T).ask == Ask(T - back * SECOND)


def test_a_walk_that_was_left_goes_on_by_next_and_one_that_was_cut_off_by_date() -> None:
    walk = replace(WALK, next="n", last_us=T + 5)
    at = replace(AT, walk=walk)
    assert begin(leave(at), now_us=T).ask == Ask(T, "n")
    assert begin(at, now_us=T).ask == Ask(T + 4)
    assert begin(replace(AT, walk=replace(walk, is_ordered=False)), now_us=T).ask == Ask(T)
    assert begin(replace(AT, walk=replace(walk, last_us=None)), now_us=T).ask == Ask(T)
    assert leave(Position()) == Position()


def test_by_date_a_walk_goes_on_from_the_last_that_it_met() -> None:
    at = replace(AT, walk=replace(WALK, last_us=T + 5))
    assert forget_next(at).ask == Ask(T + 4)
    assert forget_next(AT).ask == Ask(T)
    first = replace(AT, walk=replace(WALK, after_us=None, last_us=T + 5))
    assert forget_next(first).ask == Ask(T + 4)
    with pytest.raises(ValueError, match="no walk"):
        forget_next(Position())


def test_within_a_page_a_walk_stands_at_the_last_date_that_is_taken() -> None:
    moved = reach(AT, T + 3)
    assert moved.walk == replace(WALK, last_us=T + 3)
    assert reach(moved, T + 2) == moved
    unordered = replace(AT, walk=replace(WALK, is_ordered=False))
    assert reach(unordered, T + 3) == unordered
    assert reach(Position(), T) == Position()


def test_the_end_of_a_walk_is_the_last_date() -> None:
    step = go(AT, got())
    assert (step.ask, step.position) == (None, Position(after_us=T + 2))
    empty = go(AT, got(count=0, first_us=None, last_us=None))
    assert empty.position == Position(after_us=T)
    with pytest.raises(ValueError, match="without a walk"):
        go(Position(), got())


def test_a_date_that_the_servers_clock_has_not_reached_is_no_cursor() -> None:
    step = go(AT, got(last_us=T + 60 * SECOND, server_us=T + SECOND))
    assert step.position.after_us == T + SECOND


def test_without_dates_the_cursor_is_the_clock_at_the_beginning() -> None:
    page = got(first_us=None, last_us=None)
    assert go(AT, page).oddities == ("no-dates",)
    late = replace(AT, after_us=None)
    assert go(late, page).position.after_us == T - 2 * SECOND
    behind = T - 3600 * SECOND
    assert go(late, replace(page, server_us=behind)).position.after_us == behind - 2 * SECOND


def test_dates_that_are_not_in_order_and_dates_without_fractions_are_named() -> None:
    whole = T - T % SECOND
    assert go(AT, got(first_us=T + 9)).oddities == ("dates-out-of-order",)
    met = replace(AT, walk=replace(WALK, last_us=T + 7))
    assert go(met, got()).oddities == ("dates-out-of-order",)
    assert go(AT, got(first_us=None, last_us=whole + SECOND)).oddities == ("second-precision",)


def test_next_leads_on_and_not_to_itself() -> None:
    step = go(AT, got(more=True, next="n"))
    assert (step.ask, step.position.walk.next) == (Ask(T, "n"), "n")
    with pytest.raises(BadInput, match="same page again"):
        go(step.position, got(more=True, next="n"), step.ask)


def test_more_without_next_goes_on_by_date_as_long_as_there_is_one() -> None:
    assert go(AT, got(more=True)).ask == Ask(T + 1)
    assert go(AT, got(more=True), Ask(None)).ask == Ask(T + 1)
    with pytest.raises(BadInput, match="more objects of one date"):
        go(AT, got(more=True, last_us=T + 1))
    with pytest.raises(BadInput, match="neither `next` nor dates"):
        go(AT, got(more=True, first_us=None, last_us=None))


def test_empty_pages_that_say_more_are_passed_over_three_times() -> None:
    page = got(count=0, more=True, next="n", first_us=None, last_us=None)
    position = AT
    for number in range(3):
        position = go(position, replace(page, next=str(number))).position
    with pytest.raises(BadInput, match="never comes to an end"):
        go(position, page)
    with pytest.raises(BadInput, match="never comes to an end"):
        go(AT, replace(page, next=None))


def test_a_clock_that_went_back_is_told_from_an_answer_that_took_long() -> None:
    before = replace(AT, server_us=T, local_us=T)
    late = go(before, got(server_us=T + SECOND), now_us=T + 30 * SECOND)
    assert "clock-went-back" not in late.oddities
    back = go(before, got(server_us=T - 3600 * SECOND))
    assert back.oddities == ("clock-went-back",)
    assert back.ask.after_us < T - 3601 * SECOND
    assert go(before, got(server_us=T - 10**17)).ask == Ask(0)
    first = replace(before, after_us=None)
    assert go(first, got(server_us=T - 3600 * SECOND)).ask == Ask(None)
