"""Applications of worlds: built once a process for each choice of settings, furnished for each.

Building one (its routes, the OpenAPI document) takes a hundred times as long as a request. What
an application keeps lies in `extensions`: each world has those that remember anything to itself,
and one that is not known here fails the test, lest two worlds share it unseen.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

from flask import Flask

from app import create_app
from auth.authentication import init_authentication
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import Signer
from sharing.partners import init_feeds
from web.installation import Installation, init_installation

OWN = frozenset({"comity", "comity.throttle", "comity.feeds"})
FIXED = frozenset(
    {
        *("comity.oauth", "comity.renderers", "comity.signs", "flask-smorest"),
        # Of pages: what was registered once, and nothing that a request leaves behind.
        *(
            "babel",
            "comity.csrf",
            "comity.inbox",
            "comity.navigation",
            "comity.page-renderer",
            "comity.search",
        ),
        *("comity.viewer", "comity.watched", "csrf"),
        # Addresses of the routes, which are the same for all.
        "comity.addresses",
    }
)

_built: dict[Settings, Flask] = {}


def make_app(
    settings: Settings, database: Database, signer: Signer, now_us: Callable[[], int]
) -> Flask:
    """An application with memory and surroundings of its own; its routes are others' too."""
    kind = replace(settings, data_dir="", database_url="")
    first = _built.get(kind)
    if first is None:
        first = create_app(settings, database=database, signer=signer, now_us=now_us)
        assert set(first.extensions) == OWN | FIXED, set(first.extensions) ^ (OWN | FIXED)
        # What wraps an application calls the one that it was given.
        assert "wsgi_app" not in vars(first), "build this one by itself"
        # Nobody may add a route to what all share.
        first._got_first_request = True
        _built[kind] = first
    made = copy.copy(first)
    made.extensions = {name: first.extensions[name] for name in FIXED}
    init_installation(made, Installation(settings, database, signer, now_us))
    init_authentication(made)
    init_feeds(made)
    return made
