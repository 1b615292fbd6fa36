"""The last versions in several views at once, newest first: as parts of a statement made once.

Making a statement of several ranges takes longer than a page of its rows. What does not live
here: who sees what (visibility), what pages ask of the ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    Subquery,
    Text,
    bindparam,
    literal_column,
    select,
    union_all,
)

from auth.reader import Seated
from sharing.queries.collections import Collection, View
from sharing.queries.releases import TLP_OF_RELEASE, Columns
from sharing.queries.standing import Key
from sharing.rules.tlp import Tlp
from sharing.tables import release
from sharing.visibility import given_nth, visible_nth

MOST_KEPT: Final = 64
"""How many statements of each kind are kept: of so many numbers of views, and ways to filter."""

_IS_LAST: Final[ColumnElement[bool]] = literal_column("release.is_last")
_MOST: Final = bindparam("most", type_=Integer)


@dataclass(frozen=True, slots=True)
class NewestFilter:
    """Which last versions; None is not asked for."""

    stix_type: str | None = None
    tlp: Tlp | None = None
    added_after_us: int | None = None


class Shape(NamedTuple):
    """What a statement depends on: how many ranges it has, and what is asked of each."""

    ranges: int
    has_type: bool
    has_tlp: bool
    has_added_after: bool
    has_before: bool


@dataclass(frozen=True, slots=True)
class Ranges:
    """Of each of these views, up to `most` of its last versions that are wanted; `before` a key
    of a list that shows the newest first."""

    views: list[tuple[Seated, Collection]]
    wanted: NewestFilter
    before: Key | None
    most: int

    @property
    def shape(self) -> Shape:
        """What the statement for them is made for."""
        wanted = self.wanted
        return Shape(
            len(self.views),
            wanted.stix_type is not None,
            wanted.tlp is not None,
            wanted.added_after_us is not None,
            self.before is not None,
        )

    def values(self) -> dict[str, Any]:
        """What the statement runs with."""
        wanted = self.wanted
        values: dict[str, Any] = {"most": self.most}
        if wanted.stix_type is not None:
            values["stix_type"] = wanted.stix_type
        if wanted.tlp is not None:
            values["tlp"] = int(wanted.tlp)
        if wanted.added_after_us is not None:
            values["added_after_us"] = wanted.added_after_us
        for number, (seated, place) in enumerate(self.views):
            values |= given_nth(number, seated, place.id)
            if self.before is not None:
                at_us, uuid = self.before
                values[f"last_us_{number}"] = at_us - 1 if place.uuid >= uuid else at_us
        return values


def ranges_of(
    views: Sequence[View], wanted: NewestFilter, *, before: Key | None = None, most: int
) -> Ranges:
    """The ranges of those views that their reader may read."""
    readable = [
        (seated, place)
        for seated, places in views
        for place in places
        if place.may_be_read_by(seated)
    ]
    return Ranges(readable, wanted, before, most)


def merge(shape: Shape, *columns: ColumnElement[Any]) -> Subquery:
    """These columns of all ranges of such a statement, merged by the database."""
    parts = [_range(number, shape, columns).subquery() for number in range(shape.ranges)]
    return union_all(*(select(part) for part in parts)).subquery()


def _range(number: int, shape: Shape, columns: Columns) -> Select[Any]:
    statement = visible_nth(number, *columns).where(_IS_LAST)
    if shape.has_type:
        statement = statement.where(release.c.stix_type == bindparam("stix_type", type_=Text))
    if shape.has_tlp:
        statement = statement.where(bindparam("tlp", type_=SmallInteger) == TLP_OF_RELEASE)
    if shape.has_added_after:
        after_us = bindparam("added_after_us", type_=BigInteger)
        statement = statement.where(release.c.date_added_us > after_us)
    if shape.has_before:
        last_us = bindparam(f"last_us_{number}", type_=BigInteger)
        statement = statement.where(release.c.date_added_us <= last_us)
    return statement.order_by(release.c.date_added_us.desc()).limit(_MOST)
