"""`/sharing/feeds/new`, `…/secrets`, `…/remove`: a feed set up, tested before it is kept; removed.

A secret that was typed in is in no page that is answered: it is typed again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import format_timedelta
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_reader, door
from auth.queries import list_seated
from auth.reader import Reader, Seated
from kernel.errors import BadInput, Conflict, Forbidden, TooMany
from sharing.feeds.remote.checking import Checked
from sharing.pages.entering import LEVELS, blueprint
from sharing.pages.feeds import FEED, look
from sharing.partners import current_feeds
from sharing.queries.collections import Collection, list_collections
from sharing.queries.feeds import Feed, count_feed
from sharing.rules.tlp import Tlp
from sharing.services.feeds.keeping import (
    NewFeed,
    add_feed,
    check_feed,
    check_stands,
    choose_secrets,
    set_secrets,
)
from sharing.services.feeds.removing import remove_feed
from sharing.services.feeds.steering import check_may_set_up, expect_feed, expect_seated_feed
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.pages import page, see_other

EVERY: Final = (30, 300, 900, 3600, 6 * 3600, 24 * 3600)
_MOST: Final = 64 * 1024
_LINE: Final = validate.Length(max=500)
_MOST_SHOWN: Final = 100
_UNKNOWN: Final = "-"
"""Stands for a collection there that is still to be chosen, while the rest is checked."""


class SecretsForm(FormSchema):
    """How the partner knows us, and whom we believe."""

    user = fields.String(load_default=None, validate=_LINE)
    password = fields.String(load_default=None, validate=_LINE)
    token = fields.String(load_default=None, validate=_LINE)
    client_cert = fields.String(load_default=None, validate=validate.Length(max=_MOST))
    ca = fields.String(load_default=None, validate=validate.Length(max=_MOST))


class NewFeedForm(SecretsForm):
    """A feed; `do` is `test`, to try the connection alone, or `save`."""

    name = fields.String(load_default="", validate=validate.Length(max=64))
    direction = fields.String(load_default="pull", validate=validate.OneOf(("pull", "push")))
    place = fields.String(load_default="", validate=_LINE)
    url = fields.String(required=True, validate=_LINE)
    remote = fields.String(load_default="", validate=_LINE)
    every = fields.Integer(load_default=3600, validate=validate.OneOf(EVERY))
    min_tlp = fields.String(load_default=None, validate=validate.OneOf(LEVELS))
    manifest_first = fields.String(load_default="")
    do = fields.String(load_default="save", validate=validate.OneOf(("test", "save")))
    anyway = fields.String(load_default="")


@dataclass(frozen=True, slots=True)
class Choice:
    """A collection here, and what the member may do with it."""

    seated: Seated
    place: Collection

    @property
    def name(self) -> str:
        """How the form sends it."""
        return f"{self.seated.forum_slug}/{self.place.uuid}"


@blueprint.get("/feeds/new", endpoint="new-feed")
@door(Permission.MEMBER)
def show_new_feed() -> Response:
    """GET /sharing/feeds/new: what a feed is set up with."""
    return _new_page(empty_form(direction="pull", every="3600"))


@blueprint.post("/feeds/new", endpoint="add-feed")
@door(Permission.MEMBER)
def set_up_feed() -> Response:
    """POST /sharing/feeds/new: the connection is tested, and then the feed is kept."""
    reader = current_reader()
    check_may_set_up(reader)
    form = read_form(NewFeedForm)
    if form.errors:
        return _new_page(form, status=400)
    values, checked = form.values, None
    try:
        new = _new_feed(values)
        saves = values["do"] == "save"
        choice = _choose(reader, values) if saves else None
        if saves:
            check_feed(new if new.remote else replace(new, remote=_UNKNOWN))
        if not (saves and values["anyway"]):
            checked = current_feeds().test_new(reader, new, now_us=current_instant_us())
        if choice is None:
            return _new_page(form, checked)
        if checked is not None and not checked.is_passed:
            form.blame("", _("The connection test failed, so nothing is kept yet."))
            return _new_page(form, checked, status=400)
        if not new.remote and checked is not None:
            # There is one alone.
            new = replace(new, remote=checked.collections[0].id)
        made = _add(choice, new)
    except TooMany as refused:
        form.blame("", refused.message)
        return _new_page(form, checked, status=refused.status)
    except (BadInput, Conflict, Forbidden) as refused:
        form.blame("", refused.message)
        return _new_page(form, checked, status=refused.status)
    flash(_("The feed is set up; its first run is due now."))
    return see_other(url_for("exchange.feed", feed=made.uuid))


@blueprint.get(f"{FEED}/secrets", endpoint="feed-secrets")
@door(Permission.MEMBER)
def show_secrets(feed: uuid.UUID) -> Response:
    """GET …/secrets: to give it other credentials; those that it has are not shown."""
    with current_database().read() as connection:
        found = look(connection, feed, check_may_set_up)
        check_stands(found)
    return _secrets_page(found, empty_form(user=found.user_name))


@blueprint.post(f"{FEED}/secrets", endpoint="set-feed-secrets")
@door(Permission.MEMBER)
def replace_secrets(feed: uuid.UUID) -> Response:
    """POST …/secrets: what is left empty it has no more."""
    reader = current_reader()
    check_may_set_up(reader)
    form, sealer = read_form(SecretsForm), current_feeds().runner.sealer
    with current_database().write() as connection:
        found, seated = expect_seated_feed(connection, reader, str(feed))
        if form.errors:
            return _secrets_page(found, form, status=400)
        try:
            new = NewFeed(found.name, found.url, found.remote, **choose_secrets(form.values))
            set_secrets(connection, sealer, seated.reader, found, new, now_us=current_instant_us())
        except BadInput as refused:
            form.blame("", refused.message)
            return _secrets_page(found, form, status=400)
    flash(_("It has other credentials from its next run on."))
    return see_other(url_for("exchange.feed", feed=feed))


@blueprint.get(f"{FEED}/remove", endpoint="feed-removal")
@door(Permission.MEMBER)
def show_removal(feed: uuid.UUID) -> Response:
    """GET …/remove: what becomes of what it moved, before it is removed."""
    reader = current_reader()
    check_may_set_up(reader)
    with current_database().read() as connection:
        found = expect_feed(connection, reader, str(feed))
        check_stands(found)
        counts = count_feed(connection, reader, found.id)
    return page("sharing/feed-remove.html", feed=found, counts=counts)


@blueprint.post(f"{FEED}/remove", endpoint="remove-feed")
@door(Permission.MEMBER)
def remove(feed: uuid.UUID) -> Response:
    """POST …/remove: it runs never again, and its secrets are erased."""
    reader = current_reader()
    check_may_set_up(reader)
    with current_database().write() as connection:
        found = expect_feed(connection, reader, str(feed))
        remove_feed(connection, reader, found, now_us=current_instant_us())
    flash(_("The feed is removed; what it moved can still be looked at here."))
    return see_other(url_for("exchange.feed", feed=feed))


def _new_feed(values: Mapping[str, Any]) -> NewFeed:
    min_tlp = values["min_tlp"]
    return NewFeed(
        values["name"].strip(),
        values["url"].strip(),
        values["remote"].strip(),
        direction=values["direction"],
        every_s=values["every"],
        min_tlp=None if min_tlp is None else Tlp.parse(min_tlp),
        manifest_first=bool(values["manifest_first"]),
        **choose_secrets(values),
    )


def _add(choice: Choice, new: NewFeed) -> Feed:
    sealer = current_feeds().runner.sealer
    with current_database().write() as connection:
        return add_feed(
            connection, sealer, choice.seated, choice.place, new, now_us=current_instant_us()
        )


def _choose(reader: Reader, values: Mapping[str, Any]) -> Choice:
    with current_database().read() as connection:
        every = _choices(connection, reader)
    found = next((one for one in every if one.name == values["place"]), None)
    if found is None:
        raise BadInput("sharing.bad-feed", _("Choose the collection here."))
    return found


def _choices(connection: Connection, reader: Reader) -> list[Choice]:
    """The collections of all the member's forums, whatever the person itself may do there."""
    acting = replace(reader, roles=None)
    return [
        Choice(seated, place)
        for seated in list_seated(connection, acting)
        for place in list_collections(connection, seated)
    ]


