"""Implementation actions in the columns of the Regional Action Plan, and their events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, insert

from auth.reader import Reader
from kernel.errors import Conflict
from norms.rules.dates import day_of
from norms.rules.progress import KINDS
from norms.services import own_rows
from norms.services.documents import Row, bad
from norms.services.own_rows import ACTION
from norms.services.rights import CLEARANCE, DRAFTER, check_writes_for
from norms.tables import action_event

COLUMNS: Final = (
    "number",
    "items",
    "existing",
    "challenges",
    "capacities",
    "time_frame",
    "lead",
    "partners",
    "initiative",
    "area",
    "outcome",
    "sectoral_body",
    "owner",
)
"""Texts beside the plan itself, as the Regional Action Plan has them."""

_NAMES: Final = frozenset({"plan", "provisions", "due", "source", "note", *COLUMNS})
_EVENT_NAMES: Final = frozenset(
    {"kind", "date", "body", "link", "digest", "due", "source", "confidence", "note"}
)


def draft_action(
    connection: Connection, reader: Reader, document: Mapping[str, Any], *, now_us: int
) -> str:
    """A new draft; its id. Raises BadInput, Forbidden."""
    check_writes_for(reader, DRAFTER)
    values = _read(connection, Row(document, ""))
    return own_rows.add_draft(connection, reader, ACTION, values, now_us=now_us)


def replace_action(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Write a draft anew."""
    own_rows.expect_own(connection, reader, ACTION, name, DRAFTER)
    values = _read(connection, Row(document, ""))
    own_rows.replace_draft(connection, reader, ACTION, name, values, now_us=now_us)


def release_action(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Show a draft to an audience."""
    own_rows.release(connection, reader, ACTION, name, Row(document, ""), now_us=now_us)


def withdraw_action(connection: Connection, reader: Reader, name: str, *, now_us: int) -> None:
    """Take an action back."""
    own_rows.withdraw(connection, reader, ACTION, name, now_us=now_us)


def add_action_event(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> str:
    """What became of an action: begun, completed, evidence, a due date moved. Append-only.

    By a drafter while it is a draft, by a clearance officer once others may see it.
    """
    found = own_rows.find_own(connection, reader, ACTION, name)
    check_writes_for(reader, DRAFTER if found.state == "draft" else CLEARANCE)
    if found.state == "withdrawn":
        raise Conflict("norms.not-a-draft", "this action is withdrawn; draft another")
    row = Row(document, "")
    row.check_names(_EVENT_NAMES)
    kind = row.word("kind", KINDS, "")
    when = row.date("date")
    if when.first_day > day_of(now_us):
        raise bad("date", "record what has happened; for what is to come, move the due date")
    if kind == "due-moved" and row.find_date("due") is None:
        raise bad("due", "write the new due date")
    if kind == "evidence" and row.find_text("link") is None and row.find_text("body") is None:
        raise bad("link", "say where the evidence is, or describe it")
    event = str(uuid.uuid4())
    due = row.find_date("due")
    connection.execute(
        insert(action_event).values(
            uuid=event,
            action_id=found.id,
            kind=kind,
            date=when.text,
            first_day=when.first_day,
            last_day=when.last_day,
            body=row.find_text("body"),
            link=row.find_text("link"),
            digest=row.find_text("digest"),
            due=due.text if due else None,
            source=row.find_text("source") or row.find_text("link") or "the State itself",
            source_class="self-reported+evidence" if kind == "evidence" else "self-reported",
            confidence="certain",
            note=row.find_text("note"),
            recorded_by=reader.actor,
            recorded_us=now_us,
        )
    )
    return event


def _read(connection: Connection, row: Row) -> dict[str, Any]:
    row.check_names(_NAMES)
    provisions = own_rows.read_provisions(connection, row)
    due = row.find_date("due")
    values: dict[str, Any] = {name: row.find_text(name) for name in COLUMNS}
    values |= {
        "plan": row.text("plan"),
        "provisions": provisions,
        "pins": own_rows.read_pins(connection, provisions),
        "due": due.text if due else None,
        "due_day": due.last_day if due else None,
        "note": row.find_text("note"),
    }
    if row.find_text("source"):
        values["source"] = row.text("source")
    return values
