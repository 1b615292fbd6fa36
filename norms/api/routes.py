"""The blueprints of this room, for `app` to register."""

from __future__ import annotations

from typing import Final

from flask_smorest import Blueprint

from norms.api import (
    actions,
    due,
    events,
    forums,
    instruments,
    parties,
    positions,
    recordings,
    silences,
)

BLUEPRINTS: Final[tuple[Blueprint, ...]] = (
    parties.blueprint,
    forums.blueprint,
    instruments.blueprint,
    events.blueprint,
    recordings.blueprint,
    positions.blueprint,
    actions.blueprint,
    silences.blueprint,
    due.blueprint,
)
