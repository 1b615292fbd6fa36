"""Installations of Comity that feed each other in one process, over a network that we hold.

Each node is a world of its own (database, clock, application); the network carries a request of
a feed's session to the node that its host names, or does to it what a test asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kernel.outbound.errors import ConnectFailed
from kernel.outbound.session import Surroundings
from kernel.outbound.transport import Answer, Transport
from kernel.sealing import Sealer
from sharing.feeds.running import Runner
from sharing.queries.feed_lists import (
    RunFilter,
    VersionFilter,
    page_refusals,
    page_runs,
    page_sent,
)
from sharing.queries.feeds import (
    Feed,
    FeedRefusal,
    FeedRun,
    FeedSent,
    find_feed,
    list_operated,
)
from sharing.services.feeds.keeping import SEALED_FOR, NewFeed, add_feed
from tests.sharing.taxii.world import World

Fault = Callable[[str, str], None]
"""Told method and URL before a request is carried; raises to lose it."""


@dataclass
class Network:
    """Carries requests to worlds by host; `before` and `after` may lose a request or an answer."""

    worlds: dict[str, World] = field(default_factory=dict)
    others: dict[str, Transport] = field(default_factory=dict)
    before: Fault = lambda _method, _url: None
    after: Fault = lambda _method, _url: None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        parts = urlsplit(url)
        self.asked.append((method, url))
        if (other := self.others.get(parts.hostname or "")) is not None:
            self.before(method, url)
            answer = other(method, url, headers, body)
            self.after(method, url)
            return answer
        world = self.worlds.get(parts.hostname or "")
        if world is None:
            raise ConnectFailed(f"nobody answers at {parts.hostname}")
        self.before(method, url)
        response = world.app.test_client().open(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            base_url=f"https://{parts.hostname}",
            method=method,
            headers=dict(headers),
            data=body,
        )
        self.after(method, url)
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, named, response.data)


@dataclass
class Node:
    """One installation on a network, under a host name."""

    host: str
    world: World
    network: Network

    @property
    def root(self) -> str:
        """The address of its API root."""
        return f"https://{self.host}/taxii2/harbour/"

    def runner(self, **more: Any) -> Runner:
        """What runs its feeds, on its own clock and without waiting."""
        world = self.world
        return Runner(
            world.database,
            world.settings,
            Sealer(world.settings, world.signer, SEALED_FOR),
            now_us=world.clock,
            transport=self.network,
            surroundings=Surroundings(
                clock=lambda: world.clock() / 1e6,
                wall=lambda: world.clock() / 1e6,
                sleep=lambda _seconds: None,
                uniform=lambda: 0.5,
            ),
            **more,
        )

    def add(
        self,
        name: str,
        to: Node,
        *,
        code: str = "XAA",
        into: str = "reports",
        remote: str = "reports",
        who: str = "xbb",
        **more: Any,
    ) -> Feed:
        """A feed of `code` here from (or to) another node, with the credential `who` has there."""
        user, secret = to.world.secrets[who]
        return self.add_new(
            NewFeed(
                name,
                to.root,
                to.world.collections[remote],
                user_name=user,
                secret=secret,
                **more,
            ),
            code=code,
            into=into,
        )

    def add_new(self, new: NewFeed, *, code: str = "XAA", into: str = "reports") -> Feed:
        """The same for any partner."""
        world = self.world
        with world.database.write() as connection:
            return add_feed(
                connection,
                Sealer(world.settings, world.signer, SEALED_FOR),
                world.seated(code),
                world.collection(into, code),
                new,
                now_us=world.clock(),
            )

    def run(self, name: str, code: str = "XAA", **more: Any) -> FeedRun:
        """Run a feed once; how it went."""
        found = self.feed(name, code)
        self.runner(**more).run(found.id)
        return self.runs(name, code)[0]

    def feed(self, name: str, code: str = "XAA") -> Feed:
        with self.world.database.read() as connection:
            found = find_feed(connection, self.world.seated(code).reader, name)
        assert found is not None
        return found

    def runs(self, name: str, code: str = "XAA") -> Sequence[FeedRun]:
        found = self.feed(name, code)
        with self.world.database.read() as connection:
            return page_runs(
                connection, self.world.seated(code).reader, found.id, RunFilter(), limit=100
            )

    def operated(self, name: str) -> Feed:
        """A feed by name, as the operator finds it."""
        with self.world.database.read() as connection:
            return next(one for one in list_operated(connection) if one.name == name)

    def refusals(self, name: str, code: str = "XAA") -> Sequence[FeedRefusal]:
        found = self.feed(name, code)
        with self.world.database.read() as connection:
            reader = self.world.seated(code).reader
            return page_refusals(connection, reader, found.id, VersionFilter(), limit=100)

    def sent(self, name: str, state: str, code: str = "XAA") -> Sequence[FeedSent]:
        found = self.feed(name, code)
        with self.world.database.read() as connection:
            reader = self.world.seated(code).reader
            return page_sent(connection, reader, found.id, VersionFilter(state=state), limit=100)

    def objects(self, who: str = "xaa", versions: str = "all") -> dict[str, Any]:
        """What a caller sees here, by id and version."""
        return {
            f"{one['id']} {one.get('modified', '')}": one
            for one in self.walk(who, versions=versions)
        }

    def walk(
        self, who: str = "xaa", collection: str = "reports", versions: str = "all"
    ) -> Iterator[dict[str, Any]]:
        filters = f"?match[version]={versions}"
        query = filters
        while True:
            answer = self.world.get(who, self.world.address(collection) + query)
            assert answer.status_code == 200, answer.text
            page = answer.get_json()
            yield from page.get("objects", [])
            if not page.get("more"):
                return
            query = f"{filters}&next={page['next']}"
