"""Members' own identity providers, and whom they know as which person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from auth.queries.persons import Person, find_person_by_id
from auth.tables import identity_provider, member, person_identity


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider of one member; `secret` is encrypted (auth.services.providers opens it)."""

    member_id: int
    member_code: str
    issuer: str
    client_id: str
    secret: bytes


def find_provider(connection: Connection, member_id: int) -> Provider | None:
    """The provider of an active member."""
    return _provider(connection, member.c.id == member_id)


def find_provider_of(connection: Connection, code: str) -> Provider | None:
    """The provider of the active member with this code."""
    return None if "\0" in code else _provider(connection, member.c.code == code)


def find_by_identity(connection: Connection, provider: Provider, subject: str) -> Person | None:
    """The active person of the provider's member whom it knows as `subject`."""
    row = connection.execute(
        select(person_identity.c.person_id).where(
            person_identity.c.issuer == provider.issuer, person_identity.c.subject == subject
        )
    ).first()
    found = None if row is None else find_person_by_id(connection, row.person_id)
    is_theirs = found is not None and found.member_id == provider.member_id
    return found if is_theirs and found is not None and found.status == "active" else None


def find_subject(connection: Connection, provider: Provider, person_id: int) -> str | None:
    """As whom the provider knows a person, if it does."""
    subject: str | None = connection.execute(
        select(person_identity.c.subject).where(
            person_identity.c.issuer == provider.issuer,
            person_identity.c.person_id == person_id,
        )
    ).scalar()
    return subject


def _provider(connection: Connection, condition: ColumnElement[Any]) -> Provider | None:
    row = connection.execute(
        select(identity_provider, member.c.code)
        .join(member, member.c.id == identity_provider.c.member_id)
        .where(condition, member.c.status == "active")
    ).first()
    if row is None:
        return None
    return Provider(row.member_id, row.code, row.issuer, row.client_id, bytes(row.secret))
