"""No page tells two worlds apart that differ in what its reader may not see.

Sharing policy §9.1, for people at browsers: pages of both halves, the inbox, lookups, lists with
their facets, counts and exports, forms and refusals, byte for byte. The doors of programs have a
pair of their own (`test_paired_worlds`).
"""

from __future__ import annotations

import difflib
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, func, select

from kernel.db import Database
from kernel.settings import Settings
from sharing.pages import objects
from sharing.queries.newest import Facets, count_facets
from sharing.tables import contribution
from tests.access.halls import (
    HIDDEN_FROM_PAGES,
    READERS,
    Answer,
    Hall,
    Look,
    as_seen,
    inject_randomness,
    list_filtered,
    list_forms,
    list_looks,
    list_rules,
    look_at,
)
from tests.access.pairs import SECRET, UNNAMED, Ids, Side
from tests.access.test_paired_worlds import (
    Pair,
    change_accepts_of_xcc,
    change_policy_of_xcc,
    contribute_by_xcc,
    contribute_to_xcc,
    let_time_pass,
    steps_beside,
    withdraw_from_xcc,
)

_OF_OTHERS = (contribute_to_xcc, withdraw_from_xcc, let_time_pass, change_accepts_of_xcc)


class Halls(Pair):
    """The two worlds, step by step; and what people see of each."""

    def __init__(self, one: Hall, other: Hall) -> None:
        super().__init__([one, other])
        self.halls = (one, other)
        self.said = ""

    def live(self, steps: list[Any]) -> None:
        """And in the end XCC has a file made of what it sees then."""
        super().live(steps)
        for hall in self.halls:
            hall.let_pass(0)
            hall.work.append(hall.have_made("all@xcc.example", "work"))

    def look(self, looks: Iterable[tuple[Look, str]]) -> set[tuple[str, str]]:
        """What people look at, one after the other; the (method, route) pairs that were asked."""
        for hall in self.halls:
            hall.sign_in()
        seen: list[list[Answer]] = [[], []]
        asked: list[tuple[Look, str]] = []
        for number, (look, who) in enumerate(looks):
            for hall, answers in zip(self.halls, seen, strict=True):
                hall.let_pass(0)
                answers.extend(look_at(hall, who, look, ("look", number)))
            asked += [(look, who)] * (len(seen[0]) - len(asked))
        both = [as_seen(hall, answers) for hall, answers in zip(self.halls, seen, strict=True)]
        for (look, who), left, right in zip(asked, *both, strict=True):
            assert left == right, f"{who} at {look}\n{_difference(left, right)}"
        self.said = "".join(text for _status, _headers, text in seen[0])
        return {self._route_of(look) for look, _who in asked}

    def look_at_everything(self, *readers: str) -> set[tuple[str, str]]:
        """The same of all that there is, by Ann first: she sees what waits in her secretariat."""
        asked = self.look(everything(self, "ann", forms=False))
        self.other.ids.reseed("waiting")
        Hall.hide_recordings(self.halls[1], 1)
        return asked | self.look(everything(self, *readers))

    def _route_of(self, look: Look) -> tuple[str, str]:
        adapter = self.halls[0].world.app.url_map.bind("localhost")
        address = look.address.partition("?")[0]
        rule, _ = adapter.match(address, method=look.method, return_rule=True)
        return look.method, rule.rule


def _difference(left: Answer, right: Answer) -> str:
    lines = (
        [status, *map(str, headers), *text.splitlines()] for status, headers, text in (left, right)
    )
    return "\n".join(difflib.unified_diff(*lines, n=0, lineterm=""))


@pytest.fixture
def make_halls(
    make_settings: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Halls]]:
    """Makes two worlds that are the same so far, on each database in turn."""
    yield from _making_halls(make_settings, monkeypatch)


def _making_halls(
    make_settings: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Halls]]:
    ids = Ids()
    inject_randomness(monkeypatch, ids)
    opened: list[Database] = []

    def make() -> Halls:
        while opened:
            opened.pop().close()
        sides = []
        for _ in range(2):
            chosen = make_settings()
            opened.append(Database.open(chosen))
            sides.append(Hall(opened[-1], chosen, ids))
        return Halls(*sides)

    yield make
    while opened:
        opened.pop().close()


