"""`/api/v1/feeds`: the member's own feeds, how they run, and steering them; secrets only go in.

A push here sends the member's own view; another recipient's is pushed by the operator's command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    current_reader,
    current_settings,
    door,
)
from auth.reader import Reader
from kernel.clock import parse_instant
from kernel.errors import BadInput
from kernel.strictjson import loads
from sharing.api.documents import (
    FEED,
    FEED_EXAMPLE,
    FEED_REPLAY,
    FEED_REPLAY_EXAMPLE,
    FEED_SECRETS,
    FEED_SECRETS_EXAMPLE,
    FEED_TEST,
    FEED_TEST_EXAMPLE,
)
from sharing.api.entering import enter_as_member, enter_collection
from sharing.api.feed_shapes import (
    FeedQuery,
    FeedRefusalQuery,
    FeedRefusalSchema,
    FeedRunQuery,
    FeedRunSchema,
    FeedSchema,
    FeedSentQuery,
    FeedSentSchema,
    FeedTestSchema,
    test_document,
)
from sharing.partners import current_feeds
from sharing.queries.feed_lists import (
    RunFilter,
    Standing,
    VersionFilter,
    feed_key,
    is_asked_for,
    list_standing,
    page_refusals,
    page_runs,
    page_sent,
    refusal_key,
    run_document,
    run_key,
    sent_key,
)
from sharing.queries.feeds import Feed, FeedRefusal, FeedSent
from sharing.rules.tlp import Tlp
from sharing.services.feeds.keeping import (
    NewFeed,
    add_feed,
    ask_for_run,
    choose_secrets,
    pause_feed,
    replay_feed,
    resume_feed,
    set_secrets,
)
from sharing.services.feeds.removing import remove_feed
from sharing.services.feeds.steering import (
    check_may_look,
    check_may_see_objects,
    check_may_set_up,
    check_may_steer,
    expect_feed,
    expect_seated_feed,
    expect_standing,
)
from web.bodies import JSON, read_json_body
from web.listing import Listing, listed, make_listing
from web.openapi import PREFIX, body_of

blueprint = Blueprint(
    "feeds", __name__, url_prefix=f"{PREFIX}/feeds", description="Partner feeds of one's member"
)

_KINDS: Final[Mapping[str, type]] = {"string": str, "integer": int, "boolean": bool}
_SAID: Final = {str: "text", int: "a whole number", bool: "true or false"}
_EVERY_S: Final = 3600


def _body(about: str, shape: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    return body_of(about, shape, example, JSON)


_NEW: Final = _body(
    "A feed. Its secrets are kept encrypted, and told to nobody. A `push` has no `min_tlp` and no "
    "`manifest_first`.",
    FEED,
    FEED_EXAMPLE,
)
_TEST: Final = _body(
    "A partner to try; without `remote`, the collections that it shows are listed.",
    FEED_TEST,
    FEED_TEST_EXAMPLE,
)
_SECRETS: Final = _body(
    "What the feed has from now on; what is left out it has no more.",
    FEED_SECRETS,
    FEED_SECRETS_EXAMPLE,
)
_REPLAY: Final = _body(
    "From which instant on; without `after`, from the beginning.",
    FEED_REPLAY,
    FEED_REPLAY_EXAMPLE,
)


@blueprint.route("", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, FeedQuery, FeedSchema)
def show_feeds(query: dict[str, Any]) -> Response:
    """The feeds of the caller's member, by name, and how each stands.

    For a person with the role reader, contributor or member-admin, or a machine.
    """
    reader = current_reader()
    check_may_look(reader)
    with current_database().read() as connection:
        every = list_standing(connection, reader)
    wanted = [one for one in every if is_asked_for(one, query)]
    listing = make_listing("feeds", str(reader.member_id), query)
    return listing.answer(listing.cut(wanted, feed_key), feed_key, Standing.document, FeedSchema)


@blueprint.route("", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_NEW, responses={"404": "NOT_FOUND", "409": "CONFLICT"})
@blueprint.response(201, FeedSchema, example=FeedSchema.EXAMPLE)
def set_up_feed() -> dict[str, Any]:
    """Set up a feed of the member; its first run is due at once. Nothing is tested by this.

    For a person with the role member-admin: a machine's stolen credential lays no lasting way in
    or out.
    """
    reader, sealer = current_reader(), current_feeds().runner.sealer
    check_may_set_up(reader)
    value = _read(FEED)
    new = _new_feed(value)
    with current_database().write() as connection:
        person, _ = enter_as_member(connection, value["forum"])
        # The feed acts for the member, whatever the person itself may read and write.
        seated = replace(person, reader=replace(reader, roles=None))
        place = enter_collection(connection, seated, value["collection"])
        made = add_feed(connection, sealer, seated, place, new, now_us=current_instant_us())
        return expect_standing(connection, reader, made.uuid).document()


@blueprint.route("/test", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_TEST)
@blueprint.response(200, FeedTestSchema, example=FeedTestSchema.EXAMPLE)
def try_partner() -> dict[str, Any]:
    """Try the way to a partner before a feed is set up: step by step; nothing is kept or moved.

    For a person with the role member-admin; a few a minute for each member.
    """
    reader = current_reader()
    check_may_set_up(reader)
    new = _new_feed({"name": "test"} | _read(FEED_TEST))
    return test_document(current_feeds().test_new(reader, new, now_us=current_instant_us()))


@blueprint.route("/<feed>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def show_feed(feed: str) -> dict[str, Any]:
    """One feed, by name or id."""
    reader = current_reader()
    check_may_look(reader)
    with current_database().read() as connection:
        return expect_standing(connection, reader, feed).document()


@blueprint.route("/<feed>", methods=["DELETE"])
@door(Permission.API_WRITE)
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def remove(feed: str) -> dict[str, Any]:
    """Run it never again: its secrets are erased, its name is free, and it is told of by its id.

    What it brought stays the member's. What it sent stays at the partner: it is listed as recalled,
    and nothing takes it back any more. For a person with the role member-admin, in a seat or not.
    """
    reader = current_reader()
    check_may_set_up(reader)
    with current_database().write() as connection:
        found = expect_feed(connection, reader, feed)
        remove_feed(connection, reader, found, now_us=current_instant_us())
        return expect_standing(connection, reader, found.uuid).document()


@blueprint.route("/<feed>/runs", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, FeedRunQuery, FeedRunSchema)
def show_feed_runs(query: dict[str, Any], feed: str) -> Response:
    """How it ran: some weeks of it, newest first."""
    wanted = RunFilter(query["state"], query["since"], query["until"])
    with current_database().read() as connection:
        found = _look(connection, feed)
        listing = _listing("feed-runs", found, query)
        runs = page_runs(
            connection, current_reader(), found.id, wanted, after=listing.after, limit=listing.limit
        )
    return listing.answer(runs, run_key, run_document, FeedRunSchema)


@blueprint.route("/<feed>/refusals", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, FeedRefusalQuery, FeedRefusalSchema)
def show_feed_refusals(query: dict[str, Any], feed: str) -> Response:
    """What was not taken, with the last reason for each version.

    For a person with the role reader or contributor, or a machine.
    """
    wanted = VersionFilter(stix_id=query["id"], code=query["code"])
    with current_database().read() as connection:
        found = _look(connection, feed, check_may_see_objects)
        listing = _listing("feed-refusals", found, query)
        rows = page_refusals(
            connection, current_reader(), found.id, wanted, after=listing.after, limit=listing.limit
        )
    return listing.answer(rows, refusal_key, FeedRefusal.document, FeedRefusalSchema)


@blueprint.route("/<feed>/sent", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, FeedSentQuery, FeedSentSchema)
def show_feed_sent(query: dict[str, Any], feed: str) -> Response:
    """What a push has sent, and what became of it; of a pull, nothing.

    For a person with the role reader or contributor, or a machine.
    """
    wanted = VersionFilter(stix_id=query["id"], state=query["state"])
    with current_database().read() as connection:
        found = _look(connection, feed, check_may_see_objects)
        listing = _listing("feed-sent", found, query)
        rows = page_sent(
            connection, current_reader(), found.id, wanted, after=listing.after, limit=listing.limit
        )
    return listing.answer(rows, sent_key, FeedSent.document, FeedSentSchema)


@blueprint.route("/<feed>/pause", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def pause(feed: str) -> dict[str, Any]:
    """Run it no more until it is resumed. For a contributor, as are the next four."""
    return _steer(feed, pause_feed)


@blueprint.route("/<feed>/resume", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def resume(feed: str) -> dict[str, Any]:
    """Let it run again, at once."""
    return _steer(feed, resume_feed)


@blueprint.route("/<feed>/run", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(responses={"400": "BAD_REQUEST"})
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def run(feed: str) -> dict[str, Any]:
    """Let it be due now; a worker runs it within seconds."""
    return _steer(feed, ask_for_run)


@blueprint.route("/<feed>/replay", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_REPLAY, responses={"409": "CONFLICT"})
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def replay(feed: str) -> dict[str, Any]:
    """Go back: ask for, or send, again what was added since an instant. Does no harm."""
    after = _read(FEED_REPLAY).get("after")
    after_us = None if after is None else parse_instant(after)

    def go_back(connection: Connection, reader: Reader, found: Feed, *, now_us: int) -> None:
        replay_feed(connection, reader, found, after_us, now_us=now_us)

    return _steer(feed, go_back)


@blueprint.route("/<feed>/test", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, FeedTestSchema, example=FeedTestSchema.EXAMPLE)
def try_feed(feed: str) -> dict[str, Any]:
    """Try the way to its partner: step by step; nothing is moved. A few a minute."""
    reader = current_reader()
    with current_database().read() as connection:
        found = _look(connection, feed, check_may_steer)
    return test_document(current_feeds().test(reader, found, now_us=current_instant_us()))


@blueprint.route("/<feed>/secrets", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_SECRETS, responses={"409": "CONFLICT"})
@blueprint.response(200, FeedSchema, example=FeedSchema.EXAMPLE)
def replace_secrets(feed: str) -> dict[str, Any]:
    """Give it other credentials. For a person with the role member-admin."""
    reader, sealer = current_reader(), current_feeds().runner.sealer
    check_may_set_up(reader)
    given = choose_secrets(_read(FEED_SECRETS))
    with current_database().write() as connection:
        found, seated = expect_seated_feed(connection, reader, feed)
        new = NewFeed(found.name, found.url, found.remote, **given)
        set_secrets(connection, sealer, seated.reader, found, new, now_us=current_instant_us())
        return expect_standing(connection, reader, found.uuid).document()


def _look(
    connection: Connection, name: str, check: Callable[[Reader], None] = check_may_look
) -> Feed:
    reader = current_reader()
    check(reader)
    return expect_feed(connection, reader, name)


def _steer(name: str, act: Callable[..., None]) -> dict[str, Any]:
    reader = current_reader()
    check_may_steer(reader)
    with current_database().write() as connection:
        found, seated = expect_seated_feed(connection, reader, name)
        act(connection, seated.reader, found, now_us=current_instant_us())
        return expect_standing(connection, reader, found.uuid).document()


def _listing(name: str, found: Feed, query: Mapping[str, Any]) -> Listing:
    return make_listing(name, f"{found.member_id} {found.uuid}", query)


def _read(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The body: an object with keys of `shape` alone, of their kinds. Raises BadInput."""
    value = loads(read_json_body(current_settings().max_content_length))
    if not isinstance(value, dict):
        raise _bad("the body is a JSON object")
    if unknown := value.keys() - shape["properties"].keys():
        raise _bad(f"{min(unknown)!r} is no key of it")
    for name, one in value.items():
        kind = _KINDS[shape["properties"][name]["type"]]
        if type(one) is not kind:
            raise _bad(f"{name} is {_SAID[kind]}")
        if isinstance(one, str) and "\0" in one:
            raise _bad(f"{name} holds a NUL character")
    for name in shape.get("required", ()):
        if name not in value:
            raise _bad(f"{name} is needed")
    return value


def _new_feed(value: Mapping[str, Any]) -> NewFeed:
    min_tlp = value.get("min_tlp")
    return NewFeed(
        value["name"],
        value["url"],
        value.get("remote", ""),
        direction=value.get("direction", "pull"),
        every_s=value.get("every", _EVERY_S),
        min_tlp=None if min_tlp is None else Tlp.parse(min_tlp),
        manifest_first=value.get("manifest_first", False),
        **choose_secrets(value),
    )


def _bad(message: str) -> BadInput:
    return BadInput("sharing.bad-feed", message)
