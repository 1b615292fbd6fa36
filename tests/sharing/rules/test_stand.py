"""The stand of copies and versions: set algebra against a plain reading, one viewer at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.stand import Shown, Version, stand

VIEWERS = range(5)


@st.composite
def copies_of_one_id(draw: st.DrawFn) -> list[Version]:
    versions = []
    orders = iter(draw(st.permutations(range(1, 13))))
    for originator in range(draw(st.integers(1, 3))):
        instants = draw(st.sets(st.integers(0, 5), min_size=1, max_size=4))
        versions += [
            Version(
                contribution=100 * originator + version_us,
                originator=originator,
                version_us=version_us,
                order=next(orders),
                decided=draw(st.integers(0, 31)),
                is_deleted=draw(st.booleans()),
                is_bound=draw(st.booleans()),
            )
            for version_us in instants
        ]
    return versions


def seen_by(viewer: int, versions: list[Version]) -> list[int]:
    """What one viewer sees, oldest first: section 5 read line by line for one viewer."""
    visible = [
        version
        for version in versions
        if not version.is_deleted
        and all(
            newer.decided >> viewer & 1
            for newer in versions
            if newer.originator == version.originator and newer.version_us >= version.version_us
        )
    ]
    if not visible:
        return []

    def precedence(originator: int) -> tuple[bool, int]:
        own = [version for version in versions if version.originator == originator]
        return not any(v.is_bound for v in own), min(v.order for v in own)

    standing = min({version.originator for version in visible}, key=precedence)
    own = [version for version in visible if version.originator == standing]
    return [version.contribution for version in sorted(own, key=lambda v: v.version_us)]


@given(copies_of_one_id())
def test_every_viewer_sees_what_section_5_says(versions: list[Version]) -> None:
    shown = stand(versions)
    for viewer in VIEWERS:
        expected = seen_by(viewer, versions)
        visible = {c for c, s in shown.items() if s.mask >> viewer & 1}
        first = [c for c, s in shown.items() if s.first >> viewer & 1]
        last = [c for c, s in shown.items() if s.last >> viewer & 1]
        assert visible == set(expected)
        assert first == expected[:1]
        assert last == expected[-1:]


@given(copies_of_one_id())
def test_parts_cut_an_audience_without_loss_or_overlap(versions: list[Version]) -> None:
    for shown in stand(versions).values():
        union = 0
        for mask, is_first, is_last in shown.parts():
            assert mask
            assert union & mask == 0
            assert shown.first & mask == (mask if is_first else 0)
            assert shown.last & mask == (mask if is_last else 0)
            union |= mask
        assert union == shown.mask


def make_version(originator: int, version_us: int, decided: int, **changes: bool) -> Version:
    return Version(
        contribution=10 * originator + version_us,
        originator=originator,
        version_us=version_us,
        order=originator,
        decided=decided,
        is_deleted=changes.get("is_deleted", False),
        is_bound=changes.get("is_bound", False),
    )


def test_a_member_that_loses_the_newest_version_loses_the_older_one_too() -> None:
    shown = stand([make_version(1, 1, 0b11), make_version(1, 2, 0b01)])
    assert shown[11] == Shown(0b01, first=0b01, last=0)
    assert shown[12] == Shown(0b01, first=0, last=0b01)


def test_a_deleted_version_is_shown_to_nobody_and_still_gates_what_is_older() -> None:
    shown = stand([make_version(1, 1, 0b11), make_version(1, 2, 0b01, is_deleted=True)])
    assert shown[11] == Shown(0b01, first=0b01, last=0b01)
    assert shown[12].mask == 0


def test_the_owner_of_the_identity_stands_before_an_earlier_contributor() -> None:
    shown = stand([make_version(1, 1, 0b11), make_version(2, 1, 0b10, is_bound=True)])
    assert shown[21].mask == 0b10
    assert shown[11].mask == 0b01
