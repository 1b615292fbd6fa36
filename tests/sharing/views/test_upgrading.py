"""What an earlier release stored is decided by this one, before anybody reads it."""

from __future__ import annotations

import json

from sqlalchemy import delete, select, update

from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.tables import contribution, forum_head, reference
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share

TLP = {level: marking for marking, level in WELL_KNOWN.items()}
SINCE = ("hard_references", "vanishing", "entangled", "clauses", "ties", "statements", "carries")


def make_older(world: World) -> None:
    """Leave of the facts what the release before this one kept, and let everything be due."""
    with world.database.write() as connection:
        for row in connection.execute(select(contribution.c.id, contribution.c.facts)).all():
            facts = json.loads(row.facts)
            facts = {key: value for key, value in facts.items() if key not in SINCE}
            facts["references"] = list(facts["references"])
            connection.execute(
                update(contribution)
                .where(contribution.c.id == row.id)
                .values(facts=json.dumps(facts), seen=None, seen_since_us=None, due_us=0)
            )
        connection.execute(delete(reference))
        connection.execute(update(forum_head).values(due_us=0))


def test_what_an_earlier_release_hid_is_decided_after_the_upgrade(world: World) -> None:
    world.set_policy(policy(share("member:XBB", when={"tlp_at_most": "green"})))
    given = world.indicator(
        description="sources",
        object_marking_refs=[TLP[Tlp.GREEN]],
        granular_markings=[{"marking_ref": TLP[Tlp.AMBER], "selectors": ["description"]}],
        created_by_ref="identity--0c5d1a55-9f0e-4c0e-9a57-3f1c1b8a9d10",
    )
    world.contribute(given)
    before = look(world, "xbb")
    assert "description" not in before[given["id"]]
    make_older(world)
    world.clock.now_us += 1_000_000
    assert look(world, "xbb") == before
    with world.database.read() as connection:
        due = select(forum_head.c.due_us).where(forum_head.c.forum_id == world.forum_id)
        assert connection.execute(due).scalar_one() is None
        named = connection.execute(select(reference.c.stix_id)).scalars().all()
    assert named == [given["created_by_ref"]]
