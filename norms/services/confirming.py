"""Confirm a row of the register: a named person has compared it with its source."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Connection, insert, select

from auth.services import record_audit
from auth.tables import forum
from kernel.errors import BadInput, NotFound
from norms.tables import (
    co_chair,
    confirmation,
    forum_profile,
    forum_session,
    instrument,
    membership,
    norm_event,
    party,
    programme,
    programme_item,
    provision,
    provision_link,
    text_pin,
)

NOUNS: Final[dict[str, Column[Any]]] = {
    "party": party.c.code,
    "forum": forum_profile.c.forum_id,
    "membership": membership.c.key,
    "session": forum_session.c.key,
    "co-chair": co_chair.c.key,
    "programme": programme.c.id,
    "programme-item": programme_item.c.id,
    "instrument": instrument.c.id,
    "provision": provision.c.id,
    "link": provision_link.c.key,
    "pin": text_pin.c.key,
    "event": norm_event.c.uuid,
}
"""What can be confirmed, with the column by which a row is named."""


def confirm_row(
    connection: Connection,
    noun: str,
    key: str,
    *,
    person: str,
    against: str,
    actor: str,
    now_us: int,
) -> None:
    """Put on record that `person` has compared the row with `against`.

    Raises BadInput (`norms.bad-confirmation`) and NotFound (`norms.unknown-row`).
    """
    if noun not in NOUNS:
        raise BadInput(
            "norms.bad-confirmation", f"{noun!r} is no noun; use one of: {', '.join(NOUNS)}"
        )
    if not against.strip() or len(against) > 1000:
        raise BadInput(
            "norms.bad-confirmation", "say what the row was compared with, in up to 1000 characters"
        )
    column = NOUNS[noun]
    if "\0" in key:
        raise _unknown(noun, key)
    wanted: object = key
    if noun == "forum":
        wanted = connection.execute(select(forum.c.id).where(forum.c.slug == key)).scalar()
    found = connection.execute(select(column).where(column == wanted)).first()
    if found is None:
        raise _unknown(noun, key)
    connection.execute(
        insert(confirmation).values(
            subject_kind=noun,
            subject_key=str(wanted),
            confirmed_by=person,
            confirmed_us=now_us,
            against=against.strip(),
            actor=actor,
        )
    )
    record_audit(connection, actor, "norms.confirm", f"{noun}:{key}", now_us=now_us)


def _unknown(noun: str, key: str) -> NotFound:
    return NotFound("norms.unknown-row", f"the register has no {noun} {key!r}")
