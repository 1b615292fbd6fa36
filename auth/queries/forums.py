"""Forums: one record for both halves; an open one is a TAXII API root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from auth.rules import is_slug
from auth.tables import forum
from kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Forum:
    """A forum; `tlp_ceiling` is a TLP level as a number, 0 (clear) to 4 (red)."""

    id: int
    slug: str
    title: str
    tlp_ceiling: int
    is_open: bool

    @property
    def api_root(self) -> str:
        """The path of its TAXII API root."""
        return f"/taxii2/{self.slug}/"


def find_forum(connection: Connection, slug: str) -> Forum | None:
    """The forum called `slug`, open or not."""
    if not is_slug(slug):
        return None
    row = connection.execute(select(forum).where(forum.c.slug == slug)).first()
    return _forum(row) if row else None


def find_forum_by_id(connection: Connection, forum_id: int) -> Forum:
    """The forum with this id; raises NotFound (`auth.unknown-forum`)."""
    row = connection.execute(select(forum).where(forum.c.id == forum_id)).first()
    if row is None:
        raise NotFound("auth.unknown-forum", f"no forum has the number {forum_id}")
    return _forum(row)


def list_forums(connection: Connection) -> list[Forum]:
    """Every forum, by slug."""
    return [_forum(row) for row in connection.execute(select(forum).order_by(forum.c.slug))]


def _forum(row: Row[Any]) -> Forum:
    return Forum(row.id, row.slug, row.title, row.tlp_ceiling, bool(row.is_open))
