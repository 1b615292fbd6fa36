"""Which of several copies of one STIX id stands in which views, and what is first and last there.

Pure set algebra over audiences (int masks, see sharing.rules.audiences). Sharing policy
section 5: one originator stands per id and view; `first` and `last` mean in this view. What
does not live here: who is decided to see which version (`copies`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One contribution of the id, and those to whom it would be shown if it stood alone.

    `mask` is empty for a deleted version. `order` is the ledger position of its first
    contribution; `is_bound` tells that its `created_by_ref` is an identity bound to its
    originator.
    """

    contribution: int
    originator: int
    version_us: int
    order: int
    mask: int
    is_bound: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a version is shown: its audience, and the parts that see it as first and last."""

    mask: int
    first: int
    last: int

    def parts(self) -> list[tuple[int, bool, bool]]:
        """The audience cut into (mask, is first, is last), empty parts left out."""
        cuts = []
        for is_first, by_first in ((True, self.first), (False, ~self.first)):
            for is_last, by_last in ((True, self.last), (False, ~self.last)):
                if mask := self.mask & by_first & by_last:
                    cuts.append((mask, is_first, is_last))
        return cuts


def stand(candidates: Iterable[Candidate]) -> dict[int, Shown]:
    """What each contribution of one id in one collection is shown to, by contribution."""
    candidates = list(candidates)
    if len(candidates) == 1:
        # As nearly always: nothing beside it.
        only = candidates[0]
        return {only.contribution: Shown(only.mask, first=only.mask, last=only.mask)}
    copies: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        copies.setdefault(candidate.originator, []).append(candidate)
    shown: dict[int, Shown] = {}
    taken = 0
    for copy in sorted(copies.values(), key=_precedence):
        shown.update(_flagged(copy, ~taken))
        for candidate in copy:
            taken |= candidate.mask
    return shown


def _precedence(copy: list[Candidate]) -> tuple[bool, int]:
    is_bound = any(candidate.is_bound for candidate in copy)
    return not is_bound, min(candidate.order for candidate in copy)


def _flagged(copy: list[Candidate], allowed: int) -> dict[int, Shown]:
    oldest_first = sorted(copy, key=lambda c: c.version_us)
    masks = [candidate.mask & allowed for candidate in oldest_first]
    older = _unions_before(masks)
    newer = _unions_before(masks[::-1])[::-1]
    return {
        candidate.contribution: Shown(mask, first=mask & ~before, last=mask & ~after)
        for candidate, mask, before, after in zip(oldest_first, masks, older, newer, strict=True)
    }


def _unions_before(masks: list[int]) -> list[int]:
    unions, union = [], 0
    for mask in masks:
        unions.append(union)
        union |= mask
    return unions
