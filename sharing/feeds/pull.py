"""Pull: page by page from a partner's collection, each committed with the place it leads to.

What does not live here: how a page goes over the wire (remote), what follows what
(rules.walking), and what becomes of objects (services.feeds.pulling).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.clock import parse_instant
from kernel.db import Database
from kernel.errors import BadInput
from kernel.outbound.budgets import Budget
from kernel.outbound.errors import AnswerTooBig, BudgetSpent, StatusRefused
from sharing.feeds.remote.place import Place
from sharing.feeds.remote.values import ManifestPage, RemotePage
from sharing.rules.walking import (
    Ask,
    Got,
    Position,
    Step,
    advance,
    begin,
    forget_next,
    leave,
)
from sharing.services.feeds.pulling import (
    Brought,
    Pulling,
    list_missing,
    list_unknown_markings,
    take_page,
)
from sharing.services.feeds.runs import Tally, write_position

PAGE: Final = 500
"""Objects asked for at once; a server that gives fewer is asked more often."""
_FORGOTTEN: Final = frozenset({400, 404, 410, 416, 422})
_MOST_MARKINGS: Final = 100
GoesOn = Callable[[], bool]


@dataclass(slots=True)
class Pull:
    """One run of a pull: `run` walks until the end, the budget's end, or until told to stop."""

    database: Database
    pulling: Pulling
    place: Place
    tally: Tally
    now_us: Callable[[], int]
    goes_on: GoesOn
    budget: Budget
    page: int = PAGE
    _is_in_doubt: bool = False
    _seen: set[bytes] = field(default_factory=set)

    def run(self, position: Position) -> bool:
        """Walk on from `position`; whether the end was reached, False when the budget was spent.

        Raises OutboundError and ComityError for what ends a run; what was taken stays taken.
        """
        step = begin(position, now_us=self.now_us())
        write = _Writing(self.database, self.pulling.feed.id)
        write.go(position, step.position)
        position = step.position
        ask = step.ask
        while ask is not None:
            goes_on = self.goes_on()
            if goes_on:
                try:
                    position, ask = self._turn(position, ask)
                except BudgetSpent:
                    goes_on = False
            if not goes_on:
                # What was asked last may have been served: then `next` is not for repeating.
                if not self._is_in_doubt and self.budget.bytes >= 0:
                    write.go(position, leave(position))
                return False
        return True

    def _turn(self, position: Position, ask: Ask) -> tuple[Position, Ask | None]:
        try:
            page = self._page(ask)
        except StatusRefused as fault:
            if ask.next is None or fault.answered not in _FORGOTTEN:
                raise
            return self._by_date(position, "next-forgotten")
        except AnswerTooBig:
            if self.page <= 1:
                raise
            self.page = max(1, self.page // 4)
            return self._by_date(position, "page-too-big")
        step = self._advance(position, ask, page)
        self._is_in_doubt = True
        objects = self._objects(page)
        self.tally.oddities.update(step.oddities)
        brought = Brought(objects, page.size, before=position, after=step.position)
        self.tally = take_page(
            self.database, self.pulling, brought, self.tally, now_us=self.now_us()
        )
        self._is_in_doubt = False
        return step.position, step.ask

    def _by_date(self, position: Position, oddity: str) -> tuple[Position, Ask | None]:
        """Go on from the last date that was met, without the `next` that was asked."""
        self.tally.oddities.add(oddity)
        step = forget_next(position)
        _Writing(self.database, self.pulling.feed.id).go(position, step.position)
        return step.position, step.ask

    def _page(self, ask: Ask) -> RemotePage | ManifestPage:
        ask_for = (
            self.place.manifest_page
            if self.pulling.feed.manifest_first
            else self.place.objects_page
        )
        return ask_for(added_after_us=ask.after_us, next=ask.next, limit=self.page)

    def _advance(self, position: Position, ask: Ask, page: RemotePage | ManifestPage) -> Step:
        got = Got(
            count=_count(page),
            more=page.more,
            next=page.next,
            first_us=page.first_us,
            last_us=page.last_us,
            server_us=page.server_us,
        )
        step = advance(position, ask, got, now_us=self.now_us())
        if step.ask is not None and "clock-went-back" not in step.oddities:
            self._refuse_repeated(page)
        return step

    def _refuse_repeated(self, page: RemotePage | ManifestPage) -> None:
        """A page that comes twice in one run leads nowhere, whatever its `next` is called."""
        content = page.objects if isinstance(page, RemotePage) else page.records
        if not content:
            return
        digest = hashlib.sha256(repr(content).encode()).digest()
        if digest in self._seen:
            raise BadInput(
                "sharing.feed-stuck",
                "the partner's server cannot be walked: the same page comes again and again",
            )
        self._seen.add(digest)

    def _objects(self, page: RemotePage | ManifestPage) -> Sequence[bytes]:
        objects = list(page.objects) if isinstance(page, RemotePage) else self._fetch(page)
        with self.database.read() as connection:
            markings = list_unknown_markings(connection, self.pulling, objects)
        found: list[bytes] = []
        for marking_id in markings[:_MOST_MARKINGS]:
            found += self.place.find(marking_id)
        return [*found, *objects]

    def _fetch(self, page: ManifestPage) -> list[bytes]:
        versions = {(one.id, _version_us(one.version)): one.version for one in page.records}
        with self.database.read() as connection:
            missing = list_missing(connection, self.pulling, list(versions))
        self.tally = replace(self.tally, known=self.tally.known + len(versions) - len(missing))
        found: list[bytes] = []
        for stix_id, version_us in missing:
            # Nothing where it was withdrawn since the manifest was read, or never there.
            found += self.place.find(stix_id, versions[stix_id, version_us])
        return found


@dataclass(frozen=True, slots=True)
class _Writing:
    database: Database
    feed_id: int

    def go(self, before: Position, after: Position) -> None:
        if before != after:
            with self.database.write() as connection:
                write_position(connection, self.feed_id, before, after)


def _count(page: RemotePage | ManifestPage) -> int:
    return len(page.objects) if isinstance(page, RemotePage) else len(page.records)


def _version_us(text: str) -> int:
    """A version as STIX has it; what is no instant is no version that we could hold."""
    try:
        return parse_instant(text)
    except BadInput:
        return -1
