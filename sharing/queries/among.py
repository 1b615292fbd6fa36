"""Whether a column is one of many values, which a statement is given in one parameter.

A parameter for each is written out, described to the driver and read by the database anew in
every statement. What does not live here: rows of several numbers, thousands at once (given).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import JSON, Column, ColumnElement, Connection, Text, cast, func, literal, select

AT_ONCE: Final = 1000
"""So many values a statement: all that an envelope names."""


def among(
    connection: Connection, column: Column[Any], values: Sequence[int] | Sequence[str]
) -> ColumnElement[bool]:
    """Whether the column is one of these whole numbers or texts, looked up by its index."""
    text = literal(orjson.dumps(values).decode(), Text)
    if connection.dialect.name == "sqlite":
        each = func.json_each(text).table_valued("value", name="each_given")
        return column.in_(select(each.c.value))
    # An array is looked up in an index value by value; a list in a subquery may be joined instead.
    each = func.json_array_elements_text(cast(text, JSON)).table_valued("value", name="each_given")
    array = func.array(select(cast(each.c.value, column.type)).scalar_subquery())
    return column == func.any(array)
