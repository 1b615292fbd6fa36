"""What each version of one originator's copy of an object is decided to be for whom.

Pure mask algebra over the versions of one copy (sharing policy §4 steps 6 and 8, §5): hidden
references take their place in an object away, newer versions gate older ones and pass on what
is withheld. What does not live here: which references are hidden (the graph of all copies),
which of several copies stands (`stand`), and single decisions (`audiences`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kernel.values import light
from sharing.rules.audiences import Grant, hold_together
from sharing.rules.formulas import Formula, vanishes
from sharing.rules.model import Facts

_EVERYONE: Final = -1


@light
@dataclass(frozen=True, slots=True)
class Named:
    """The ids that an object names, as far as the decision depends on them.

    Without a `hard` one the object says nothing; `vanishing` are the units that go when all
    that they hold is hidden.
    """

    hard: tuple[str, ...] = ()
    vanishing: Mapping[str, Formula] = field(default_factory=dict)


@light
@dataclass(frozen=True, slots=True)
class Version:
    """One version of a copy.

    `own` is the originator; `now` what steps 0 to 6 grant, `open` the same with the embargoes
    of share rules ignored; `refused` those whose `accepts` refuse it; `hidden` maps each id
    that the object names to those from whom it is hidden.
    """

    contribution: int
    version_us: int
    facts: Facts
    named: Named
    own: int
    now: Grant
    open: Grant
    refused: int = 0
    is_held: bool = False
    hidden: Mapping[str, int] = field(default_factory=dict)


@light
@dataclass(frozen=True, slots=True)
class Sight:
    """Who sees a version, and who of these without which unit."""

    mask: int
    lost: Mapping[str, int]


def see(copy: Iterable[Version]) -> dict[int, Sight]:
    """Who is decided to see each version of one copy, by contribution.

    A held version is its originator's alone and counts for no other. An older version stays
    only where every newer one is decided visible, embargoes apart, and lacks what the newest
    that counts is withheld.
    """
    versions = list(copy)
    if len(versions) == 1 and not versions[0].is_held:
        # As nearly always: nothing newer stands in its way.
        only = versions[0]
        decided = _with_references(only, only.now)
        return {only.contribution: _cut(only, decided.mask, decided.lost)}
    sights: dict[int, Sight] = {}
    gate = _EVERYONE
    counted = 0
    inherited: dict[str, int] = {}
    for version in sorted(versions, key=lambda v: v.version_us, reverse=True):
        if version.is_held:
            sights[version.contribution] = Sight(version.own, {})
            continue
        decided = _with_references(version, version.now)
        sights[version.contribution] = _after_newer(version, decided, gate, inherited)
        opened = decided.mask
        if version.open is not version.now:
            opened = _with_references(version, version.open).mask
        gate &= opened | version.own
        # Each recipient inherits from one version: the newest that counts for it.
        fresh = decided.mask & ~version.refused & ~counted
        counted |= fresh
        for unit, mask in version.now.lost.items():
            if mask & fresh:
                inherited[unit] = inherited.get(unit, 0) | (mask & fresh)
    return sights


def less_references(version: Version, grant: Grant) -> Grant:
    """What is left of a grant of this version, without what it names that is hidden."""
    sight = _with_references(version, grant)
    return Grant(sight.mask, sight.lost)


def _with_references(version: Version, grant: Grant) -> Sight:
    """Step 8, then step 6 again."""
    if not version.hidden:
        return Sight(grant.visible | version.own, grant.lost)
    mask = grant.visible
    for stix_id in version.named.hard:
        mask &= ~version.hidden.get(stix_id, 0)
    lost = dict(grant.lost)
    for unit, formula in version.named.vanishing.items():
        if gone := vanishes(formula, version.hidden) & mask & ~version.own:
            lost[unit] = lost.get(unit, 0) | gone
    return _complete(version, mask, lost)


def _after_newer(version: Version, decided: Sight, gate: int, inherited: dict[str, int]) -> Sight:
    mask = decided.mask & gate
    passed_on = {
        unit: lacked
        for unit, reach in inherited.items()
        if unit in version.facts.properties and (lacked := reach & mask & ~version.own)
    }
    if not passed_on:
        return _cut(version, mask, decided.lost)
    lost = dict(decided.lost)
    for unit, reach in passed_on.items():
        lost[unit] = lost.get(unit, 0) | reach
    return _complete(version, mask, lost)


def _complete(version: Version, mask: int, lost: Mapping[str, int]) -> Sight:
    """Step 6: whoever would lack something required does not see the version."""
    others = ~version.own
    grant = hold_together(
        version.facts, mask & others, {unit: reach & others for unit, reach in lost.items()}
    )
    return Sight(grant.visible | version.own, grant.lost)


def _cut(version: Version, mask: int, lost: Mapping[str, int]) -> Sight:
    mask |= version.own
    others = mask & ~version.own
    return Sight(mask, {unit: left for unit, reach in lost.items() if (left := reach & others)})
