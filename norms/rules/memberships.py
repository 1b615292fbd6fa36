"""Who belongs to a forum when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from norms.rules.words import BELONGING


@dataclass(frozen=True, slots=True)
class Belonging:
    """One party's standing in a forum in [from_day, to_day); None: open at that end."""

    party: str
    standing: str
    from_day: int | None = None
    to_day: int | None = None

    def holds_on(self, day: int) -> bool:
        """Whether it is so on a day."""
        begun = self.from_day is None or self.from_day <= day
        return begun and (self.to_day is None or day < self.to_day)


def list_members(belongings: Iterable[Belonging], day: int) -> frozenset[str]:
    """The parties that are bound by what the forum adopts on a day."""
    return frozenset(
        one.party for one in belongings if one.standing in BELONGING and one.holds_on(day)
    )
