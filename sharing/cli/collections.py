"""`comity collection`: the TAXII collections of a forum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from auth.services import OPERATOR
from kernel.commands import Answer, Workplace, working
from sharing.cli.named import expect_forum
from sharing.queries.collections import Collection, list_places
from sharing.rules.tlp import Tlp
from sharing.services.collections import NewCollection, add_collection


@click.group()
def collection() -> None:
    """Collections of a forum, each with readers, writers and a ceiling."""


@collection.command("add")
@click.argument("forum")
@click.option("--title", required=True, metavar="T", help="Unique in the forum.")
@click.option("--alias", metavar="A", help="A short name for addresses and policies.")
@click.option(
    "--unmarked-as",
    default="amber+strict",
    metavar="TLP",
    show_default=True,
    help="The level of an object that carries none.",
)
@click.option("--tlp-ceiling", default="red", metavar="TLP", show_default=True)
@click.option("--read", "readers", multiple=True, metavar="ROLE", help="Default: every role.")
@click.option(
    "--write", "writers", multiple=True, metavar="ROLE", help="Default: member, partner-state."
)
@working
def add(
    workplace: Workplace,
    forum: str,
    title: str,
    alias: str | None,
    unmarked_as: str,
    tlp_ceiling: str,
    readers: Sequence[str],
    writers: Sequence[str],
) -> Answer:
    """Add a collection to a forum."""
    new = NewCollection(
        title=title,
        alias=alias,
        unmarked_as=Tlp.parse(unmarked_as),
        tlp_ceiling=Tlp.parse(tlp_ceiling),
        read_roles=readers,
        write_roles=writers,
    )
    uuid = add_collection(workplace.database, OPERATOR, forum, new, now_us=workplace.now_us)
    with workplace.database.read() as connection:
        places = list_places(connection, expect_forum(connection, forum).id)
    added = next(place for place in places if place.uuid == uuid)
    return Answer(document_of(forum, added), _line(added))


@collection.command("list")
@click.argument("forum")
@working
def list_(workplace: Workplace, forum: str) -> Answer:
    """List a forum's collections."""
    with workplace.database.read() as connection:
        places = list_places(connection, expect_forum(connection, forum).id)
    return Answer(
        [document_of(forum, place) for place in places],
        "\n".join(_line(place) for place in places),
    )


def document_of(forum: str, place: Collection) -> dict[str, Any]:
    """A collection as JSON; `address` is its path on the server."""
    return {
        "id": place.uuid,
        "forum": forum,
        "title": place.title,
        "alias": place.alias,
        "unmarked_as": place.unmarked_as.text,
        "tlp_ceiling": place.tlp_ceiling.text,
        "read": sorted(place.read_roles),
        "write": sorted(place.write_roles),
        "address": f"/taxii2/{forum}/collections/{place.uuid}/",
    }


def _line(place: Collection) -> str:
    return f"{place.uuid}  {place.alias or '-':20}{place.title}"
