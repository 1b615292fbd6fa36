"""Many values that a statement is given in one parameter, and whether a column is one of them.

A parameter for each is written out, described to the driver and read by the database anew in
every statement. What does not live here: rows of several numbers, thousands at once (given).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.types import TypeEngine

AT_ONCE: Final = 1000
"""So many values a statement: all that an envelope names."""


def values_given(
    connection: Connection, values: Sequence[int] | Sequence[str], kind: TypeEngine[Any]
) -> Select[Any]:
    """These whole numbers or texts as what a column of that kind may be `in_`."""
    text = literal(orjson.dumps(values).decode(), Text)
    if connection.dialect.name == "sqlite":
        return select(func.json_each(text).table_valued("value", name="each_given").c.value)
    each = func.json_array_elements_text(cast(text, JSON)).table_valued("value", name="each_given")
    return select(cast(each.c.value, kind))


def among(
    connection: Connection, column: Column[Any], values: Sequence[int] | Sequence[str]
) -> ColumnElement[bool]:
    """Whether the column is one of these whole numbers or texts, looked up by its index."""
    given = values_given(connection, values, column.type)
    if connection.dialect.name == "sqlite":
        return column.in_(given)
    # An array is looked up in an index value by value; a list in a subquery may be joined instead.
    return column == func.any(func.array(given.scalar_subquery()))
