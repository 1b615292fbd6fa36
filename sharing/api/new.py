"""`/api/v1/forums/SLUG/new.atom`: what came last into the caller's views, as a feed (RFC 4287)."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request
from flask_smorest import Blueprint

from auth.doors import Permission, current_database, current_instant_us, door
from sharing.api.entering import FORUM, LEVELS, enter, named
from sharing.atom import MOST, new_entries
from sharing.queries.collections import list_collections
from sharing.queries.newest import find_seq, list_newest
from sharing.queries.ranges import NewestFilter
from sharing.rules.tlp import Tlp
from sharing.services.deliver import Served, record_deliveries
from sharing.services.settling import settled_read
from web.atom import ATOM, EXAMPLE, answer_feed, feed_here
from web.installation import public_base
from web.listing import asks
from web.shapes import Instant, Query, text_filter, word_filter

blueprint = Blueprint("new", __name__, url_prefix=FORUM, description="What is new to the caller")

_FILTERS: Final = ("type", "tlp")


class NewQuery(Query):
    """Which objects of the caller's views are told of."""

    collection = text_filter()
    type = text_filter()
    tlp = word_filter(*LEVELS)
    added_after = Instant()


@blueprint.route("/new.atom", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, NewQuery)
@blueprint.response(200, {"type": "string"}, content_type=ATOM, example=EXAMPLE)
def show_new(query: dict[str, Any], forum: str) -> Response:
    """The last versions in the caller's views, the newest first, as an Atom feed.

    An entry names an object and holds nothing of what it says. What the feed tells of is recorded
    as a delivery before it is answered.
    """
    now_us = current_instant_us()
    wanted = NewestFilter(
        query["type"],
        None if query["tlp"] is None else Tlp.parse(query["tlp"]),
        query["added_after"],
    )
    with settled_read(current_database(), now_us=now_us) as connection:
        seated = enter(connection, forum)
        places = named(list_collections(connection, seated), query["collection"])
        seen = list_newest(connection, seated, places, wanted, limit=MOST)
        head = find_seq(connection, seated)
    standing = [one.standing for one in seen]
    filters = {name: [query[name]] for name in _FILTERS if query[name] is not None}
    served = []
    for place in places:
        stamps = [one.date_added_us for one in standing if one.collection == place.uuid]
        if stamps:
            said = {**filters, "version": ["last"]}
            served.append(
                Served(place.id, "api", said, min(stamps), max(stamps), head, len(stamps))
            )
    if request.method != "HEAD":
        record_deliveries(current_database(), seated, served, now_us=now_us)
    feed = feed_here(f"What is new in {seated.forum_title}", f"/sharing/{forum}/objects")
    titles = {place.uuid: place.title for place in places}
    return answer_feed(feed, new_entries(standing, seated.forum_slug, titles, public_base()))
