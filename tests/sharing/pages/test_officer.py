"""A policy officer's pages: the policy read out, tried out, and applied as it was tried out."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask_babel import Babel
from sqlalchemy import update

from sharing.pages import policies
from sharing.pages.sentences import sentences_of
from sharing.tables import policy
from tests.sharing.pages.conftest import browse
from tests.sharing.pages.test_jobs import work
from tests.sharing.taxii.world import World

ROOT = "/sharing/harbour"
OPEN = '{"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}'
SHUT = '{"rules": []}'


def test_an_officer_tries_a_policy_out_and_applies_exactly_that(world: World) -> None:
    world.set_policy(json.loads(SHUT))
    indicator = world.indicator()
    world.contribute(indicator)
    xaa, xbb = browse(world), browse(world, "xbb")
    xaa.get(f"{ROOT}/policy/edit")
    tried = xaa.post(f"{ROOT}/policy/edit", {"document": OPEN}).text
    assert "Who gains" in tried
    assert "XBB" in tried
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 404
    simulation = tried.split('name="simulation" value="')[1].split('"')[0]
    applied = xaa.post(f"{ROOT}/policy", {"document": OPEN, "simulation": simulation}).text
    assert "every member of this forum may see every object" in applied
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 200
    assert xaa.get(f"{ROOT}/policy/simulations/{simulation}").status_code == 200
    assert xbb.get(f"{ROOT}/policy/simulations/{simulation}").status_code == 404


@pytest.mark.parametrize("document", ["no JSON", '"text"', '{"rules": [{"effect": "zap"}]}'])
def test_a_policy_that_cannot_be_read_is_shown_as_it_is_kept_and_written_anew(
    world: World, document: str
) -> None:
    with world.database.write() as connection:
        connection.execute(update(policy).values(document=document))
    xaa = browse(world)
    shown = xaa.get(f"{ROOT}/policy")
    assert shown.status_code == 200
    assert "What is kept cannot be read" in shown.text
    for address in ("/", "/sharing", f"{ROOT}/policy/edit"):
        assert xaa.get(address).status_code < 400
    tried = xaa.post(f"{ROOT}/policy/edit", {"document": OPEN}).text
    simulation = tried.split('name="simulation" value="')[1].split('"')[0]
    applied = xaa.post(f"{ROOT}/policy", {"document": OPEN, "simulation": simulation}).text
    assert "every member of this forum may see every object" in applied


def test_a_policy_is_not_applied_when_the_world_has_moved(world: World) -> None:
    world.set_policy(json.loads(SHUT))
    xaa = browse(world)
    xaa.get(f"{ROOT}/policy/edit")
    tried = xaa.post(f"{ROOT}/policy/edit", {"document": OPEN}).text
    simulation = tried.split('name="simulation" value="')[1].split('"')[0]
    world.contribute(world.indicator())
    answer = xaa.post(f"{ROOT}/policy", {"document": OPEN, "simulation": simulation})
    assert answer.status_code == 409
    assert "error-summary" in answer.text
    assert "There is no rule" in xaa.get(f"{ROOT}/policy").text


def test_a_policy_over_much_is_applied_while_its_page_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MOST_APPLIED_AT_ONCE", 0)
    world.set_policy(json.loads(SHUT))
    indicator = world.indicator()
    world.contribute(indicator)
    xaa, xbb = browse(world), browse(world, "xbb")
    xaa.get(f"{ROOT}/policy/edit")
    tried = xaa.post(f"{ROOT}/policy/edit", {"document": OPEN}).text
    sent = {"document": OPEN, "simulation": tried.split('name="simulation" value="')[1][:36]}
    waits = xaa.post(f"{ROOT}/policy", sent)
    first = xaa.address()
    assert first.startswith("/sharing/jobs/")
    assert "Apply a policy" in waits.text
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 404
    work(world)
    assert "of your policy holds now" in xaa.get(first).text
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 200
    # Sent twice, it is applied once: the world has moved by the first.
    xaa.get(f"{ROOT}/policy/edit")
    xaa.post(f"{ROOT}/policy", sent)
    work(world)
    told = xaa.get(xaa.address()).text
    assert "it would not do any more what the simulation said" in told
    assert "the policy that held before holds still" in told
    refused = xaa.post(f"{ROOT}/policy", {"document": "{"})
    assert (refused.status_code, "error-summary" in refused.text) == (400, True)


@pytest.mark.parametrize("document", ["", "{", "[]", '{"rules": 1}', '{"rules": [{"id": "x"}]}'])
def test_a_document_that_is_no_policy_is_told_beside_its_field(small: World, document: str) -> None:
    xaa = browse(small)
    for address in (f"{ROOT}/policy/edit", f"{ROOT}/policy"):
        xaa.get(f"{ROOT}/policy/edit")
        answer = xaa.post(address, {"document": document})
        assert 400 <= answer.status_code < 500
        assert 'id="error-summary"' in answer.text


def test_a_member_declines_what_it_does_not_want(world: World) -> None:
    indicator = world.indicator()
    world.contribute(indicator)
    xbb = browse(world, "xbb")
    xbb.get(f"{ROOT}/accepts")
    refused = xbb.post(f"{ROOT}/accepts", {"document": '{"nothing": 1}'})
    assert refused.status_code == 400
    xbb.get(f"{ROOT}/accepts")
    xbb.post(f"{ROOT}/accepts", {"document": '{"types": ["malware"]}'})
    assert "saved" in xbb.last.text
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 404


def test_rules_are_read_out() -> None:
    app = Flask("sentences")
    Babel(app)
    document = {
        "rules": [
            {
                "id": "a",
                "effect": "share",
                "audience": {
                    "any": ["bloc:north", "member:XAC", "role:observer", "jurisdiction:XAB"],
                    "except": ["partner:relay", "partners", "committed:p:1"],
                },
                "omit": ["name"],
                "when": {
                    "types": ["indicator"],
                    "labels": ["x"],
                    "collections": ["alpha"],
                    "tlp_at_most": "amber",
                },
                "from": "2026-01-01T00:00:00Z",
                "until": "2027-01-01T00:00:00Z",
                "delay": "PT1H",
                "expire_after": "P1D",
                "conditions": {
                    "residency": ["XAB"],
                    "reciprocity": {"min_contributions": 2, "window_days": 30},
                },
                "terms": {"attribution": "may"},
            },
            {"id": "b", "effect": "withhold", "audience": {"any": ["forum"]}, "only": ["x_a"]},
            {
                "id": "c",
                "effect": "withhold",
                "audience": {"any": ["forum"]},
                "when": {"tlp_at_least": "amber"},
            },
            {"id": "d", "effect": "share"},
        ]
    }
    with app.test_request_context():
        told = [sentence for _, _, sentence in sentences_of(document)]
    assert told == [
        (
            "members of the bloc north, XAC, members with the role observer, members of the "
            "jurisdiction XAB may see, less name every object of the types indicator labelled x in "
            "alpha marked at most TLP:AMBER, except for the partner system relay, all partner "
            "systems, members committed to p:1, from 2026-01-01T00:00:00Z on, until "
            "2027-01-01T00:00:00Z, PT1H after it was contributed, for P1D, if its data stay in "
            "XAB, if it has contributed 2 objects within 30 days, on the terms attribution may "
            "(recorded, not enforced)."
        ),
        "from every member of this forum are withheld the properties x_a of every object.",
        "from every member of this forum is withheld every object marked at least TLP:AMBER.",
        "nobody may see every object.",
    ]
