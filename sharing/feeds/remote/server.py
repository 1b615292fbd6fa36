"""A partner's server: what it offers, and where the collection is that somebody means.

TAXII 2.1 §4 and §5.1. What does not live here: what is in a collection
(sharing.feeds.remote.place).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from taxii2client.v21 import ApiRoot, Collection

from kernel.outbound.errors import AddressRefused, OutboundError
from kernel.outbound.session import Outbound
from kernel.outbound.targets import read_url
from sharing.feeds.remote.errors import BadAnswer, NoCollection, RootElsewhere
from sharing.feeds.remote.place import Place
from sharing.feeds.remote.reading import read_collection, read_discovery, with_slash
from sharing.feeds.remote.speaking import Received, Speaking, understanding
from sharing.feeds.remote.values import CollectionInfo, RootInfo

_SHOWN: Final = 10
Telling = Callable[[str, str], None]
"""Told a step's name and a sentence, when the step is done."""


class Remote:
    """One partner's server, asked over one session, which whoever opened it closes."""

    def __init__(self, outbound: Outbound, *, repeats_posts: bool = True) -> None:
        self.outbound = outbound
        self.shown: list[CollectionInfo] = []
        """Those among which one was looked for last, for people to choose from."""
        self._speaking = Speaking(outbound, repeats_posts=repeats_posts)

    def api_root(self, url: str) -> RootInfo:
        """The API root at `url`. Raises OutboundError."""
        with understanding("API root"):
            root = ApiRoot(with_slash(url), conn=self._speaking)
            most = root.max_content_length
            if not isinstance(root.title, str) or not isinstance(most, int) or most < 1:
                raise BadAnswer("an API root has a title or a length that TAXII 2.1 does not know")
            return RootInfo(root.url, root.title, most)

    def collections(self, root_url: str) -> list[CollectionInfo]:
        """Those that the API root shows to this credential. Raises OutboundError."""
        root_url = with_slash(root_url)
        with understanding("list of collections"):
            root = ApiRoot(root_url, conn=self._speaking)
            return [read_collection(root_url, found) for found in root.collections]

    def collection(self, info: CollectionInfo) -> Place:
        """What is in a collection; nothing is asked before something is read."""
        return Place(self._speaking, info)

    def find(
        self, url: str, name: str = "", *, told: Telling = lambda _step, _what: None
    ) -> CollectionInfo:
        """The collection meant by `url` (of a server, an API root or a collection) and `name`.

        `name` is its id, alias or title; it may be empty where there is one alone. Raises
        OutboundError, whose step is what failed.
        """
        url = _completed(url)
        received = self._speaking.get(url)
        if "can_read" in received:
            told("discovery", "not needed: the address is a collection's")
            return self._one(url, received, name, told)
        if "versions" in received or "max_content_length" in received:
            told("discovery", "not needed: the address is an API root's")
            return self._of_roots([with_slash(url)], name, told)
        if "title" in received:
            return self._of_roots(self._roots(received, url, told), name, told)
        raise BadAnswer(
            "what answers is TAXII 2.1, and neither discovery, an API root nor a collection; "
            "see whether the address is right"
        )

    def _roots(self, received: Received, url: str, told: Telling) -> Sequence[str]:
        found = read_discovery(received, self.outbound.home, url)
        if not found.api_roots:
            others = ", ".join(found.elsewhere[:_SHOWN]) or "none"
            raise RootElsewhere(
                f"the server names no API root at its own address, but at: {others}; set the "
                "address of the API root that you mean"
            )
        told("discovery", f"the server names {len(found.api_roots)} API root(s)")
        return found.api_roots

    def _of_roots(self, roots: Sequence[str], name: str, told: Telling) -> CollectionInfo:
        self.shown = shown = []
        faults: list[OutboundError] = []
        titles: list[str] = []
        for root_url in roots:
            try:
                titles.append(self.api_root(root_url).title)
                shown += self.collections(root_url)
            except OutboundError as fault:
                faults.append(fault)
        # A root that is closed to us is no fault where another has what is meant.
        if faults and not shown:
            raise faults[0]
        told("api-root", f"{len(titles)} API root(s) answer")
        return _chosen(shown, name, told)

    def _one(self, url: str, received: Received, name: str, told: Telling) -> CollectionInfo:
        root_url, _, _own = url.rstrip("/").rpartition("/collections/")
        if not root_url:
            raise BadAnswer("a collection answers at an address that is no collection's")
        with understanding("collection"):
            found = Collection(url, conn=self._speaking, collection_info=dict(received))
            info = read_collection(f"{root_url}/", found)
        self.shown = [info]
        told("api-root", "not asked: the address is a collection's")
        return _chosen([info], name, told)


def _completed(url: str) -> str:
    """The address to ask: discovery's well-known one where there is a host alone (§4.1)."""
    target = read_url(url)
    if "?" in target.path:
        raise AddressRefused("the address holds a ? part; leave it out")
    return with_slash(f"{target.url}taxii2/" if target.path == "/" else target.url)


def _chosen(shown: Sequence[CollectionInfo], name: str, told: Telling) -> CollectionInfo:
    """The one that is meant. Raises NoCollection."""
    for named in ("id", "alias", "title"):
        found = [one for one in shown if not name or getattr(one, named) == name]
        if len(found) == 1:
            told("collection", f"{found[0].title or found[0].id} is there")
            return found[0]
        if found and name:
            raise NoCollection(f"{len(found)} collections are called {name!r}; give the id")
    names = ", ".join(ascii(one.title[:60] or one.id) for one in shown[:_SHOWN]) or "none"
    what = f"no collection is called {name!r}" if name else "say which collection is meant"
    raise NoCollection(f"{what}; shown to this credential: {names}")
