"""Add a collection to a forum that is open for sharing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, or_, select

from auth.queries import find_forum
from auth.services import record_audit
from kernel.db import Database
from kernel.errors import BadInput, Conflict, NotFound
from sharing.rules.model import PARTNER_ROLE, SEAT_ROLES
from sharing.rules.tlp import Tlp
from sharing.services.settling import hold_forum
from sharing.tables import collection

WRITERS = ("member", "partner-state")
READERS = (*sorted(SEAT_ROLES), PARTNER_ROLE)
_ALIAS = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class NewCollection:
    """What a collection is to be. Empty roles mean the defaults: all read, members write."""

    title: str
    alias: str | None = None
    unmarked_as: Tlp = Tlp.AMBER_STRICT
    tlp_ceiling: Tlp = Tlp.RED
    read_roles: Sequence[str] = ()
    write_roles: Sequence[str] = ()


def add_collection(
    database: Database, actor: str, forum_slug: str, new: NewCollection, *, now_us: int
) -> str:
    """Add a collection to the forum; its UUID (version 4).

    Raises BadInput naming what is wrong, NotFound for an unknown forum, Conflict when the
    title or alias is taken in this forum: clients pick collections by either.
    """
    readers = _roles(new.read_roles or READERS, READERS, "--read")
    writers = _roles(new.write_roles or WRITERS, WRITERS, "--write")
    _check_names(new)
    name = str(uuid.uuid4())
    with database.write() as connection:
        forum = find_forum(connection, forum_slug)
        if forum is None or not forum.is_open:
            raise NotFound(
                "sharing.unknown-forum",
                f"no forum {forum_slug!r} is open for sharing; see `comity forum list`",
            )
        lock = hold_forum(connection, forum.id, now_us=now_us)
        same = [collection.c.title == new.title]
        if new.alias is not None:
            same.append(collection.c.alias == new.alias)
        taken = connection.execute(
            select(collection.c.id).where(collection.c.forum_id == forum.id, or_(*same))
        ).first()
        if taken is not None:
            raise Conflict(
                "sharing.collection-exists",
                "the forum has a collection with this title or alias; choose another",
            )
        connection.execute(
            insert(collection).values(
                uuid=name,
                forum_id=forum.id,
                title=new.title,
                alias=new.alias,
                unmarked_as=int(new.unmarked_as),
                tlp_ceiling=int(new.tlp_ceiling),
                read_roles=" ".join(readers),
                write_roles=" ".join(writers),
                created_us=now_us,
            )
        )
        lock.append("collection", name, actor)
        record_audit(connection, actor, "collection.add", f"{forum_slug}/{name}", now_us=now_us)
        lock.save()
    return name


def _check_names(new: NewCollection) -> None:
    if not new.title.strip() or len(new.title) > _TITLE_CHARACTERS or not new.title.isprintable():
        raise BadInput(
            "sharing.bad-title", f"a title is one line of 1 to {_TITLE_CHARACTERS} characters"
        )
    if new.alias is not None and (_ALIAS.fullmatch(new.alias) is None or _is_uuid(new.alias)):
        raise BadInput(
            "sharing.bad-alias",
            "an alias is 1 to 63 small letters, digits and hyphens, and looks like no UUID",
        )


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _roles(given: Sequence[str], allowed: Sequence[str], option: str) -> list[str]:
    for role in given:
        if role not in allowed:
            raise BadInput("sharing.bad-role", f"{option} {role}: use one of {', '.join(allowed)}")
    return sorted(set(given))
