"""Entries of a member's audit trail, and what their list can be asked."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import fields

from auth.queries.audit import AuditEntry
from kernel.clock import format_instant
from web.listing import ListQuery
from web.shapes import Shape, instant, text, text_filter


class AuditEntrySchema(Shape):
    """Who did what to what."""

    EXAMPLE: ClassVar = {
        "at": "2026-11-27T08:30:00.000000Z",
        "actor": "person:admin@xaa.example",
        "action": "person.roles",
        "subject": "person:officer@xaa.example",
        "detail": {"roles": ["reader"]},
    }
    at = instant()
    actor = text()
    action = text()
    subject = text()
    detail = fields.Dict(required=True)


class AuditQuery(ListQuery):
    """Which entries to list; days are of UTC, both included."""

    actor = text_filter()
    action = text_filter()
    subject = text_filter()
    since = fields.Date()
    until = fields.Date()


def entry_row(found: AuditEntry) -> dict[str, Any]:
    """The row of a list that `AuditEntrySchema` describes."""
    return {
        "at": format_instant(found.at_us),
        "actor": found.actor,
        "action": found.action,
        "subject": found.subject,
        "detail": found.detail,
    }
