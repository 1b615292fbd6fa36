"""The audit trail of one member, as its auditors read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from auth.reader import Reader
from auth.tables import audit


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what; `detail` is what the verb had to say of it."""

    id: int
    at_us: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which entries: all of what is not None; from `since_us` on and before `until_us`."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since_us: int | None = None
    until_us: int | None = None


def list_audit(
    connection: Connection,
    reader: Reader,
    filters: AuditFilters,
    *,
    before: int | None,
    limit: int,
) -> list[AuditEntry]:
    """The entries that concern the reader's member, the latest first; none for anybody else.

    `before` is a place (`find_place`). A person needs the role `auditor`; a machine reads no audit.
    """
    if reader.member_id is None or "auditor" not in (reader.roles or ()):
        return []
    statement = select(audit).where(audit.c.member_id == reader.member_id)
    for column, value in (
        (audit.c.actor, filters.actor),
        (audit.c.action, filters.action),
        (audit.c.subject, filters.subject),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if filters.since_us is not None:
        statement = statement.where(audit.c.at_us >= filters.since_us)
    if filters.until_us is not None:
        statement = statement.where(audit.c.at_us < filters.until_us)
    if before is not None:
        at = select(audit.c.id).where(audit.c.member_id == reader.member_id).order_by(audit.c.id)
        statement = statement.where(audit.c.id < at.offset(before - 1).limit(1).scalar_subquery())
    rows = connection.execute(statement.order_by(audit.c.id.desc()).limit(limit))
    return [
        AuditEntry(
            id=row.id,
            at_us=row.at_us,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            detail=json.loads(row.detail),
        )
        for row in rows
    ]


def find_place(connection: Connection, reader: Reader, entry: AuditEntry) -> int:
    """Which of the member's entries it is, the first being 1: it counts nothing of others."""
    upto = (audit.c.member_id == reader.member_id, audit.c.id <= entry.id)
    return connection.execute(select(func.count()).where(*upto)).scalar_one()
