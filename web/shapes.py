"""Shapes of the JSON API: the fields that its answers have, and those that it can be asked by.

A shape is closed and carries an example, so that the OpenAPI document says all that an answer
holds. What does not live here: lists (listing), the document (openapi).
"""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from kernel.clock import parse_instant
from kernel.errors import BadInput

# A `+` that arrived unescaped in an offset was read as a space.
_SPACED_OFFSET = " "


class Shape(Schema):
    """What an answer holds: these fields and no others. `EXAMPLE` is one such answer."""

    EXAMPLE: ClassVar[dict[str, Any]] = {}

    class Meta:
        """No other fields; the document says so."""

        unknown = RAISE


def text(about: str | None = None, *, nullable: bool = False) -> fields.String:
    """A text that is always there, or null where it is nullable."""
    return fields.String(required=True, allow_none=nullable, metadata=_described(about))


def word(*words: str, about: str | None = None) -> fields.String:
    """One of these words."""
    return fields.String(required=True, validate=validate.OneOf(words), metadata=_described(about))


def words(*allowed: str, about: str | None = None, nullable: bool = False) -> fields.List[str]:
    """A list of texts; of these alone where any are given."""
    one = fields.String(validate=validate.OneOf(allowed)) if allowed else fields.String()
    return fields.List(one, required=True, allow_none=nullable, metadata=_described(about))


def instant(about: str | None = None, *, nullable: bool = False) -> fields.String:
    """An instant, RFC 3339 in UTC."""
    metadata = {"format": "date-time"} | _described(about)
    return fields.String(required=True, allow_none=nullable, metadata=metadata)


def count(about: str | None = None) -> fields.Integer:
    """How many: zero or more."""
    return fields.Integer(
        required=True, strict=True, validate=validate.Range(0), metadata=_described(about)
    )


def flag(about: str | None = None) -> fields.Boolean:
    """True or false."""
    return fields.Boolean(required=True, metadata=_described(about))


def _described(about: str | None) -> dict[str, str]:
    return {} if about is None else {"description": about}


class Query(Schema):
    """A query string; what it does not say is None, or what its field says."""

    @post_load
    def _complete(self, said: dict[str, Any], **_options: object) -> dict[str, Any]:
        return {name: said.get(name) for name in self.fields}


class Instant(fields.Field[int]):
    """An RFC 3339 instant that is asked for, read as microseconds."""

    def _deserialize(self, value: object, *_rest: object, **_options: object) -> int:
        try:
            return parse_instant(str(value).replace(_SPACED_OFFSET, "+"))
        except BadInput as fault:
            raise ValidationError(fault.message) from None


def text_filter(longest: int = 300) -> fields.String:
    """A filter that is equal to something."""
    return fields.String(validate=[validate.Length(1, longest), _refuse_nul])


def word_filter(*allowed: str) -> fields.String:
    """A filter that is one of these words."""
    return fields.String(validate=validate.OneOf(allowed))


def _refuse_nul(said: str) -> None:
    """No name holds a NUL, and PostgreSQL cannot even be asked for one."""
    if "\0" in said:
        raise ValidationError("leave out the NUL character")
