"""`comity forum`: forums, each an API root once it is open."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import Connection

from auth.queries import Forum, find_forum, list_forums
from auth.services import OPERATOR, add_forum
from kernel.commands import Answer, Workplace, working
from kernel.errors import NotFound
from sharing.rules.tlp import Tlp
from sharing.services.seating import open_forum_for_sharing


@click.group()
def forum() -> None:
    """Bodies in which States meet; an open one is a TAXII API root."""


@forum.command("add")
@click.argument("slug")
@click.option("--title", required=True, metavar="T")
@click.option("--tlp-ceiling", default="red", metavar="TLP", show_default=True)
@working
def add(workplace: Workplace, slug: str, title: str, tlp_ceiling: str) -> Answer:
    """Add a forum and open it for sharing."""
    ceiling = int(Tlp.parse(tlp_ceiling))
    now_us = workplace.now_us
    with workplace.database.write() as connection:
        add_forum(connection, slug, title, tlp_ceiling=ceiling, actor=OPERATOR, now_us=now_us)
        open_forum_for_sharing(connection, OPERATOR, slug, now_us=now_us)
        return _answer(connection, slug)


@forum.command("open")
@click.argument("slug")
@working
def open_(workplace: Workplace, slug: str) -> Answer:
    """Open a forum for sharing. Nobody is seated by that."""
    with workplace.database.write() as connection:
        open_forum_for_sharing(connection, OPERATOR, slug, now_us=workplace.now_us)
        return _answer(connection, slug)


@forum.command("list")
@working
def list_(workplace: Workplace) -> Answer:
    """List the forums."""
    with workplace.database.read() as connection:
        found = list_forums(connection)
    return Answer([document_of(one) for one in found], "\n".join(_line(one) for one in found))


def document_of(found: Forum) -> dict[str, Any]:
    """A forum as JSON; `api_root` is a path, null while the forum is not open."""
    return {
        "slug": found.slug,
        "title": found.title,
        "open": found.is_open,
        "api_root": found.api_root if found.is_open else None,
        "tlp_ceiling": Tlp(found.tlp_ceiling).text,
    }


def _answer(connection: Connection, slug: str) -> Answer:
    found = find_forum(connection, slug)
    if found is None:
        raise NotFound("auth.unknown-forum", f"there is no forum {slug!r}; see `comity forum list`")
    return Answer(document_of(found), _line(found))


def _line(found: Forum) -> str:
    return f"{found.slug:20}{found.api_root if found.is_open else 'not open':32}{found.title}"
