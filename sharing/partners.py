"""Partner feeds for the doors: the one that an application has, kept with its other surroundings.

What does not live here: what they do (feeds).
"""

from __future__ import annotations

from typing import Final, cast

from flask import Flask, current_app

from sharing.feeds.asking import Feeds
from sharing.feeds.running import open_runner
from web.installation import installation_of

_KEY: Final = "comity.feeds"


def init_feeds(app: Flask) -> None:
    """Give `app` what its pages and API need of feeds."""
    one = installation_of(app)
    app.extensions[_KEY] = Feeds(
        one.database, lambda: open_runner(one.database, one.settings, one.signer)
    )


def feeds_of(app: Flask) -> Feeds:
    """What this application has of feeds."""
    return cast("Feeds", app.extensions[_KEY])


def current_feeds() -> Feeds:
    """The same of the application that answers this request."""
    return feeds_of(current_app)
