"""The one clause that says which releases a reader sees. Every read goes through it.

A release is visible to a reader when it is open and its audience holds the reader's element
(recipient and credential kind). Policy is in the query, never applied to its result.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from auth.reader import Seated
from sharing.tables import audience_head, audience_member, release


def holds(seated: Seated, audience_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The join condition between `audience_id` and the audiences that the reader is in.

    Elements are numbered per forum, so the forum is part of the condition: an audience of
    another forum never holds this reader.
    """
    return and_(
        audience_member.c.audience_id == audience_id,
        audience_member.c.element == seated.element,
        audience_member.c.forum_id == seated.forum_id,
    )


def visible_to(seated: Seated, collection_id: int, *columns: ColumnElement[Any]) -> Select[Any]:
    """The columns of the releases of one collection that the reader sees now."""
    joined = release.join(audience_member, holds(seated, release.c.audience_id))
    return (
        select(*columns)
        .select_from(joined)
        .where(
            release.c.collection_id == collection_id,
            release.c.forum_id == seated.forum_id,
            release.c.closed.is_(None),
        )
    )


def heads_of(seated: Seated, collection_id: int, *columns: ColumnElement[Any]) -> Select[Any]:
    """The columns of the heads of the reader's audiences in one collection."""
    joined = audience_head.join(audience_member, holds(seated, audience_head.c.audience_id))
    return (
        select(*columns).select_from(joined).where(audience_head.c.collection_id == collection_id)
    )
