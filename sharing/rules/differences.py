"""What changes for whom when one version is seen otherwise: pure algebra over masks.

What does not live here: how a version is seen (`copies`), and adding up over many versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

Part = tuple[str, str]
"""A unit, and what of it: "" is all of it, else an id, or another name of something inside."""

ALL_OF_IT: Final = ""


@dataclass(frozen=True, slots=True)
class Form:
    """Who sees a version, and who of these without which part of it."""

    mask: int
    lost: Mapping[Part, int] = field(default_factory=dict)

    def lacking(self, part: Part) -> int:
        """Who does not get the part: what is inside a unit goes with the unit."""
        unit, _ = part
        return self.lost.get(part, 0) | self.lost.get((unit, ALL_OF_IT), 0)


@dataclass(frozen=True, slots=True)
class Side:
    """What is gained, or what is lost, each as a mask of those for whom it is.

    `whole` is the version itself; `units`, of those who see it before and after, all or some of
    a unit. `without` says of each unit who of those who gain the version lacks all or some of
    it. `sure` are those who gain, or lose, whatever the case may be.
    """

    whole: int = 0
    units: Mapping[str, int] = field(default_factory=dict)
    without: Mapping[str, int] = field(default_factory=dict)
    sure: int = 0

    @property
    def mask(self) -> int:
        """Those for whom there is anything."""
        return self.whole | union_of(self.units.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes when one version is seen otherwise."""

    gained: Side
    lost: Side

    @property
    def is_nothing(self) -> bool:
        """Whether nobody gains or loses anything."""
        return not (self.gained.mask or self.lost.mask)

    def doubted(self) -> Difference:
        """The same, of which nothing is sure."""
        return Difference(replace(self.gained, sure=0), replace(self.lost, sure=0))


def differ(before: Form, after: Form, among: int) -> Difference:
    """The difference between two forms for those of the mask `among`."""
    appears = after.mask & ~before.mask & among
    disappears = before.mask & ~after.mask & among
    both = before.mask & after.mask & among
    without: dict[str, int] = {}
    more: dict[str, int] = {}
    less: dict[str, int] = {}
    for part in {**before.lost, **after.lost}:
        unit, _ = part
        lacked, lacks = before.lacking(part), after.lacking(part)
        _add(without, unit, lacks & appears)
        _add(more, unit, lacked & ~lacks & both)
        _add(less, unit, lacks & ~lacked & both)
    gained = appears | union_of(more.values())
    lost = disappears | union_of(less.values())
    return Difference(Side(appears, more, without, gained), Side(disappears, less, {}, lost))


def foresee(cases: Sequence[Difference]) -> Difference:
    """The difference in each of several cases, at least one, taken together: all that may be."""
    if len(cases) == 1:
        return cases[0]
    return Difference(
        _together([case.gained for case in cases]), _together([case.lost for case in cases])
    )


def union_of(masks: Iterable[int]) -> int:
    """All that are in one of the masks."""
    union = 0
    for mask in masks:
        union |= mask
    return union


def _together(sides: Sequence[Side]) -> Side:
    sure = sides[0].mask
    for side in sides:
        sure &= side.sure
    return Side(
        union_of(side.whole for side in sides),
        _merged(side.units for side in sides),
        _merged(side.without for side in sides),
        sure,
    )


def _merged(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    merged: dict[str, int] = {}
    for each in many:
        for unit, mask in each.items():
            _add(merged, unit, mask)
    return merged


def _add(masks: dict[str, int], unit: str, mask: int) -> None:
    if mask:
        masks[unit] = masks.get(unit, 0) | mask
