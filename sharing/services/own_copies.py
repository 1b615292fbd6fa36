"""Who sees a member's own copies, as far as that member may know.

By its own rules, the forum's, its own versions and the copies of its own that its objects name:
the greatest solution of sharing policy §4, step 8, over these alone. What others keep to
themselves (what they accept, how much they gave, their own copies and what they hide) is taken
to stand in nobody's way, whatever it is: nothing said here changes with it (§8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from sharing.queries.carriers import list_carriers
from sharing.queries.contributions import Stored, list_own_reach
from sharing.rules.copies import Named, Sight, Version, see
from sharing.services.decisions import Decisions

_EVERYONE = -1

_Copy = tuple[int, str]
"""(collection, STIX id): the versions of one id that the member contributed to one collection."""


class OwnCopies:
    """One originator's copies of some ids, and of all that these name in turn, decided once."""

    def __init__(
        self, connection: Connection, forum_id: int, originator_id: int, *, now_us: int
    ) -> None:
        self._connection = connection
        self._forum_id = forum_id
        self._originator_id = originator_id
        self.decisions = Decisions(connection, forum_id, now_us, assume_reciprocity=True)
        self.own = self.decisions.own_of(originator_id)
        self._copies: dict[_Copy, list[Stored]] = defaultdict(list)
        self._of_id: dict[str, list[_Copy]] = defaultdict(list)
        self._carriers: dict[str, set[str]] = {}
        self._seen: dict[_Copy, int] = {}
        self._sights: dict[int, Sight] = {}

    def settle(self, stix_ids: Iterable[str]) -> None:
        """Load the member's copies of these ids and of what they name, and decide them all."""
        self._load(set(stix_ids))
        self._seen = dict.fromkeys(self._copies, _EVERYONE)
        moved = True
        while moved:
            moved = False
            for copy in self._copies:
                seen = self._decide(copy)
                moved = moved or seen != self._seen[copy]
                self._seen[copy] = seen

    def list_versions(self, stix_id: str, collection_id: int) -> list[Stored]:
        """The versions of one copy, deleted ones too, newest first."""
        versions = self._copies.get((collection_id, stix_id), [])
        return sorted(versions, key=lambda stored: -stored.version_us)

    def list_carriers_of(self, stored: Stored) -> list[Stored]:
        """What the member contributed to the same collection that carries this statement."""
        return [
            carrier
            for stix_id in sorted(self._carriers.get(stored.stix_id, ()))
            for carrier in self.list_versions(stix_id, stored.collection_id)
            if stored.stix_id in carrier.facts.markings and not carrier.is_deleted
        ]

    def sight_of(self, stored: Stored) -> Sight:
        """Who sees a version, and without what; of a statement, its form (see `carriers`)."""
        return self._sights[stored.id]

    def hidden_of(self, stored: Stored) -> dict[str, int]:
        """From whom each id that a version names is hidden: by the member's own copies of it."""
        hidden: dict[str, int] = {}
        for stix_id in stored.facts.references:
            copies = self._of_id.get(stix_id, ())
            mask = self.decisions.electorate.everyone & ~self.own if copies else 0
            for copy in copies:
                mask &= ~self._seen[copy]
            if mask:
                hidden[stix_id] = mask
        return hidden

    def version_of(self, stored: Stored, hidden: Mapping[str, int]) -> Version:
        """A version as the rules about copies want it."""
        facts = self.decisions.facts_of(stored)
        bound = _EVERYONE if stored.bound_id is not None else None
        now, opened = self.decisions.grants_of(stored, facts, bound)
        return Version(
            contribution=stored.id,
            version_us=stored.version_us,
            facts=facts,
            named=Named(stored.facts.hard_references, stored.facts.vanishing),
            own=self.own,
            now=now,
            open=opened,
            is_held=stored.is_held,
            hidden=hidden,
        )

    def _load(self, wanted: set[str]) -> None:
        known: set[int] = set()
        while wanted:
            reached = list_own_reach(
                self._connection, self._forum_id, self._originator_id, sorted(wanted)
            )
            found = [stored for stored in reached if stored.id not in known]
            known |= {stored.id for stored in found}
            for stored in found:
                copy = (stored.collection_id, stored.stix_id)
                if copy not in self._copies:
                    self._of_id[stored.stix_id].append(copy)
                self._copies[copy].append(stored)
            statements = {stored.stix_id for stored in found if stored.facts.is_statement}
            carriers = list_carriers(
                self._connection, self._forum_id, self._originator_id, statements
            )
            self._carriers.update(carriers)
            loaded = self._of_id.keys()
            wanted = {each for carrying in carriers.values() for each in carrying} - loaded

    def _decide(self, copy: _Copy) -> int:
        versions = self._copies[copy]
        if any(stored.facts.is_statement for stored in versions):
            return self._decide_statement(versions)
        sights = see(self.version_of(stored, self.hidden_of(stored)) for stored in versions)
        self._sights.update(sights)
        seen = 0
        for sight in sights.values():
            seen |= sight.mask
        return seen

    def _decide_statement(self, versions: list[Stored]) -> int:
        """A statement is seen by those who see something that carries it, wherever that is."""
        seen = self.own
        for stix_id in self._carriers.get(versions[0].stix_id, ()):
            for copy in self._of_id[stix_id]:
                seen |= self._seen[copy]
        return seen
