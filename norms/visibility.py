"""Who may see what a State says and does: the one clause for positions and actions.

A draft is seen by its State alone; what is released, by its audience: everybody (`public`), the
State itself (`own`), or the parties that it chose, each through the member of the same code. Public
facts (instruments, commitments, treaty actions) need no clause. What is not seen is absent.
What waits for a second person of a secretariat is that secretariat's alone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, exists, false, or_

from auth.reader import Reader

RELEASED = "released"


def visible(
    reader: Reader, table: Table, readers: Table, owner: Column[Any]
) -> ColumnElement[bool]:
    """The rows of `table` that the reader may see; `owner` is what `readers` point at them by."""
    public = and_(table.c.state == RELEASED, table.c.audience == "public")
    if reader.member_code is None:
        return public
    chosen = exists().where(owner == table.c.id, readers.c.party_code == reader.member_code)
    return or_(
        table.c.party_code == reader.member_code,
        public,
        and_(table.c.state == RELEASED, table.c.audience == "parties", chosen),
    )


def own(reader: Reader, table: Table) -> ColumnElement[bool]:
    """The rows of the reader's own State; none for who acts for no member."""
    if reader.member_code is None:
        return false()
    return table.c.party_code == reader.member_code


def of_secretariat(reader: Reader, table: Table) -> ColumnElement[bool]:
    """The rows of the reader's own secretariat; none for who is of none, or is no person."""
    if reader.secretariat_of is None or reader.kind != "individual":
        return false()
    return table.c.forum_id == reader.secretariat_of
