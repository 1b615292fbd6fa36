"""Passkeys: those of a person, and the one that a browser answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from auth.tables import passkey


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey on record; `uses` is what its authenticator counted when it was used last."""

    id: bytes
    person_id: int
    name: str
    public_key: bytes
    uses: int
    created_us: int
    used_us: int | None


def find_passkey(connection: Connection, passkey_id: bytes) -> Passkey | None:
    """The passkey with this id, whoever's."""
    row = connection.execute(select(passkey).where(passkey.c.id == passkey_id)).first()
    return None if row is None else _passkey(row)


def list_passkeys(connection: Connection, person_id: int) -> list[Passkey]:
    """The passkeys of a person, oldest first."""
    own = select(passkey).where(passkey.c.person_id == person_id)
    rows = connection.execute(own.order_by(passkey.c.created_us, passkey.c.id))
    return [_passkey(row) for row in rows]


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        id=bytes(row.id),
        person_id=row.person_id,
        name=row.name,
        public_key=bytes(row.public_key),
        uses=row.uses,
        created_us=row.created_us,
        used_us=row.used_us,
    )
