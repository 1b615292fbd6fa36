"""What drafts of positions and actions share: writing, releasing to an audience, withdrawing.

A drafter of the State writes a draft, a clearance officer releases it; a secretariat may record
what a State has said in public, marked as such. What is released is never edited: positions are
superseded, actions go on by events.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, delete, insert, select, update
from sqlalchemy import Row as Found

from auth.queries import find_member
from auth.reader import Reader
from auth.services import record_audit
from kernel.errors import Conflict, NotFound
from norms.services.documents import Row, bad
from norms.services.rights import CLEARANCE, DRAFTER, check_writes_for
from norms.tables import (
    action,
    action_reader,
    party,
    position,
    position_reader,
    provision,
    text_pin,
)
from norms.visibility import own

AUDIENCES: Final = ("public", "own", "parties")


@dataclass(frozen=True, slots=True)
class Kind:
    """One noun: its table, who may read its rows, and what it is called."""

    noun: str
    table: Table
    readers: Table
    owner: Column[Any]


POSITION: Final = Kind("position", position, position_reader, position_reader.c.position_id)
ACTION: Final = Kind("action", action, action_reader, action_reader.c.action_id)


def add_draft(
    connection: Connection, reader: Reader, kind: Kind, values: dict[str, Any], *, now_us: int
) -> str:
    """A new draft of the reader's State; its id. Raises Forbidden."""
    code = check_writes_for(reader, DRAFTER)
    _check_party(connection, code)
    name = new_name()
    connection.execute(
        insert(kind.table).values(
            values
            | self_reported(reader, values, now_us)
            | {
                "uuid": name,
                "party_code": code,
                "state": "draft",
                "audience": "own",
                "drafted_by": reader.actor,
                "drafted_us": now_us,
            }
        )
    )
    _audit(connection, reader, f"norms.{kind.noun}.draft", name, now_us)
    return name


def replace_draft(
    connection: Connection,
    reader: Reader,
    kind: Kind,
    name: str,
    values: dict[str, Any],
    *,
    now_us: int,
) -> None:
    """Write a draft anew. Raises NotFound, Forbidden, and Conflict once it is released."""
    found = expect_own(connection, reader, kind, name, DRAFTER)
    _check_draft(found)
    connection.execute(
        update(kind.table)
        .where(kind.table.c.id == found.id)
        .values(**values, drafted_by=reader.actor, drafted_us=now_us)
    )
    _audit(connection, reader, f"norms.{kind.noun}.draft", name, now_us)


def release(
    connection: Connection, reader: Reader, kind: Kind, name: str, row: Row, *, now_us: int
) -> Found[Any]:
    """Show a draft to the audience that a clearance officer chooses. What it was."""
    found = expect_own(connection, reader, kind, name, CLEARANCE)
    _check_draft(found)
    row.check_names(frozenset({"audience", "parties"}))
    audience, chosen = _read_audience(connection, row)
    connection.execute(
        update(kind.table)
        .where(kind.table.c.id == found.id)
        .values(state="released", audience=audience, released_by=reader.actor, released_us=now_us)
    )
    connection.execute(delete(kind.readers).where(kind.owner == found.id))
    if chosen:
        connection.execute(
            insert(kind.readers),
            [{kind.owner.name: found.id, "party_code": code} for code in chosen],
        )
    _audit(connection, reader, f"norms.{kind.noun}.release", name, now_us)
    return found


def withdraw(connection: Connection, reader: Reader, kind: Kind, name: str, *, now_us: int) -> None:
    """Take back what was released, or drop a draft: only its State goes on seeing it."""
    found = expect_own(connection, reader, kind, name, CLEARANCE)
    if found.state == "withdrawn":
        return
    connection.execute(
        update(kind.table).where(kind.table.c.id == found.id).values(state="withdrawn")
    )
    _audit(connection, reader, f"norms.{kind.noun}.withdraw", name, now_us)


def expect_own(
    connection: Connection, reader: Reader, kind: Kind, name: str, role: str
) -> Found[Any]:
    """A row of the reader's own State, for a person with a role.

    Raises NotFound for what is not its own, and then Forbidden without the role.
    """
    found = find_own(connection, reader, kind, name)
    check_writes_for(reader, role)
    return found


def find_own(connection: Connection, reader: Reader, kind: Kind, name: str) -> Found[Any]:
    """A row of the reader's own State. Raises NotFound for what is not."""
    statement = select(kind.table).where(kind.table.c.uuid == name, own(reader, kind.table))
    found = connection.execute(statement).first() if "\0" not in name else None
    if found is None:
        raise NotFound(f"norms.unknown-{kind.noun}", f"there is no such {kind.noun}")
    return found


def new_name() -> str:
    """An id for a new row."""
    return str(uuid.uuid4())


def read_provisions(connection: Connection, row: Row) -> str:
    """The provisions that a row names, as JSON. Raises BadInput."""
    names = sorted(set(row.texts("provisions")))
    known = set(
        connection.execute(select(provision.c.id).where(provision.c.id.in_(names))).scalars()
    )
    for name in names:
        if name not in known:
            raise bad(f"{row.place}.provisions".lstrip("."), f"there is no provision {name!r}")
    return json.dumps(names)


def read_pins(connection: Connection, provisions: str) -> str:
    """The newest text pins of these provisions: which words are answered (rule 11)."""
    rows = connection.execute(
        select(text_pin.c.key, text_pin.c.provision_id, text_pin.c.language, text_pin.c.version)
        .where(text_pin.c.provision_id.in_(json.loads(provisions)))
        .order_by(text_pin.c.provision_id, text_pin.c.language, text_pin.c.version)
    )
    newest = {(row.provision_id, row.language): row.key for row in rows}
    return json.dumps(sorted(newest.values()))


def self_reported(reader: Reader, values: dict[str, Any], now_us: int) -> dict[str, Any]:
    """The provenance of what a State says of itself."""
    return {
        "source": values.get("source") or "the State itself",
        "source_class": "self-reported",
        "confidence": "certain",
        "recorded_by": reader.actor,
        "recorded_us": now_us,
    }


def _read_audience(connection: Connection, row: Row) -> tuple[str, Sequence[str]]:
    audience = row.word("audience", AUDIENCES, "")
    chosen = sorted(set(row.texts("parties")))
    if (audience == "parties") != bool(chosen):
        raise bad("parties", "name the parties of the audience `parties`, and of no other")
    for code in chosen:
        _check_party(connection, code)
    return audience, chosen


def _check_party(connection: Connection, code: str) -> None:
    if connection.execute(select(party.c.code).where(party.c.code == code)).first() is None:
        raise NotFound(
            "norms.unknown-party", f"the register has no party {code!r}; record it first"
        )


def _check_draft(found: Found[Any]) -> None:
    if found.state != "draft":
        raise Conflict("norms.not-a-draft", f"this is {found.state}; only a draft can be changed")


def _audit(
    connection: Connection, reader: Reader, action_name: str, name: str, now_us: int
) -> None:
    member = find_member(connection, reader.member_code or "")
    record_audit(
        connection,
        reader.actor,
        action_name,
        f"{action_name.split('.')[1]}:{name}",
        member_id=member.id if member else None,
        now_us=now_us,
    )
