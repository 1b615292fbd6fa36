"""The pages of the norms room."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from norms.pages import (
    actions,
    briefing,
    confirming,
    events,
    forums,
    home,
    instruments,
    needs,
    parties,
    positions,
    recordings,
    silences,
)
from norms.pages.entering import blueprint
from web.inbox import add_needs
from web.pages import Place, Viewer, add_places

MODULES = (
    *(home, forums, instruments, parties),
    *(positions, actions, silences, events, recordings, confirming, briefing),
)
"""Each adds its views to the one blueprint."""


def init_pages_of_norms(app: Flask) -> None:
    """Put them into `app`."""
    app.register_blueprint(blueprint)
    add_needs(app, needs.find_needs)
    add_places(
        app,
        [
            Place("norms", _l("What is before us"), "register.home"),
            Place("norms", _l("Forums"), "register.forums"),
            Place("norms", _l("Instruments"), "register.instruments"),
            Place("norms", _l("States"), "register.parties"),
            Place("norms", _l("What is due"), "register.due"),
            Place("norms", _l("Positions"), "register.positions"),
            Place("norms", _l("Actions"), "register.actions"),
            Place("norms", _l("Silence procedures"), "register.silences"),
            Place("norms", _l("Events"), "register.events"),
            Place("norms", _l("Recordings"), "register.recordings", _is_of_secretariat),
            Place("norms", _l("Unverified"), "register.unverified"),
            Place("norms", _l("Briefing"), "register.briefing"),
            Place("norms", _l("Two States"), "register.comparison"),
            Place("norms", _l("Provisions compared"), "register.parallels"),
        ],
    )


def _is_of_secretariat(viewer: Viewer) -> bool:
    return viewer.signed.reader.secretariat_of is not None
