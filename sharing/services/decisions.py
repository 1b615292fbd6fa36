"""The rules applied to stored contributions of one forum, as of the moment of its lock.

Loads the forum's recipients, collections and policies once per transaction and remembers
what it has decided: contributions with equal facts are decided once. What does not live
here: the rules themselves.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, select

from auth.queries import find_forum_by_id, list_identity_owners, list_roster
from auth.tables import member
from sharing.queries.contributions import Stored
from sharing.queries.policies import NO_RULES, find_forum_document, find_policy, read_saved
from sharing.rules.audiences import CompiledPolicy, Electorate, audience_of, compile_policy
from sharing.rules.model import Facts, Place, Recipient
from sharing.rules.node import PolicyRefused
from sharing.rules.rule import Policy
from sharing.rules.terms import Term
from sharing.rules.tlp import Tlp
from sharing.tables import collection

log = structlog.get_logger(__name__)


class Decisions:
    """Who sees what in one forum. Ask `audience_of` about as many contributions as you like."""

    def __init__(self, connection: Connection, forum_id: int) -> None:
        self._connection = connection
        self._forum_id = forum_id
        self.roster = list_roster(connection, forum_id)
        self.electorate = Electorate(
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
            for row in self.roster
        )
        self.places, self.collection_names = _places(connection, forum_id)
        self._codes: dict[int, str] = {
            row.member_id: row.name for row in self.roster if row.member_id is not None
        }
        self._forum_policy: CompiledPolicy | None = None
        self._policies: dict[int, CompiledPolicy] = {}
        self._audiences: dict[tuple[int, Facts], int] = {}
        self._owners: dict[str, int | None] = {}

    def audience_of(self, stored: Stored) -> int:
        """The audience of one contribution by the rules alone (sharing policy §4)."""
        facts = self.facts_of(stored)
        key = (stored.collection_id, facts)
        if key not in self._audiences:
            self._audiences[key] = audience_of(
                facts,
                self.places[stored.collection_id],
                self.electorate,
                self._policy_of(stored.originator_id),
                self._policy_of_forum(),
                on_fault=_alert,
            )
        return self._audiences[key]

    def facts_of(self, stored: Stored) -> Facts:
        """What the rules may know of a stored contribution."""
        return Facts(
            originator=self.code_of(stored.originator_id),
            stix_type=stored.stix_type,
            labels=stored.facts.labels,
            tlp=stored.tlp,
            blockers=stored.facts.blockers,
        )

    def own_of(self, originator_id: int) -> int:
        """The member itself, through both kinds of credential, if it is active here."""
        return self.electorate.named_by(Term("member", self.code_of(originator_id)))

    def is_bound(self, stored: Stored) -> bool:
        """Whether its `created_by_ref` is an identity bound to its originator."""
        reference = stored.facts.created_by_ref
        if reference is None:
            return False
        if reference not in self._owners:
            owners = list_identity_owners(self._connection, [reference])
            self._owners[reference] = owners.get(reference)
        return self._owners[reference] == stored.originator_id

    def code_of(self, member_id: int) -> str:
        """The code of a member, seated here or not."""
        if member_id not in self._codes:
            self._codes[member_id] = self._connection.execute(
                select(member.c.code).where(member.c.id == member_id)
            ).scalar_one()
        return self._codes[member_id]

    def _policy_of(self, member_id: int) -> CompiledPolicy:
        if member_id not in self._policies:
            saved = find_policy(self._connection, self._forum_id, member_id)
            document = saved.document if saved else NO_RULES
            self._policies[member_id] = compile_policy(self._read(document), self.electorate)
        return self._policies[member_id]

    def _read(self, document: str) -> Policy:
        """A member's saved policy; one that cannot be read shares nothing, and is an alert."""
        try:
            return read_saved(document, self.collection_names)
        except PolicyRefused as fault:
            _alert(fault)
            return Policy()

    def _policy_of_forum(self) -> CompiledPolicy:
        if self._forum_policy is None:
            saved = find_forum_document(self._connection, self._forum_id, "withhold")
            document = saved.document if saved else NO_RULES
            self._forum_policy = compile_policy(
                read_saved(document, self.collection_names, of_forum=True), self.electorate
            )
        return self._forum_policy


def _places(connection: Connection, forum_id: int) -> tuple[dict[int, Place], dict[str, str]]:
    """The forum's collections as the rules see them, and the names policies may call them by."""
    forum = find_forum_by_id(connection, forum_id)
    places: dict[int, Place] = {}
    names: dict[str, str] = {}
    for row in connection.execute(select(collection).where(collection.c.forum_id == forum_id)):
        names[row.uuid] = row.uuid
        if row.alias:
            names[row.alias] = row.uuid
        places[row.id] = Place(
            collection=row.uuid,
            read_roles=frozenset(row.read_roles.split()),
            collection_ceiling=Tlp(row.tlp_ceiling),
            forum_ceiling=Tlp(forum.tlp_ceiling),
        )
    return places, names


def _alert(fault: Exception) -> None:
    log.error("decision-failed", fault=type(fault).__name__, exc_info=fault)
