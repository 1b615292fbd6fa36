"""The JSON API's OpenAPI document, at `/api/v1/openapi.json`, and the shape of its lists.

What does not live here: what the API offers (each room has its own blueprint).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flask import Flask, Response, jsonify
from flask_smorest import Api
from marshmallow import RAISE, Schema, fields, validate

PREFIX: Final = "/api/v1"
# What a spreadsheet would take for a formula (and act on) is written as text.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class StrictSchema(Schema):
    """A shape that refuses what it does not know."""

    class Meta:
        """Unknown fields are faults."""

        unknown = RAISE


class ListQuery(StrictSchema):
    """What every list can be asked: how much, from where, in which form."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    next = fields.String(load_default=None, validate=validate.Length(1, 4096))
    format = fields.String(load_default="json", validate=validate.OneOf(("json", "csv")))


def init_api(app: Flask) -> Api:
    """Put the OpenAPI document into `app`; its blueprints are registered with what this gives."""
    app.config.update(
        API_TITLE="Comity",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = Api(app)
    api.spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"basic": []}, {"bearer": []}]
    return api


def answer_list(
    rows: Sequence[Mapping[str, Any]], columns: Iterable[str], *, following: str | None, form: str
) -> Response:
    """A page of a list: JSON with `items` and, when there is more, `next`; or the same as CSV.

    A CSV page says where the next one is in the header `X-Comity-Next`.
    """
    if form == "csv":
        response = Response(_csv(rows, list(columns)), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="comity.csv"'
        if following is not None:
            response.headers["X-Comity-Next"] = following
        return response
    page: dict[str, Any] = {"items": list(rows)}
    if following is not None:
        page["next"] = following
    return jsonify(page)


def _csv(rows: Sequence[Mapping[str, Any]], columns: list[str]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return written.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
