"""What the register's doors share: whose list it is, the day asked about, bodies, absent rows.

Everything below `/api/v1/norms`. Public facts are read with any credential; what is closed is
absent for everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from marshmallow import ValidationError, fields

from auth.doors import current_instant_us, current_reader, current_settings
from auth.reader import Reader
from kernel.errors import BadInput, NotFound
from kernel.strictjson import DEFAULT_LIMITS, loads
from norms.rules.dates import day_of, parse_day
from norms.rules.words import CONFIDENCES, SOURCE_CLASSES
from web.bodies import read_json_body
from web.listing import Listing, make_listing
from web.openapi import PREFIX
from web.shapes import Shape, flag, instant, text, word

NORMS: Final = f"{PREFIX}/norms"
T = TypeVar("T")

SOURCED: Final[dict[str, Any]] = {
    "source": "HD/1",
    "source_class": "secretariat-recorded",
    "confidence": "checked",
    "verified": True,
    "confirmed_by": None,
    "confirmed": None,
    "note": None,
    "recorded_by": "catalogue",
}
"""The provenance of every example."""


class Sourced(Shape):
    """Where a row comes from, and whether it may be relied on without looking again."""

    source = text("Symbol, notification or link.")
    source_class = word(*SOURCE_CLASSES)
    confidence = word(*CONFIDENCES)
    verified = flag("By its confidence, or since a named person confirmed it.")
    confirmed_by = text(nullable=True)
    confirmed = instant(nullable=True)
    note = text(nullable=True)
    recorded_by = text()


def listing_of(name: str, query: Mapping[str, Any], *, about: str = "") -> Listing:
    """A list of the register as the caller asks for it; its cursors fit no other."""
    reader = current_reader()
    who = f"{reader.kind} {reader.member_id} {reader.partner_id} {reader.secretariat_of}"
    return make_listing(f"norms-{name}", f"{who} {about}", query)


def as_of() -> fields.String:
    """The day that a question is about; today unless said."""
    return fields.String(
        validate=_check_day,
        metadata={"format": "date", "description": "As of this day; today (UTC) unless said."},
    )


def day_filter(about: str) -> fields.String:
    """A day that bounds a list."""
    return fields.String(validate=_check_day, metadata={"format": "date", "description": about})


def read_day(said: str | None) -> int:
    """The day that was asked about, as a number; today unless said."""
    return day_of(current_instant_us()) if said is None else parse_day(said)


def read_body() -> dict[str, Any]:
    """The body of the request, which is a JSON object. Raises BadInput."""
    document = loads(read_json_body(current_settings().max_content_length), limits=DEFAULT_LIMITS)
    if not isinstance(document, dict):
        raise BadInput("norms.bad-document", "the document: write an object")
    return document


def expect(found: T | None, noun: str) -> T:
    """What was looked for; hidden and absent are refused in the same words."""
    if found is None:
        raise NotFound(f"norms.unknown-{noun}", f"there is no such {noun}")
    return found


def named(name: str, noun: str) -> str:
    """A name from an address. Raises NotFound for what no row can be called."""
    if "\0" in name or len(name) > 300:
        raise NotFound(f"norms.unknown-{noun}", f"there is no such {noun}")
    return name


def reader_and_now() -> tuple[Reader, int]:
    """Who asks, and the instant."""
    return current_reader(), current_instant_us()


def _check_day(said: str) -> None:
    try:
        parse_day(said)
    except BadInput as fault:
        raise ValidationError(fault.message) from None
