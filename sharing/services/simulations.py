"""Try a change out, keep what it would do, and apply exactly that or refuse.

Applying computes the same under the lock again; if all that the asker could see is not what it
was, the change is refused and nothing is written (sharing policy §8). What does not live here:
what a change would do (`simulating`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert

from auth.queries import Forum, Member
from auth.services import check_can_seat
from kernel.db import Database
from kernel.errors import Conflict, NotFound
from kernel.strictjson import loads
from sharing.queries.simulations import (
    KEPT_US,
    About,
    Simulation,
    find_epoch,
    find_instant,
    find_simulation,
)
from sharing.rules.grammar import check_size, parse_policy
from sharing.services.policies import (
    Confirm,
    Saved,
    Setter,
    list_names,
    set_forum_policy,
    set_policy,
)
from sharing.services.reconsider import Change, Progress, no_progress
from sharing.services.seating import (
    change_member,
    list_forums_of,
    seat_member,
)
from sharing.services.settling import settled_read
from sharing.services.simulating import (
    Outcome,
    Scene,
    simulate_forum_policy,
    simulate_policy,
    simulate_seat,
    simulate_suspension,
)
from sharing.tables import simulation

Simulate = Callable[[Scene], Outcome]
"""Computes what a change would do in one forum."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A change to try out or to apply: what it is about, its document, the forums it is in."""

    about: About
    document: bytes
    forums: Sequence[tuple[int, str]]
    simulate: Simulate

    @property
    def digest(self) -> bytes:
        """What tells this document from every other."""
        return hashlib.sha256(self.document).digest()


def trial_of_policy(forum: Forum, member_id: int, document: bytes) -> Trial:
    """A member's policy in a forum."""

    def simulate(scene: Scene) -> Outcome:
        return simulate_policy(scene, member_id, document.decode())

    about = About("policy", forum.id, member_id)
    return Trial(about, document, [(forum.id, forum.slug)], simulate)


def trial_of_forum_policy(forum: Forum, document: bytes) -> Trial:
    """A forum's withhold rules."""

    def simulate(scene: Scene) -> Outcome:
        return simulate_forum_policy(scene, document.decode())

    about = About("forum-policy", forum.id, None)
    return Trial(about, document, [(forum.id, forum.slug)], simulate)


def trial_of_suspension(connection: Connection, member: Member, status: str) -> Trial:
    """A member made `suspended` or `departed`, in every forum that it has a seat in.

    The two withdraw the same; which of them was tried out is the document.
    """

    def simulate(scene: Scene) -> Outcome:
        return simulate_suspension(scene, member.id)

    forums = list_forums_of(connection, member.id)
    return Trial(About("suspension", None, member.id), status.encode(), forums, simulate)


def trial_of_seat(forum: Forum, member: Member, role: str) -> Trial:
    """A seat with a role."""

    def simulate(scene: Scene) -> Outcome:
        check_can_seat(scene.connection, scene.forum_id, member.id, role)
        return simulate_seat(scene, member, role)

    about = About("seat", forum.id, member.id)
    return Trial(about, role.encode(), [(forum.id, forum.slug)], simulate)


