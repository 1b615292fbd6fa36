"""The blueprints of this room, for `app` to register."""

from __future__ import annotations

from typing import Final

from flask_smorest import Blueprint

from sharing.api import (
    citations,
    collections,
    contributions,
    explanations,
    feeds,
    held,
    jobs,
    new,
    policies,
    recalls,
    received,
    simulations,
    statuses,
)

BLUEPRINTS: Final[tuple[Blueprint, ...]] = (
    collections.blueprint,
    policies.blueprint,
    simulations.blueprint,
    contributions.blueprint,
    explanations.blueprint,
    held.blueprint,
    statuses.blueprint,
    received.blueprint,
    new.blueprint,
    citations.blueprint,
    recalls.blueprint,
    feeds.blueprint,
    jobs.blueprint,
)
