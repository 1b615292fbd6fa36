"""Reading a document of the register row by row, so that what is wrong is told with its place.

What does not live here: what becomes of a row (`loading`, `recording`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kernel.errors import BadInput
from norms.rules.dates import PartialDate, parse_date

_LONGEST: Final = 20_000
_MOST_ROWS: Final = 200_000


class Row:
    """One object of a document; `place` is where it stands, say `events[3]`."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise bad(place, "write an object")
        self.value: Mapping[str, Any] = value
        self.place = place

    def check_names(self, allowed: frozenset[str]) -> None:
        """Refuse names that nobody knows: what was misspelt must not be passed over."""
        unknown = sorted(set(self.value) - allowed)
        if unknown:
            raise bad(
                f"{self.place}.{unknown[0]}".lstrip("."),
                f"this is not known; use: {', '.join(sorted(allowed))}",
            )

    def text(self, name: str) -> str:
        """A text that must be there."""
        found = self.find_text(name)
        if found is None:
            raise bad(f"{self.place}.{name}", "this is missing")
        return found

    def find_text(self, name: str) -> str | None:
        """A text, or None when it is not there or null."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise bad(f"{self.place}.{name}", "write a text")
        if len(value) > _LONGEST or "\0" in value:
            raise bad(f"{self.place}.{name}", f"at most {_LONGEST} characters, none of them NUL")
        return value.strip()

    def word(self, name: str, allowed: Sequence[str] | frozenset[str], default: str) -> str:
        """One of some words; `default` when it is not there."""
        found = self.find_text(name) or default
        if found not in allowed:
            raise bad(f"{self.place}.{name}", f"write one of: {', '.join(sorted(allowed))}")
        return found

    def date(self, name: str) -> PartialDate:
        """A partial date that must be there."""
        try:
            return parse_date(self.text(name))
        except BadInput as fault:
            raise bad(f"{self.place}.{name}", fault.message) from None

    def find_date(self, name: str) -> PartialDate | None:
        """A partial date, or None."""
        return None if self.value.get(name) is None else self.date(name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.value.get(name, default)
        if not isinstance(value, bool):
            raise bad(f"{self.place}.{name}", "write true or false")
        return value

    def find_number(self, name: str) -> int | None:
        """A whole number from 0 on, or None."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1_000_000:
            raise bad(f"{self.place}.{name}", "write a whole number")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; none when it is not there."""
        values = self.value.get(name) or []
        if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
            raise bad(f"{self.place}.{name}", "write a list of texts")
        if any("\0" in one or len(one) > _LONGEST for one in values):
            raise bad(f"{self.place}.{name}", f"at most {_LONGEST} characters, none of them NUL")
        return values

    def find_mapping(self, name: str) -> Mapping[str, Any] | None:
        """An object, or None."""
        value = self.value.get(name)
        if value is not None and not isinstance(value, dict):
            raise bad(f"{self.place}.{name}", "write an object")
        return value

    def rows(self, name: str) -> Iterator[Row]:
        """The objects of a list; a text stands for an object with that text as `party`."""
        values = self.value.get(name) or []
        if not isinstance(values, list):
            raise bad(f"{self.place}.{name}".lstrip("."), "write a list")
        if len(values) > _MOST_ROWS:
            raise bad(f"{self.place}.{name}".lstrip("."), f"at most {_MOST_ROWS} rows")
        for number, value in enumerate(values):
            place = f"{self.place}.{name}[{number}]".lstrip(".")
            yield Row({"party": value} if isinstance(value, str) else value, place)


def bad(place: str, why: str) -> BadInput:
    """A document that cannot be read, with the place of the fault."""
    return BadInput("norms.bad-document", f"{place or 'the document'}: {why}")
