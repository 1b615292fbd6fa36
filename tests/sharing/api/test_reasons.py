"""A recipient is told why it sees what it sees, in words that depend on nothing it may not know."""

from __future__ import annotations

import uuid
from typing import Any

from sharing.rules.properties import RELEASE_EXTENSION
from tests.sharing.api.asking import FORUM, GREEN, RED, items, read, same_refusal
from tests.sharing.taxii.test_hidden_is_absent import NEVER, raw
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share, withhold

TERMS = {"attribution": "must-not", "encrypt_in_transit": "must"}


def address(stix_id: str) -> str:
    return f"{FORUM}/received/objects/{stix_id}/explanation"


def reasons(world: World, who: str, stix_id: str, **query: str) -> Any:
    return read(world, who, address(stix_id), **query)


def test_a_recipient_is_told_its_terms_and_no_rule(world: World) -> None:
    world.set_policy(policy(share("member:XBB", terms=TERMS), share("member:XCC", terms={})))
    given = world.indicator(object_marking_refs=[GREEN])
    world.contribute(given)
    told = reasons(world, "xbb", given["id"])
    assert told["terms"] == {name: [value] for name, value in TERMS.items()}
    assert (told["tlp"], told["tlp_is_marked"], told["created_by_ref"]) == ("green", True, None)
    assert all(line["rule"] is None and line["rule_of"] is None for line in told["trace"])
    words = " ".join(line["sentence"] for line in told["trace"])
    assert "XAA" not in words
    assert "rule-0" not in words
    assert "may have been left out" in words
    assert reasons(world, "xcc", given["id"])["terms"] == {}
    assert reasons(world, "xaa", given["id"])["trace"][0]["sentence"].startswith("Your member")


def test_a_recipient_is_told_what_the_object_itself_tells(world: World) -> None:
    world.set_policy(policy(share("forum")))
    author = f"identity--{uuid.uuid4()}"
    extension = {"extension_type": "property-extension", "releasable_to": ["member:XBB"]}
    given = world.indicator(created_by_ref=author, extensions={RELEASE_EXTENSION: extension})
    world.contribute(given)
    told = reasons(world, "xbb", given["id"])
    assert (told["created_by_ref"], told["tlp_is_marked"]) == (author, False)
    assert "Its `releasable_to` names you." in [line["sentence"] for line in told["trace"]]
    world.set_policy(policy(share("forum", omit=["created_by_ref"])))
    assert reasons(world, "xbb", given["id"])["created_by_ref"] is None


def test_what_was_left_out_changes_no_byte_of_what_a_recipient_is_told(world: World) -> None:
    open_one = policy(share("member:XBB", terms=TERMS))
    world.set_policy(open_one)
    given = world.indicator(description="secret", labels=["frost"])
    world.contribute(given)
    told = [raw(world.get("xbb", address(given["id"])))]
    for narrower in (
        policy(share("member:XBB", terms=TERMS, omit=["description"])),
        policy(share("member:XBB", terms=TERMS), withhold("forum", only=["labels"])),
        policy(share("member:XBB", terms=TERMS), withhold("member:XCC")),
        policy(share("member:XCC"), share("member:XBB", terms=TERMS, omit=["labels"])),
    ):
        world.set_policy(narrower)
        told.append(raw(world.get("xbb", address(given["id"]))))
    assert len(set(map(str, told))) == 1


def test_an_object_that_one_does_not_see_is_an_unknown_one(world: World) -> None:
    given = world.indicator(object_marking_refs=[RED])
    world.contribute(given)
    for query in (
        "",
        "?version=2026-01-01T00:00:00Z",
        f"?collection={world.collections['reports']}",
    ):
        for who in ("xcc", "xbb", "mirror"):
            answers = [world.get(who, address(name) + query) for name in (given["id"], NEVER)]
            assert same_refusal(*answers) == (404, "sharing.unknown-object"), (who, query)
    assert reasons(world, "xbb-person", given["id"])["tlp"] == "red"
    answer = world.get("xbb-officer", address(given["id"]))
    assert answer.status_code == 404


def test_what_a_recipient_asked_about_is_on_its_record(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    assert world.open("xbb", "HEAD", address(given["id"])).status_code == 200
    assert items(world, "xbb", f"{FORUM}/received", through="api") == []
    reasons(world, "xbb", given["id"])
    [served] = items(world, "xbb", f"{FORUM}/received", through="api")
    assert served["count"] == 1


def test_a_partner_and_a_statement_have_reasons_too(world: World) -> None:
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
    }
    given = world.indicator(object_marking_refs=[GREEN, statement["id"]])
    world.contribute(statement, given)
    assert reasons(world, "mirror", given["id"])["type"] == "indicator"
    told = reasons(world, "mirror", statement["id"])
    assert any("what carries it" in line["sentence"] for line in told["trace"])


def test_a_version_in_several_collections_is_asked_about_in_one(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    world.contribute(given, to="second")
    answer = world.get("xbb", address(given["id"]))
    assert (answer.status_code, answer.get_json()["code"]) == (400, "sharing.collection-needed")
    told = reasons(world, "xbb", given["id"], collection="reports")
    assert told["collection"] == world.collections["reports"]
