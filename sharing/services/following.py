"""Follow the register of norms: what depends on commitments that changed falls due at once.

Called in the transaction in which the register changes, so that the next reader of the forum,
or the worker, settles it before anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
    true,
    update,
)

from sharing.rules.rule import COMMITTED
from sharing.tables import contribution, forum_head, forum_policy, policy


def follow(connection: Connection, provisions: frozenset[str], now_us: int) -> None:
    """Let what depends on commitments to these provisions be decided anew, as of now."""
    concerned: dict[int, list[ColumnElement[bool]]] = {}
    for forum_id, member_id, named in _list_following(connection):
        if named is None or not named.isdisjoint(provisions):
            about = true() if member_id is None else contribution.c.originator_id == member_id
            concerned.setdefault(forum_id, []).append(about)
    for forum_id, owners in sorted(concerned.items()):
        # Whoever writes to the forum holds this row: the lock comes before the rows it is about.
        connection.execute(
            update(forum_head)
            .where(
                forum_head.c.forum_id == forum_id,
                or_(forum_head.c.due_us.is_(None), forum_head.c.due_us > now_us),
            )
            .values(due_us=now_us)
        )
        connection.execute(
            update(contribution)
            .where(
                contribution.c.forum_id == forum_id,
                or_(*owners),
                or_(contribution.c.due_us.is_(None), contribution.c.due_us > now_us),
            )
            .values(due_us=now_us)
        )


def _list_following(
    connection: Connection,
) -> Iterator[tuple[int, int | None, frozenset[str] | None]]:
    """The standing policies that name commitments: forum, member (None: the forum's own), what
    (None: it cannot be read, and may name any)."""
    for row in connection.execute(_standing(policy, policy.c.member_id)):
        yield row.forum_id, row.member_id, _named(row.document)
    own = _standing(forum_policy, forum_policy.c.kind).where(forum_policy.c.kind == "withhold")
    for row in connection.execute(own):
        yield row.forum_id, None, _named(row.document)


def _standing(table: Table, owner: Column[Any]) -> Select[Any]:
    newest = (
        select(table.c.forum_id, owner, func.max(table.c.version).label("version"))
        .group_by(table.c.forum_id, owner)
        .subquery()
    )
    return (
        select(table)
        .join(
            newest,
            and_(
                newest.c.forum_id == table.c.forum_id,
                newest.c[owner.key] == owner,
                newest.c.version == table.c.version,
            ),
        )
        # As it was sent, word for word: JSON may spell any letter of it with a backslash.
        .where(
            or_(
                table.c.document.contains(f"{COMMITTED}:"),
                table.c.document.contains("\\", autoescape=True),
            )
        )
    )


def _named(document: str) -> frozenset[str] | None:
    """The provisions that a saved document names after `committed:`; None if it is none."""
    start = f"{COMMITTED}:"
    try:
        terms = [
            term
            for rule in orjson.loads(document).get("rules", [])
            for key in ("any", "except")
            for term in rule.get("audience", {}).get(key, [])
        ]
        return frozenset(term.removeprefix(start) for term in terms if term.startswith(start))
    except (ValueError, AttributeError, TypeError):
        return None
