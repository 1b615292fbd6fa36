"""The blueprints of this room, for `app` to register."""

from __future__ import annotations

from typing import Final

from flask_smorest import Blueprint

from auth.api import credentials, me

BLUEPRINTS: Final[tuple[Blueprint, ...]] = (me.blueprint, credentials.blueprint)
