"""Rows of numbers that a statement is given: thousands at once, in one parameter.

For changes to many rows by few statements. Both databases read JSON; a list of single
parameters costs more than what is done with each, and has a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    cast,
    func,
    literal,
    select,
)

from sharing.queries.among import values_given
from sharing.queries.contributions import in_batches

GIVEN: Final = 5000
"""Rows a statement: few enough to be held twice in memory, enough for its cost to vanish."""

_T = TypeVar("_T")


def in_rows(items: Iterable[_T]) -> Iterator[list[_T]]:
    """The items in lists of as many as a statement is given."""
    return in_batches(items, GIVEN)


def given(connection: Connection, rows: Sequence[Sequence[int]], *names: str) -> FromClause:
    """These rows of whole numbers as a table, its columns `names`."""
    text = literal(orjson.dumps(rows).decode(), Text)
    columns: list[ColumnElement[Any]]
    if connection.dialect.name == "sqlite":
        each = func.json_each(text).table_valued("value", name="each_given")
        columns = [
            func.json_extract(each.c.value, f"$[{place}]").label(name)
            for place, name in enumerate(names)
        ]
    else:
        each = func.json_array_elements(cast(text, JSON)).table_valued("value", name="each_given")
        columns = [
            cast(each.c.value.op("->>")(place), BigInteger).label(name)
            for place, name in enumerate(names)
        ]
    return select(*columns).select_from(each).subquery("given")


def given_ids(connection: Connection, ids: Sequence[int]) -> Select[Any]:
    """These numbers as what a column may be `in_`."""
    return values_given(connection, ids, BigInteger())


def given_texts(connection: Connection, texts: Sequence[str]) -> Select[Any]:
    """These texts as what a column may be `in_`."""
    return values_given(connection, texts, Text())
