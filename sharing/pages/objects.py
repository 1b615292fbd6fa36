"""`/sharing/FORUM/objects`: what stands in our views, one by one; and why we see it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from flask import Response, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, door
from auth.reader import Seated
from kernel.clock import format_version
from kernel.errors import Forbidden, NotFound
from sharing.atom import new_entries
from sharing.pages.charts import sightings_by_day
from sharing.pages.entering import (
    LEVELS,
    blueprint,
    enter_to_read,
    forum_page,
    listing_of,
)
from sharing.pages.showing import (
    Row,
    facts_of,
    name_of,
    relations_of,
    row_of,
    served_of,
)
from sharing.queries.collections import Collection, list_collections
from sharing.queries.exporting import ViewedRow, list_last_viewed
from sharing.queries.newest import Seen, count_facets, find_seq, list_newest
from sharing.queries.pointing import list_pointing
from sharing.queries.ranges import NewestFilter
from sharing.queries.standing import Standing
from sharing.queries.viewed import find_on_page
from sharing.rules.model import CredentialKind
from sharing.rules.tlp import Tlp
from sharing.services.deliver import record_deliveries
from sharing.services.explaining import Explainer
from sharing.services.explanations import Explanation
from sharing.services.reasons import make_reasons
from sharing.services.settling import settled_read
from sharing.services.taking import Taken, record_taken, take_page
from web.atom import answer_feed, feed_here
from web.installation import current_database, current_instant_us, public_base
from web.listing import NEXT_HEADER, Key, ListQuery, format_field, is_export, read_filters
from web.shapes import Instant, Shape, text, text_filter, word, word_filter

_MOST_POINTING: Final = 100
_MOST_NODES: Final = 300
_MOST_LINES: Final = 12
"""Sentences, or ids taken out, that are shown for one recipient; the API and `explain` tell all."""
_MOST_TRACED: Final = 30
"""Rows of recipients that say why; of the others the page says it one by one."""
_STIX: Final = "application/stix+json;version=2.1"


class ObjectsQuery(ListQuery):
    """Which objects of our views to show, the newest first."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    format = format_field("stix", "atom")
    collection = text_filter()
    type = text_filter()
    tlp = word_filter(*LEVELS)
    added_after = Instant()


class RowSchema(Shape):
    """A line of the list, as JSON and CSV."""

    collection = text()
    id = text()
    type = text()
    tlp = word(*LEVELS)
    version = text()


@blueprint.get("/<forum>/objects", endpoint="objects")
@door(Permission.MEMBER)
def show_objects(forum: str) -> Response:
    """GET /sharing/FORUM/objects: the last versions in our views, with facets and exports."""
    query, now_us = read_filters(ObjectsQuery), current_instant_us()
    filters = {name: [query[name]] for name in ("type", "tlp") if query[name] is not None}
    wanted = NewestFilter(
        query["type"],
        None if query["tlp"] is None else Tlp.parse(query["tlp"]),
        query["added_after"],
    )
    with settled_read(current_database(), now_us=now_us) as connection:
        seated = enter_to_read(connection, forum)
        listing = listing_of(seated, "objects", query)
        every = list_collections(connection, seated)
        places = _named(every, query["collection"])
        after = listing.after
        before = None if after is None else (after[0], after[1])
        head = find_seq(connection, seated)
        if query["format"] == "stix" and is_export():
            viewed = list_last_viewed(
                connection, seated, places, wanted, before=before, limit=listing.limit
            )
            page, following = listing.split(viewed, _key_among(places))
            taken = take_page(
                connection, page, bundle_id=f"bundle--{uuid.uuid4()}", head=head, filters=filters
            )
            return _as_bundle(seated, taken, following, now_us)
        seen = list_newest(connection, seated, places, wanted, before=before, limit=listing.limit)
        facets = None if is_export() else count_facets(connection, seated, places, wanted)
    found = [row_of(one) for one in seen]
    # A file names objects, and holds nothing of what they say.
    through = "api" if is_export() else "page"
    served = served_of(found[: listing.limit - 1], places, head, filters, door=through)
    if request.method != "HEAD":
        record_deliveries(current_database(), seated, served, now_us=now_us)
    titles = {place.uuid: place.title for place in every}
    rows, following = listing.split(found, lambda row: row.key)
    if query["format"] == "atom":
        standing = [one.standing for one in seen[: len(rows)]]
        return _as_feed(seated, standing, titles, following)
    if is_export():
        return listing.answer(found, lambda row: row.key, Row.document, RowSchema)
    return forum_page(
        "objects.html",
        seated,
        rows=rows,
        next=following,
        facets=facets,
        places=every,
        titles=titles,
        levels=LEVELS,
    )