@pytest.fixture
def make_small_halls(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Halls]]:
    """The same on the embedded database alone: the pages' code is the same on both."""
    numbers = itertools.count()

    def make_settings() -> Settings:
        folder = tmp_path / f"installation-{next(numbers)}"
        shutil.copytree(sqlite_template, folder)
        return Settings(data_dir=str(folder))

    yield from _making_halls(make_settings, monkeypatch)


def a_long_life(hidden: tuple[Callable[[Any, int], None], ...]) -> list[Any]:
    """Each hidden act once, beside what happens in both worlds."""
    acts = itertools.cycle(
        [
            (contribute_to_xcc, (1, 1, "whole")),
            (contribute_to_xcc, (2, 1, "half")),
            (contribute_by_xcc, (3, 2)),
            (change_policy_of_xcc, (1,)),
            (contribute_to_xcc, (4, 1, "later")),
            (let_time_pass, (3,)),
            (contribute_to_xcc, (1, 2, "half")),
            (contribute_by_xcc, (5, 100)),
            (withdraw_from_xcc, (2,)),
            (contribute_to_xcc, (6, 1, "whole")),
            (change_accepts_of_xcc, (2,)),
        ]
    )
    return [
        (next(acts), [(act, number), (Side.hide_polls, 1)]) for number, act in enumerate(hidden)
    ]


def everything(halls: Halls, *readers: str, forms: bool = True) -> list[tuple[Look, str]]:
    """Every page by each of these people; by the first also with filters, forms filled in."""
    one, other = halls.halls
    looks = [look for look in list_looks(one, other) if forms or look.method == "GET"]
    of_one = [*list_filtered(one), *(list_forms(one) if forms else ())]
    # Forms sent empty come last: some of them end what the others need.
    before = [look for look in looks if look.method == "GET"]
    after = [look for look in looks if look.method != "GET"]
    return [
        *itertools.product(before, readers),
        *itertools.product(of_one, readers[:1]),
        *itertools.product(after, readers),
    ]


def test_no_page_tells_a_world_with_hidden_traffic_from_one_without(
    make_small_halls: Callable[[], Halls],
) -> None:
    halls = make_small_halls()
    halls.live(a_long_life(HIDDEN_FROM_PAGES))
    asked = halls.look_at_everything("xcc-all", "xdd-all", "ivo", "visitor")
    for shown in ("number 1<", "number 6<", "Said in confidence.", "2 taken, 0", "holds now"):
        assert shown in halls.said, "there is too little to look at"
    wanted = {(method, rule.rule) for method, rule in list_rules(halls.halls[0])}
    assert wanted - asked == set(), "a page that nobody asks for"


def test_no_page_tells_who_else_has_a_seat_but_to_whom_it_names_them(
    make_small_halls: Callable[[], Halls],
) -> None:
    """XCC shares with nobody and contributes nothing here; what it shares names recipients."""
    halls = make_small_halls()
    life = [step for step in a_long_life((*UNNAMED, *SECRET)) if step[0][0] in _OF_OTHERS]
    halls.live(life)
    halls.look(everything(halls, "xcc-all", "ann", "ivo", forms=False))


def test_control_a_page_that_counts_what_is_hidden_is_found_out(
    make_small_halls: Callable[[], Halls], monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_too_much(connection: Connection, *asked: Any) -> Facets:
        facets = count_facets(connection, *asked)
        total = connection.execute(select(func.count()).select_from(contribution)).scalar_one()
        return replace(facets, types={**facets.types, "indicator": total})

    halls = make_small_halls()
    halls.live(a_long_life((Side.hide_objects,)))
    look = [(Look("GET", "/sharing/harbour/objects"), "xcc-all")]
    halls.look(look)
    monkeypatch.setattr(objects, "count_facets", count_too_much)
    with pytest.raises(AssertionError, match="indicator"):
        halls.look(look)


def test_control_what_is_shown_is_told_apart(make_small_halls: Callable[[], Halls]) -> None:
    def show(side: Side, number: int) -> None:
        contribute_to_xcc(side, number, 1, "whole")

    halls = make_small_halls()
    show(halls.halls[1], 6)
    with pytest.raises(AssertionError):
        halls.look([(Look("GET", "/sharing"), "xcc-all")])


@pytest.mark.audit
def test_no_page_tells_drawn_worlds_apart(make_halls: Callable[[], Halls]) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=steps_beside(*HIDDEN_FROM_PAGES))
    def run(steps: list[Any]) -> None:
        halls = make_halls()
        halls.live(steps)
        halls.look_at_everything(*(name for name in READERS if name != "ann"))

    run()
