"""Which of several copies and versions of one STIX id stand in which views.

Pure set algebra over audiences (int masks, see sharing.rules.audiences). Sharing policy
section 5: one originator stands per id and view; an older version stays only while every
newer version of the same copy is decided visible there; `first` and `last` mean in this view.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_EVERYONE = -1


@dataclass(frozen=True, slots=True)
class Version:
    """One contribution of the id. `decided` is its audience by the rules alone.

    `order` is the ledger position of its first contribution; `is_bound` tells that its
    `created_by_ref` is an identity bound to its originator. A deleted version is shown to
    nobody and goes on gating older ones.
    """

    contribution: int
    originator: int
    version_us: int
    order: int
    decided: int
    is_deleted: bool
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


def stand(versions: Iterable[Version]) -> dict[int, Shown]:
    """What each contribution of one id in one collection is shown to, by contribution."""
    copies: dict[int, list[Version]] = {}
    for version in versions:
        copies.setdefault(version.originator, []).append(version)
    shown: dict[int, Shown] = {}
    taken = 0
    for copy in sorted(copies.values(), key=_precedence):
        visible = _visible(copy)
        reach = 0
        for mask in visible.values():
            reach |= mask
        shown.update(_flagged(copy, visible, ~taken))
        taken |= reach
    return shown


def _precedence(copy: list[Version]) -> tuple[bool, int]:
    is_bound = any(version.is_bound for version in copy)
    return not is_bound, min(version.order for version in copy)


def _visible(copy: list[Version]) -> dict[int, int]:
    """Each version's audience after the newer versions of its copy have gated it."""
    visible: dict[int, int] = {}
    gate = _EVERYONE
    for version in sorted(copy, key=lambda v: v.version_us, reverse=True):
        gate &= version.decided
        visible[version.contribution] = 0 if version.is_deleted else gate
    return visible


def _flagged(copy: list[Version], visible: dict[int, int], allowed: int) -> dict[int, Shown]:
    oldest_first = sorted(copy, key=lambda v: v.version_us)
    masks = [visible[version.contribution] & allowed for version in oldest_first]
    older = _unions_before(masks)
    newer = _unions_before(masks[::-1])[::-1]
    return {
        version.contribution: Shown(mask, first=mask & ~before, last=mask & ~after)
        for version, mask, before, after in zip(oldest_first, masks, older, newer, strict=True)
    }


def _unions_before(masks: list[int]) -> list[int]:
    unions, union = [], 0
    for mask in masks:
        unions.append(union)
        union |= mask
    return unions
