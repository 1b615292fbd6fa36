"""Who will see what is about to be contributed: tried out for real, then undone.

By what the originator may know (sharing policy §8): nothing here changes with what others
accept, give, hide or have contributed. What does not live here: contributing (contribute).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from auth.reader import Seated
from kernel.clock import parse_instant
from kernel.db import Database
from kernel.strictjson import Limits
from sharing.queries.answered import Answered
from sharing.queries.collections import Collection
from sharing.services.contribute import Receipt, rehearse
from sharing.services.explaining import Explainer

MOST_TOLD: Final = 25
"""Objects of one envelope of which it is told who will see them."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who will see one object: names of recipients, whole or less some properties."""

    stix_id: str
    whole: tuple[str, ...]
    partial: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of an envelope, and who would see the first of its objects.

    `audiences` is by the object's place in the envelope, as in its outcome.
    """

    receipt: Receipt
    audiences: dict[int, Audience]


def preview(
    database: Database,
    seated: Seated,
    place: Collection,
    objects: bytes,
    *,
    now_us: int,
    limits: Limits,
    answers: Answered | None = None,
) -> Preview:
    """What contributing these would do now. Nothing is written. Raises as `contribute`."""

    def look(connection: Connection, receipt: Receipt) -> Preview:
        told = receipt.successes[:MOST_TOLD]
        ids = list(dict.fromkeys(outcome.stix_id for outcome in told))
        explainer = Explainer(connection, seated, ids, now_us=now_us)
        found = {}
        for outcome in told:
            # Of this very version: an older one may reach fewer, or more, than the newest.
            version_us = parse_instant(outcome.version)
            audience = _audience_of(explainer, place, outcome.stix_id, version_us)
            if audience is not None:
                found[outcome.index] = audience
        return Preview(receipt, found)

    return rehearse(
        database, seated, place, objects, look, now_us=now_us, limits=limits, answers=answers
    )


def _audience_of(
    explainer: Explainer, place: Collection, stix_id: str, version_us: int
) -> Audience | None:
    stored = explainer.find_version(place.id, stix_id, version_us)
    if stored is None:
        return None
    whole: dict[str, None] = {}
    partial: dict[str, tuple[str, ...]] = {}
    for told in explainer.explain_to_all(stored):
        name = told.recipient.name
        if told.is_own or told.decision == "hidden":
            continue
        if told.decision == "whole":
            whole[name] = None
        else:
            partial.setdefault(name, tuple(sorted(told.omitted)))
    return Audience(
        stix_id,
        tuple(sorted(whole)),
        tuple(sorted((name, less) for name, less in partial.items() if name not in whole)),
    )
