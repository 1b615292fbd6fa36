"""Nothing that XCC can ask tells two worlds apart that differ in what it may not see.

Sharing policy §9.1. Both worlds live through the same; the second also through what is hidden
from XCC. After each step XCC polls, and in the end it asks everything that there is to ask:
statuses, headers, bodies, cursors, counts and order are the same to the byte, `date_added` by
its rank.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from auth import services as auth_services
from kernel.db import Database
from kernel.settings import Settings
from sharing.queries.commitments import connect_register, find_register
from sharing.tables import ledger
from tests.access.pairs import (
    HIDDEN,
    LABELS,
    PERSON,
    SECRET,
    Ids,
    Side,
    ask,
    by_rank,
    indicator_id,
    list_askings,
)
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.views.looking import policy, share

NUMBERS = st.integers(1, 6)
Act = tuple[Callable[..., Any], tuple[Any, ...]]


def contribute_to_xcc(side: Side, number: int, version: int, label: str) -> Any:
    return side.contribute("xaa", side.indicator(number, version, labels=[label]))


def withdraw_from_xcc(side: Side, number: int) -> Any:
    return side.withdraw("xaa", number)


def contribute_by_xcc(side: Side, number: int, named: int) -> Any:
    """What XCC contributes may name what it sees, or an id that it was told of."""
    value = side.indicator(number, 1, x_see_also=indicator_id(named))
    answer = side.world.post("xcc", side.world.address(), {"objects": [value]})
    return answer.status_code, answer.text


def withdraw_by_xcc(side: Side, number: int) -> Any:
    return side.withdraw("xcc", number)


def let_time_pass(side: Side, hours: int) -> Any:
    side.let_pass(hours)


def change_policy_of_xcc(side: Side, number: int) -> Any:
    audiences = [(), ("member:XAA", "member:XBB"), ("member:XBB",)]
    document = policy(*[share(each) for each in audiences[number % 3]])
    return _put(side, "policy", document)


def change_accepts_of_xcc(side: Side, number: int) -> Any:
    return _put(side, "accepts", [{}, {"types": []}, {"except_originators": ["XAA"]}][number % 3])


def _put(side: Side, what: str, document: dict[str, Any]) -> Any:
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    address = f"/api/v1/forums/harbour/{what}"
    content = json.dumps(document).encode()
    answer = side.world.open(PERSON, "PUT", address, data=content, headers=headers)
    return answer.status_code, answer.text


SHARED: st.SearchStrategy[Act] = st.one_of(
    st.tuples(
        st.just(contribute_to_xcc),
        st.tuples(NUMBERS, st.integers(1, 4), st.sampled_from(LABELS)),
    ),
    st.tuples(
        st.just(contribute_to_xcc),
        st.tuples(NUMBERS, st.integers(1, 4), st.sampled_from(LABELS)),
    ),
    st.tuples(st.just(withdraw_from_xcc), st.tuples(NUMBERS)),
    st.tuples(st.just(contribute_by_xcc), st.tuples(NUMBERS, st.sampled_from([2, 100, 600, 9]))),
    st.tuples(st.just(withdraw_by_xcc), st.tuples(NUMBERS)),
    st.tuples(st.just(let_time_pass), st.tuples(st.sampled_from([1, 2, 3, 26]))),
    st.tuples(st.just(change_policy_of_xcc), st.tuples(st.integers(0, 2))),
    st.tuples(st.just(change_accepts_of_xcc), st.tuples(st.integers(0, 2))),
)


def steps_beside(*hidden: Callable[[Side, int], None]) -> st.SearchStrategy[list[Any]]:
    beside = st.lists(st.tuples(st.sampled_from(hidden), st.integers(0, 6)), max_size=3)
    return st.lists(st.tuples(SHARED, beside), min_size=4, max_size=12)


class Pair:
    """The two worlds, step by step."""

    def __init__(self, sides: list[Side]) -> None:
        self.one, self.other = sides
        self.answers: list[list[tuple[Any, ...]]] = [[], []]

    def live(self, steps: list[tuple[Act, list[tuple[Any, int]]]]) -> None:
        for step, ((act, arguments), beside) in enumerate(steps):
            outcomes = []
            for side, answers in zip((self.one, self.other), self.answers, strict=True):
                side.let_pass(0)
                if side is self.other:
                    for place, (hidden, number) in enumerate(beside):
                        side.ids.reseed(("hidden", step, place))
                        hidden(side, _number_of(hidden, number))
                side.ids.reseed(step)
                outcomes.append(act(side, *arguments))
                answers.extend(self._poll(side, step))
            assert outcomes[0] == outcomes[1], (act.__name__, arguments)
            self.compare()

    def _poll(self, side: Side, step: int) -> list[tuple[Any, ...]]:
        """What is new to XCC, in pages of two: the client's own incremental poll."""
        place = side.world.address(rest="objects/?match[version]=all&limit=2")
        after = f"&added_after={side.newest}" if side.newest else ""
        answers = ask(side, ("", "GET", place + after, None), step)
        for _, headers, _ in answers:
            side.newest = dict(headers).get("X-TAXII-Date-Added-Last", side.newest)
        return answers

    def ask_everything(self, *, of_recipients: bool = True) -> set[tuple[str, str]]:
        """All questions, of both worlds; the (route, method) pairs that were asked."""
        asked = set()
        for side, answers in zip((self.one, self.other), self.answers, strict=True):
            for number, asking in enumerate(list_askings(side, of_recipients=of_recipients)):
                asked.add(asking[:2])
                answers.extend(ask(side, asking, ("ask", number)))
        self.compare()
        return asked

    def compare(self) -> None:
        one, other = (by_rank(answers) for answers in self.answers)
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert left == right, f"\n{left}\nand\n{right}"


