"""What is taken to hold in place of what is stored, for deciding before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from auth.queries import RosterRow
from sharing.rules.moment import Counts


@dataclass(frozen=True, slots=True)
class Supposed:
    """Documents of policies by member; the forum's withhold rules; its recipients; the counts.

    A member that is not among `policies`, and a None, stand for what is stored. `counts` says
    who meets what is asked for reciprocity.
    """

    policies: Mapping[int, str] = field(default_factory=dict)
    forum_policy: str | None = None
    roster: Sequence[RosterRow] | None = None
    counts: Counts | None = None


AS_STORED = Supposed()