def try_out(
    database: Database,
    actor: str,
    trial: Trial,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Simulation:
    """Compute what the change would do now, and keep that for seven days.

    Raises what the change itself would raise: PolicyRefused, BadInput, Conflict.
    """
    forum_ids = [forum_id for forum_id, _ in trial.forums]
    with (
        settled_read(database, now_us=now_us) as connection,
        database.read_deliveries() as deliveries,
    ):
        check_trial(connection, trial)
        at_us = find_instant(connection, forum_ids, now_us=now_us)
        outcome = _compute(connection, deliveries, trial, at_us, progress)
        epoch = find_epoch(connection, forum_ids)
    made = Simulation(
        id=str(uuid.uuid4()),
        about=trial.about,
        document_digest=trial.digest,
        result_digest=outcome.digest,
        epoch=epoch,
        result=outcome.document,
        made_us=now_us,
    )
    with database.write() as connection:
        connection.execute(delete(simulation).where(simulation.c.made_us <= now_us - KEPT_US))
        connection.execute(insert(simulation).values(_row(made, actor)))
    return made


def apply_policy(
    database: Database,
    setter: Setter,
    trial: Trial,
    simulation_id: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Saved:
    """Set the member's policy to exactly what was simulated.

    Raises NotFound for an unknown simulation, Conflict (`sharing.other-document`,
    `sharing.world-moved`) when it is of another document or would not do the same now.
    """
    forum_id, member_id = trial.about.forum_id, trial.about.member_id
    if forum_id is None or member_id is None:
        raise TypeError("a policy is a member's, in a forum")
    return set_policy(
        database,
        setter,
        forum_id,
        member_id,
        trial.document,
        now_us=now_us,
        progress=progress,
        confirm=_confirming(database, trial, simulation_id),
    )


def apply_forum_policy(
    database: Database,
    setter: Setter,
    trial: Trial,
    simulation_id: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Saved:
    """Set the forum's withhold rules to exactly what was simulated; raises as `apply_policy`."""
    forum_id, _ = trial.forums[0]
    return set_forum_policy(
        database,
        setter,
        forum_id,
        trial.document,
        now_us=now_us,
        progress=progress,
        confirm=_confirming(database, trial, simulation_id),
    )


def apply_suspension(
    database: Database,
    actor: str,
    code: str,
    trial: Trial,
    simulation_id: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> None:
    """Suspend the member, or let it depart, if that does what was simulated; raises as
    `apply_policy`."""
    change_member(
        database,
        actor,
        code,
        trial.document.decode(),
        now_us=now_us,
        progress=progress,
        confirm=_confirming(database, trial, simulation_id),
    )


def apply_seat(
    database: Database,
    actor: str,
    code: str,
    trial: Trial,
    simulation_id: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Change:
    """Give the member the seat if that does what was simulated; raises as `apply_policy`."""
    _, slug = trial.forums[0]
    return seat_member(
        database,
        actor,
        slug,
        code,
        trial.document.decode(),
        now_us=now_us,
        progress=progress,
        confirm=_confirming(database, trial, simulation_id),
    )


def foresee_applying(
    database: Database, trial: Trial, simulation_id: str, *, now_us: int, progress: Progress
) -> None:
    """Raise what applying the trial now would raise; nobody waits meanwhile.

    What is applied is looked at again when it is (`apply_policy`).
    """
    forum_ids = [forum_id for forum_id, _ in trial.forums]
    with settled_read(database, now_us=now_us) as connection:
        at_us = find_instant(connection, forum_ids, now_us=now_us)
        _check_same(database, connection, trial, simulation_id, at_us, progress)


def _confirming(database: Database, trial: Trial, simulation_id: str) -> Confirm:
    def confirm(connection: Connection, now_us: int) -> tuple[int, int]:
        now = _check_same(database, connection, trial, simulation_id, now_us, no_progress)
        return now.gained, now.lost

    return confirm


def _check_same(
    database: Database,
    connection: Connection,
    trial: Trial,
    simulation_id: str,
    now_us: int,
    progress: Progress,
) -> Outcome:
    """What the change does now, which is what the simulation said. Raises NotFound, Conflict."""
    kept = find_simulation(connection, trial.about, simulation_id, now_us=now_us)
    if kept is None:
        raise NotFound(
            "sharing.unknown-simulation",
            "no such simulation of this, or it is older than seven days; simulate again",
        )
    if kept.document_digest != trial.digest:
        raise Conflict(
            "sharing.other-document",
            "this is not what was simulated; apply the very same document, or simulate again",
        )
    if not _is_everywhere(connection, trial):
        raise _moved()
    with database.read_deliveries() as deliveries:
        now = _compute(connection, deliveries, trial, now_us, progress)
    if now.digest != kept.result_digest:
        raise _moved()
    return now


def _is_everywhere(connection: Connection, trial: Trial) -> bool:
    """Whether what happens to a member everywhere is looked at in every forum it has a seat in."""
    about = trial.about
    if about.kind != "suspension" or about.member_id is None:
        return True
    return list_forums_of(connection, about.member_id) == list(trial.forums)


def _moved() -> Conflict:
    return Conflict(
        "sharing.world-moved",
        "it would not do any more what the simulation said, so nothing was changed; "
        "simulate again and look at what is different",
    )


def check_trial(connection: Connection, trial: Trial) -> None:
    """Refuse a document that could not be set: raises PolicyRefused, BadInput."""
    forum_id = trial.about.forum_id
    if trial.about.kind not in ("policy", "forum-policy") or forum_id is None:
        return
    check_size(trial.document)
    parse_policy(
        loads(trial.document),
        names=list_names(connection, forum_id),
        forum_policy=trial.about.kind == "forum-policy",
    )


def _compute(
    connection: Connection,
    deliveries: Connection,
    trial: Trial,
    now_us: int,
    progress: Progress,
) -> Outcome:
    """What is told of all the forums, each row naming its own, and a digest of it."""
    told: dict[str, Any] = {
        "gains": [],
        "loses": [],
        "already_served": [],
        "later": {"opens": [], "closes": []},
        "notes": [],
    }
    digest = hashlib.sha256()
    gained = lost = 0
    for forum_id, slug in trial.forums:
        outcome = trial.simulate(Scene(connection, deliveries, forum_id, now_us, progress))
        _append(told, outcome.document, slug)
        told["notes"] = list(outcome.notes)
        digest.update(outcome.digest)
        gained, lost = gained + outcome.gained, lost + outcome.lost
    digest.update(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
    return Outcome(told, digest.digest(), gained, lost)


def _append(told: dict[str, Any], more: dict[str, Any], slug: str) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            _append(told[name], value, slug)
        else:
            told[name] += [{"forum": slug} | row for row in value]


def _row(made: Simulation, actor: str) -> dict[str, object]:
    return {
        "id": made.id,
        "kind": made.about.kind,
        "forum_id": made.about.forum_id,
        "member_id": made.about.member_id,
        "asked_by": actor,
        "document_digest": made.document_digest,
        "result_digest": made.result_digest,
        "epoch": made.epoch,
        "result": orjson.dumps(made.result).decode(),
        "made_us": made.made_us,
    }
