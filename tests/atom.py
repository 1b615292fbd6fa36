"""An Atom feed (RFC 4287) as a test reads it, and what every feed must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, fromstring

ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True)
class Read:
    """A feed with its entries, each a mapping of what it says."""

    feed: dict[str, Any]
    entries: list[dict[str, Any]]


def read_feed(answer: Any) -> Read:
    """The feed of an answer, which holds to RFC 4287, sections 4.1.1 and 4.1.2."""
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    root = fromstring(answer.data)
    assert root.tag == f"{ATOM}feed"
    entries = [_said(one) for one in root.findall(f"{ATOM}entry")]
    feed = _said(root)
    assert feed["author"].strip()
    assert "self" in feed["links"]
    ids = [one["id"] for one in entries]
    assert len(set(ids)) == len(ids)
    for one in (feed, *entries):
        assert one["id"].startswith("urn:uuid:")
        assert one["title"]
        assert one["updated"].endswith("Z")
        assert one["links"]["alternate"].startswith("http")
    return Read(feed, entries)


def _said(one: Element) -> dict[str, Any]:
    said: dict[str, Any] = {"links": {}}
    for child in one:
        name = child.tag.removeprefix(ATOM)
        if name == "link":
            said["links"][child.attrib["rel"]] = child.attrib["href"]
        elif name != "entry":
            assert name not in said, name
            said[name] = child.attrib.get("term") or "".join(child.itertext())
    return said
