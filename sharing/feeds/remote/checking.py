"""Whether a partner can be reached and used, step by step: the first that fails is named.

Nothing is written at the partner's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kernel.outbound.errors import OutboundError
from kernel.outbound.session import Outbound
from kernel.outbound.targets import read_url
from sharing.feeds.remote.errors import NotAllowed
from sharing.feeds.remote.server import Remote
from sharing.feeds.remote.values import CollectionInfo

STEPS: Final = (
    "address",
    "resolve",
    "connect",
    "tls",
    "authenticate",
    "discovery",
    "api-root",
    "collection",
    "rights",
    "first-page",
)
_DIALLING: Final = STEPS[:4]
# What fails after an answer that is no refusal of the credential.
_ANSWERED: Final = frozenset({"status", "protocol", "content", "discovery", "redirect", "too_big"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection test, by its name in STEPS."""

    name: str
    is_passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A connection test: its steps, and the collections that were shown to the credential."""

    steps: tuple[Step, ...]
    collections: tuple[CollectionInfo, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether no step failed."""
        return all(step.is_passed for step in self.steps)


def check(
    outbound: Outbound, url: str, name: str = "", *, reads: bool = True, writes: bool = False
) -> list[Step]:
    """The steps up to the end, or to the first that fails; never raises OutboundError.

    `reads` and `writes` are what the feed is going to do there.
    """
    return list(look(outbound, url, name, reads=reads, writes=writes).steps)


def look(outbound: Outbound, url: str, name: str, *, reads: bool, writes: bool) -> Checked:
    """The same, with the collections that were met on the way."""
    test = _Test(outbound, url, name)
    fault = test.run(reads=reads, writes=writes)
    steps = test.steps()
    if fault is not None:
        failed = Step(test.at(fault), False, fault.message)  # noqa: FBT003
        steps = [*test.steps(before=failed.name), failed]
    return Checked(tuple(steps), tuple(test.shown))


class _Test:
    def __init__(self, outbound: Outbound, url: str, name: str) -> None:
        self._outbound, self._url, self._name = outbound, url, name
        self._done: dict[str, str] = {}
        self.shown: list[CollectionInfo] = []

    def run(self, *, reads: bool, writes: bool) -> OutboundError | None:
        try:
            self._dial()
            self._ask(reads=reads, writes=writes)
        except OutboundError as fault:
            if fault.step in _ANSWERED and "tls" in self._done:
                self._done.setdefault("authenticate", "the server does not refuse the credential")
            return fault
        return None

    def steps(self, before: str | None = None) -> list[Step]:
        return [Step(name, True, self._done[name]) for name in self._passed(before)]  # noqa: FBT003

    def at(self, fault: OutboundError) -> str:
        """The step at which that failed: its own where it is one, else the first not yet done."""
        if fault.step in STEPS:
            return fault.step
        return next(name for name in STEPS if name not in self._done)

    def _passed(self, before: str | None) -> Iterator[str]:
        for name in STEPS:
            if name == before:
                return
            if name in self._done:
                yield name

    def _dial(self) -> None:
        said = dict(zip(_DIALLING, self._sentences(), strict=True))
        try:
            self._outbound.probe(self._url)
        except OutboundError as fault:
            failed = _DIALLING.index(fault.step) if fault.step in _DIALLING else 2
            self._done |= {name: said[name] for name in _DIALLING[:failed]}
            raise
        self._done |= said

    def _sentences(self) -> tuple[str, str, str, str]:
        try:
            target = read_url(self._url)
        except OutboundError:
            return ("", "", "", "")
        return (
            "the address can be asked",
            "not needed: the host is an address" if target.address else f"{target.host} has one",
            f"{target.host} answers at port {target.port}",
            "the certificate holds" if target.scheme == "https" else "not asked for: http://",
        )

    def _ask(self, *, reads: bool, writes: bool) -> None:
        remote = Remote(self._outbound)
        try:
            info = remote.find(self._url, self._name, told=self._told)
        finally:
            self.shown = remote.shown
        if (reads and not info.can_read) or (writes and not info.can_write):
            lacking = "read" if reads and not info.can_read else "written"
            raise NotAllowed(f"the collection may not be {lacking} with this credential")
        both = [word for word, wanted in (("read", reads), ("written", writes)) if wanted]
        self._done["rights"] = f"it may be {' and '.join(both) or 'seen'}"
        if reads:
            page = remote.collection(info).objects_page(limit=1)
            more = ", and there is more" if page.more else ""
            self._done["first-page"] = f"{len(page.objects)} object(s) came{more}"
        else:
            self._done["first-page"] = "not asked for: nothing is to be read"

    def _told(self, step: str, sentence: str) -> None:
        self._done.setdefault("authenticate", "the server answers this credential")
        self._done[step] = sentence
