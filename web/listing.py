"""Lists of the JSON API: what each can be asked, where a page goes on, how it is written out.

Every list is paged, and exported as JSON or CSV. What does not live here: what the lists hold
(each room's queries), the OpenAPI document.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE, ValidationError, fields, validate

from kernel.errors import BadInput
from kernel.signing import Signer
from web.installation import current_signer
from web.shapes import Query, Shape

Key = tuple[Any, ...]
"""The place of a row in its list: values that the caller knows already, and that compare."""

NEXT_HEADER: Final = "X-Comity-Next"
CSV_TYPE: Final = "text/csv; charset=utf-8"

_NOT_FILTERS: Final = frozenset({"limit", "next", "format"})
# What a spreadsheet would take for a formula (and act on) is written as text.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CONTROLS: Final = ("\t", "\r", "\n")

RowT = TypeVar("RowT")
View = TypeVar("View", bound=Callable[..., Any])


class ListQuery(Query):
    """What every list can be asked: how much, from where, in which form."""

    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, 1000),
        metadata={"description": "How many rows a page may have."},
    )
    next = fields.String(
        validate=validate.Length(1, 4096),
        metadata={"description": "`next` of the page before, with the same filters."},
    )
    format = fields.String(
        load_default="json",
        validate=validate.OneOf(("json", "csv")),
        metadata={"description": "JSON, or the same rows as CSV."},
    )


def format_field(*more: str) -> fields.String:
    """The field `format` of a page's list that can be taken in more forms than all others."""
    return fields.String(load_default="json", validate=validate.OneOf(("json", "csv", *more)))


def asks(blueprint: Blueprint, asked: type[Query]) -> Callable[[View], View]:
    """A view that is given its parsed query string; what no field names is refused.

    A filter that was misspelt and passed over would answer, or withdraw, more than was meant.
    """
    decorate: Callable[[View], View] = blueprint.arguments(asked, location="query", unknown=RAISE)
    return decorate


def listed(
    blueprint: Blueprint, asked: type[ListQuery], row: type[Shape]
) -> Callable[[View], View]:
    """A view that is given the parsed query and answers with `Listing.answer`."""
    page = Shape.from_dict(
        {
            "items": fields.List(fields.Nested(row), required=True),
            "next": fields.String(metadata={"description": "There when more rows follow."}),
        },
        name=f"{row.__name__.removesuffix('Schema')}Page",
    )
    described = {
        "description": f"One page. As CSV, the `next` of the page is in the header {NEXT_HEADER}.",
        "headers": {NEXT_HEADER: {"schema": {"type": "string"}}},
    }
    example = {"items": [row.EXAMPLE], "next": "bm90IGEgcmVhbCBvbmU"}
    exported = write_csv([row.EXAMPLE], list(row().fields))

    def decorate(view: View) -> View:
        asking = asks(blueprint, asked)(view)
        as_csv = blueprint.alt_response(
            200,
            schema={"type": "string"},
            content_type="text/csv",
            example=exported,
            success=True,
            **described,
        )(asking)
        answering: View = blueprint.response(200, page, example=example, **described)(as_csv)
        return answering

    return decorate


@dataclass(frozen=True, slots=True)
class Listing:
    """One list as one caller asked for it.

    `purpose` is what its cursors are sealed for: the list, the caller and the filters.
    """

    signer: Signer
    name: str
    purpose: str
    query: Mapping[str, Any]

    @property
    def limit(self) -> int:
        """How many rows to look for: one more than the page may have."""
        return int(self.query["limit"]) + 1

    @property
    def after(self) -> Key | None:
        """The key after which the page begins. Raises BadInput (`web.bad-next`)."""
        token = self.query["next"]
        if token is None:
            return None
        try:
            return tuple(orjson.loads(self.signer.unseal(self.purpose, token)))
        except BadInput:
            raise BadInput(
                "web.bad-next",
                "this `next` belongs to another list, caller or filter; start again without it",
            ) from None

    def cut(self, rows: Iterable[RowT], key_of: Callable[[RowT], Key]) -> list[RowT]:
        """The page of a list that is at hand whole, and the row after it."""
        after = self.after
        ordered = sorted(rows, key=key_of)
        return [row for row in ordered if after is None or key_of(row) > after][: self.limit]

    def split(
        self, found: Sequence[RowT], key_of: Callable[[RowT], Key]
    ) -> tuple[list[RowT], str | None]:
        """The first rows of `found`, which holds up to `limit`, and the `next` of the page."""
        page = list(found[: self.limit - 1])
        return page, self._seal(key_of(page[-1])) if len(found) == self.limit else None

    def answer(
        self,
        found: Sequence[RowT],
        key_of: Callable[[RowT], Key],
        row_of: Callable[[RowT], Mapping[str, Any]],
        shape: type[Shape],
    ) -> Response:
        """The first rows of `found`, which holds up to `limit`, in the form that was asked for."""
        page, following = self.split(found, key_of)
        rows = [row_of(one) for one in page]
        if self.query["format"] == "csv":
            return self._as_csv(rows, list(shape().fields), following)
        whole: dict[str, Any] = {"items": rows}
        if following is not None:
            whole["next"] = following
        return answer_json(whole)

    def _seal(self, key: Key) -> str:
        return self.signer.seal(self.purpose, orjson.dumps(list(key)))

    def _as_csv(
        self, rows: list[Mapping[str, Any]], columns: list[str], following: str | None
    ) -> Response:
        response = Response(write_csv(rows, columns), content_type=CSV_TYPE)
        response.headers["Content-Disposition"] = f'attachment; filename="comity-{self.name}.csv"'
        if following is not None:
            response.headers[NEXT_HEADER] = following
        return response


def read_filters(asked: type[ListQuery]) -> dict[str, Any]:
    """What a page's list is asked by; empty fields of its form are left out. Raises BadInput."""
    given = {name: value for name, value in request.args.items() if value != ""}
    try:
        loaded: dict[str, Any] = asked().load(given)
    except ValidationError as fault:
        name, said = next(iter(fault.messages_dict.items()))
        told = " ".join(map(str, said)) if isinstance(said, list) else str(said)
        raise BadInput("web.bad-filter", f"the filter {name!r} cannot be read: {told}") from None
    return loaded


def is_export() -> bool:
    """Whether a page's list is asked for as a file (JSON, CSV, …) instead of as a page."""
    return bool(request.args.get("format"))


def make_listing(name: str, whose: str, query: Mapping[str, Any]) -> Listing:
    """The list called `name`; `whose` tells the caller, and what it asks about, from others."""
    filters = {key: value for key, value in query.items() if key not in _NOT_FILTERS}
    written = orjson.dumps(filters, option=orjson.OPT_SORT_KEYS).decode()
    return Listing(current_signer(), name, f"api-next\0{name}\0{whose}\0{written}", query)


def answer_json(value: object, status: int = 200) -> Response:
    """An answer in JSON; a value of bytes is JSON already, and goes out as it stands."""
    content = orjson.dumps(value, default=_as_it_stands)
    return Response(content, status=status, content_type="application/json")


def _as_it_stands(value: object) -> orjson.Fragment:
    if isinstance(value, bytes):
        return orjson.Fragment(value)
    raise TypeError(type(value).__name__)


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV (RFC 4180) with a line of names; every cell quoted, none of them a formula."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return written.getvalue()


def _cell(value: object) -> str:
    text = _text(value)
    is_formula = text.startswith(_CONTROLS) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if is_formula else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value)
