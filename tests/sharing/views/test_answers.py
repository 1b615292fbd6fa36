"""What answers an earlier contribution reaches exactly those who see that one (§4, step 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from kernel.errors import Conflict, NotFound
from sharing.gate.envelopes import read_envelope
from sharing.queries.answered import Answered, Named, find_answered
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services.contribute import Receipt, contribute
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share, withhold

TLP = {level: marking for marking, level in WELL_KNOWN.items()}


def answer(world: World, who: str, value: dict[str, Any], answered: Answered) -> Receipt:
    world.clock.now_us += 1_000_000
    seated = world.seated(who, "individual")
    seated = replace(seated, reader=replace(seated.reader, roles=frozenset({"contributor"})))
    raws = read_envelope(_envelope(value))
    return contribute(
        world.database,
        seated,
        world.collection(),
        raws,
        now_us=world.clock(),
        answers=answered,
    )


def _envelope(value: dict[str, Any]) -> bytes:
    return orjson.dumps({"objects": [value]})


def find(world: World, who: str, value: dict[str, Any]) -> Answered | None:
    with world.database.read() as connection:
        seated = world.seated(who)
        named = Named(value["id"], version_us=1_767_225_600_000_000)
        return find_answered(connection, seated, named)


def give_claim(world: World) -> Answered:
    """What XAA contributes, green, as it is to XBB, which sees it."""
    claim = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    world.contribute(claim)
    answered = find(world, "XBB", claim)
    assert answered is not None
    return answered


def test_an_answer_is_seen_by_those_who_see_what_it_answers(world: World) -> None:
    world.set_policy(policy(share("member:XBB", "member:XCC")))
    answered = give_claim(world)
    reply = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    assert answer(world, "XBB", reply, answered).successes
    for who in ("xaa", "xbb", "xcc"):
        assert reply["id"] in look(world, who)
    assert look(world, "mirror") == {}
    world.set_policy(policy(share("member:XBB", "member:XCC"), withhold("member:XCC")))
    assert reply["id"] in look(world, "xaa")
    assert look(world, "xcc") == {}


def test_an_answer_marked_higher_than_what_it_answers_is_refused(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    answered = give_claim(world)
    reply = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]])
    [refused] = answer(world, "XBB", reply, answered).failures
    assert refused.code == "sharing.answer-above"


def test_nobody_answers_what_it_does_not_see(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    claim = world.indicator()
    world.contribute(claim)
    assert find(world, "XCC", claim) is None


def test_who_answers_is_told_that_the_answer_goes_with_what_it_answers(world: World) -> None:
    world.set_policy(policy(share("member:XBB", "member:XCC")))
    answered = give_claim(world)
    reply = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    assert answer(world, "XBB", reply, answered).successes
    asked = f"recipient=XCC&collection={world.collections['reports']}"
    address = f"/api/v1/forums/harbour/contributions/{reply['id']}/explanation?{asked}"
    told = world.get("xbb", address, headers={"Accept": "application/json"})
    assert told.status_code == 200, told.text
    assert "It answers an earlier contribution" in told.text


def test_a_newer_version_of_an_answer_that_would_reach_more_by_the_rules_is_held(
    world: World,
) -> None:
    """The answer was given to who saw the other, whatever the member's rules give."""
    world.set_policy(policy(share("member:XBB")))
    world.set_policy(policy(share("forum")), code="XBB")
    answered = give_claim(world)
    reply = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    assert answer(world, "XBB", reply, answered).successes
    assert look(world, "xcc") == {}
    looser = {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [TLP[Tlp.CLEAR]]}
    world.contribute(reply | looser, who="xbb")
    assert look(world, "xcc") == {}


def test_an_answer_that_is_marked_looser_is_held_like_anything_else(world: World) -> None:
    world.set_policy(policy(share("forum")))
    world.set_policy(policy(share("member:XAA")), code="XBB")
    answered = give_claim(world)
    strict = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]])
    world.contribute(strict, who="xbb")
    looser = {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [TLP[Tlp.GREEN]]}
    [told] = answer(world, "XBB", strict | looser, answered).successes
    assert "held" in told.message
    assert strict["id"] not in look(world, "xcc")
    # Of what answers the same thing the next version reaches those who see that, as before.
    first = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    assert answer(world, "XBB", first, answered).successes
    clear = {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [TLP[Tlp.CLEAR]]}
    [told] = answer(world, "XBB", first | clear, answered).successes
    assert "held" not in told.message
    assert first["id"] in look(world, "xcc")


def test_what_was_sent_before_is_no_answer_by_being_sent_again(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    world.set_policy(policy(share("forum")), code="XBB")
    answered = give_claim(world)
    reply = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    world.contribute(reply, who="xbb")
    [standing] = answer(world, "XBB", reply, answered).failures
    assert standing.code == "sharing.version-conflict"
    world.delete("xbb", world.address(rest=f"objects/{reply['id']}/"))
    [gone] = answer(world, "XBB", reply, answered).failures
    assert gone.code == "sharing.version-conflict"
    assert look(world, "xcc") == {}


def test_what_stands_in_several_collections_is_answered_in_the_one_that_is_named(
    world: World,
) -> None:
    world.set_policy(policy(share("member:XBB")))
    world.set_policy(policy(share("forum")), code="XCC")
    claim = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    world.contribute(claim, to="second")
    # Whoever learns the id may give another object under it, to whomever it likes.
    world.contribute(claim | {"name": "of another"}, who="xcc")
    with world.database.read() as connection:
        seated = world.seated("XBB")
        with pytest.raises(Conflict, match="in several collections"):
            find_answered(connection, seated, Named(claim["id"]))
        named = Named(claim["id"], world.collections["second"])
        answered = find_answered(connection, seated, named)
    assert answered is not None
    reply = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    assert answer(world, "XBB", reply, answered).successes
    assert reply["id"] in look(world, "xaa")
    assert reply["id"] not in look(world, "xcc")


def test_what_is_seen_no_more_when_the_answer_comes_is_not_answered(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    answered = give_claim(world)
    world.set_policy(policy())
    with pytest.raises(NotFound, match="no version of"):
        answer(world, "XBB", world.indicator(object_marking_refs=[TLP[Tlp.GREEN]]), answered)
    assert look(world, "xaa").keys() == {answered.named.stix_id}
