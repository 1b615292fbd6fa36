"""Tell a caller what applies to it in a collection: levels, properties, terms (cti-taxii2#119).

Sharing policy §8. Everything here is the caller's own, the collection's, or comes with objects
that the caller sees; nothing depends on what others hide from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from auth.queries import find_forum_by_id, list_roster
from auth.reader import Seated
from kernel.texts import gettext_noop
from sharing.queries.collections import Collection
from sharing.rules import reach
from sharing.rules.model import Recipient
from sharing.rules.properties import PROTECTED
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services.reasons import PASSING_ON, Terms

NEWEST: Final = 1000
"""How many of the versions that came last into the view are asked for their terms."""

OMISSION: Final = (
    "Any optional property, and items of lists, may have been left out of an object; no object "
    "tells whether (TAXII 2.1, section 1.6.9)."
)
ENFORCED: Final = (
    gettext_noop("Who is given an object, and which of its properties, on every way out."),
    gettext_noop(
        "By its TLP and the ceilings here, its originator's rules, the forum's, and "
        "`releasable_to`."
    ),
    gettext_noop(
        "TLP:red reaches persons whom a rule names one by one; no machine, no partner and no file."
    ),
    gettext_noop("Embargoes, expiry and withdrawal take effect at once on every way out."),
)
RECORDED: Final = (
    gettext_noop("What was served to whom, and when."),
    gettext_noop(
        "The terms of rules (FIRST's Information Exchange Policy): shown, and yours to honour."
    ),
    gettext_noop("Statement markings: shown with what carries them, and yours to honour."),
    gettext_noop(
        "How far you may pass an object on by its TLP: once you have it, that is in your hands."
    ),
)


@dataclass(frozen=True, slots=True)
class Markings:
    """What applies to one caller in one collection.

    `ceilings` are of the forum, the collection, the caller's accreditation and its kind of
    credential; `may_reach` are the levels that rules may give it here. `terms` are those of
    the newest versions that it sees.
    """

    place: Collection
    kind: str
    can_read: bool
    ceilings: Mapping[str, Tlp]
    may_reach: tuple[Tlp, ...]
    terms: Mapping[str, tuple[str, ...]]

    def document(self) -> dict[str, Any]:
        """The same as JSON, as both doors serve it."""
        return {
            "collection": self.place.uuid,
            "credential_kind": self.kind,
            "can_read": self.can_read,
            "unmarked_as": self.place.unmarked_as.text,
            "tlp_ceilings": {name: level.text for name, level in self.ceilings.items()},
            "tlp": [
                {
                    "level": level.text,
                    "marking_ids": sorted(each for each, of in WELL_KNOWN.items() if of == level),
                    "may_reach_you": level in self.may_reach,
                    "passing_on": PASSING_ON[level],
                }
                for level in Tlp
            ],
            "properties": {
                "may_be_omitted": True,
                "never_omitted": sorted(PROTECTED - {"extensions"}),
                "description": OMISSION,
            },
            "terms": {statement: list(values) for statement, values in self.terms.items()},
            "enforced": list(ENFORCED),
            "recorded": list(RECORDED),
        }


def find_markings(
    connection: Connection, seated: Seated, place: Collection, *, now_us: int
) -> Markings:
    """What applies to the caller in a collection that exists for it."""
    forum = find_forum_by_id(connection, seated.forum_id)
    caller = _find_caller(connection, seated)
    ceilings = {
        "forum": Tlp(forum.tlp_ceiling),
        "collection": place.tlp_ceiling,
        "accreditation": caller.accredited_to,
        "credential": max(one for one in Tlp if reach.may_reach(one, caller, seated.reader.kind)),
    }
    can_read = place.may_be_read_by(seated)
    lowest = min(ceilings.values())
    terms: Mapping[str, tuple[str, ...]] = {}
    if can_read:
        terms = Terms(connection, seated, now_us=now_us).of_newest(place.id, limit=NEWEST)
    return Markings(
        place=place,
        kind=seated.reader.kind,
        can_read=can_read,
        ceilings=ceilings,
        may_reach=tuple(one for one in Tlp if can_read and one <= lowest),
        terms=terms,
    )


def _find_caller(connection: Connection, seated: Seated) -> Recipient:
    roster = list_roster(connection, seated.forum_id)
    row = next(one for one in roster if one.bit == seated.bit)
    return Recipient(
        bit=row.bit,
        name=row.name,
        is_partner=row.is_partner,
        role=row.role,
        is_active=row.is_active,
        jurisdiction=row.jurisdiction,
        blocs=row.blocs,
        residency=row.residency,
        accredited_to=Tlp(row.accredited_to),
    )