def _number_of(hidden: Callable[..., Any], number: int) -> int:
    return number + 100 if hidden is Side.hide_objects else number


@pytest.fixture
def make_pair(
    make_settings: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Pair]]:
    """Makes two worlds that are the same so far, each in a database of its own."""
    ids, register = Ids(), find_register()
    monkeypatch.setattr(uuid, "uuid4", ids.uuid4)
    drawing = auth_services.add_credential.__kwdefaults__
    monkeypatch.setitem(drawing, "randomness", ids.token_bytes)
    opened: list[Database] = []

    def make() -> Pair:
        while opened:
            opened.pop().close()
        sides = []
        for _ in range(2):
            chosen = make_settings()
            opened.append(Database.open(chosen))
            sides.append(Side(opened[-1], chosen, ids))
        return Pair(sides)

    yield make
    while opened:
        opened.pop().close()
    if register is not None:
        connect_register(register)


def live_through(
    make_pair: Callable[[], Pair], *, examples: int, longest: int, names_nobody: bool
) -> set[Any]:
    """Draw lives of a pair; with `names_nobody`, seats come and go that XCC never names."""
    asked: set[Any] = set()
    steps_of = steps_beside(*(HIDDEN if names_nobody else SECRET))

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(steps=steps_of)
    def run(steps: list[Any]) -> None:
        pair = make_pair()
        pair.live([step for step in steps[:longest] if not names_nobody or _names_nobody(step)])
        asked.update(pair.ask_everything(of_recipients=not names_nobody))

    run()
    return asked


def _names_nobody(step: Any) -> bool:
    (act, _), _ = step
    return act is not change_policy_of_xcc


EITHER = pytest.mark.parametrize("names_nobody", [False, True], ids=["secrets", "seats"])


@EITHER
@POSTGRESQL_AT_LENGTH
def test_xcc_cannot_tell_a_world_with_hidden_traffic_from_one_without(
    make_pair: Callable[[], Pair], names_nobody: bool
) -> None:
    assert live_through(make_pair, examples=2, longest=6, names_nobody=names_nobody)


@EITHER
@pytest.mark.audit
def test_xcc_cannot_tell_a_world_with_hidden_traffic_from_one_without_at_length(
    make_pair: Callable[[], Pair], names_nobody: bool
) -> None:
    assert live_through(make_pair, examples=300, longest=12, names_nobody=names_nobody)


ACTS: tuple[Act, ...] = (
    (contribute_to_xcc, (1, 1, "whole")),
    (contribute_to_xcc, (2, 1, "half")),
    (contribute_by_xcc, (3, 2)),
    (change_policy_of_xcc, (1,)),
    (contribute_to_xcc, (4, 1, "later")),
    (let_time_pass, (3,)),
    (contribute_to_xcc, (1, 2, "half")),
    (contribute_by_xcc, (5, 100)),
    (withdraw_from_xcc, (2,)),
    (withdraw_by_xcc, (3,)),
    (let_time_pass, (26,)),
    (change_accepts_of_xcc, (2,)),
)
"""What XCC and its neighbour XAA do in both worlds, one after the other."""


def test_every_secret_act_beside_some_act_of_xcc_and_its_neighbour_is_unseen(
    make_pair: Callable[[], Pair],
) -> None:
    """Each hidden act twice, in one long life, whatever the drawn ones hold."""
    acts = itertools.cycle(ACTS)
    steps: list[Any] = [
        (next(acts), [(hidden, number), (Side.hide_polls, 1)])
        for number, hidden in enumerate([*SECRET, *reversed(SECRET)])
    ]
    pair = make_pair()
    pair.live(steps)
    assert list_happened(pair.other) - list_happened(pair.one) >= {"recall", "confirm"}
    asked = pair.ask_everything()
    rules = pair.one.world.app.url_map.iter_rules()
    wanted = {
        (rule.rule, method)
        for rule in rules
        for method in rule.methods or ()
        if rule.rule.startswith(("/taxii2/", "/api/v1/"))
        and method not in ("HEAD", "OPTIONS")
        # The register has a pair of its own: tests/norms/test_closed_entries.py.
        and not rule.rule.startswith("/api/v1/norms/")
    }
    assert wanted - asked - {("/api/v1/openapi.json", "GET")} == set(), "a route nobody asks"


def list_happened(side: Side) -> set[str]:
    """What has happened in a world, as its ledger calls it."""
    with side.world.database.read() as connection:
        return set(connection.execute(select(ledger.c.kind)).scalars())


@pytest.mark.audit
@pytest.mark.parametrize("offset", range(len(SECRET)))
def test_every_secret_act_beside_every_act_of_xcc_and_its_neighbour_is_unseen(
    make_pair: Callable[[], Pair], offset: int
) -> None:
    """Every pair of an act and a hidden act, over as many lives as there are hidden acts."""
    pair = make_pair()
    pair.live(
        [(act, [(SECRET[(place + offset) % len(SECRET)], place)]) for place, act in enumerate(ACTS)]
    )
    pair.ask_everything()


def test_a_world_in_which_xcc_is_shown_more_is_told_apart(make_pair: Callable[[], Pair]) -> None:
    """The control: what XCC may see does make a difference to it."""

    def show(side: Side, number: int) -> None:
        contribute_to_xcc(side, number, 1, "whole")

    pair = make_pair()
    with pytest.raises(AssertionError):
        pair.live([((let_time_pass, (1,)), [(show, 1)])])
