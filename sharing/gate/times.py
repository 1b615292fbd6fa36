"""Timestamps of an object: real instants, in the one form STIX allows (STIX 2.1 §2.16)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kernel.clock import MINUTE_US, format_instant, parse_instant
from kernel.errors import BadInput
from kernel.strictjson import JsonValue
from sharing.gate.verdicts import member_path, refusal, shown

CLOCK_SKEW_US: Final = 5 * MINUTE_US
"""How far ahead of this server's clock a version may be."""

UNVERSIONED: Final = "1970-01-01T00:00:00.000Z"
"""The version of an object with neither `modified` nor `created` (sharing policy §7)."""

_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.(\d+))?Z", re.ASCII)
_VERSION_DIGITS: Final = 6
_MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Version:
    """Which version of its id an object is: the instant in microseconds, and as written."""

    instant_us: int
    text: str


def check_version(value: dict[str, JsonValue], *, now_us: int) -> Version:
    """The object's version: `modified`, else `created`, else 1970.

    Raises BadInput: `sharing.bad-time` for what is no instant, is before 1970 or goes back in
    time; `sharing.future-version` for more than five minutes ahead of `now_us`.
    """
    created_us, modified_us = (
        _version_instant(value[name], f"$.{name}") if name in value else None
        for name in ("created", "modified")
    )
    if created_us is not None and modified_us is not None and modified_us < created_us:
        raise refusal("sharing.bad-time", "$.modified", "an object is not modified before created")
    name, instant_us = ("created", created_us) if modified_us is None else ("modified", modified_us)
    if instant_us is None:
        return Version(0, UNVERSIONED)
    if instant_us > now_us + CLOCK_SKEW_US:
        raise refusal(
            "sharing.future-version",
            f"$.{name}",
            f"{value[name]} is more than five minutes ahead of this server's clock "
            f"({format_instant(now_us)}); set the clock that wrote it and send it again",
        )
    return Version(instant_us, value[name])


def check_timestamp(value: JsonValue, path: str, *, digits: int = _MOST_DIGITS) -> int:
    """The instant at `path`, in microseconds: RFC 3339 in UTC with `Z`, a real calendar date.

    At most `digits` fraction digits. Raises BadInput (`sharing.bad-time`).
    """
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        written = ascii(shown(value)) if isinstance(value, str) else "this"
        raise refusal(
            "sharing.bad-time",
            path,
            f"{written} is not a timestamp; write 2026-11-27T08:30:00.000Z",
        )
    if len(match[1] or "") > digits:
        raise refusal(
            "sharing.bad-time", path, f"{shown(value)} has more than {digits} fraction digits"
        )
    try:
        return parse_instant(value)
    except BadInput:
        raise refusal("sharing.bad-time", path, f"{shown(value)} is not on the calendar") from None


def check_timestamps(value: dict[str, JsonValue], names: frozenset[str]) -> None:
    """Checks every timestamp property that the object's type defines.

    Raises BadInput (`sharing.bad-time`).
    """
    for name in value.keys() & names:
        check_timestamp(value[name], member_path("$", name))


def _version_instant(value: JsonValue, path: str) -> int:
    instant_us = check_timestamp(value, path, digits=_VERSION_DIGITS)
    if instant_us < 0:
        raise refusal("sharing.bad-time", path, f"{value} is before 1970")
    return instant_us
