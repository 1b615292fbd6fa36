"""Pull: page by page from a partner's collection, each committed with the place it leads to.

What does not live here: how a page goes over the wire (remote), what follows what
(rules.walking), and what becomes of objects (services.feeds.pulling).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.clock import parse_instant
from kernel.db import Database
from kernel.errors import BadInput
from kernel.outbound.budgets import MEBIBYTE, Budget
from kernel.outbound.errors import AnswerTooBig, BudgetSpent, OutboundError, StatusRefused
from sharing.feeds.remote.place import Place
from sharing.feeds.remote.reading import is_segment
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
    reach,
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
_NOT_SHOWN: Final = frozenset({400, 403, 405, 406, 410, 422, 501})
_MOST_MARKINGS: Final = 500
_PART_BYTES: Final = 16 * MEBIBYTE
"""What is taken in one transaction at most, and PAGE objects."""
_MARKING: Final = b'"marking-definition"'
_Coming = tuple[bytes, int | None]
"""An object, and up to which date everything has come with it (where dates are known)."""
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
        asked_us = self.now_us()
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
        step = self._advance(position, ask, page, asked_us)
        self._is_in_doubt = True
        self.tally.oddities.update(step.oddities)
        self._bring(page, position, step.position)
        self._is_in_doubt = False
        return step.position, step.ask

    def _bring(self, page: RemotePage | ManifestPage, before: Position, after: Position) -> None:
        """Take what a page holds; in parts where it is much, or does not come to its end: no
        transaction is long, and what took long to fetch is not fetched again."""
        part: list[bytes] = []
        size, reached = 0, before
        coming = self._fetch(page, before) if isinstance(page, ManifestPage) else self._list(page)
        try:
            for raw, date_us in coming:
                if len(part) >= PAGE or size + len(raw) > _PART_BYTES:
                    self._take(Brought(part, 0, before, reached, pages=0))
                    before, part, size = reached, [], 0
                part.append(raw)
                size += len(raw)
                reached = before if date_us is None else reach(before, date_us)
        except OutboundError:
            if part:
                self._take(Brought(part, 0, before, reached, pages=0))
            raise
        self._take(Brought(part, page.size, before, after))

    def _take(self, brought: Brought) -> None:
        self.tally = take_page(
            self.database, self.pulling, brought, self.tally, now_us=self.now_us()
        )

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

    def _advance(
        self, position: Position, ask: Ask, page: RemotePage | ManifestPage, asked_us: int
    ) -> Step:
        got = Got(
            count=_count(page),
            more=page.more,
            next=page.next,
            first_us=page.first_us,
            last_us=page.last_us,
            server_us=page.server_us,
        )
        step = advance(position, ask, got, asked_us=asked_us, now_us=self.now_us())
        if step.ask is not None and "clock-went-back" not in step.oddities:
            self._refuse_repeated(page)
        return step

    def _refuse_repeated(self, page: RemotePage | ManifestPage) -> None:
        """A page that comes twice in one run leads nowhere, whatever its `next` is called."""
        content = page.objects if isinstance(page, RemotePage) else page.records
        if not content:
            return
        hashed = hashlib.sha256()
        for each in content:
            hashed.update(each if isinstance(each, bytes) else repr(each).encode())
        digest = hashed.digest()
        if digest in self._seen:
            raise BadInput(
                "sharing.feed-stuck",
                "the partner's server cannot be walked: the same page comes again and again",
            )
        self._seen.add(digest)

    def _list(self, page: RemotePage) -> Iterator[_Coming]:
        """The objects of a page, what they are marked with before them."""
        for marking in self._markings(page.objects, set()):
            yield marking, None
        for raw in sorted(page.objects, key=lambda raw: _MARKING not in raw):
            yield raw, None

    def _fetch(self, page: ManifestPage, before: Position) -> Iterator[_Coming]:
        """What is new of a manifest, one by one, in the order in which it was added."""
        records = sorted(
            (one for one in page.records if is_segment(one.id)), key=lambda one: one.date_added_us
        )
        versions = [(one.id, _version_us(one.version)) for one in records]
        with self.database.read() as connection:
            missing = set(list_missing(connection, self.pulling, versions))
        asked: set[str] = set()
        reached_us = None
        for one, version in zip(records, versions, strict=True):
            # What was added again since the last walk may have other content: a wider view.
            is_new = before.after_us is not None and one.date_added_us > before.after_us
            if version not in missing and not is_new:
                self.tally = replace(self.tally, known=self.tally.known + 1)
                continue
            # Nothing where it was withdrawn since the manifest was read, or never there.
            found = self.place.find(one.id, one.version)
            for raw in (*self._markings(found, asked), *found[:-1]):
                yield raw, reached_us
            reached_us = one.date_added_us
            for raw in found[-1:]:
                yield raw, reached_us

    def _markings(self, objects: Sequence[bytes], asked: set[str]) -> Iterator[bytes]:
        """The markings that objects carry and nobody has given yet."""
        with self.database.read() as connection:
            markings = list_unknown_markings(connection, self.pulling, objects)
        for marking_id in markings:
            if not is_segment(marking_id) or marking_id in asked or len(asked) >= _MOST_MARKINGS:
                continue
            asked.add(marking_id)
            try:
                yield from self.place.find(marking_id)
            except StatusRefused as fault:
                # What carries it is refused, and nothing else.
                if fault.answered not in _NOT_SHOWN:
                    raise


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
