"""A policy changes between two pages of a walk: what is gained comes once, what is lost is gone.

XAA has contributed a hundred objects of three labels, mixed; XBB walks in pages of ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sharing.services import policies
from sharing.services.lock import LockedForum
from sharing.services.plan import ReleasePlan
from sharing.services.reconsider import Change, reconsider
from tests.sharing.taxii.world import START_US, World

LAST = "X-TAXII-Date-Added-Last"
LABELS = ("open", "open", "sealed", "open", "later")
RESTS = ("objects/", "manifest/")
Act = Callable[[], None]


def grant(world: World, *labels: str) -> None:
    """From now on XAA shares with XBB what carries one of these labels."""
    rule = {"id": "some", "effect": "share", "audience": {"any": ["member:XBB"]}}
    world.set_policy({"rules": [rule | {"when": {"labels": list(labels)}}]})


def hundred(world: World) -> dict[str, list[str]]:
    """The ids of a hundred objects by label, each in the order it was contributed in."""
    grant(world, "open", "sealed")
    objects = [world.indicator(labels=[LABELS[n % len(LABELS)]]) for n in range(100)]
    for place in range(0, 100, 25):
        world.contribute(*objects[place : place + 25])
    return {
        label: [one["id"] for one in objects if one["labels"] == [label]] for label in set(LABELS)
    } | {"visible": [one["id"] for one in objects if one["labels"] != ["later"]]}


def by_next(world: World, rest: str) -> Iterator[list[str]]:
    """Pages of ten, going on by `next`."""
    query = "limit=10"
    while query:
        page = world.get("xbb", world.address(rest=f"{rest}?{query}")).get_json()
        yield [one["id"] for one in page.get("objects", [])]
        query = f"next={page['next']}" if page.get("more") else ""


def by_added_after(world: World, rest: str) -> Iterator[list[str]]:
    """Pages of ten, going on by the stamp of the last object, until there is nothing new."""
    query = "limit=10"
    while True:
        answer = world.get("xbb", world.address(rest=f"{rest}?{query}"))
        found = [one["id"] for one in answer.get_json().get("objects", [])]
        yield found
        if not found:
            return
        query = f"limit=10&added_after={answer.headers[LAST]}"


WALKS = {"next": by_next, "added_after": by_added_after}


def walk(world: World, way: str, rest: str, change: Act, *, after_pages: int) -> list[str]:
    """Every id that a walk delivers when `change` happens after so many of its pages."""
    delivered: list[str] = []
    for number, page in enumerate(WALKS[way](world, rest), start=1):
        delivered += page
        if number == after_pages:
            change()
    return delivered


def test_what_a_widening_adds_is_delivered_once_whenever_it_comes(world: World) -> None:
    ids = hundred(world)
    for way in WALKS:
        for rest in RESTS:
            grant(world, "open", "sealed")
            delivered = walk(
                world, way, rest, lambda: grant(world, "open", "sealed", "later"), after_pages=3
            )
            assert delivered == ids["visible"] + ids["later"], (way, rest)


def test_what_a_widening_adds_is_delivered_to_whoever_had_everything(world: World) -> None:
    ids = hundred(world)
    everything = walk(world, "added_after", "objects/", lambda: None, after_pages=0)
    last = world.get("xbb", world.address(rest="objects/?limit=1000")).headers[LAST]
    grant(world, "open", "sealed", "later")
    answer = world.get("xbb", world.address(rest=f"objects/?limit=1000&added_after={last}"))
    assert everything == ids["visible"]
    assert [one["id"] for one in answer.get_json()["objects"]] == ids["later"]


def test_what_a_tightening_takes_is_gone_from_the_next_page_on(world: World) -> None:
    ids = hundred(world)
    had = ids["visible"][:30]
    for way in WALKS:
        for rest in RESTS:
            grant(world, "nothing")
            grant(world, "open", "sealed")
            delivered = walk(world, way, rest, lambda: grant(world, "open"), after_pages=3)
            assert delivered == had + [one for one in ids["open"] if one not in had], (way, rest)


def find_leaks(world: World, gone: list[str], tokens: list[str]) -> list[str]:
    """The paths on which XBB is still served one of `gone`."""
    leaks = []
    asked = [f"{rest}?next={token}" for rest, token in zip(RESTS, tokens, strict=True)]
    for rest in RESTS:
        asked += [f"{rest}?limit=1000", f"{rest}?limit=1000&match[version]=all"]
        asked += [f"{rest}?match[id]={one}" for one in gone]
    for query in asked:
        answer = world.get("xbb", world.address(rest=query))
        leaks += [query for one in gone if one in answer.text]
    for one in gone:
        for rest in (f"objects/{one}/", f"objects/{one}/versions/"):
            leaks += [
                f"{method} {rest}"
                for method in ("GET", "HEAD")
                if world.open("xbb", method, world.address(rest=rest)).status_code != 404
            ]
    return leaks


def tokens_of(world: World) -> list[str]:
    """A `next` after the first object of each walk, given before anything changes."""
    answers = [world.get("xbb", world.address(rest=f"{rest}?limit=1")) for rest in RESTS]
    return [answer.get_json()["next"] for answer in answers]


def test_what_a_tightening_takes_is_gone_at_once_on_every_path(world: World) -> None:
    ids = hundred(world)
    tokens, gone = tokens_of(world), ids["sealed"][::4]
    assert len(find_leaks(world, gone, tokens)) > 30  # all of it is there before
    grant(world, "open")
    assert find_leaks(world, gone, tokens) == []


def test_control_a_tightening_that_is_saved_and_not_applied_is_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = hundred(small_world)
    tokens = tokens_of(small_world)
    monkeypatch.setattr(
        policies, "reconsider_changed", lambda _lock, epoch, *_was, **_rest: Change(epoch, 0, 0)
    )
    delivered = walk(
        small_world, "next", "objects/", lambda: grant(small_world, "open"), after_pages=3
    )
    assert set(delivered[30:]) & set(ids["sealed"])
    assert find_leaks(small_world, ids["sealed"][::4], tokens) != []


@pytest.mark.parametrize("way", WALKS)
def test_control_a_widening_that_keeps_old_stamps_is_caught(
    small_world: World, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = hundred(small_world)
    stamps = iter(range(START_US, START_US + 1_000))
    monkeypatch.setattr(LockedForum, "stamp", lambda _lock: next(stamps))
    delivered = walk(
        small_world,
        way,
        "objects/",
        lambda: grant(small_world, "open", "sealed", "later"),
        after_pages=3,
    )
    assert not set(delivered) & set(ids["later"])


def test_control_a_change_that_releases_everything_again_is_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = ReleasePlan.show

    def show_again(plan: ReleasePlan, stored: Any, place: int, shown: Any, held: Any) -> Any:
        plan.close(row.id for row in held)
        return show(plan, stored, place, shown, [])

    def reconsider_all(lock: LockedForum, epoch: int, *_was: Any, **rest: Any) -> Change:
        return reconsider(lock, epoch, originator_id=rest["originator_id"])

    hundred(small_world)
    monkeypatch.setattr(ReleasePlan, "show", show_again)
    monkeypatch.setattr(policies, "reconsider_changed", reconsider_all)
    delivered = walk(
        small_world,
        "next",
        "objects/",
        lambda: grant(small_world, "open", "sealed", "later"),
        after_pages=3,
    )
    assert max(Counter(delivered).values()) > 1
