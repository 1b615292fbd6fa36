"""Members of this installation and the STIX identities bound to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, select, true

from auth.tables import member, member_bloc, member_identity
from kernel.errors import NotFound

# Bound parameters of one statement stay far below every driver's limit.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Member:
    """A member; `accredited_to` is a TLP level as a number, 0 (clear) to 4 (red)."""

    id: int
    code: str
    name: str
    jurisdiction: str | None
    residency: str | None
    accredited_to: int
    status: str
    blocs: frozenset[str]
    identities: frozenset[str]


def find_member(connection: Connection, code: str) -> Member | None:
    """The member with this code, whatever its status."""
    if "\0" in code:
        return None
    return next(iter(_members(connection, _ONE, {"code": code})), None)


def expect_member(connection: Connection, code: str) -> Member:
    """The same. Raises NotFound where nobody has the code."""
    found = find_member(connection, code)
    if found is None:
        raise NotFound(
            "auth.unknown-member", f"no member has the code {code!r}; see `comity member list`"
        )
    return found


def list_members(connection: Connection) -> list[Member]:
    """Every member, by code."""
    return _members(connection, _ALL, {})


def list_identity_owners(connection: Connection, stix_ids: Sequence[str]) -> dict[str, int]:
    """STIX identity id to the member it is bound to, for those of `stix_ids` that are bound."""
    owners: dict[str, int] = {}
    for start in range(0, len(stix_ids), _BATCH):
        rows = connection.execute(
            select(member_identity.c.stix_id, member_identity.c.member_id).where(
                member_identity.c.stix_id.in_(stix_ids[start : start + _BATCH])
            )
        )
        owners.update((row.stix_id, row.member_id) for row in rows)
    return owners


class _Asked:
    """Who is asked about, in statements that are made once: it takes longer than to run them."""

    def __init__(self, condition: ColumnElement[bool]) -> None:
        self.members: Final = select(member).where(condition).order_by(member.c.code)
        self.blocs: Final = select(member_bloc).join(member).where(condition)
        self.identities: Final = select(member_identity).join(member).where(condition)


_ONE: Final = _Asked(member.c.code == bindparam("code"))
_ALL: Final = _Asked(true())


def _members(connection: Connection, asked: _Asked, given: dict[str, str]) -> list[Member]:
    rows = connection.execute(asked.members, given).all()
    blocs: dict[int, set[str]] = {}
    for bloc in connection.execute(asked.blocs, given):
        blocs.setdefault(bloc.member_id, set()).add(bloc.bloc)
    identities: dict[int, set[str]] = {}
    for bound in connection.execute(asked.identities, given):
        identities.setdefault(bound.member_id, set()).add(bound.stix_id)
    return [
        Member(
            id=row.id,
            code=row.code,
            name=row.name,
            jurisdiction=row.jurisdiction,
            residency=row.residency,
            accredited_to=row.accredited_to,
            status=row.status,
            blocs=frozenset(blocs.get(row.id, ())),
            identities=frozenset(identities.get(row.id, ())),
        )
        for row in rows
    ]
