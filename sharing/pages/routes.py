"""The pages of the sharing room."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from sharing.pages import (
    collections,
    contributing,
    feed_forms,
    feeds,
    held,
    home,
    jobs,
    needs,
    objects,
    policies,
    recalls,
)
from sharing.pages.entering import blueprint
from sharing.services.feeds.steering import may_look
from web.inbox import add_needs
from web.pages import Place, Viewer, add_places, set_search

MODULES = (
    *(home, jobs, objects, contributing, policies, held, recalls, collections),
    *(feeds, feed_forms),
)
"""Each adds its views to the one blueprint."""


def init_pages_of_sharing(app: Flask) -> None:
    """Put them into `app`."""
    app.register_blueprint(blueprint)
    add_places(
        app,
        [
            Place("sharing", _l("What is new"), "exchange.home", _acts_for_a_member),
            Place("sharing", _l("Is it known?"), "exchange.search", _acts_for_a_member),
            Place("sharing", _l("Long work"), "exchange.jobs", _acts_for_a_member),
            Place("sharing", _l("Partner feeds"), "exchange.feeds", _looks_at_feeds),
        ],
    )
    set_search(app, "exchange.search")
    add_needs(app, needs.find_needs)


def _looks_at_feeds(viewer: Viewer) -> bool:
    return _acts_for_a_member(viewer) and may_look(viewer.signed.reader)


def _acts_for_a_member(viewer: Viewer) -> bool:
    return viewer.signed.reader.member_id is not None
