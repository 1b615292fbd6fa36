"""Three installations that feed each other in a circle, over a network that loses what it likes.

Whatever is lost, cut off or asked twice: once the network heals and every feed has run, each node
holds what its partner shows it, nothing is there twice, and one more round moves nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, func, select

from kernel.outbound.errors import AnswerBroken, ConnectFailed
from sharing.services.withdraw import withdraw
from sharing.tables import contribution
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.feeds.nodes import Network, Node
from tests.sharing.taxii.world import SHARES_WITH_XBB

SECOND = 1_000_000
NAMES = ("north", "east", "south")
NOBODY: dict[str, Any] = {"rules": []}


class CrashError(BaseException):
    """The process ends here; nothing catches it."""


class Circle(RuleBasedStateMachine):
    """North feeds from south, east from north, south from east; east pushes its view to south."""

    make: Callable[[str], Node]
    network: Network
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        number = next(self.numbers)
        self.network.before = self.network.after = lambda _method, _url: None
        self.nodes = [self.make(f"{name}-{number}.example") for name in NAMES]
        self.made: list[tuple[int, dict[str, Any]]] = []

    @initialize()
    def connect(self) -> None:
        for index, node in enumerate(self.nodes):
            node.add("in", self.nodes[index - 1])
        east, south = self.nodes[1], self.nodes[2]
        east.add("out", south, code="XBB", who="xcc", direction="push")

    @rule(where=st.sampled_from((0, 1, 2)), count=st.integers(1, 3))
    def contribute(self, where: int, count: int) -> None:
        node = self.nodes[where]
        # Ids are the same number's in every world: each node makes others.
        for _ in range(count):
            one = node.world.indicator()
            one["id"] = f"{one['id'][:11]}{where + 1}{one['id'][12:]}"
            node.world.contribute(one)
            self.made.append((where, one))

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def write_anew(self, data: st.DataObject) -> None:
        where, one = data.draw(st.sampled_from(self.made))
        node = self.nodes[where]
        newer = one | {
            "modified": f"2026-03-01T00:00:{len(self.made) % 60:02d}.000Z",
            "name": "newer",
        }
        if (where, newer) in self.made or newer["modified"] <= one["modified"]:
            return
        node.world.clock.now_us += SECOND
        answer = node.world.post("xaa", node.world.address(), {"objects": [newer]})
        assert answer.status_code == 202
        if answer.get_json()["failure_count"] == 0:
            self.made.append((where, newer))

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        where, one = data.draw(st.sampled_from(self.made))
        world = self.nodes[where].world
        if not any(each["id"] == one["id"] for each in self.nodes[where].walk("xaa")):
            return
        withdraw(
            world.database,
            world.seated("XAA"),
            world.collection(),
            one["id"],
            now_us=world.clock(),
        )
        self.made = [(w, o) for w, o in self.made if (w, o["id"]) != (where, one["id"])]

    @rule(where=st.sampled_from((0, 1, 2)), shares=st.booleans())
    def change_policy(self, where: int, shares: bool) -> None:
        self.nodes[where].world.set_policy(SHARES_WITH_XBB if shares else NOBODY)

    @rule(where=st.sampled_from((0, 1, 2)), seconds=st.sampled_from((1, 30, 3600)))
    def let_time_pass(self, where: int, seconds: int) -> None:
        self.nodes[where].world.clock.now_us += seconds * SECOND

    @rule(
        where=st.sampled_from((0, 1, 2)),
        name=st.sampled_from(("in", "in", "out")),
        at=st.integers(1, 8),
        fault=st.sampled_from(("none", "request", "reply", "crash", "commit")),
        pages=st.integers(1, 4),
    )
    def run(self, where: int, name: str, at: int, fault: str, pages: int) -> None:
        """One run of a feed, to which something happens at its n-th request, or commit."""
        node = self.nodes[1] if name == "out" else self.nodes[where]
        counts = itertools.count(1)

        def happen(error: BaseException) -> Any:
            def fall(*_of: Any) -> None:
                if next(counts) == at:
                    raise error

            return fall

        if fault == "request":
            self.network.before = happen(ConnectFailed("nobody answers"))
        elif fault == "reply":
            self.network.after = happen(AnswerBroken("the line was cut"))
        elif fault == "crash":
            self.network.after = happen(CrashError())
        engine = node.world.database.content
        commit = happen(CrashError())
        if fault == "commit":
            event.listen(engine, "commit", commit)
        left = itertools.count(1)
        try:
            feed = node.feed(name, "XBB" if name == "out" else "XAA")
            node.runner(page=2, goes_on=lambda: next(left) <= pages).run(feed.id)
        except CrashError:
            pass
        finally:
            self.network.before = self.network.after = lambda _method, _url: None
            if fault == "commit":
                event.remove(engine, "commit", commit)

    def teardown(self) -> None:
        """Heal the network, run everything to its end, and look."""
        try:
            self._converge()
        finally:
            for node in self.nodes:
                node.world.database.close()

    def _converge(self) -> None:
        for node in self.nodes:
            node.world.set_policy(SHARES_WITH_XBB)
        for _ in range(len(self.nodes)):
            self._round()
        before = [self._counts(node) for node in self.nodes]
        moved = self._round()
        assert (moved, [self._counts(node) for node in self.nodes]) == (0, before)
        for index, node in enumerate(self.nodes):
            # The newest versions: a poll asks for no others.
            shown = self.nodes[index - 1].objects("xbb", "last")
            here = node.objects("xaa")
            missing = {key: one for key, one in shown.items() if here.get(key) != one}
            assert not self._but_own(index, missing), (node.host, missing)
        pushed = self.nodes[1].objects("xbb")
        arrived = self.nodes[2].objects("xcc")
        own = set(self.nodes[2].objects("xaa"))
        assert not [key for key in pushed if key not in arrived and key not in own]

    def _but_own(self, index: int, missing: dict[str, Any]) -> dict[str, Any]:
        """What a node deleted itself does not come back to it."""
        prefix = f"indicator--{index + 1}"
        return {key: one for key, one in missing.items() if not key.startswith(prefix)}

    def _round(self) -> int:
        moved = 0
        for node, name, code in (
            *((node, "in", "XAA") for node in self.nodes),
            (self.nodes[1], "out", "XBB"),
        ):
            for each in self.nodes:
                each.world.clock.now_us += 3600 * SECOND
            feed = node.feed(name, code)
            for _ in range(50):
                ending = node.runner().run(feed.id)
                assert ending is not None
                run = node.runs(name, code)[0]
                moved += run.contributed + run.replaced + run.withdrawn
                if ending.state != "more":
                    break
            assert ending.state == "done", (node.host, name, ending)
        return moved

    def _counts(self, node: Node) -> Any:
        """How many contributions there are; none may be there twice."""
        keys = (contribution.c.collection_id, contribution.c.stix_id, contribution.c.version_us)
        with node.world.database.read() as connection:
            rows = connection.execute(
                select(*keys, contribution.c.originator_id, func.count()).group_by(
                    *keys, contribution.c.originator_id
                )
            ).all()
        assert all(row[-1] == 1 for row in rows)
        return len(rows)


@POSTGRESQL_AT_LENGTH
def test_whatever_the_network_and_the_processes_do_all_nodes_converge(
    make_node: Callable[[str], Node], network: Network
) -> None:
    machine = type("Machine", (Circle,), {"make": staticmethod(make_node), "network": network})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=10, stateful_step_count=9, deadline=None)
    )


@pytest.mark.audit
def test_a_thousand_steps_of_the_same(make_node: Callable[[str], Node], network: Network) -> None:
    machine = type("Machine", (Circle,), {"make": staticmethod(make_node), "network": network})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
    )
