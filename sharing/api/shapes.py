"""Shapes of what the exchange's API takes and gives, for marshmallow and the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from web.openapi import ListQuery

# No text that is stored holds a NUL, and PostgreSQL cannot even be asked for one.
_NO_NUL = validate.ContainsNoneOf("\0")


class ContributionQuery(ListQuery):
    """Which of one's own contributions to list."""

    collection = fields.String(load_default=None, validate=[validate.Length(1, 64), _NO_NUL])
    type = fields.String(load_default=None, validate=[validate.Length(1, 250), _NO_NUL])
    id = fields.String(load_default=None, validate=[validate.Length(1, 300), _NO_NUL])
    state = fields.String(
        load_default=None, validate=validate.OneOf(("standing", "held", "deleted"))
    )


class CollectionSchema(Schema):
    """A collection as the caller meets it."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    alias = fields.String(allow_none=True)
    can_read = fields.Boolean(required=True)
    can_write = fields.Boolean(required=True)
    unmarked_as = fields.String(required=True)
    tlp_ceiling = fields.String(required=True)


class DocumentSchema(Schema):
    """One version of a document (a policy, or what a member accepts)."""

    version = fields.Integer(required=True)
    document = fields.Raw(required=True)
    set_at = fields.String(allow_none=True)


class SavedSchema(Schema):
    """A document that has been set; the counts are of the member's own contributions."""

    version = fields.Integer(required=True)
    gained = fields.Integer()
    lost = fields.Integer()