@blueprint.get("/<forum>/objects/<stix_id>", endpoint="object")
@door(Permission.MEMBER)
def show_object(forum: str, stix_id: str) -> Response:
    """GET /sharing/FORUM/objects/ID: one object as we see it; of our own, also who else does."""
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seated = enter_to_read(connection, forum)
        places = list_collections(connection, seated)
        named = _named(places, request.args.get("collection"))
        found = find_on_page(connection, seated, named, stix_id)
        if found is None:
            raise NotFound("sharing.unknown-object", "no such object in your views")
        place, origin, head = found.place, found.origin, found.head
        reasons = make_reasons(connection, seated, found.viewed, found.stored, now_us=now_us)
        pointing = list_pointing(connection, seated, places, stix_id, limit=_MOST_POINTING)
        told = _audience_of(connection, seated, place, stix_id, now_us) if origin else []
    told = [one for one in told if one.recipient.name == request.args.get("recipient")] or told
    wants_stix = request.args.get("format") == "stix"
    if wants_stix and not reasons.may_leave:
        raise Forbidden(
            "sharing.not-in-a-file",
            "TLP:red never leaves in a file, which passes from hand to hand (FIRST TLP 2.0)",
        )
    value = orjson.loads(reasons.viewed.content)
    others = [row_of(one) for one in pointing]
    served = [reasons.served(stix_id, head, door="page")]
    # The bundle holds the object alone.
    if not wants_stix:
        served += served_of(others, places, head)
    if request.method != "HEAD":
        record_deliveries(current_database(), seated, served, now_us=now_us)
    if wants_stix:
        return _as_stix(reasons.viewed.content, stix_id)
    if request.args.get("format") == "graph":
        return _as_graph(value, pointing)
    return forum_page(
        "object.html",
        seated,
        value=value,
        stix_id=stix_id,
        name=name_of(value),
        place=place,
        reasons=reasons.document(place, stix_id),
        added_us=reasons.viewed.date_added_us,
        version=format_version(reasons.viewed.version_us),
        facts=facts_of(value),
        relations=relations_of(value),
        pointing=[(row, _word_of(one, stix_id)) for row, one in zip(others, pointing, strict=True)],
        sightings=sightings_by_day(stix_id, pointing),
        is_cut=len(pointing) == _MOST_POINTING,
        raw=orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(),
        origin=origin,
        may_leave=reasons.may_leave,
        told=_join_alike(told),
        most_traced=_MOST_TRACED,
        most_lines=_MOST_LINES,
    )


def _audience_of(
    connection: Connection, seated: Seated, place: Collection, stix_id: str, now_us: int
) -> list[Explanation]:
    """To whom our own object goes, recipient by recipient."""
    explainer = Explainer(connection, seated, [stix_id], now_us=now_us)
    stored = explainer.find_version(place.id, stix_id)
    return [] if stored is None else explainer.explain_to_all(stored)


def _join_alike(told: list[Explanation]) -> list[tuple[list[CredentialKind], Explanation]]:
    """What is told of each recipient; of both kinds of credential at once where it is equal."""
    rows: list[tuple[list[CredentialKind], Explanation]] = []
    for one in told:
        if rows and replace(one, kind=rows[-1][1].kind) == rows[-1][1]:
            rows[-1][0].append(one.kind)
        else:
            rows.append(([one.kind], one))
    return rows


def _named(places: list[Collection], ref: str | None) -> list[Collection]:
    return [place for place in places if not ref or ref in (place.uuid, place.alias)]


def _word_of(seen: Seen, stix_id: str) -> str:
    """In which word another object points at this one."""
    words = [one.word for one in relations_of(orjson.loads(seen.content)) if one.stix_id == stix_id]
    return ", ".join(dict.fromkeys(words))


def _key_among(places: list[Collection]) -> Callable[[ViewedRow], Key]:
    """The place of a row in the list, by when it was added and the UUID of its collection."""
    uuids = {place.id: place.uuid for place in places}
    return lambda row: (row.date_added_us, uuids[row.collection_id])


def _as_bundle(seated: Seated, taken: Taken, following: str | None, now_us: int) -> Response:
    """A page of the list as one bundle; it is on record before it leaves."""
    if request.method != "HEAD":
        record_taken(current_database(), seated, taken, now_us=now_us)
    answer = Response(taken.content, content_type=_STIX)
    answer.headers["Content-Disposition"] = 'attachment; filename="comity-objects.json"'
    if following is not None:
        answer.headers[NEXT_HEADER] = following
    return answer


def _as_feed(
    seated: Seated, standing: list[Standing], titles: dict[str, str], following: str | None
) -> Response:
    """A page of the list as a feed."""
    feed = feed_here(
        _("What is new to us in %(forum)s", forum=seated.forum_title),
        url_for("exchange.objects", forum=seated.forum_slug),
        next_page={"next": following} if following else None,
    )
    return answer_feed(feed, new_entries(standing, seated.forum_slug, titles, public_base()))


def _as_stix(content: bytes, stix_id: str) -> Response:
    """The object as it is served, in a bundle of its own."""
    uuid = stix_id.partition("--")[2]
    bundle = b'{"type":"bundle","id":"bundle--%s","objects":[%s]}' % (uuid.encode(), content)
    answer = Response(bundle, content_type=_STIX)
    answer.headers["Content-Disposition"] = f'attachment; filename="{stix_id}.json"'
    return answer


def _as_graph(value: Mapping[str, Any], pointing: list[Seen]) -> Response:
    """The object and its neighbours as nodes and edges, at most 300 of them."""
    centre = str(value["id"])
    nodes = {centre: name_of(value)}
    edges: list[tuple[str, str, str]] = []
    for relation in relations_of(value):
        nodes.setdefault(relation.stix_id, "")
        edges.append((centre, relation.stix_id, relation.word))
    for seen in pointing:
        other = orjson.loads(seen.content)
        nodes[str(other["id"])] = name_of(other)
        for relation in relations_of(other):
            nodes.setdefault(relation.stix_id, "")
            edges.append((str(other["id"]), relation.stix_id, relation.word))
    kept = list(nodes)[:_MOST_NODES]
    document = {
        "nodes": [{"id": one, "type": one.partition("--")[0], "name": nodes[one]} for one in kept],
        "edges": [
            {"source": source, "target": target, "word": word}
            for source, target, word in dict.fromkeys(edges)
            if source in kept and target in kept
        ],
        "more": max(0, len(nodes) - _MOST_NODES),
    }
    return Response(orjson.dumps(document), content_type="application/json")
