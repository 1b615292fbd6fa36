"""iCalendar (RFC 5545) of what is due: whole days, or an instant where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from kernel.clock import format_instant
from norms.queries.due import Due
from norms.rules.dates import format_day

_FOLD_OCTETS: Final = 75


def calendar_of(entries: Iterable[Due], now_us: int) -> str:
    """The entries as one calendar. The id of an entry stays the same from poll to poll."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Comity//Register//EN",
        "CALSCALE:GREGORIAN",
    ]
    for one in entries:
        lines += _event(one, now_us)
    lines.append("END:VCALENDAR")
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def _event(one: Due, now_us: int) -> list[str]:
    digest = hashlib.sha256(f"{one.kind}\0{one.id}".encode()).hexdigest()[:32]
    when = (
        [f"DTSTART:{_stamp(one.at_us)}"]
        if one.at_us is not None
        else [
            f"DTSTART;VALUE=DATE:{format_day(one.day).replace('-', '')}",
            # The end is the day after the last.
            f"DTEND;VALUE=DATE:{format_day(one.last_day + 1).replace('-', '')}",
        ]
    )
    return [
        "BEGIN:VEVENT",
        f"UID:{digest}@comity",
        f"DTSTAMP:{_stamp(now_us)}",
        *when,
        f"SUMMARY:{_escape(one.title)}",
        f"CATEGORIES:{_escape(one.kind)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _stamp(instant_us: int) -> str:
    text = format_instant(instant_us)
    return f"{text[:19].replace('-', '').replace(':', '')}Z"


def _escape(text: str) -> str:
    """RFC 5545 §3.3.11; what else steers a line is left out."""
    kept = "".join(letter for letter in text if letter >= " " or letter == "\n")
    for letter in ("\\", ";", ","):
        kept = kept.replace(letter, f"\\{letter}")
    return kept.replace("\n", "\\n")


def _fold(line: str) -> str:
    """RFC 5545 §3.1: at most 75 octets a line, never within a character."""
    folded, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > _FOLD_OCTETS:
            folded, size = f"{folded}\r\n ", 1
        folded, size = folded + letter, size + octets
    return folded
