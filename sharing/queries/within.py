"""A span of time as conditions: from `since` on, before `until`."""

from __future__ import annotations

from sqlalchemy import ColumnElement


def within(
    column: ColumnElement[int], since_us: int | None, until_us: int | None
) -> list[ColumnElement[bool]]:
    """The column in [`since_us`, `until_us`); an end that is None is open."""
    conditions = []
    if since_us is not None:
        conditions.append(column >= since_us)
    if until_us is not None:
        conditions.append(column < until_us)
    return conditions
