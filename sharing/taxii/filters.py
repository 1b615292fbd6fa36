"""The query string of a read: its filters, strictly read (TAXII 2.1 §3.4).

Unknown parameters and match fields are ignored, as the standard allows; what is known and
malformed is refused. What does not live here: cursors (cursor), the SQL (queries.releases).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from kernel.clock import parse_instant
from kernel.errors import BadInput
from sharing.queries.matching import VersionFilter

OBJECT_FIELDS = ("id", "type", "version", "spec_version")
SINGLE_FIELDS = ("version", "spec_version")
VERSIONS_FIELDS = ("spec_version",)

_MOST_VALUES = 1000
_SEVERAL_TYPES = 100
_LARGEST_LIMIT = 2**53 - 1
_CODE = "sharing.bad-filter"
_STIX_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)
_SPEC_VERSION = re.compile(r"\d{1,4}\.\d{1,4}", re.ASCII)
_NOT_IN_A_VALUE = re.compile(r"[\s\x00-\x1f\x7f]")
# A `+` that arrived unescaped in an offset was read as a space.
_SPACED_OFFSET = re.compile(r" (?=\d{2}:?\d{2}$)", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query string says; None where it says nothing."""

    added_after_us: int | None = None
    limit: int | None = None
    next: str | None = None
    ids: frozenset[str] | None = None
    types: frozenset[str] | None = None
    versions: VersionFilter | None = None
    spec_versions: frozenset[str] | None = None


def read_filters(arguments: MultiDict[str, str], fields: Iterable[str]) -> Asked:
    """The filters of a request; `fields` are the match fields of its endpoint.

    Raises BadInput (`sharing.bad-filter`) naming the parameter, what is wrong and what to send.
    """
    wanted = set(fields)

    def match(field: str, parse: Callable[[str, list[str]], T]) -> T | None:
        name = f"match[{field}]"
        text = _single(arguments, name) if field in wanted else None
        return None if text is None else parse(name, _values(name, text))

    return Asked(
        added_after_us=_added_after(_single(arguments, "added_after")),
        limit=_limit(_single(arguments, "limit")),
        next=_next(_single(arguments, "next")),
        ids=match("id", _names),
        types=match("type", _types),
        versions=match("version", _versions),
        spec_versions=match("spec_version", _spec_versions),
    )


def _single(arguments: MultiDict[str, str], name: str) -> str | None:
    values = arguments.getlist(name)
    if len(values) > 1:
        raise BadInput(_CODE, f"{name} may be given once only; separate values by commas")
    return values[0] if values else None


def _added_after(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_instant(_SPACED_OFFSET.sub("+", text))
    except BadInput as fault:
        raise BadInput(_CODE, f"added_after: {fault.message}") from None


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    digits = text.lstrip("0")
    if not re.fullmatch(r"[0-9]+", text, re.ASCII) or not digits:
        raise BadInput(_CODE, "limit must be a whole number greater than zero")
    return int(digits) if len(digits) < 16 else _LARGEST_LIMIT


def _next(text: str | None) -> str | None:
    if text == "":
        raise BadInput(_CODE, "next is empty; leave it out to start from the beginning")
    return text


def _values(name: str, text: str) -> list[str]:
    values = text.split(",")
    if len(values) > _MOST_VALUES:
        raise BadInput(_CODE, f"{name} takes at most {_MOST_VALUES} values")
    for value in values:
        if not value or _NOT_IN_A_VALUE.search(value):
            raise BadInput(
                _CODE,
                f"{name} must be values separated by single commas, without spaces",
            )
    return values


def _names(_name: str, values: list[str]) -> frozenset[str]:
    return frozenset(values)


def _types(name: str, values: list[str]) -> frozenset[str]:
    types = frozenset(values)
    if len(types) > _SEVERAL_TYPES:
        raise BadInput(_CODE, f"{name} takes at most {_SEVERAL_TYPES} types")
    return types


def _spec_versions(name: str, values: list[str]) -> frozenset[str]:
    for value in values:
        if not _SPEC_VERSION.fullmatch(value):
            raise BadInput(_CODE, f"{name} takes versions of STIX such as 2.1")
    return frozenset(values)


def _versions(name: str, values: list[str]) -> VersionFilter:
    keywords = [value for value in values if value in ("all", "first", "last")]
    exact = [_version(name, value) for value in values if value not in keywords]
    if len(set(keywords)) < len(keywords) or len(set(exact)) < len(exact):
        raise BadInput(_CODE, f"{name} names a version twice")
    if "all" in keywords and len(values) > 1:
        raise BadInput(_CODE, f"{name}=all cannot be joined with another version")
    return VersionFilter(
        all="all" in keywords,
        first="first" in keywords,
        last="last" in keywords,
        exact=frozenset(exact),
    )


def _version(name: str, text: str) -> int:
    if _STIX_INSTANT.fullmatch(text):
        try:
            return parse_instant(text)
        except BadInput:
            pass
    raise BadInput(
        _CODE,
        f"{name} takes first, last, all or an instant such as 2026-11-27T08:30:00.000Z",
    )
