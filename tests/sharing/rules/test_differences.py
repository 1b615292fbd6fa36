"""What changes for whom between two forms of a version, and between several cases of that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.differences import (
    ALL_OF_IT,
    Difference,
    Form,
    Side,
    differ,
    foresee,
    union_of,
)

EVERYONE = 0b1111
MASKS = st.integers(0, EVERYONE)
PARTS = [("description", ALL_OF_IT), ("object_refs", ALL_OF_IT), ("object_refs", "id-1")]


@st.composite
def forms(draw: st.DrawFn) -> Form:
    mask = draw(MASKS)
    lost = draw(st.dictionaries(st.sampled_from(PARTS), MASKS))
    return Form(mask, {part: one & mask for part, one in lost.items()})


def shown(form: Form, bit: int) -> frozenset[object] | None:
    """What one recipient sees of the version, part by part; None when it does not see it."""
    if not form.mask >> bit & 1:
        return None
    return frozenset(part for part in PARTS if not form.lacking(part) >> bit & 1)


@given(forms(), forms(), MASKS)
def test_each_recipient_is_told_what_it_would_find_out(
    before: Form, after: Form, among: int
) -> None:
    found = differ(before, after, among)
    for bit in range(4):
        old, new = shown(before, bit), shown(after, bit)
        counted = bool(among >> bit & 1)
        assert bool(found.gained.whole >> bit & 1) == (counted and old is None and new is not None)
        assert bool(found.lost.whole >> bit & 1) == (counted and new is None and old is not None)
        both = counted and old is not None and new is not None
        assert bool(union_of(found.gained.units.values()) >> bit & 1) == bool(
            both and (new or frozenset()) - (old or frozenset())
        )
        assert bool(union_of(found.lost.units.values()) >> bit & 1) == bool(
            both and (old or frozenset()) - (new or frozenset())
        )
    assert found.gained.sure == found.gained.mask
    assert found.is_nothing == (not found.gained.mask and not found.lost.mask)


@given(st.lists(st.tuples(forms(), forms()), min_size=1, max_size=3))
def test_what_is_sure_comes_in_every_case_and_what_may_be_in_one(
    cases: list[tuple[Form, Form]],
) -> None:
    each = [differ(before, after, EVERYONE) for before, after in cases]
    found = foresee(each)
    assert found.gained.mask == union_of(case.gained.mask for case in each)
    assert found.lost.mask == union_of(case.lost.mask for case in each)
    for bit in range(4):
        assert bool(found.gained.sure >> bit & 1) == all(
            case.gained.mask >> bit & 1 for case in each
        )
        assert bool(found.lost.sure >> bit & 1) == all(case.lost.mask >> bit & 1 for case in each)


def test_a_version_that_appears_is_told_with_what_it_lacks() -> None:
    found = differ(Form(0b01), Form(0b11, {("description", ALL_OF_IT): 0b10}), EVERYONE)
    assert found.gained == Side(0b10, {}, {"description": 0b10}, 0b10)
    assert found.lost == Side()


def test_an_item_that_comes_back_with_its_list_is_more_of_the_list() -> None:
    before = Form(0b1, {("object_refs", ALL_OF_IT): 0b1})
    after = Form(0b1, {("object_refs", "id-1"): 0b1})
    assert differ(before, after, EVERYONE).gained.units == {"object_refs": 0b1}
    assert differ(after, before, EVERYONE).lost.units == {"object_refs": 0b1}


def test_of_what_is_doubted_nothing_is_sure() -> None:
    found = Difference(Side(0b1, sure=0b1), Side(0b10, sure=0b10)).doubted()
    assert (found.gained.sure, found.lost.sure) == (0, 0)
    assert (found.gained.mask, found.lost.mask) == (0b1, 0b10)


def test_of_several_cases_each_adds_what_may_be_and_all_together_what_is_sure() -> None:
    nothing, whole = Form(0), Form(0b11)
    part = Form(0b01, {("description", ALL_OF_IT): 0b01})
    found = foresee([differ(nothing, whole, EVERYONE), differ(nothing, part, EVERYONE)])
    assert found.gained == Side(0b11, {}, {"description": 0b01}, 0b01)
    more = foresee([differ(part, whole, EVERYONE), differ(part, nothing, EVERYONE)])
    assert more.gained == Side(0b10, {"description": 0b01}, {}, 0)
    assert more.lost == Side(0b01, {}, {}, 0)
