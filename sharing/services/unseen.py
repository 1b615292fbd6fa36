"""Why nobody but its originator is granted a contribution, told to the originator alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from auth.reader import Seated
from sharing.queries.contributions import Stored, list_own_copies
from sharing.services.decisions import Decisions
from sharing.services.grants import find_grants, list_own

NO_RECIPIENT: Final = "no-recipient"
NEWER_VERSION: Final = "newer-version"
HELD: Final = "held"
NOT_YET: Final = "not-yet"


def find_reasons(
    connection: Connection, seated: Seated, stix_ids: Iterable[str], *, now_us: int
) -> dict[int, tuple[str, ...]]:
    """The reasons of the member's contributions of these ids that nobody else is granted.

    By contribution. What was deleted has none, nor has a statement marking.
    """
    if seated.member_id is None:
        return {}
    # Who meets what a rule asks of it is not the member's to know (sharing policy §8).
    decisions = Decisions(connection, seated.forum_id, now_us, assume_reciprocity=True)
    ids = list(dict.fromkeys(stix_ids))
    stored = list_own_copies(connection, seated.forum_id, seated.member_id, ids)
    reasons: dict[int, tuple[str, ...]] = {}
    for copy in list_own(stored, seated.member_id):
        grants = find_grants(decisions, copy)
        for version in copy:
            if not grants.get(version.id, True):
                reasons[version.id] = _why(decisions, version)
    return reasons


def _why(decisions: Decisions, stored: Stored) -> tuple[str, ...]:
    if stored.facts.blockers:
        return stored.facts.blockers
    if stored.is_held:
        return (HELD,)
    others = ~decisions.own_of(stored.originator_id)
    now, opened = decisions.grants_of(stored, decisions.facts_of(stored))
    if now.visible & others:
        return (NEWER_VERSION,)
    return (NOT_YET,) if opened.visible & others else (NO_RECIPIENT,)
