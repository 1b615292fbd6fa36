"""What a policy, a forum's rules, a suspension or a new seat would change; nothing is written.

A member's simulation is about its own contributions, by what it may know (`foresight`). One for
whoever runs the forum is about all, by the rules, and holds counts alone. What does not live
here: keeping a simulation, and applying exactly what was simulated (`simulations`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, select, true

from auth.queries import Member, RosterRow, list_roster
from sharing.queries.contributions import Stored, list_copies
from sharing.rules.rule import Policy
from sharing.rules.suppositions import list_asked, list_suppositions, supposing
from sharing.services.account import Account
from sharing.services.decisions import Decisions
from sharing.services.foresight import Foresight, Pair
from sharing.services.reconsider import Progress, count_ids, list_batches, no_progress
from sharing.services.served import ServedLog
from sharing.services.supposed import Supposed
from sharing.tables import collection, contribution

_DEPENDS: Final = (
    "What is shared by {} depends on reciprocity: on how much each recipient lets you see, "
    "which is counted at 00:00Z."
)
_NEVER_STARTS: Final = (
    "Two members who both ask for reciprocity never start: one that asks it of you shares "
    "nothing before you do, and you nothing before it does. A rule without that condition, "
    "however small, lets the counting begin."
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when something is simulated: one snapshot of the content, and the deliveries."""

    connection: Connection
    deliveries: Connection
    forum_id: int
    now_us: int
    progress: Progress = no_progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation tells, and a digest of all that it is about.

    `gained` and `lost` count the versions that somebody gains and loses at once and for sure.
    """

    document: dict[str, Any]
    digest: bytes
    gained: int
    lost: int
    notes: Sequence[str] = field(default=())


def simulate_policy(scene: Scene, member_id: int, document: str) -> Outcome:
    """What the member's contributions would be to others under another policy of its own."""
    foresight, notes = foresee_policy(
        scene.connection, scene.forum_id, member_id, document, now_us=scene.now_us
    )
    roster = list_roster(scene.connection, scene.forum_id)
    concerned = contribution.c.originator_id == member_id
    outcome = _account(scene, foresight, roster, concerned, owner_id=member_id)
    return replace(outcome, notes=notes)


def foresee_policy(
    connection: Connection,
    forum_id: int,
    member_id: int,
    document: str,
    *,
    now_us: int,
    before: str | None = None,
) -> tuple[Foresight, tuple[str, ...]]:
    """The member's own contributions under its policy (or `before`) and under another.

    With sentences about what nobody can foresee.
    """
    old = {} if before is None else {member_id: before}
    new = {member_id: document}
    was = Decisions(connection, forum_id, now_us, Supposed(policies=old))
    will = was.beside(Supposed(policies=new))
    asked = list_asked((was.policy_of(member_id), will.policy_of(member_id)))
    codes = frozenset(row.name for row in was.roster if not row.is_partner)
    suppositions, is_complete = list_suppositions(asked)
    pairs = []
    for supposition in suppositions:
        counts = supposing(supposition, codes)
        pairs.append(
            Pair(
                was.beside(Supposed(policies=old, counts=counts)),
                was.beside(Supposed(policies=new, counts=counts)),
            )
        )
    foresight = Foresight(connection, forum_id, pairs, is_complete=is_complete)
    return foresight, _notes(will.policy_of(member_id))


def simulate_forum_policy(scene: Scene, document: str) -> Outcome:
    """What each recipient would gain and lose under other withhold rules of the forum."""
    return _between(scene, Supposed(forum_policy=document))


def simulate_suspension(scene: Scene, member_id: int) -> Outcome:
    """What would be gained and lost in a forum if the member were suspended."""
    roster = [
        replace(row, is_active=False) if row.member_id == member_id else row
        for row in list_roster(scene.connection, scene.forum_id)
    ]
    return _between(scene, Supposed(roster=roster))


def simulate_seat(scene: Scene, member: Member, role: str) -> Outcome:
    """What would be gained and lost if the member had a seat with this role."""
    roster = list_roster(scene.connection, scene.forum_id)
    is_active = member.status == "active"
    known = next((row for row in roster if row.member_id == member.id), None)
    if known is not None:
        seated = replace(known, role=role, status="active", is_active=is_active)
    else:
        seated = RosterRow(
            recipient_id=0,
            bit=max((row.bit for row in roster), default=-1) + 1,
            name=member.code,
            is_partner=False,
            role=role,
            status="active",
            is_active=is_active,
            member_id=member.id,
            jurisdiction=member.jurisdiction,
            blocs=member.blocs,
            residency=member.residency,
            accredited_to=member.accredited_to,
        )
    others = [row for row in roster if row.bit != seated.bit]
    return _between(scene, Supposed(roster=[*others, seated]))


def _between(scene: Scene, supposed: Supposed) -> Outcome:
    before = Decisions(scene.connection, scene.forum_id, scene.now_us)
    after = Decisions(scene.connection, scene.forum_id, scene.now_us, supposed)
    foresight = Foresight(scene.connection, scene.forum_id, [Pair(before, after)])
    return _account(scene, foresight, [*before.roster, *after.roster], true())


def _account(
    scene: Scene,
    foresight: Foresight,
    roster: Sequence[RosterRow],
    concerned: ColumnElement[bool],
    *,
    owner_id: int | None = None,
) -> Outcome:
    rows = scene.connection.execute(
        select(collection.c.id, collection.c.uuid).where(collection.c.forum_id == scene.forum_id)
    )
    account = Account(
        scene.connection,
        roster,
        {row.id: row.uuid for row in rows},
        ServedLog(scene.deliveries, scene.forum_id),
        is_named=owner_id is not None,
    )
    total = count_ids(scene.connection, scene.forum_id, concerned)
    taken = 0
    for count, copies in _list_contributions(scene, concerned, owner_id):
        account.add(foresight.take(copies))
        taken += count
        scene.progress(taken, total + foresight.steps_left)
    account.add(foresight.rest(lambda done, left: scene.progress(total + done, total + left)))
    document, digest = account.close()
    return Outcome(document, digest, account.gained, account.lost)


def _list_contributions(
    scene: Scene, concerned: ColumnElement[bool], owner_id: int | None
) -> Iterator[tuple[int, list[Stored]]]:
    """The concerned contributions in batches that hold each copy whole, and of how many ids."""
    for collection_id, ids in list_batches(scene.connection, scene.forum_id, concerned):
        copies = list_copies(scene.connection, collection_id, ids)
        yield len(ids), [one for one in copies if owner_id is None or one.originator_id == owner_id]


def _notes(policy: Policy) -> tuple[str, ...]:
    """What the policy alone says cannot be foreseen; the same whatever others' policies say."""
    asking = [
        rule.id
        for rule in policy.rules
        if rule.conditions is not None and rule.conditions.reciprocity is not None
    ]
    if not asking:
        return ()
    return (_DEPENDS.format(", ".join(asking)), _NEVER_STARTS)
