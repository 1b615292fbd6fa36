"""Lists of what is new as Atom feeds (RFC 4287), for a reader that asks again and again.

What does not live here: what is in a feed (each room's queries).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Response
from markupsafe import Markup, escape

from kernel.clock import format_instant
from web.installation import current_instant_us, current_settings, public_base
from web.pages import with_query

ATOM: Final = "application/atom+xml"
EXAMPLE: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
    "<id>urn:uuid:2f1b0c3e-54d0-5f0a-9d2e-6f1b2c3d4e5f</id><title>What is new</title>"
    "<updated>2026-11-27T08:30:00.000000Z</updated></feed>\n"
)

# What XML 1.0 cannot hold, however it is written; and what steers the direction of a text.
_UNWRITABLE: Final = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
_NAMES: Final = uuid.UUID("b3a7a2f4-4d5d-5f43-9d5f-3f1f5a9c7e11")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `key` is what it is known by for ever, `address` where it is looked at."""

    key: str
    title: str
    summary: str
    updated_us: int
    address: str
    category: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed; `key` is what it is known by for ever, `address` where it is asked for, `following`
    where the page after this one is, if there is one.

    `updated_us` is that of the newest entry; where there is none, the instant of asking.
    """

    key: str
    title: str
    author: str
    address: str
    home: str
    updated_us: int
    following: str | None = None


def feed_here(title: str, home: str, *, next_page: Mapping[str, str | None] | None = None) -> Feed:
    """The feed that this request asks for; `home` is the path of the page that it belongs to.

    `next_page` is what of the query is another on the page after this one.
    """
    base = public_base()
    return Feed(
        # Another page of it is of the same feed.
        key=f"{base}{with_query(next=None, format=None)}",
        title=title,
        author=current_settings().title,
        address=f"{base}{with_query()}",
        home=f"{base}{home}",
        updated_us=current_instant_us(),
        following=None if next_page is None else f"{base}{with_query(**next_page)}",
    )


def answer_feed(feed: Feed, entries: Sequence[Entry]) -> Response:
    """The feed as Atom; its id, and those of its entries, stay the same from poll to poll."""
    updated_us = max((one.updated_us for one in entries), default=feed.updated_us)
    links = [_link("self", feed.address, ATOM), _link("alternate", feed.home, "text/html")]
    if feed.following is not None:
        links.append(_link("next", feed.following, ATOM))
    parts = [
        Markup('<?xml version="1.0" encoding="utf-8"?>\n'),
        Markup('<feed xmlns="http://www.w3.org/2005/Atom">\n'),
        *_head(feed.key, feed.title, updated_us),
        Markup("<author><name>{}</name></author>\n").format(_plain(feed.author)),
        *links,
        *(_entry(one, feed.key) for one in entries),
        Markup("</feed>\n"),
    ]
    return Response(Markup("").join(parts), content_type=f"{ATOM}; charset=utf-8")


def _head(key: str, title: str, updated_us: int) -> list[Markup]:
    return [
        Markup("<id>urn:uuid:{}</id>\n").format(uuid.uuid5(_NAMES, key)),
        Markup("<title>{}</title>\n").format(_plain(title)),
        Markup("<updated>{}</updated>\n").format(format_instant(updated_us)),
    ]


def _entry(one: Entry, feed: str) -> Markup:
    parts = [
        Markup("<entry>\n"),
        *_head(f"{feed}\n{one.key}", one.title, one.updated_us),
        _link("alternate", one.address, "text/html"),
        Markup('<category term="{}"/>\n').format(_plain(one.category)),
        Markup("<summary>{}</summary>\n").format(_plain(one.summary)),
        Markup("</entry>\n"),
    ]
    return Markup("").join(parts)


def _link(relation: str, address: str, kind: str) -> Markup:
    written = Markup('<link rel="{}" type="{}" href="{}"/>\n')
    return written.format(relation, kind, _plain(address))


def _plain(text: str) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", text))
