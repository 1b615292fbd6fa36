"""What the policy language refuses: where the fault is, and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kernel.errors import BadInput
from sharing.rules.grammar import MAX_BYTES, Names, PolicyRefused, check_size, parse_policy
from sharing.rules.properties import PROTECTED
from tests.sharing.rules.makers import (
    NAMES,
    make_share_document,
    make_withhold_document,
)


def refusal(document: object, *, names: Names = NAMES, forum_policy: bool = False) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as caught:
        parse_policy(document, names=names, forum_policy=forum_policy)
    return caught.value


def share_refusal(**keys: Any) -> PolicyRefused:
    return refusal(make_share_document(**keys))


def withhold_refusal(**keys: Any) -> PolicyRefused:
    return refusal(make_withhold_document(**keys))


# The document


def test_a_refusal_is_bad_input_with_a_code_a_path_and_a_reason() -> None:
    fault = refusal({})
    assert isinstance(fault, BadInput)
    assert (fault.code, fault.status, fault.path) == ("sharing.policy-refused", 400, "policy")
    assert fault.message == f"policy: {fault.reason}"
    assert fault.reason == 'write {"rules": [...]}; an empty list shares nothing'


@pytest.mark.parametrize("document", [None, True, 3, 1.5, "rules", [], [{"rules": []}]])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    fault = refusal(document)
    assert (fault.path, fault.reason) == ("policy", "write a JSON object here")


@pytest.mark.parametrize("rules", [None, {}, "rules", 0])
def test_rules_that_are_no_list_are_refused(rules: object) -> None:
    fault = refusal({"rules": rules})
    assert fault.path == "rules"
    assert "JSON list" in fault.reason


@pytest.mark.parametrize("rule", [None, [], "share", 7])
def test_a_rule_that_is_no_object_is_refused(rule: object) -> None:
    assert refusal({"rules": [rule]}).path == "rules[0]"


def test_more_than_two_hundred_rules_are_refused() -> None:
    rule = make_share_document()["rules"][0]
    fault = refusal({"rules": [rule | {"id": str(number)} for number in range(201)]})
    assert (fault.path, fault.reason) == ("rules", "there are 201 rules; at most 200 are allowed")


def test_sixty_four_kibibytes_are_accepted_and_not_one_byte_more() -> None:
    check_size(b" " * MAX_BYTES)
    with pytest.raises(PolicyRefused, match=r"^policy: it has 65537 bytes; shorten it"):
        check_size(b" " * (MAX_BYTES + 1))


# Unknown keys, at every level


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"rules": [], "version": 1}, "version"),
        (make_share_document(comment="hello"), "rules[0].comment"),
        (make_share_document(audience={"any": [], "all": []}), "rules[0].audience.all"),
        (make_share_document(when={"type": ["malware"]}), "rules[0].when.type"),
        (make_share_document(conditions={"region": []}), "rules[0].conditions.region"),
        (
            make_share_document(conditions={"reciprocity": {"days": 1}}),
            "rules[0].conditions.reciprocity.days",
        ),
        (make_share_document(terms={"tlp": "red"}), "rules[0].terms.tlp"),
    ],
)
def test_an_unknown_key_is_refused_at_every_level(document: object, path: str) -> None:
    fault = refusal(document)
    assert fault.path == path
    assert fault.reason.startswith("this key is unknown here; remove it, or use one of: ")


def test_a_strange_key_is_shown_escaped_and_shortened() -> None:
    assert share_refusal(**{"a.b c\n": 1}).path == 'rules[0]["a.b c\\n"]'
    assert refusal({"\ud800": 1}).path == '["\\ud800"]'
    assert share_refusal(**{"k" * 500: 1}).path == f'rules[0]["{"k" * 57}..."]'


def test_an_unknown_key_says_which_are_known() -> None:
    assert share_refusal(audience={"any": [], "but": []}).reason.endswith("any, except")


# id and effect


@pytest.mark.parametrize("key", ["id", "effect"])
def test_a_rule_without_id_or_effect_is_refused(key: str) -> None:
    fault = share_refusal(**{key: None})
    assert (fault.path, fault.reason) == (
        f"rules[0].{key}",
        "this key is missing; every rule has it",
    )


@pytest.mark.parametrize("value", ["", 7, False, [], "a\nb", "\u200b", "\ud800", "x" * 201])
def test_an_id_that_cannot_be_shown_is_refused(value: object) -> None:
    assert share_refusal(id=value).path == "rules[0].id"


def test_an_id_given_twice_is_refused_where_it_comes_again() -> None:
    rule = make_share_document()["rules"][0]
    fault = refusal({"rules": [rule, rule | {"id": "two"}, rule]})
    assert fault.path == "rules[2].id"
    assert fault.reason == "rules[0] has this id already; give each rule its own"


@pytest.mark.parametrize("value", ["deny", "Share", "", 1, [], {}])
def test_an_unknown_effect_is_refused(value: object) -> None:
    fault = share_refusal(effect=value)
    assert (fault.path, fault.reason) == ("rules[0].effect", "write `share` or `withhold`")


def test_a_forum_s_policy_cannot_share() -> None:
    fault = refusal(make_share_document(), forum_policy=True)
    assert fault.path == "rules[0].effect"
    assert "withhold rules only" in fault.reason


@pytest.mark.parametrize("key", ["omit", "conditions", "terms"])
@pytest.mark.parametrize("forum_policy", [False, True])
def test_a_withhold_rule_has_no_keys_of_share_rules(key: str, *, forum_policy: bool) -> None:
    fault = refusal(make_withhold_document(**{key: {}}), forum_policy=forum_policy)
    assert fault.path == f"rules[0].{key}"
    assert fault.reason.startswith("only share rules ")


def test_a_share_rule_has_no_only() -> None:
    fault = share_refusal(only=["x_victim"])
    assert fault.path == "rules[0].only"
    assert "omit" in fault.reason


# Audience


@pytest.mark.parametrize("audience", [None, {}, {"any": []}, {"except": ["member:XAB"]}])
def test_a_withhold_rule_that_names_nobody_is_refused(audience: object) -> None:
    fault = withhold_refusal(audience=audience)
    assert fault.path == "rules[0].audience.any"
    assert "name whom to withhold from" in fault.reason


@pytest.mark.parametrize("audience", ["forum", ["forum"], 1, True])
def test_an_audience_that_is_no_object_is_refused(audience: object) -> None:
    assert share_refusal(audience=audience).path == "rules[0].audience"


@pytest.mark.parametrize("key", ["any", "except"])
@pytest.mark.parametrize("value", ["forum", None, {"forum": True}])
def test_terms_that_are_no_list_are_refused(key: str, value: object) -> None:
    fault = share_refusal(audience={key: value})
    assert fault.path == f"rules[0].audience.{key}"
    assert "JSON list" in fault.reason


@pytest.mark.parametrize(
    "term",
    [
        *("everyone", "Forum", "forum:", "forum:x", "partners:relay", "member", "member:"),
        *(":XAB", " member:XAB", "group:north", "state:XAB", ""),
    ],
)
def test_an_unknown_term_is_refused(term: str) -> None:
    fault = share_refusal(audience={"any": ["forum", term]})
    assert fault.path == "rules[0].audience.any[1]"
    assert "is no audience term; use one of: forum, role:R" in fault.reason or not term


@pytest.mark.parametrize("term", [None, 3, False, ["forum"], {"member": "XAB"}])
def test_a_term_that_is_no_text_is_refused(term: object) -> None:
    fault = share_refusal(audience={"any": ["forum"], "except": [term]})
    assert fault.path == "rules[0].audience.except[0]"
    assert "write a text here" in fault.reason


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ("member:XAQ", 'no member has the code "XAQ"'),
        ("member:xab", 'no member has the code "xab"'),
        ("role:chair", 'no seat has the role "chair"; use one of: member, observer, partner-state'),
        ("role:partner", "use `partners` or `partner:NAME`"),
        ("bloc:west", 'no member belongs to the bloc "west"'),
        ("jurisdiction:XAA", 'no member has the jurisdiction "XAA"'),
        ("partner:nobody", 'this forum has no partner "nobody"'),
        ("committed:norm-1", "no register of norms is connected"),
    ],
)
@pytest.mark.parametrize("key", ["any", "except"])
def test_a_term_that_names_nothing_that_exists_is_refused(term: str, reason: str, key: str) -> None:
    audience = {"any": ["forum"]} | {key: [term]}
    for fault in (share_refusal(audience=audience), withhold_refusal(audience=audience)):
        assert fault.path == f"rules[0].audience.{key}[0]"
        assert reason in fault.reason


def test_a_role_called_partner_is_refused_even_when_roles_hold_it() -> None:
    names = replace(NAMES, roles=NAMES.roles | {"partner"})
    fault = refusal(make_share_document(audience={"any": ["role:partner"]}), names=names)
    assert "seats have roles, partners have none" in fault.reason


def test_a_provision_that_the_register_does_not_hold_is_refused() -> None:
    names = replace(NAMES, provisions=frozenset({"norm-1"}))
    fault = refusal(make_share_document(audience={"any": ["committed:norm-2"]}), names=names)
    assert fault.reason == 'the register has no provision "norm-2"; use the id of one it holds'


# When


@pytest.mark.parametrize("when", [None, [], "amber", True])
def test_a_when_that_is_no_object_is_refused(when: object) -> None:
    rule = make_share_document()["rules"][0] | {"when": when}
    assert refusal({"rules": [rule]}).path == "rules[0].when"


@pytest.mark.parametrize("key", ["types", "labels", "collections"])
@pytest.mark.parametrize(
    ("value", "suffix"), [("malware", ""), (None, ""), ([7], "[0]"), (["alpha", ""], "[1]")]
)
def test_a_list_in_when_holds_texts(key: str, value: object, suffix: str) -> None:
    assert share_refusal(when={key: value}).path == f"rules[0].when.{key}{suffix}"


@pytest.mark.parametrize("key", ["types", "labels", "collections"])
def test_an_empty_list_in_a_withhold_rule_is_refused(key: str) -> None:
    fault = withhold_refusal(when={key: []})
    assert fault.path == f"rules[0].when.{key}"
    assert "an empty list withholds nothing" in fault.reason


@pytest.mark.parametrize("name", ["beta", "ALPHA", "c3c3c3c3-3333-4333-8333-c3c3c3c3c3c3"])
def test_a_collection_the_forum_does_not_have_is_refused(name: str) -> None:
    fault = share_refusal(when={"collections": ["alpha", name]})
    assert fault.path == "rules[0].when.collections[1]"
    assert f'no collection of this forum has the id or alias "{name}"' in fault.reason


@pytest.mark.parametrize("level", ["purple", "TLP:RED", "amber strict", "", 4, None, True, ["red"]])
def test_an_unknown_level_is_refused(level: object) -> None:
    assert share_refusal(when={"tlp_at_most": level}).path == "rules[0].when.tlp_at_most"
    assert withhold_refusal(when={"tlp_at_least": level}).path == "rules[0].when.tlp_at_least"


def test_an_unknown_level_says_which_are_known() -> None:
    reason = share_refusal(when={"tlp_at_most": "purple"}).reason
    assert "write clear, green, amber, amber+strict or red" in reason


def test_tlp_at_most_is_for_share_rules() -> None:
    fault = withhold_refusal(when={"tlp_at_most": "amber"})
    assert fault.path == "rules[0].when.tlp_at_most"
    assert "tlp_at_least" in fault.reason


def test_tlp_at_least_is_for_withhold_rules() -> None:
    fault = share_refusal(when={"tlp_at_least": "amber"})
    assert fault.path == "rules[0].when.tlp_at_least"
    assert "tlp_at_most" in fault.reason


# omit and only


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_what_names_and_protects_an_object_cannot_be_left_out(name: str) -> None:
    assert share_refusal(omit=["description", name]).path == "rules[0].omit[1]"
    assert withhold_refusal(only=[name]).path == "rules[0].only[0]"


def test_what_stays_with_an_object_is_exactly_this() -> None:
    assert {
        *("type", "id", "spec_version", "created", "modified"),
        *("object_marking_refs", "granular_markings", "extensions"),
        "extensions.extension-definition--bf1a5467-3901-4f0e-b596-cb9ab2a7ce50",
    } == PROTECTED


def test_refusing_a_protected_property_says_why() -> None:
    assert share_refusal(omit=["created"]).reason == (
        "created stays with the object always; leave it out of the list"
    )
    assert share_refusal(omit=["extensions"]).reason == (
        "extensions are named one by one: write `extensions.<id>`"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("x_victim.name", "external_references[0]", "extensions.", "extensions.a.b", "a b"),
        *(".description", "*", "naïve", "x" * 251, 5, None, "", "description\n"),
    ],
)
def test_only_top_level_properties_can_be_left_out(name: object) -> None:
    assert share_refusal(omit=[name]).path == "rules[0].omit[0]"
    assert withhold_refusal(only=[name]).path == "rules[0].only[0]"


@pytest.mark.parametrize("value", ["description", {}, None, 3])
def test_omit_and_only_are_lists(value: object) -> None:
    share, withhold = make_share_document()["rules"][0], make_withhold_document()["rules"][0]
    assert refusal({"rules": [share | {"omit": value}]}).path == "rules[0].omit"
    assert refusal({"rules": [withhold | {"only": value}]}).path == "rules[0].only"


def test_an_empty_only_is_refused() -> None:
    fault = withhold_refusal(only=[])
    assert fault.path == "rules[0].only"
    assert "an empty list withholds nothing" in fault.reason


# from, until, delay, expire_after


@pytest.mark.parametrize("key", ["from", "until"])
@pytest.mark.parametrize(
    "value",
    [
        *("2026-11-27T08:30:00+00:00", "2026-11-27T08:30:00z", "2026-11-27T08:30:00"),
        *("2026-11-27", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "tomorrow", "Z"),
        *(1795768200, None, True, []),
    ],
)
def test_an_instant_that_is_not_in_utc_is_refused(key: str, value: object) -> None:
    rule = make_share_document()["rules"][0] | {key: value}
    assert refusal({"rules": [rule]}).path == f"rules[0].{key}"


def test_a_bad_instant_says_how_to_write_one() -> None:
    assert "write it like 2026-11-27T08:30:00Z" in share_refusal(until="2026-11-27").reason
    assert "is not an instant" in share_refusal(until="2026-11-31T00:00:00Z").reason


@pytest.mark.parametrize("until", ["2026-11-27T08:30:00Z", "2026-11-27T08:29:59.999999Z"])
def test_a_rule_that_ends_before_it_begins_is_refused(until: str) -> None:
    fault = share_refusal(**{"from": "2026-11-27T08:30:00Z", "until": until})
    assert fault.path == "rules[0].until"
    assert "must be later than `from`" in fault.reason


@pytest.mark.parametrize("delay", ["P7D", "P8D"])
def test_a_rule_that_expires_before_its_delay_is_over_is_refused(delay: str) -> None:
    fault = withhold_refusal(delay=delay, expire_after="P7D")
    assert fault.path == "rules[0].expire_after"
    assert "both durations count from the contribution" in fault.reason


def test_a_rule_that_expires_at_once_is_refused() -> None:
    assert share_refusal(expire_after="PT0S").path == "rules[0].expire_after"


@pytest.mark.parametrize("key", ["delay", "expire_after"])
@pytest.mark.parametrize("value", ["P1Y", "7 days", 7, None, ["P7D"], ""])
def test_what_is_no_duration_is_refused(key: str, value: object) -> None:
    rule = make_share_document()["rules"][0] | {key: value}
    assert refusal({"rules": [rule]}).path == f"rules[0].{key}"


# conditions and terms


@pytest.mark.parametrize("value", [None, [], "XAB", True])
@pytest.mark.parametrize("key", ["conditions", "terms"])
def test_conditions_and_terms_are_objects(key: str, value: object) -> None:
    rule = make_share_document()["rules"][0] | {key: value}
    assert refusal({"rules": [rule]}).path == f"rules[0].{key}"


@pytest.mark.parametrize(("value", "suffix"), [("XAB", ""), (["XAB", 1], "[1]"), ([""], "[0]")])
def test_residency_is_a_list_of_texts(value: object, suffix: str) -> None:
    fault = share_refusal(conditions={"residency": value})
    assert fault.path == f"rules[0].conditions.residency{suffix}"


@pytest.mark.parametrize("key", ["min_contributions", "window_days"])
@pytest.mark.parametrize("value", [0, -1, True, False, 3.0, "3", None, 10**9, 10**400])
def test_reciprocity_counts_in_whole_numbers(key: str, value: object) -> None:
    counts = {"min_contributions": 3, "window_days": 30} | {key: value}
    fault = share_refusal(conditions={"reciprocity": counts})
    assert fault.path == f"rules[0].conditions.reciprocity.{key}"
    assert "write a whole number from 1 to" in fault.reason


@pytest.mark.parametrize("key", ["min_contributions", "window_days"])
def test_reciprocity_needs_both_counts(key: str) -> None:
    counts = {"min_contributions": 3, "window_days": 30}
    del counts[key]
    fault = share_refusal(conditions={"reciprocity": counts})
    assert fault.path == f"rules[0].conditions.reciprocity.{key}"
    assert "missing" in fault.reason


@pytest.mark.parametrize("value", [True, None, ["may"], {}, "", "a\tb", "m" * 201])
def test_an_iep_statement_is_a_short_text(value: object) -> None:
    assert share_refusal(terms={"attribution": value}).path == "rules[0].terms.attribution"


# A forum's rules about some members' contributions


@pytest.mark.parametrize(
    "document",
    [
        make_share_document(when={"originators": ["XAC"]}),
        make_withhold_document(when={"originators": ["XAC"]}),
    ],
)
def test_a_member_s_policy_asks_for_no_originators(document: object) -> None:
    fault = refusal(document)
    assert fault.path == "rules[0].when.originators"
    assert fault.reason.startswith("only a forum's policy has it")


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (["XAC", "XQQ"], "[1]", 'no member has the code "XQQ"'),
        (["member:XAC"], "[0]", 'no member has the code "member:XAC"'),
        (["XAC", 7], "[1]", "write a text here"),
        ([], "", "an empty list withholds nothing"),
        ("XAC", "", "write a JSON list here"),
    ],
)
def test_originators_are_codes_of_members_that_exist(value: object, path: str, reason: str) -> None:
    fault = refusal(make_withhold_document(when={"originators": value}), forum_policy=True)
    assert fault.path == f"rules[0].when.originators{path}"
    assert fault.reason.startswith(reason)
