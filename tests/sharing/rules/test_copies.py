"""Who sees which version of one copy: mask algebra against a plain reading, viewer by viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.audiences import Grant
from sharing.rules.copies import Named, Version, less_references, see
from sharing.rules.model import Facts
from sharing.rules.tlp import Tlp

VIEWERS = range(4)
EVERYBODY = 0b1111
OWN = 0b1000
UNITS = ("name", "description", "labels")
FACTS = Facts(
    originator="XAA",
    stix_type="indicator",
    labels=frozenset(),
    tlp=Tlp.GREEN,
    blockers=(),
    properties=dict.fromkeys(UNITS, Tlp.GREEN),
    releasable_to=None,
    clauses=(frozenset({"name"}),),
    ties=(),
    contributed_us=0,
)


@st.composite
def copies(draw: st.DrawFn) -> list[Version]:
    instants = draw(st.sets(st.integers(0, 9), min_size=1, max_size=4))
    return [draw(versions(instant)) for instant in sorted(instants)]


@st.composite
def versions(draw: st.DrawFn, version_us: int) -> Version:
    masks = st.integers(0, EVERYBODY & ~OWN)
    visible = draw(masks)
    now = Grant(visible | OWN, _lost(draw, visible))
    opened = now
    if draw(st.booleans()):
        wider = visible | draw(masks)
        opened = Grant(wider | OWN, {u: m & draw(masks) for u, m in now.lost.items()})
    return Version(
        contribution=version_us,
        version_us=version_us,
        facts=FACTS,
        named=Named(("hard",), {"description": "soft"}),
        own=OWN,
        now=now,
        open=opened,
        refused=draw(masks),
        is_held=draw(st.integers(0, 5)) == 0,
        hidden={"hard": draw(masks), "soft": draw(masks)} if draw(st.booleans()) else {},
    )


def _lost(draw: st.DrawFn, visible: int) -> dict[str, int]:
    lost = {unit: draw(st.integers(0, EVERYBODY & ~OWN)) & visible for unit in UNITS[1:]}
    return {unit: mask for unit, mask in lost.items() if mask}


def expected(viewer: int, copy: list[Version]) -> Mapping[int, frozenset[str]]:
    """For one viewer: the versions it sees, each with what it lacks (policy §4, §5)."""
    bit = 1 << viewer
    seen: dict[int, frozenset[str]] = {}
    passed_on: frozenset[str] | None = None
    is_gated = False
    for version in sorted(copy, key=lambda v: -v.version_us):
        if bit & OWN:
            seen[version.contribution] = frozenset()
            continue
        if version.is_held:
            continue
        is_decided, lacked = decide(bit, version, version.now)
        if is_decided and not is_gated:
            more = lacked | (passed_on or frozenset())
            if "name" not in more:
                seen[version.contribution] = more
        if not is_decided and not decide(bit, version, version.open)[0]:
            is_gated = True
        if is_decided and passed_on is None and not version.refused & bit:
            passed_on = frozenset(u for u, mask in version.now.lost.items() if mask & bit)
    return seen


def decide(bit: int, version: Version, grant: Grant) -> tuple[bool, frozenset[str]]:
    if not grant.visible & bit or version.hidden.get("hard", 0) & bit:
        return False, frozenset()
    lacked = {unit for unit, mask in grant.lost.items() if mask & bit}
    if version.hidden.get("soft", 0) & bit:
        lacked.add("description")
    return True, frozenset(lacked)


@given(copies())
def test_every_viewer_sees_the_versions_that_the_policy_says(copy: list[Version]) -> None:
    sights = see(copy)
    for viewer in VIEWERS:
        bit = 1 << viewer
        found = {
            contribution: frozenset(unit for unit, mask in sight.lost.items() if mask & bit)
            for contribution, sight in sights.items()
            if sight.mask & bit
        }
        assert found == expected(viewer, copy)


@given(copies())
def test_nothing_is_said_to_be_lost_to_whom_it_is_not_shown(copy: list[Version]) -> None:
    for sight in see(copy).values():
        for mask in sight.lost.values():
            assert mask
            assert mask & ~sight.mask == 0
            assert mask & OWN == 0


def version(version_us: int, now: Grant, **more: Any) -> Version:
    return Version(
        contribution=version_us,
        version_us=version_us,
        facts=FACTS,
        named=Named(),
        own=OWN,
        now=now,
        open=more.pop("open", now),
        **more,
    )


def test_a_newer_version_under_an_embargo_keeps_no_older_one_away() -> None:
    older, shut = version(1, Grant(0b0011 | OWN)), Grant(OWN)
    opened = see([older, version(2, shut, open=Grant(0b0001 | OWN))])
    assert {at: sight.mask for at, sight in opened.items()} == {1: 0b0001 | OWN, 2: OWN}
    closed = see([older, version(2, shut)])
    assert {at: sight.mask for at, sight in closed.items()} == {1: OWN, 2: OWN}


def test_an_older_version_lacks_what_the_newest_that_counts_is_withheld() -> None:
    whole = version(1, Grant(0b0111 | OWN))
    cut = Grant(0b0111 | OWN, {"description": 0b0011, "labels": 0b0010})
    sights = see([whole, version(2, cut, refused=0b0010)])
    # Whom the newest does not count for inherits from it nothing.
    assert sights[1].lost == {"description": 0b0001}
    assert sights[2].lost == {"description": 0b0011, "labels": 0b0010}


def test_a_held_version_is_its_originators_and_counts_for_no_other() -> None:
    sights = see([version(1, Grant(0b0001 | OWN)), version(2, Grant(0b0011 | OWN), is_held=True)])
    assert {at: sight.mask for at, sight in sights.items()} == {1: 0b0001 | OWN, 2: OWN}


def test_what_is_left_of_a_grant_without_what_is_hidden() -> None:
    grant = Grant(0b0111 | OWN, {"labels": 0b0010})
    hidden = {"hard": 0b0001, "soft": 0b0100}
    named = Named(("hard",), {"description": "soft"})
    version = Version(1, 1, FACTS, named, OWN, grant, grant, hidden=hidden)
    left = less_references(version, grant)
    assert left == Grant(0b0110 | OWN, {"labels": 0b0010, "description": 0b0100})
