"""Saved policy documents: a member's own, the forum's rules and template, what a member accepts.

The newest version holds. What does not live here: what a document means (the rules) and who
may set one (the services).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    func,
    select,
)

from auth.tables import forum
from kernel.strictjson import JsonValue
from sharing.rules.grammar import Names, parse_policy
from sharing.rules.node import PolicyRefused
from sharing.rules.rule import Policy
from sharing.tables import accepts, forum_policy, policy

NO_RULES = '{"rules": []}'


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """One version of a document. `epoch` is the ledger position from which it holds."""

    version: int
    document: str
    epoch: int
    set_us: int
    set_by: str

    @property
    def value(self) -> JsonValue:
        """The document as a JSON value."""
        return orjson.loads(self.document)

    @property
    def shown(self) -> JsonValue:
        """The same to look at: what cannot be read as JSON any more is the text that is kept."""
        try:
            return self.value
        except ValueError:
            return self.document


UNREADABLE_BY: Final = (PolicyRefused, ValueError)
"""What reading a saved document raises that is no JSON, or of another grammar, by now."""


class _Everything(frozenset[str]):
    """A set that holds every name: a saved document was checked when it was saved."""

    def __contains__(self, name: object) -> bool:
        return True


def list_policies(connection: Connection, forum_id: int, member_id: int) -> list[SavedDocument]:
    """All versions of one member's sharing policy in a forum, newest first."""
    return _versions(
        connection, policy, policy.c.forum_id == forum_id, policy.c.member_id == member_id
    )


def find_policy(connection: Connection, forum_id: int, member_id: int) -> SavedDocument | None:
    """The member's sharing policy that holds now."""
    found = _versions(
        connection, policy, policy.c.forum_id == forum_id, policy.c.member_id == member_id, limit=1
    )
    return found[0] if found else None


def list_forum_documents(connection: Connection, forum_id: int, kind: str) -> list[SavedDocument]:
    """All versions of the forum's own document of a kind (`withhold` or `template`)."""
    return _versions(
        connection,
        forum_policy,
        forum_policy.c.forum_id == forum_id,
        forum_policy.c.kind == kind,
    )


def find_forum_document(connection: Connection, forum_id: int, kind: str) -> SavedDocument | None:
    """The forum's document of a kind that holds now."""
    found = _versions(
        connection,
        forum_policy,
        forum_policy.c.forum_id == forum_id,
        forum_policy.c.kind == kind,
        limit=1,
    )
    return found[0] if found else None


def newest_forum_document(kind: str) -> ScalarSelect[str]:
    """The text of that document, for a statement about its forum."""
    return (
        select(forum_policy.c.document)
        .where(forum_policy.c.forum_id == forum.c.id, forum_policy.c.kind == kind)
        .order_by(forum_policy.c.version.desc())
        .limit(1)
        .correlate(forum)
        .scalar_subquery()
    )


def list_accepts(connection: Connection, forum_id: int, member_id: int) -> list[SavedDocument]:
    """All versions of what a member accepts in a forum, newest first. It has no epoch."""
    return _versions(
        connection, accepts, accepts.c.forum_id == forum_id, accepts.c.member_id == member_id
    )


def list_standing_accepts(connection: Connection, forum_id: int) -> dict[int, SavedDocument]:
    """What each member that has said so accepts in the forum now, by member."""
    rows = connection.execute(_STANDING_ACCEPTS, {"forum_id": forum_id}).mappings()
    return {row["member_id"]: _saved(row) for row in rows}


def _standing_accepts() -> Select[Any]:
    of_forum = accepts.c.forum_id == bindparam("forum_id", type_=BigInteger)
    newest = (
        select(accepts.c.member_id, func.max(accepts.c.version).label("version"))
        .where(of_forum)
        .group_by(accepts.c.member_id)
        .subquery()
    )
    is_newest = (accepts.c.member_id == newest.c.member_id) & (
        accepts.c.version == newest.c.version
    )
    return select(accepts).join(newest, is_newest).where(of_forum)


# Made once: making it takes longer than running it, and whoever decides asks.
_STANDING_ACCEPTS: Final = _standing_accepts()


def read_saved(document: str, collections: dict[str, str], *, of_forum: bool = False) -> Policy:
    """A saved document in typed form. `collections` maps UUIDs and aliases to UUIDs.

    Raises one of UNREADABLE_BY. Names are not looked up again: they existed when it was saved.
    """
    anything = _Everything()
    names = Names(
        members=anything,
        partners=anything,
        roles=anything,
        blocs=anything,
        jurisdictions=anything,
        collections=collections,
        provisions=anything,
    )
    return parse_policy(orjson.loads(document), names=names, forum_policy=of_forum)


def find_fault(document: str, collections: dict[str, str], *, of_forum: bool = False) -> str | None:
    """Why a saved document cannot be read, as one that was changed by other hands; None if it can.

    A member's then shares nothing, the forum's withholds everything.
    """
    try:
        read_saved(document, collections, of_forum=of_forum)
    except PolicyRefused as refused:
        return refused.message
    except ValueError:
        return "policy: it is not JSON"
    return None


def _versions(
    connection: Connection, table: Table, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[SavedDocument]:
    newest_first = select(table).where(*conditions).order_by(table.c.version.desc()).limit(limit)
    rows = connection.execute(newest_first).mappings()
    return [_saved(row) for row in rows]


def _saved(row: RowMapping) -> SavedDocument:
    return SavedDocument(
        version=row["version"],
        document=row["document"],
        epoch=row.get("epoch", 0),
        set_us=row["set_us"],
        set_by=row["set_by"],
    )
