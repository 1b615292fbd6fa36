"""What becomes of hidden contributions in the paired worlds: recalled, confirmed, and shared with
whoever is committed to something. None of it is XCC's to see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection

from auth.queries import find_person
from sharing.queries.commitments import Register, connect_register, find_register
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services.confirm import confirm, list_held
from sharing.services.following import follow
from sharing.services.recall import NewRecall, recall
from tests.sharing.api.asking import issue
from tests.sharing.views.looking import policy, share

if TYPE_CHECKING:
    from tests.access.pairs import Side

APPROVER = "xbb-approver"
PROVISION = "hidden:1"
_TLP = {level: marking for marking, level in WELL_KNOWN.items()}


def hide_recalls(side: Side, number: int) -> None:
    """XBB contributes what its allies see, is asked for it, and recalls it, for good or not."""
    _share_with_allies(side)
    given = side.indicator(number + 660, 1, labels=["hidden"])
    side.contribute("xbb", given)
    side.world.get("xee", side.world.address(rest=f"objects/{given['id']}/"))
    seated = _seated(side)
    if seated is None:
        return
    new = NewRecall(str(uuid.uuid4()), given["id"], "Wrong.", never_return=number % 2 == 0)
    place = side.world.collection(code="XBB")
    recall(side.world.database, seated, place, new, now_us=side.world.clock())


def hide_confirmations(side: Side, number: int) -> None:
    """A version of XBB's that is marked looser is held, and then confirmed."""
    _share_with_allies(side)
    one = side.indicator(number + 680, 1, object_marking_refs=[_TLP[Tlp.AMBER]])
    two = side.indicator(number + 680, 2, object_marking_refs=[_TLP[Tlp.CLEAR]])
    for each in (one, two):
        side.contribute("xbb", each)
    world = side.world
    if APPROVER not in world.secrets:
        issue(world, APPROVER, "XBB", "release-approver")
    with world.database.read() as connection:
        approver = find_person(connection, f"{APPROVER}@xbb.example")
        held = list_held(
            connection, world.signer, world.forum_id, world.member_id("XBB"), now_us=world.clock()
        )
    assert approver is not None
    for waiting in held:
        said = {"actor": "operator", "now_us": world.clock()}
        confirm(world.database, world.signer, world.forum_id, approver, waiting.id, **said)


def hide_commitments(side: Side, number: int) -> None:
    """XBB shares with whoever is committed to something; XEE commits itself, or no longer."""
    if not isinstance(find_register(), Beside):
        connect_register(Beside(find_register()))
    side.set_policy("XBB", policy(share(f"committed:{PROVISION}")))
    side.contribute("xbb", side.indicator(number + 700, 1, labels=["hidden"]))
    with side.world.database.write() as connection:
        bind = connection.engine.url.render_as_string()
        Beside.COMMITTED[bind] = frozenset({"XEE"} if number % 2 else ())
        follow(connection, frozenset({PROVISION}), side.world.clock())


def _share_with_allies(side: Side) -> None:
    """With XEE and XAA what is marked low, and with nobody else."""
    low = {"tlp_at_most": "green"}
    rules = [
        share("member:XEE", "member:XAA", when=low),
        share("member:XEE", when={"labels": ["hidden"]}),
    ]
    side.set_policy("XBB", policy(*rules))


def _seated(side: Side) -> Any:
    """XBB's place, if its seat has not been taken from it beside."""
    try:
        seated = side.world.seated("XBB")
    except AssertionError:
        return None
    return replace(seated, reader=replace(seated.reader, roles=None))


class Beside(Register):
    """A register with one provision more, to which others are committed in each database."""

    COMMITTED: ClassVar[dict[str, frozenset[str]]] = {}

    def __init__(self, register: Register | None) -> None:
        assert register is not None
        self._register = register

    def exists_provision(self, connection: Connection, provision: str) -> bool:
        return provision == PROVISION or self._register.exists_provision(connection, provision)

    def list_committed(
        self, connection: Connection, provisions: Collection[str], at_us: int
    ) -> Mapping[str, frozenset[str]]:
        others = [each for each in provisions if each != PROVISION]
        found = dict(self._register.list_committed(connection, others, at_us)) if others else {}
        if PROVISION in provisions:
            bind = connection.engine.url.render_as_string()
            found[PROVISION] = self.COMMITTED.get(bind, frozenset())
        return found

    def find_next_change(
        self, connection: Connection, provisions: Collection[str], after_us: int
    ) -> int | None:
        others = [each for each in provisions if each != PROVISION]
        return self._register.find_next_change(connection, others, after_us) if others else None
