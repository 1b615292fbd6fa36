"""`comity explain`: an operator asks for a member, and is told what that member may know."""

from __future__ import annotations

import json

import pytest

from tests.sharing.cli.running import TLP_RED, Installation, indicator

POLICY = {
    "rules": [
        {
            "id": "ally",
            "effect": "share",
            "audience": {"any": ["member:XBB"]},
            "omit": ["x_note"],
            "terms": {"attribution": "must-not"},
        }
    ]
}
NEVER = "indicator--ffffffff-ffff-4fff-8fff-ffffffffffff"


@pytest.fixture
def shared(harbour: Installation) -> Installation:
    """XAA shares one object with XBB, less a property, and keeps none back."""
    harbour.set_policy("XAA", POLICY)
    given = json.dumps([indicator(1, x_note="words")])
    harbour.done("import", "-", "--member", "XAA", "--collection", "reports", given=given)
    return harbour


def explain(installation: Installation, *more: str, number: int = 1) -> tuple[str, ...]:
    stix_id = indicator(number)["id"]
    return ("explain", stix_id, "--collection", "reports", *more)


def test_an_originator_is_told_in_sentences_with_its_rule_ids(shared: Installation) -> None:
    ran = shared.run(*explain(shared, "--as", "XAA", "--recipient", "XBB"))
    assert (ran.code, ran.err) == (0, "")
    assert "XBB (individual): less, unless it is not deliverable" in ran.out
    assert "[ally] The rule shares the object with XBB, less x_note." in ran.out
    assert "term attribution: must-not" in ran.out
    told = shared.done(*explain(shared, "--as", "XAA", "--recipient", "XBB"))
    assert (told["decision"], told["omitted_properties"]) == ("less", ["x_note"])
    assert told["omitted"][0]["rules"] == ["ally"]
    assert told["trace"][2]["rule"] == "ally"


def test_without_a_recipient_everybody_is_told_of(shared: Installation) -> None:
    told = shared.done(*explain(shared, "--as", "XAA"))
    assert [(one["recipient"], one["kind"]) for one in told["recipients"]] == [
        ("XBB", "machine"),
        ("XBB", "individual"),
    ]
    only = shared.done(*explain(shared, "--as", "XAA", "--kind", "machine"))
    assert [one["kind"] for one in only["recipients"]] == ["machine"]


def test_a_recipient_is_told_in_general_words(shared: Installation) -> None:
    for more in ((), ("--recipient", "XBB")):
        told = shared.done(*explain(shared, "--as", "XBB", *more))
        assert told["terms"] == {"attribution": ["must-not"]}
        assert "ally" not in json.dumps(told)
        assert "x_note" not in json.dumps(told)


def test_what_one_may_not_know_is_refused_like_what_does_not_exist(shared: Installation) -> None:
    given = json.dumps([indicator(2, object_marking_refs=[TLP_RED])])
    shared.set_policy("XAA", {"rules": []})
    shared.done("import", "-", "--member", "XAA", "--collection", "reports", given=given)
    never = ("explain", NEVER, "--collection", "reports")
    for more in ((), ("--recipient", "XAA"), ("--recipient", "XZZ"), ("--kind", "machine")):
        wanted = shared.refused(*never, "--as", "XBB", *more)
        for number in (1, 2):
            assert shared.refused(*explain(shared, "--as", "XBB", *more, number=number)) == wanted
    assert "no such object" in wanted


def test_a_question_that_is_none_is_bad_usage_or_refused(shared: Installation) -> None:
    ran = shared.run(*explain(shared, "--as", "XAA", "--version", "yesterday"))
    assert (ran.code, ran.out) == (2, "")
    said = shared.refused(*explain(shared, "--as", "XAA", "--recipient", "XCC"))
    assert "no member or partner of this forum" in said
    assert "no such object" in shared.refused(
        *explain(shared, "--as", "XAA", "--version", "2020-01-01T00:00:00Z")
    )
    assert shared.run(*explain(shared, "--as", "XCC")).code == 1
