"""The rules applied to stored contributions of one forum, at one instant.

Loads the forum's recipients, collections and policies once per transaction and remembers
what it has decided: contributions that no rule tells apart are decided once. What does not
live here: the rules themselves, and what the references of a contribution mean (graph).
"""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from auth.queries import list_identity_owners
from auth.tables import member
from kernel.clock import DAY_US
from kernel.db import is_one_look
from kernel.logs import get_logger
from sharing.queries.commitments import find_register
from sharing.queries.contributions import Stored
from sharing.queries.policies import (
    NO_RULES,
    UNREADABLE_BY,
    find_policy,
    list_standing_accepts,
    read_saved,
)
from sharing.queries.reciprocity import count_seen
from sharing.rules.accepts import Accepts, read_accepts
from sharing.rules.audiences import (
    CompiledPolicy,
    Electorate,
    Grant,
    compile_policy,
    grant_of,
    refused_by,
    signature,
)
from sharing.rules.model import Facts, Place, Recipient
from sharing.rules.moment import Moment, list_provisions, next_change
from sharing.rules.rule import WITHHOLD_ALL, Policy, Reciprocity, depends_on_commitments
from sharing.rules.terms import Committed, Term
from sharing.rules.tlp import Tlp
from sharing.services.ground import Ground, ground_of
from sharing.services.supposed import AS_STORED, Supposed

log = get_logger(__name__)

_MOST_ALIKE = 8192
"""So many contributions that rules tell apart are remembered."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A policy as it is written, and against the forum's recipients."""

    policy: Policy
    compiled: CompiledPolicy
    follows_commitments: bool
    may_change_by_itself: bool


