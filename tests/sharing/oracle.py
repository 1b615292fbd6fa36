"""What every recipient should see, worked out from scratch: the oracle of the release engine.

Reads the stored contributions and applies `decide`, one recipient and one object at a time,
then lets copies and versions stand by a plain reading of sharing policy §5. It shares no code
with the engine beyond `decide`, which is the specification.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, select

from auth.queries import list_roster
from auth.tables import forum, member, member_identity
from sharing.queries.policies import read_saved
from sharing.rules.decide import decide
from sharing.rules.model import KINDS, CredentialKind, Facts, Place, Recipient
from sharing.rules.rule import Policy
from sharing.rules.tlp import Tlp
from sharing.tables import audience_member, collection, contribution, forum_policy, policy, release


@dataclass(frozen=True, slots=True)
class Seen:
    """One version in one view: which contribution, and whether it is first and last there."""

    contribution: int
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class View:
    """Whose view of which collection."""

    recipient: str
    kind: CredentialKind
    collection: int


def stored_views(connection: Connection, forum_id: int) -> dict[View, dict[int, tuple[Seen, int]]]:
    """Every view as the open releases have it: contribution to what is seen, and its stamp."""
    elements = {
        2 * row.bit + KINDS.index(kind): (row.name, kind)
        for row in list_roster(connection, forum_id)
        for kind in KINDS
    }
    views: dict[View, dict[int, tuple[Seen, int]]] = defaultdict(dict)
    rows = connection.execute(
        select(release, audience_member.c.element)
        .join(audience_member, audience_member.c.audience_id == release.c.audience_id)
        .where(release.c.forum_id == forum_id, release.c.closed.is_(None))
    )
    for row in rows:
        name, kind = elements[row.element]
        view = views[View(name, kind, row.collection_id)]
        assert row.contribution_id not in view, "one version twice in one view"
        view[row.contribution_id] = (
            Seen(row.contribution_id, row.is_first, row.is_last),
            row.date_added_us,
        )
    for view in views.values():
        stamps = [stamp for _, stamp in view.values()]
        assert len(set(stamps)) == len(stamps), "two objects of one view share a date_added"
    return views


def expected_views(connection: Connection, forum_id: int) -> dict[View, set[Seen]]:
    """Every view as the specification has it."""
    return _Oracle(connection, forum_id).views()


class _Oracle:
    def __init__(self, connection: Connection, forum_id: int) -> None:
        self._recipients = [
            Recipient(
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
            for row in list_roster(connection, forum_id)
        ]
        ceiling = connection.execute(
            select(forum.c.tlp_ceiling).where(forum.c.id == forum_id)
        ).scalar_one()
        rows = connection.execute(select(collection).where(collection.c.forum_id == forum_id)).all()
        self._places = {
            row.id: Place(
                row.uuid, frozenset(row.read_roles.split()), Tlp(row.tlp_ceiling), Tlp(ceiling)
            )
            for row in rows
        }
        names = {row.uuid: row.uuid for row in rows}
        self._codes = {row.id: row.code for row in connection.execute(select(member))}
        self._owners = {
            row.stix_id: row.member_id for row in connection.execute(select(member_identity))
        }
        self._policies: dict[int, Policy] = {}
        for row in connection.execute(
            select(policy).where(policy.c.forum_id == forum_id).order_by(policy.c.version)
        ):
            self._policies[row.member_id] = read_saved(row.document, names)
        self._forum_policy = Policy()
        for row in connection.execute(
            select(forum_policy)
            .where(forum_policy.c.forum_id == forum_id, forum_policy.c.kind == "withhold")
            .order_by(forum_policy.c.version)
        ):
            self._forum_policy = read_saved(row.document, names, of_forum=True)
        self._rows = connection.execute(
            select(contribution).where(contribution.c.forum_id == forum_id)
        ).all()

    def views(self) -> dict[View, set[Seen]]:
        found: dict[View, set[Seen]] = {}
        for recipient in self._recipients:
            for kind in KINDS:
                for collection_id in self._places:
                    seen = set(self._view(recipient, kind, collection_id))
                    if seen:
                        found[View(recipient.name, kind, collection_id)] = seen
        return found

    def _view(
        self, recipient: Recipient, kind: CredentialKind, collection_id: int
    ) -> Iterable[Seen]:
        standing: list[object] = []
        by_id = defaultdict(list)
        for row in self._rows:
            if row.collection_id == collection_id and not orjson.loads(row.facts)["is_statement"]:
                by_id[row.stix_id].append(row)
        for rows in by_id.values():
            visible = self._standing(rows, recipient, kind)
            standing += visible
            yield from _flagged(visible)
        yield from self._statements(standing, recipient, collection_id)

    def _standing(self, rows: list, recipient: Recipient, kind: CredentialKind) -> list:
        copies = defaultdict(list)
        for row in rows:
            copies[row.originator_id].append(row)
        visible = {}
        for originator, versions in copies.items():
            versions.sort(key=lambda row: row.version_us, reverse=True)
            seen = []
            for row in versions:
                if not self._is_visible(row, recipient, kind):
                    break
                if row.state != "deleted":
                    seen.append(row)
            if seen:
                visible[originator] = seen
        if not visible:
            return []
        return visible[min(visible, key=lambda o: self._precedence(o, copies[o]))]

    def _precedence(self, originator: int, versions: list) -> tuple[bool, int]:
        bound = any(
            self._owners.get(orjson.loads(row.facts)["created_by_ref"]) == originator
            for row in versions
        )
        return not bound, min(row.seq for row in versions)

    def _is_visible(self, row: object, recipient: Recipient, kind: CredentialKind) -> bool:
        facts = orjson.loads(row.facts)
        blockers = []
        if not facts["is_scheme_understood"]:
            blockers.append("marking-scheme")
        if facts["has_granular_markings"]:
            blockers.append("granular-markings")
        if facts["releasable_to"] is not None:
            blockers.append("releasable-to")
        decision = decide(
            Facts(
                self._codes[row.originator_id],
                row.stix_type,
                frozenset(facts["labels"]),
                Tlp(row.tlp),
                tuple(blockers),
            ),
            self._places[row.collection_id],
            recipient,
            kind,
            self._policies.get(row.originator_id, Policy()),
            self._forum_policy,
        )
        assert not decision.alert
        return decision.outcome == "whole"

    def _statements(
        self, standing: list, recipient: Recipient, collection_id: int
    ) -> Iterable[Seen]:
        """Statement markings: where something of the same originator carries them, and at home."""
        carried = {
            (row.originator_id, marking)
            for row in standing
            for marking in orjson.loads(row.facts)["markings"]
        }
        copies = defaultdict(dict)
        for row in self._rows:
            if row.state == "deleted" or not orjson.loads(row.facts)["is_statement"]:
                continue
            rival = copies[row.stix_id].get(row.originator_id)
            rank = (row.collection_id != collection_id, row.seq)
            if rival is None or rank < (rival.collection_id != collection_id, rival.seq):
                copies[row.stix_id][row.originator_id] = row
        for marking, by_originator in copies.items():
            shown = {}
            for originator, row in by_originator.items():
                is_own = (
                    self._codes[originator] == recipient.name
                    and not recipient.is_partner
                    and recipient.is_active
                    and row.collection_id == collection_id
                )
                if is_own or (originator, marking) in carried:
                    shown[originator] = row
            if shown:
                first = min(shown, key=lambda o: self._precedence(o, [shown[o]]))
                yield Seen(shown[first].id, True, True)


def _flagged(visible: list) -> Iterable[Seen]:
    ordered = sorted(visible, key=lambda row: row.version_us)
    for place, row in enumerate(ordered):
        yield Seen(row.id, place == 0, place == len(ordered) - 1)
