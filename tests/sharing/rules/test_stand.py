"""The stand of copies and versions: set algebra against a plain reading, one viewer at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.stand import Candidate, Shown, stand

VIEWERS = range(5)


@st.composite
def copies_of_one_id(draw: st.DrawFn) -> list[Candidate]:
    versions = []
    orders = iter(draw(st.permutations(range(1, 13))))
    for originator in range(draw(st.integers(1, 3))):
        instants = draw(st.sets(st.integers(0, 5), min_size=1, max_size=4))
        versions += [
            Candidate(
                contribution=100 * originator + version_us,
                originator=originator,
                version_us=version_us,
                order=next(orders),
                mask=draw(st.integers(0, 31)),
                is_bound=draw(st.booleans()),
            )
            for version_us in instants
        ]
    return versions


def seen_by(viewer: int, versions: list[Candidate]) -> list[int]:
    """What one viewer sees, oldest first: section 5 read line by line for one viewer."""
    visible = [version for version in versions if version.mask >> viewer & 1]
    if not visible:
        return []

    def precedence(originator: int) -> tuple[bool, int]:
        own = [version for version in versions if version.originator == originator]
        return not any(v.is_bound for v in own), min(v.order for v in own)

    standing = min({version.originator for version in visible}, key=precedence)
    own = [version for version in visible if version.originator == standing]
    return [version.contribution for version in sorted(own, key=lambda v: v.version_us)]


@given(copies_of_one_id())
def test_every_viewer_sees_what_section_5_says(versions: list[Candidate]) -> None:
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
def test_parts_cut_an_audience_without_loss_or_overlap(versions: list[Candidate]) -> None:
    for shown in stand(versions).values():
        union = 0
        for mask, is_first, is_last in shown.parts():
            assert mask
            assert union & mask == 0
            assert shown.first & mask == (mask if is_first else 0)
            assert shown.last & mask == (mask if is_last else 0)
            union |= mask
        assert union == shown.mask


def make_candidate(
    originator: int, version_us: int, mask: int, *, is_bound: bool = False
) -> Candidate:
    return Candidate(
        contribution=10 * originator + version_us,
        originator=originator,
        version_us=version_us,
        order=originator,
        mask=mask,
        is_bound=is_bound,
    )


def test_the_owner_of_the_identity_stands_before_an_earlier_contributor() -> None:
    shown = stand([make_candidate(1, 1, 0b11), make_candidate(2, 1, 0b10, is_bound=True)])
    assert shown[21].mask == 0b10
    assert shown[11].mask == 0b01


def test_what_is_shown_to_nobody_stands_in_nobodys_way() -> None:
    shown = stand([make_candidate(1, 1, 0), make_candidate(2, 1, 0b10)])
    assert shown[21] == Shown(0b10, first=0b10, last=0b10)
