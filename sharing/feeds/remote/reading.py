"""From a JSON object that a partner answered to a value, or a refusal that names the fault.

Pure: nothing is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urljoin

from taxii2client.v21 import Collection, Status

from kernel.clock import SECOND_US, parse_instant
from kernel.errors import BadInput
from kernel.outbound.errors import AddressRefused
from kernel.outbound.targets import Target, read_url
from sharing.feeds.remote.errors import BadAnswer
from sharing.feeds.remote.speaking import Received
from sharing.feeds.remote.values import (
    CollectionInfo,
    Discovery,
    ManifestPage,
    Record,
    RemotePage,
    RemoteStatus,
    Told,
)

# One segment of a path, and no way out of it.
_SEGMENT: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,256}")
_MOST_ROOTS: Final = 20
_MOST_NEXT: Final = 4096
_MOST_MESSAGE: Final = 500
_MOST_TOLD: Final = 10_000


def is_segment(text: object) -> bool:
    """Whether it can stand for itself in a path: an id of a collection or of a status."""
    return isinstance(text, str) and _SEGMENT.fullmatch(text) is not None


def read_discovery(received: Received, home: Target, url: str) -> Discovery:
    """The roots that are asked are those at the same origin. Raises BadAnswer."""
    listed = received.get("api_roots", [])
    default = received.get("default")
    if not isinstance(listed, list):
        raise BadAnswer("discovery lists its API roots as no list")
    names = [each for each in [default, *listed] if isinstance(each, str)]
    here: list[str] = []
    elsewhere: list[str] = []
    for name in list(dict.fromkeys(names))[:_MOST_ROOTS]:
        try:
            target = read_url(urljoin(url, name))
        except (AddressRefused, ValueError):
            continue
        if target.origin == home.origin:
            here.append(with_slash(target.url))
        else:
            elsewhere.append(target.origin)
    title = received.get("title")
    return Discovery(
        title if isinstance(title, str) else "",
        tuple(dict.fromkeys(here)),
        tuple(dict.fromkeys(elsewhere)),
    )


def read_collection(root_url: str, found: Collection) -> CollectionInfo:
    """Raises BadAnswer where a property is of another kind than TAXII 2.1 says."""
    rights = (found.can_read, found.can_write)
    if not is_segment(found.id) or not all(isinstance(each, bool) for each in rights):
        raise BadAnswer("a collection has an id or rights that TAXII 2.1 does not know")
    title, alias = (text if isinstance(text, str) else "" for text in (found.title, found.alias))
    return CollectionInfo(root_url, found.id, title, alias, *rights)


def read_page(received: Received) -> RemotePage:
    """Raises BadAnswer."""
    items = _elements(received)
    return RemotePage(tuple(item.raw for item in items), **_position(received))


def read_manifest(received: Received) -> ManifestPage:
    """Raises BadAnswer."""
    return ManifestPage(
        tuple(_record(item.value) for item in _elements(received)), **_position(received)
    )


def read_status(status: Status) -> RemoteStatus:
    """Raises BadAnswer."""
    counts = (
        status.total_count,
        status.success_count,
        status.failure_count,
        status.pending_count,
    )
    if not is_segment(status.id) or not all(_is_count(count) for count in counts):
        raise BadAnswer("a status has an id or counts that TAXII 2.1 does not know")
    return RemoteStatus(
        status.id, status.status == "complete", *counts, tuple(_told(status.failures))
    )


def with_slash(url: str) -> str:
    """The address with a slash at its end."""
    return url if url.endswith("/") else f"{url}/"


def _elements(received: Received):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a tuple of Element
    if received.elements is None and "objects" in received:
        raise BadAnswer("the objects of a page are no list")
    return received.elements or ()


def _position(received: Received) -> dict[str, Any]:
    more, following = received.get("more", False), received.get("next")
    if not isinstance(more, bool):
        raise BadAnswer("a page says `more` with neither true nor false")
    # An integer names a place as well as a text does.
    if isinstance(following, int) and not isinstance(following, bool):
        following = str(following)
    if following is not None and not isinstance(following, str):
        raise BadAnswer("a page says `next` with no text")
    if following is not None and len(following) > _MOST_NEXT:
        raise BadAnswer(f"a page says `next` with more than {_MOST_NEXT} characters")
    headers = received.answer.headers
    return {
        "more": more,
        "next": following or None,
        "first_us": _instant(headers.get("x-taxii-date-added-first")),
        "last_us": _instant(headers.get("x-taxii-date-added-last")),
        "server_us": _clock(headers.get("date")),
        "size": len(received.answer.body),
    }


def _clock(text: str | None) -> int | None:
    """The server's clock, where it shows one (RFC 9110 §6.6.1)."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return round(moment.timestamp()) * SECOND_US


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_instant(text.strip())
    except BadInput:
        raise BadAnswer("a page's X-TAXII-Date-Added header is no instant") from None


def _record(value: Any) -> Record:  # noqa: ANN401 - whatever JSON holds
    members = value if isinstance(value, dict) else {}
    texts = [members.get(key) for key in ("id", "date_added", "version")]
    if not all(isinstance(text, str) for text in texts):
        raise BadAnswer("a line of the manifest lacks its id, version or date")
    media = members.get("media_type")
    try:
        added_us = parse_instant(members["date_added"])
    except BadInput:
        raise BadAnswer("a line of the manifest has a date that is none") from None
    return Record(
        members["id"], added_us, members["version"], media if isinstance(media, str) else ""
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _told(rows: Iterable[Any]) -> Iterable[Told]:
    for row in list(rows)[:_MOST_TOLD]:
        members = row if isinstance(row, dict) else {}
        texts = (members.get(key) for key in ("id", "version", "message"))
        yield Told(*(text[:_MOST_MESSAGE] if isinstance(text, str) else "" for text in texts))