class Decisions:
    """Who sees what in one forum at `now_us`. Ask about as many contributions as you like.

    By what is stored, or by what is `supposed` in its place. With `assume_reciprocity` every
    member counts as meeting what others ask of it: who does is not an originator's to know
    (sharing policy §8). What others have `read` of the forum (`beside`) is not read again.
    """

    def __init__(
        self,
        connection: Connection,
        forum_id: int,
        now_us: int,
        supposed: Supposed = AS_STORED,
        *,
        assume_reciprocity: bool = False,
        read: tuple[Ground, dict[str, Accepts] | None] | None = None,
    ) -> None:
        self._connection = connection
        self._forum_id = forum_id
        self._supposed = supposed
        self.now_us = now_us
        counts = self._every_member if assume_reciprocity else self._members_that_meet
        self._register = find_register()
        self.moment = Moment(now_us, supposed.counts or counts, self._committed_at(now_us))
        ground, self._accepts = read or (ground_of(connection, forum_id), None)
        self._ground = ground
        self.roster = ground.roster if supposed.roster is None else supposed.roster
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
        self.places, self.collection_names = ground.places, ground.collection_names
        self._codes: dict[int, str] = {
            row.member_id: row.name for row in self.roster if row.member_id is not None
        }
        # Where nothing changes meanwhile, it is read when it is needed.
        if self._accepts is None and not is_one_look(connection):
            self._accepts = self._read_accepts()
        self._forum_document = supposed.forum_policy or ground.forum_policy
        self._forum_policy: _Held | None = None
        self._policies: dict[int, _Held] = {}
        self._grants: dict[Hashable, Grant] = {}
        self._alike: dict[Hashable, Facts] = {}
        # By what was asked about, which is held so that nothing else takes its place.
        self._asked: dict[int, tuple[Stored, Facts]] = {}
        self._granted: dict[Hashable, tuple[Grant, Grant]] = {}
        self._own: dict[int, int] = {}
        self._refusals: dict[Hashable, int] = {}
        self._owners: dict[str, int | None] = {}
        self._counts: dict[tuple[str, int], dict[str, int]] = {}
        self._commitment_changes: dict[tuple[frozenset[str], int], int | None] = {}

    def at(self, now_us: int) -> Decisions:
        """The same at another instant, as if nobody's counts changed until then."""
        other = copy(self)
        other.now_us = now_us
        other.moment = replace(self.moment, now_us=now_us, committed=self._committed_at(now_us))
        return other

    def beside(self, supposed: Supposed) -> Decisions:
        """Others of the same forum at the same instant, while nothing is written to it."""
        accepts = self._accepts if supposed.roster is None else None
        read = (self._ground, accepts)
        return Decisions(self._connection, self._forum_id, self.now_us, supposed, read=read)

    def grants_of(
        self, stored: Stored, facts: Facts, bound: int | None = None
    ) -> tuple[Grant, Grant]:
        """What steps 0 to 6 grant now, and with the embargoes of share rules ignored.

        The very same grant twice when no embargo makes a difference.
        """
        # Facts are compared by identity: these are the very same.
        key = (facts, self.now_us, stored.collection_id, stored.originator_id, bound)
        found = self._granted.get(key)
        if found is None:
            if len(self._granted) >= _MOST_ALIKE:
                self._granted.clear()
            found = self._granted[key] = self._both_grants_of(stored, facts, bound)
        return found

    def _both_grants_of(
        self, stored: Stored, facts: Facts, bound: int | None
    ) -> tuple[Grant, Grant]:
        now = self._grant(stored, facts, bound, ignoring_embargo=False)
        if not self._policy_of(stored.originator_id).compiled.list_timed():
            return now, now
        return now, self._grant(stored, facts, bound, ignoring_embargo=True)

    def opened_at_most(self, stored: Stored, facts: Facts, bound: int | None = None) -> Grant:
        """What is granted with embargoes ignored, if every member met reciprocity."""
        everybody = frozenset(row.name for row in self.roster if not row.is_partner)
        return self._opened(stored, facts, bound, everybody)

    def opened_at_least(self, stored: Stored, facts: Facts, bound: int | None = None) -> Grant:
        """The same if none did."""
        return self._opened(stored, facts, bound, frozenset())

    def _opened(
        self, stored: Stored, facts: Facts, bound: int | None, meeting: frozenset[str]
    ) -> Grant:
        if bound is not None or not self._reciprocities_of(stored.originator_id):
            return self.grants_of(stored, facts, bound)[1]
        return grant_of(
            facts,
            self.places[stored.collection_id],
            self.electorate,
            self._policy_of(stored.originator_id).compiled,
            self._policy_of_forum().compiled,
            replace(self.moment, counts=lambda _originator, _asked: meeting),
            ignoring_embargo=True,
            on_fault=_alert,
        )

    def _grant(
        self, stored: Stored, facts: Facts, bound: int | None, *, ignoring_embargo: bool
    ) -> Grant:
        place = self.places[stored.collection_id]
        policy, forum_policy = self._policy_of(stored.originator_id), self._policy_of_forum()
        key = self._signature_of(stored, facts, bound, ignoring_embargo=ignoring_embargo)
        if key not in self._grants:
            self._grants[key] = grant_of(
                facts,
                place,
                self.electorate,
                policy.compiled,
                forum_policy.compiled,
                self.moment,
                bound=bound,
                ignoring_embargo=ignoring_embargo,
                on_fault=_alert,
            )
        return self._grants[key]

    def signature_of(self, stored: Stored) -> Hashable:
        """Equal for contributions that no rule tells apart now."""
        return self._signature_of(stored, self.facts_of(stored), None, ignoring_embargo=False)

    def _signature_of(
        self, stored: Stored, facts: Facts, bound: int | None, *, ignoring_embargo: bool
    ) -> Hashable:
        told_apart = signature(
            facts,
            self.places[stored.collection_id],
            self._policy_of(stored.originator_id).compiled,
            self._policy_of_forum().compiled,
            self.now_us,
            ignoring_embargo=ignoring_embargo,
        )
        # Who is committed may differ with the instant (`at`), though the same rules hold.
        return (self.now_us, stored.collection_id, stored.originator_id, bound, told_apart)

    def is_timed(self, member_id: int) -> bool:
        """Whether any rule about a member's contributions does not hold at all times."""
        policy, forum_policy = self._policy_of(member_id), self._policy_of_forum()
        return bool(policy.compiled.list_timed() or forum_policy.compiled.list_timed())

    def refused_by(self, stored: Stored, facts: Facts) -> int:
        """Those who would see it, and decline to (sharing policy §6)."""
        if self._accepts is None:
            self._accepts = self._read_accepts()
        if not self._accepts:
            return 0
        key = (stored.originator_id, facts.stix_type, facts.tlp)
        if key not in self._refusals:
            self._refusals[key] = refused_by(self._accepts, facts, self.electorate)
        return self._refusals[key]

    def next_change(self, stored: Stored, facts: Facts) -> int | None:
        """The next instant at which the decision changes by itself; None when there is none."""
        policy, forum_policy = self._policy_of(stored.originator_id), self._policy_of_forum()
        if not (policy.may_change_by_itself or forum_policy.may_change_by_itself):
            return None
        place = self.places[stored.collection_id]
        changes = [self._next_commitment(facts, place, policy, forum_policy)]
        if policy.compiled.list_timed() or forum_policy.compiled.list_timed():
            changes.append(
                next_change(facts, place, policy.compiled, forum_policy.compiled, self.now_us)
            )
        return min((change for change in changes if change is not None), default=None)

    def _next_commitment(
        self, facts: Facts, place: Place, policy: _Held, forum_policy: _Held
    ) -> int | None:
        """When a commitment on which it depends who sees the object takes or loses effect."""
        if not (policy.follows_commitments or forum_policy.follows_commitments):
            return None
        if self._register is None:
            return None
        provisions = list_provisions(facts, place, policy.policy, forum_policy.policy)
        key = (provisions, self.now_us)
        if provisions and key not in self._commitment_changes:
            self._commitment_changes[key] = self._register.find_next_change(
                self._connection, provisions, self.now_us
            )
        return self._commitment_changes.get(key)

    def _committed_at(self, at_us: int) -> Committed | None:
        register = self._register
        if register is None:
            return None
        known: dict[str, frozenset[str]] = {}

        def committed(provision: str) -> frozenset[str]:
            if provision not in known:
                known.update(register.list_committed(self._connection, [provision], at_us))
            return known.setdefault(provision, frozenset())

        return committed

    def facts_of(self, stored: Stored) -> Facts:
        """What the rules may know of a stored contribution; the same object where that is equal."""
        asked = self._asked.get(id(stored))
        if asked is not None and asked[0] is stored:
            return asked[1]
        kept = stored.facts
        key = (
            kept.told_apart_by,
            stored.originator_id,
            stored.stix_type,
            stored.tlp,
            stored.contributed_us,
        )
        facts = self._alike.get(key)
        if facts is None:
            if len(self._alike) >= _MOST_ALIKE:
                self._alike.clear()
            facts = self._alike[key] = self._facts_of(stored)
        if len(self._asked) >= _MOST_ALIKE:
            self._asked.clear()
        self._asked[id(stored)] = (stored, facts)
        return facts

    def _facts_of(self, stored: Stored) -> Facts:
        kept = stored.facts
        return Facts(
            originator=self.code_of(stored.originator_id),
            stix_type=stored.stix_type,
            labels=kept.labels,
            tlp=stored.tlp,
            blockers=kept.blockers,
            properties=kept.properties,
            releasable_to=kept.releasable_to,
            clauses=kept.clauses,
            ties=kept.ties,
            contributed_us=stored.contributed_us,
        )

    def own_of(self, originator_id: int) -> int:
        """The member itself, through both kinds of credential, if it is active here."""
        own = self._own.get(originator_id)
        if own is None:
            own = self.electorate.named_by(Term("member", self.code_of(originator_id)))
            self._own[originator_id] = own
        return own

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

    def policies_about(self, stored: Stored) -> tuple[Policy, Policy]:
        """What decides about a contribution: its originator's policy, and the forum's."""
        return self._policy_of(stored.originator_id).policy, self._policy_of_forum().policy

    def policy_of(self, member_id: int) -> Policy:
        """The member's sharing policy."""
        return self._policy_of(member_id).policy

    def list_reciprocal(self) -> list[int]:
        """The members whose policy here asks for reciprocity."""
        return [
            row.member_id
            for row in self.roster
            if row.member_id is not None and self._reciprocities_of(row.member_id)
        ]

    def has_reciprocity(self, member_id: int) -> bool:
        """Whether a member's policy here asks for reciprocity."""
        return bool(self._reciprocities_of(member_id))

    def list_meeting(self, member_id: int) -> list[frozenset[str]]:
        """For each reciprocity that a member's policy asks for, the members that meet it."""
        code = self.code_of(member_id)
        return [self._members_that_meet(code, asked) for asked in self._reciprocities_of(member_id)]

    def _reciprocities_of(self, member_id: int) -> list[Reciprocity]:
        return [
            rule.conditions.reciprocity
            for rule in self._policy_of(member_id).policy.rules
            if rule.conditions is not None and rule.conditions.reciprocity is not None
        ]

    def _members_that_meet(self, originator: str, asked: Reciprocity) -> frozenset[str]:
        """The members of whom `originator` has seen enough, counted at the last 00:00Z."""
        counts = self._counts_for(originator, asked.window_days)
        return frozenset(code for code, count in counts.items() if count >= asked.min_contributions)

    def _every_member(self, originator: str, asked: Reciprocity) -> frozenset[str]:  # noqa: ARG002
        return frozenset(self._codes.values())

    def _counts_for(self, originator: str, window_days: int) -> dict[str, int]:
        key = (originator, window_days)
        if key not in self._counts:
            midnight_us = self.now_us - self.now_us % DAY_US
            counts = count_seen(
                self._connection,
                self._forum_id,
                self.electorate.named_by(Term("member", originator)),
                since_us=midnight_us - window_days * DAY_US,
                before_us=midnight_us,
            )
            self._counts[key] = {
                self.code_of(member_id): count for member_id, count in counts.items()
            }
        return self._counts[key]

    def _policy_of(self, member_id: int) -> _Held:
        if member_id not in self._policies:
            document = self._supposed.policies.get(member_id)
            if document is None:
                saved = find_policy(self._connection, self._forum_id, member_id)
                document = saved.document if saved else NO_RULES
            self._policies[member_id] = self._hold(self._read(document))
        return self._policies[member_id]

    def _read(self, document: str) -> Policy:
        """A member's saved policy; one that cannot be read shares nothing, and is an alert."""
        try:
            return read_saved(document, self.collection_names)
        except UNREADABLE_BY as fault:
            _alert_unreadable(fault)
            return Policy()

    def _policy_of_forum(self) -> _Held:
        if self._forum_policy is None:
            self._forum_policy = self._hold(self._read_of_forum())
        return self._forum_policy

    def _read_of_forum(self) -> Policy:
        """The forum's saved rules; some that cannot be read withhold everything: an alert."""
        try:
            return read_saved(self._forum_document, self.collection_names, of_forum=True)
        except UNREADABLE_BY as fault:
            _alert_unreadable(fault)
            return WITHHOLD_ALL

    def _hold(self, policy: Policy) -> _Held:
        follows = any(depends_on_commitments(rule) for rule in policy.rules)
        compiled = compile_policy(policy, self.electorate)
        return _Held(policy, compiled, follows, follows or bool(compiled.list_timed()))

    def _read_accepts(self) -> dict[str, Accepts]:
        """What each member accepts; one that cannot be read accepts nothing, and is an alert."""
        found: dict[str, Accepts] = {}
        for member_id, saved in list_standing_accepts(self._connection, self._forum_id).items():
            try:
                found[self.code_of(member_id)] = read_accepts(saved.value)
            except UNREADABLE_BY as fault:
                _alert_unreadable(fault)
                found[self.code_of(member_id)] = Accepts(types=frozenset())
        return found


def _alert(fault: Exception) -> None:
    log.error("decision-failed", fault=type(fault).__name__, exc_info=fault)


def _alert_unreadable(fault: Exception) -> None:
    """Of what is kept and cannot be read: why, which says all."""
    log.error("decision-failed", fault=type(fault).__name__, reason=str(fault))
