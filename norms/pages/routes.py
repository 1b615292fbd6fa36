"""The pages of the norms room."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from norms.pages import forums, home, instruments, parties
from norms.pages.entering import blueprint
from web.pages import Place, add_places

MODULES = (home, forums, instruments, parties)
"""Each adds its views to the one blueprint."""


def init_pages_of_norms(app: Flask) -> None:
    """Put them into `app`."""
    app.register_blueprint(blueprint)
    add_places(
        app,
        [
            Place("norms", _l("What is before us"), "register.home"),
            Place("norms", _l("Forums"), "register.forums"),
            Place("norms", _l("Instruments"), "register.instruments"),
            Place("norms", _l("States"), "register.parties"),
            Place("norms", _l("What is due"), "register.due"),
            Place("norms", _l("Two States"), "register.comparison"),
            Place("norms", _l("Provisions compared"), "register.parallels"),
        ],
    )
