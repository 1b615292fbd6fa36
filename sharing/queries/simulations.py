"""Simulations that are kept, by what they are about: nobody finds one that is another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, func, select

from kernel.clock import DAY_US, format_instant
from sharing.tables import forum_head, simulation

KEPT_US: Final = 7 * DAY_US
"""How long a simulation can be read and applied."""

Kind = Literal["policy", "forum-policy", "suspension", "seat"]


@dataclass(frozen=True, slots=True)
class About:
    """What is simulated, where and about whom.

    `forum_id` is None for a suspension, which is about every forum of the member;
    `member_id` is None for a forum's rules.
    """

    kind: Kind
    forum_id: int | None
    member_id: int | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulation as it was told. `epoch` is the ledger position, which stays on this host."""

    id: str
    about: About
    document_digest: bytes
    result_digest: bytes
    epoch: int
    result: dict[str, Any]
    made_us: int

    def document(self) -> dict[str, Any]:
        """The simulation as JSON for whoever asked, without a position of the ledger."""
        return {
            "id": self.id,
            "kind": self.about.kind,
            "made_at": format_instant(self.made_us),
            "kept_until": format_instant(self.made_us + KEPT_US),
        } | self.result


def find_simulation(
    connection: Connection, about: About, simulation_id: str, *, now_us: int
) -> Simulation | None:
    """The simulation with this id, if it is about this and still kept."""
    if "\0" in simulation_id:
        return None
    row = connection.execute(
        select(simulation).where(
            simulation.c.id == simulation_id,
            simulation.c.kind == about.kind,
            simulation.c.made_us > now_us - KEPT_US,
            simulation.c.forum_id.is_not_distinct_from(about.forum_id),
            simulation.c.member_id.is_not_distinct_from(about.member_id),
        )
    ).one_or_none()
    if row is None:
        return None
    return Simulation(
        id=row.id,
        about=about,
        document_digest=row.document_digest,
        result_digest=row.result_digest,
        epoch=row.epoch,
        result=orjson.loads(row.result),
        made_us=row.made_us,
    )


def find_epoch(connection: Connection, forum_ids: list[int]) -> int:
    """The ledger position of a forum; of several, their sum, which grows when one does."""
    positions = select(func.sum(forum_head.c.seq)).where(forum_head.c.forum_id.in_(forum_ids))
    return int(connection.execute(positions).scalar() or 0)


def find_instant(connection: Connection, forum_ids: list[int], *, now_us: int) -> int:
    """The instant at which to decide: now, or what the forums are settled to, if that is later."""
    settled = select(func.max(forum_head.c.settled_us)).where(forum_head.c.forum_id.in_(forum_ids))
    return max(now_us, int(connection.execute(settled).scalar() or 0))