def _new_page(form: Filled, checked: Checked | None = None, *, status: int = 200) -> Response:
    reader = current_reader()
    check_may_set_up(reader)
    with current_database().read() as connection:
        choices = _choices(connection, reader)
    return page(
        "sharing/feed-new.html",
        status=status,
        form=form,
        checked=checked,
        choices=[(one.name, f"{one.seated.forum_title} · {one.place.title}") for one in choices],
        remotes=_remotes(checked, form),
        every=[(seconds, format_timedelta(seconds, threshold=1.1)) for seconds in EVERY],
        levels=[(level, f"TLP:{level.upper()}") for level in LEVELS],
        is_sent=request.method == "POST",
    )


def _remotes(checked: Checked | None, form: Filled) -> list[tuple[str, str]]:
    """The collections that were shown, to choose from; none where there are too many for that."""
    shown = () if checked is None else checked.collections
    if len(shown) > _MOST_SHOWN:
        return []
    typed = form.text("remote").strip()
    meant = [one for one in shown if typed and typed in (one.alias, one.title)]
    return [
        (typed if meant == [one] else one.id, f"{one.title or one.alias or one.id} · {one.id}")
        for one in shown
    ]


def _secrets_page(found: Feed, form: Filled, *, status: int = 200) -> Response:
    return page("sharing/feed-secrets.html", status=status, feed=found, form=form)
