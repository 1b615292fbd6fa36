"""Feeds: what is written is read back, whatever letters it holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.atom import read_feed
from web.atom import Entry, Feed, answer_feed

FEED = Feed("k", "New", "Comity", "https://c.example/f", "https://c.example/", 1_000_000)
UNWRITABLE = st.characters(max_codepoint=31, exclude_characters="\t\n\r")


def entry(key: str = "1", title: str = "t", updated_us: int = 2_000_000) -> Entry:
    return Entry(key, title, "s", updated_us, "https://c.example/1", "indicator")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    (read,) = read_feed(answer_feed(FEED, [entry(title=f"<b>&amp;{text}")])).entries
    steering = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff")
    kept = "".join("\ufffd" if letter in steering else letter for letter in text)
    assert read["title"] == f"<b>&amp;{kept}"


@given(st.text(UNWRITABLE, min_size=1))
def test_what_xml_cannot_hold_is_replaced(text: str) -> None:
    (read,) = read_feed(answer_feed(FEED, [entry(title=text)])).entries
    assert read["title"] == "\ufffd" * len(text)


def test_a_feed_is_as_new_as_its_newest_entry_and_keeps_its_names() -> None:
    entries = [entry("a", updated_us=5_000_000), entry("b")]
    first, again = (read_feed(answer_feed(FEED, entries)) for _ in range(2))
    assert first == again
    assert first.feed["updated"] == "1970-01-01T00:00:05.000000Z"
    assert read_feed(answer_feed(FEED, [])).feed["updated"] == "1970-01-01T00:00:01.000000Z"
    elsewhere = Feed(
        "other",
        *(getattr(FEED, one) for one in ("title", "author", "address")),
        home=FEED.home,
        updated_us=1,
    )
    other = read_feed(answer_feed(elsewhere, entries))
    assert {one["id"] for one in other.entries}.isdisjoint(one["id"] for one in first.entries)
