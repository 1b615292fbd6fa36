"""Add a forum; open one."""

from __future__ import annotations

from sqlalchemy import Connection, insert, update

from auth.queries.forums import find_forum
from auth.rules import check_name, check_slug
from auth.services.audit import record_audit
from auth.services.unique import refusing_duplicates
from auth.tables import forum
from kernel.errors import NotFound


def add_forum(
    connection: Connection,
    slug: str,
    title: str,
    *,
    tlp_ceiling: int,
    actor: str,
    now_us: int,
) -> int:
    """Add a forum, closed; its number. Raises BadInput, or Conflict where the slug is taken."""
    values = {
        "slug": check_slug(slug),
        "title": check_name("--title", title),
        "tlp_ceiling": tlp_ceiling,
        "is_open": False,
        "created_us": now_us,
    }
    with refusing_duplicates("auth.forum-exists", f"there is a forum {slug!r} already"):
        number = connection.execute(
            insert(forum).values(**values).returning(forum.c.id)
        ).scalar_one()
    record_audit(connection, actor, "forum.add", f"forum:{slug}", now_us=now_us)
    return int(number)


def open_forum(connection: Connection, slug: str, *, actor: str, now_us: int) -> None:
    """Open a forum for sharing. Raises NotFound; an open one stays open."""
    found = find_forum(connection, slug)
    if found is None:
        raise NotFound("auth.unknown-forum", f"there is no forum {slug!r}; see `comity forum list`")
    if found.is_open:
        return
    connection.execute(update(forum).where(forum.c.id == found.id).values(is_open=True))
    record_audit(connection, actor, "forum.open", f"forum:{slug}", now_us=now_us)
