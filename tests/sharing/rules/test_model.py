"""Recipients that contradict themselves, and audiences as sets of elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.model import CredentialKind, element, list_elements
from tests.sharing.rules.makers import make_member, make_partner
from tests.sharing.rules.strategies import kinds


def test_a_member_cannot_take_a_partner_s_role() -> None:
    with pytest.raises(ValueError, match="'XAB' cannot have the role 'partner'"):
        make_member("XAB", role="partner")


def test_a_partner_cannot_take_a_seat_s_role() -> None:
    with pytest.raises(ValueError, match="'relay' cannot have the role 'observer'"):
        make_partner("relay", role="observer")


def test_each_recipient_has_an_element_per_kind_of_credential() -> None:
    assert [element(0, "machine"), element(0, "individual")] == [0, 1]
    assert [element(7, "machine"), element(7, "individual")] == [14, 15]


@given(st.sets(st.tuples(st.integers(0, 500), kinds)))
def test_an_audience_lists_exactly_what_was_put_into_it(
    pairs: set[tuple[int, CredentialKind]],
) -> None:
    audience = sum(1 << element(bit, kind) for bit, kind in pairs)
    assert list(list_elements(audience)) == sorted(
        pairs, key=lambda pair: (pair[0], pair[1] == "individual")
    )
