"""`/sharing/feeds`: our member's partner feeds, how each stands and ran, and steering them.

Pages ask for them by their id; what is wrong is shown with its step. What does not live here:
setting one up (feed_forms).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_reader, door
from auth.reader import Reader
from kernel.clock import parse_instant
from kernel.errors import BadInput
from sharing.feeds.remote.checking import Checked
from sharing.pages.entering import blueprint
from sharing.partners import current_feeds
from sharing.queries.feed_lists import (
    FEED_STATES,
    RUN_STATES,
    SENT_STATES,
    RunFilter,
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
from sharing.queries.feeds import Feed, FeedRefusal, FeedSent, count_feed
from sharing.services.feeds.keeping import ask_for_run, pause_feed, replay_feed, resume_feed
from sharing.services.feeds.steering import (
    check_may_look,
    check_may_see_objects,
    check_may_steer,
    expect_feed,
    expect_seated_feed,
    expect_standing,
    may_look,
    may_see_objects,
    may_set_up,
    may_steer,
)
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import Listing, ListQuery, is_export, make_listing, read_filters
from web.pages import page, see_other
from web.shapes import Instant, Shape, count, instant, text, text_filter, word, word_filter

FEED: Final = "/feeds/<uuid:feed>"
_SHOWN: Final = 5


def _page_size() -> fields.Integer:
    return fields.Integer(load_default=50, validate=validate.Range(1, 200))


class FeedsQuery(ListQuery):
    """Which feeds to show, by name."""

    limit = _page_size()
    direction = word_filter("pull", "push")
    state = word_filter(*FEED_STATES)
    forum = text_filter()
    in_trouble = word_filter("yes", "no")


class FeedRowSchema(Shape):
    """A feed as JSON and CSV."""

    id = text()
    name = text()
    direction = word("pull", "push")
    forum = text()
    url = text()
    remote = text()
    state = word(*FEED_STATES)
    failures = count()
    next_try = instant(nullable=True)
    last_success = instant(nullable=True)


class RunsQuery(ListQuery):
    """Which runs of a feed to show, the newest first."""

    limit = _page_size()
    state = word_filter(*RUN_STATES)
    since = Instant()
    until = Instant()


class RunRowSchema(Shape):
    """A run as JSON and CSV."""

    state = word(*RUN_STATES)
    started = instant()
    ended = instant(nullable=True)
    pages = count()
    objects = count()
    contributed = count()
    replaced = count()
    known = count()
    returned = count()
    refused = count()
    withdrawn = count()
    step = text(nullable=True)
    code = text(nullable=True)
    reason = text(nullable=True)


class RefusalsQuery(ListQuery):
    """Which refusals of a feed to show, the newest first."""

    limit = _page_size()
    id = text_filter()
    code = text_filter()


class RefusalRowSchema(Shape):
    """A version that was not taken, as JSON and CSV."""

    id = text()
    version = text()
    code = text()
    reason = text()
    at = instant()


class SentQuery(ListQuery):
    """What of that which a push has sent to show, the newest first."""

    limit = _page_size()
    id = text_filter()
    state = word_filter(*SENT_STATES)


class SentRowSchema(Shape):
    """A version that was sent, as JSON and CSV."""

    id = text()
    version = instant()
    state = word(*SENT_STATES)
    reason = text()
    at = instant()


class ReplayForm(FormSchema):
    """From when on to ask again; empty is from the beginning."""

    after = fields.String(load_default="", validate=validate.Length(max=40))


@blueprint.get("/feeds", endpoint="feeds")
@door(Permission.MEMBER)
def show_feeds() -> Response:
    """GET /sharing/feeds: our feeds, by name; JSON and CSV too."""
    reader, query = current_reader(), read_filters(FeedsQuery)
    check_may_look(reader)
    with current_database().read() as connection:
        every = list_standing(connection, reader)
    listing = make_listing("page-feeds", str(reader.member_id), query)
    wanted = listing.cut([one for one in every if is_asked_for(one, query)], feed_key)
    if is_export():
        return listing.answer(
            wanted, feed_key, lambda one: _of(FeedRowSchema, one.document()), FeedRowSchema
        )
    rows, following = listing.split(wanted, feed_key)
    return page(
        "sharing/feeds.html",
        rows=rows,
        next=following,
        may=may_of(reader),
        forums=sorted({(one.feed.forum_slug, one.feed.forum_title) for one in every}),
        now_us=current_instant_us(),
    )


@blueprint.get(FEED, endpoint="feed")
@door(Permission.MEMBER)
def show_feed(feed: uuid.UUID) -> Response:
    """GET /sharing/feeds/ID: how it stands, its last runs, what was refused; what can be done."""
    return feed_page(feed, empty_form())


@blueprint.get(f"{FEED}/runs", endpoint="feed-runs")
@door(Permission.MEMBER)
def show_runs(feed: uuid.UUID) -> Response:
    """GET …/runs: some weeks of its runs; JSON and CSV too."""
    query = read_filters(RunsQuery)
    with current_database().read() as connection:
        found = look(connection, feed)
        listing = _listing("feed-runs", found, query)
        wanted = RunFilter(query["state"], query["since"], query["until"])
        runs = page_runs(
            connection, current_reader(), found.id, wanted, after=listing.after, limit=listing.limit
        )
    if is_export():
        return listing.answer(
            runs, run_key, lambda one: _of(RunRowSchema, run_document(one)), RunRowSchema
        )
    rows, following = listing.split(runs, run_key)
    return page("sharing/feed-runs.html", feed=found, runs=rows, next=following, states=RUN_STATES)


@blueprint.get(f"{FEED}/refusals", endpoint="feed-refusals")
@door(Permission.MEMBER)
def show_refusals(feed: uuid.UUID) -> Response:
    """GET …/refusals: what was not taken, and why; JSON and CSV too."""
    query = read_filters(RefusalsQuery)
    with current_database().read() as connection:
        found = look(connection, feed, check_may_see_objects)
        listing = _listing("feed-refusals", found, query)
        wanted = VersionFilter(stix_id=query["id"], code=query["code"])
        refused = page_refusals(
            connection, current_reader(), found.id, wanted, after=listing.after, limit=listing.limit
        )
    if is_export():
        return listing.answer(refused, refusal_key, FeedRefusal.document, RefusalRowSchema)
    rows, following = listing.split(refused, refusal_key)
    return page("sharing/feed-refusals.html", feed=found, rows=rows, next=following)


@blueprint.get(f"{FEED}/sent", endpoint="feed-sent")
@door(Permission.MEMBER)
def show_sent(feed: uuid.UUID) -> Response:
    """GET …/sent: what a push has sent, and what became of it; JSON and CSV too."""
    query = read_filters(SentQuery)
    with current_database().read() as connection:
        found = look(connection, feed, check_may_see_objects)
        listing = _listing("feed-sent", found, query)
        wanted = VersionFilter(stix_id=query["id"], state=query["state"])
        sent = page_sent(
            connection, current_reader(), found.id, wanted, after=listing.after, limit=listing.limit
        )
    if is_export():
        return listing.answer(sent, sent_key, FeedSent.document, SentRowSchema)
    rows, following = listing.split(sent, sent_key)
    return page("sharing/feed-sent.html", feed=found, rows=rows, next=following, states=SENT_STATES)


@blueprint.post(f"{FEED}/pause", endpoint="pause-feed")
@door(Permission.MEMBER)
def pause(feed: uuid.UUID) -> Response:
    """POST …/pause: run it no more until it is resumed."""
    return _steer(feed, pause_feed, _("It is paused; a run that goes on ends after its page."))


@blueprint.post(f"{FEED}/resume", endpoint="resume-feed")
@door(Permission.MEMBER)
def resume(feed: uuid.UUID) -> Response:
    """POST …/resume: let it run again."""
    return _steer(feed, resume_feed, _("It runs again; the first run is due now."))


@blueprint.post(f"{FEED}/run", endpoint="run-feed")
@door(Permission.MEMBER)
def run(feed: uuid.UUID) -> Response:
    """POST …/run: let it be due now."""
    return _steer(feed, ask_for_run, _("It is due now; a worker runs it within seconds."))


@blueprint.post(f"{FEED}/replay", endpoint="replay-feed")
@door(Permission.MEMBER)
def replay(feed: uuid.UUID) -> Response:
    """POST …/replay: ask for, or send, again what was added since an instant."""
    form = read_form(ReplayForm)
    check_may_steer(current_reader())
    after_us = None
    if not form.errors and form.values["after"]:
        try:
            after_us = parse_instant(form.values["after"])
        except BadInput:
            form.blame("after", _("Write an instant like 2026-11-01T00:00:00Z, or leave it empty."))
    if form.errors:
        return feed_page(feed, form, status=400)

    def go_back(connection: Connection, reader: Reader, found: Feed, *, now_us: int) -> None:
        replay_feed(connection, reader, found, after_us, now_us=now_us)

    return _steer(feed, go_back, _("It goes back, and asks again from there."))


@blueprint.post(f"{FEED}/test", endpoint="test-feed")
@door(Permission.MEMBER)
def try_feed(feed: uuid.UUID) -> Response:
    """POST …/test: the way to its partner, step by step; nothing is moved."""
    reader = current_reader()
    with current_database().read() as connection:
        found = look(connection, feed, check_may_steer)
    checked = current_feeds().test(reader, found, now_us=current_instant_us())
    return feed_page(feed, empty_form(), checked)


def feed_page(
    feed: uuid.UUID, form: Filled, checked: Checked | None = None, *, status: int = 200
) -> Response:
    """The page of one feed. Raises NotFound, Forbidden."""
    reader, now_us = current_reader(), current_instant_us()
    check_may_look(reader)
    with current_database().read() as connection:
        standing = expect_standing(connection, reader, str(feed))
        found = standing.feed
        runs = page_runs(connection, reader, found.id, RunFilter(), after=None, limit=_SHOWN)
        counts = count_feed(connection, reader, found.id)
    is_moving = standing.is_moving and found.removed_us is None
    is_due = found.state == "active" and found.next_us is not None and found.next_us <= now_us
    return page(
        "sharing/feed.html",
        status=status,
        standing=standing,
        feed=found,
        runs=runs,
        counts=counts,
        form=form,
        checked=checked,
        may=may_of(reader),
        goes_on=request.method == "GET" and (is_moving or is_due),
        is_still=bool(request.args.get("still")),
        now_us=now_us,
    )


def look(
    connection: Connection, feed: uuid.UUID, check: Callable[[Reader], None] = check_may_look
) -> Feed:
    """A feed that the person may look at. Raises Forbidden, NotFound."""
    reader = current_reader()
    check(reader)
    return expect_feed(connection, reader, str(feed))


def may_of(reader: Reader) -> dict[str, bool]:
    """What the person's roles allow."""
    return {
        "look": may_look(reader),
        "see": may_see_objects(reader),
        "steer": may_steer(reader),
        "set_up": may_set_up(reader),
    }


def _steer(feed: uuid.UUID, act: Callable[..., None], told: str) -> Response:
    reader = current_reader()
    check_may_steer(reader)
    with current_database().write() as connection:
        found, seated = expect_seated_feed(connection, reader, str(feed))
        act(connection, seated.reader, found, now_us=current_instant_us())
    flash(told)
    return see_other(url_for("exchange.feed", feed=feed))


def _listing(name: str, found: Feed, query: Mapping[str, Any]) -> Listing:
    return make_listing(f"page-{name}", f"{found.member_id} {found.uuid}", query)


def _of(shape: type[Shape], document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in shape().fields}
