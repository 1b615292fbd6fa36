"""Audience terms: whom each of them names."""

from __future__ import annotations

from sharing.rules.rule import names, names_one_by_one
from sharing.rules.terms import Term, releasable_terms, terms_naming
from tests.sharing.rules.makers import make_audience, make_member, make_partner

XAB = make_member("XAB", blocs=frozenset({"north", "south"}), jurisdiction="XAC")
RELAY = make_partner("relay")


def test_a_member_is_named_by_forum_role_code_blocs_and_jurisdiction() -> None:
    assert {term.text for term in terms_naming(XAB)} == {
        *("forum", "role:member", "member:XAB", "bloc:north", "bloc:south", "jurisdiction:XAC"),
    }


def test_a_member_without_a_jurisdiction_is_named_by_none() -> None:
    assert {term.text for term in terms_naming(make_member("XAD", role="observer"))} == {
        *("forum", "role:observer", "member:XAD"),
    }


def test_a_partner_is_named_by_partners_and_its_name_only() -> None:
    assert {term.text for term in terms_naming(RELAY)} == {"partners", "partner:relay"}


def test_a_partner_is_not_among_the_forum_s_seats() -> None:
    assert not names(make_audience("forum"), RELAY)


def test_a_partner_called_like_a_member_is_not_that_member() -> None:
    assert not names(make_audience("member:XAB"), make_partner("XAB"))
    assert not names(make_audience("partner:XAB"), XAB)


def test_a_partner_s_attributes_never_name_it() -> None:
    partner = make_partner("relay", blocs=frozenset({"north"}), jurisdiction="XAC")
    assert not names(make_audience("bloc:north", "jurisdiction:XAC"), partner)


def test_an_empty_audience_names_nobody() -> None:
    assert not names(make_audience(), XAB)


def test_an_exception_takes_a_named_member_out() -> None:
    assert names(make_audience("bloc:north", excepted=("member:XAC",)), XAB)
    assert not names(make_audience("bloc:north", excepted=("member:XAB",)), XAB)


def test_an_exception_may_be_a_group() -> None:
    assert not names(make_audience("member:XAB", excepted=("bloc:south",)), XAB)


def test_a_group_does_not_name_a_member_one_by_one() -> None:
    assert names_one_by_one(make_audience("forum", "member:XAB"), XAB)
    assert not names_one_by_one(make_audience("forum", "role:member"), XAB)


def test_an_excepted_member_is_not_named_one_by_one() -> None:
    assert not names_one_by_one(make_audience("member:XAB", excepted=("forum",)), XAB)


def test_a_term_reads_as_policies_write_it() -> None:
    assert Term("forum").text == "forum"
    assert Term("committed", "un-a-70-174:13(k)").text == "committed:un-a-70-174:13(k)"


def test_an_object_is_releasable_to_members_and_jurisdictions_and_to_nothing_else() -> None:
    texts = ("member:XAB", "jurisdiction:XAC", "bloc:north", "forum", "partner:relay")
    assert {term.text for term in releasable_terms(texts)} == {
        *("member:XAB", "jurisdiction:XAC"),
    }
    assert releasable_terms(()) == frozenset()
