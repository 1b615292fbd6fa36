"""Random forums of three States and a partner, in which XAA tries its policies out."""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import strategies as st
from sqlalchemy import select

from auth import services as auth_services
from auth.queries import find_forum, find_member, list_roster
from kernel.db import Database
from sharing.facts import load_facts
from sharing.gate.lessening import gains
from sharing.queries.collections import find_collection
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import collections as places
from sharing.services import policies, seating
from sharing.services.contribute import contribute
from sharing.services.variants import read_omission
from sharing.services.withdraw import withdraw
from sharing.tables import audience_member, collection, contribution, release
from tests.sharing.taxii.world import Clock

MEMBERS = ("XAA", "XBB", "XCC")
TLP_2 = {level: marking for marking, level in WELL_KNOWN.items()}
NAMES = [str(uuid.UUID(int=number, version=4)) for number in range(1, 5)]
DAYS = [f"2025-01-0{day}T00:00:00.000Z" for day in range(1, 4)]
TERMS = st.sampled_from(["forum", "forum", "member:XBB", "member:XCC", "role:observer", "partners"])
LABELS = st.sampled_from(["frost", "thaw"])
LEVELS = st.sampled_from(["clear", "green", "amber", "red"])
UNITS = st.sampled_from(["description", "description", "labels", "object_refs", "name"])
_numbers = itertools.count()


@st.composite
def rules(draw: st.DrawFn, *, withhold_only: bool = False) -> dict[str, Any]:
    share = not withhold_only and draw(st.integers(0, 2)) > 0
    found: dict[str, Any] = {
        "id": f"rule-{next(_numbers)}",
        "effect": "share" if share else "withhold",
        "audience": {
            "any": draw(st.lists(TERMS, min_size=1, max_size=2, unique=True)),
            "except": draw(st.lists(TERMS, max_size=1)) if draw(st.booleans()) else [],
        },
    }
    when: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        when["labels"] = [draw(LABELS)]
    if draw(st.integers(0, 3)) == 0:
        when["tlp_at_most" if share else "tlp_at_least"] = draw(LEVELS)
    if withhold_only and draw(st.booleans()):
        when["originators"] = [draw(st.sampled_from(MEMBERS))]
    if when:
        found["when"] = when
    if draw(st.booleans()):
        found["omit" if share else "only"] = [draw(UNITS)]
    if draw(st.integers(0, 5)) == 0:
        found["delay"] = draw(st.sampled_from(["PT1S", "PT3S", "P1D"]))
    return found


POLICIES = st.lists(rules(), min_size=1, max_size=4).map(lambda chosen: {"rules": chosen})
FORUM_RULES = st.lists(rules(withhold_only=True), max_size=1).map(lambda some: {"rules": some})


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    name, kind = draw(st.sampled_from(NAMES)), draw(st.sampled_from(["campaign", "note", "edge"]))
    found: dict[str, Any] = {
        "type": kind,
        "spec_version": "2.1",
        "created": DAYS[0],
        "modified": draw(st.sampled_from(DAYS)),
        "labels": [draw(LABELS)],
    }
    named = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=3, unique=True))
    targets = [f"campaign--{each}" for each in named]
    if kind == "campaign":
        found |= {"name": "a campaign", "description": draw(st.sampled_from(["one", "two"]))}
    elif kind == "note":
        found |= {"content": "a note", "object_refs": targets}
    else:
        found |= {"type": "relationship", "relationship_type": "related-to"}
        found |= {"source_ref": targets[0], "target_ref": targets[1]}
    found["id"] = f"{found['type']}--{name}"
    if draw(st.integers(0, 2)) == 0:
        found["object_marking_refs"] = [TLP_2[draw(st.sampled_from(sorted(Tlp)))]]
    if kind == "campaign" and draw(st.integers(0, 2)) == 0:
        found["granular_markings"] = [{"marking_ref": TLP_2[Tlp.RED], "selectors": ["description"]}]
    return found


@st.composite
def deeds(draw: st.DrawFn) -> tuple[Any, ...]:
    """Something that XAA does: (what, where, with what)."""
    place = draw(st.integers(0, 1))
    if draw(st.integers(0, 5)) == 0:
        return ("withdraw", place, f"campaign--{draw(st.sampled_from(NAMES))}")
    return ("contribute", place, draw(st.lists(objects(), min_size=2, max_size=5)))


@dataclass
class Forum:
    """A forum of its own for each example; every verb comes a tick after the last."""

    database: Database
    clock: Clock
    slug: str = ""
    id: int = 0
    places: list[str] = field(default_factory=list)
    tick_us: int = 1_000_000

    def now(self) -> int:
        self.clock.now_us += self.tick_us
        return self.clock.now_us

    def member_id(self, code: str) -> int:
        with self.database.read() as connection:
            member = find_member(connection, code)
        assert member is not None
        return member.id

    def do(self, code: str, deed: tuple[Any, ...]) -> None:
        what, place, given = deed
        with self.database.read() as connection:
            seated = auth_services.seat_for_operator(connection, code, self.slug)
            found = find_collection(connection, seated, self.places[place])
        assert found is not None
        if what == "contribute":
            body = orjson.dumps({"objects": given})
            contribute(self.database, seated, found, body, now_us=self.now())
            return
        with self.database.read() as connection:
            own = connection.execute(
                select(contribution.c.id).where(
                    contribution.c.stix_id == given,
                    contribution.c.originator_id == seated.member_id,
                    contribution.c.collection_id == found.id,
                    contribution.c.state == "standing",
                )
            ).first()
        if own is not None:
            withdraw(self.database, seated, found, given, now_us=self.now())

    def set_policy(self, code: str, document: dict[str, Any]) -> policies.Saved:
        return policies.set_policy(
            self.database,
            policies.Setter("operator"),
            self.id,
            self.member_id(code),
            orjson.dumps(document),
            now_us=self.now(),
        )

    def set_accepts(self, code: str, document: dict[str, Any]) -> None:
        policies.set_accepts(
            self.database,
            policies.Setter("operator"),
            self.id,
            self.member_id(code),
            orjson.dumps(document),
            now_us=self.now(),
        )

    def set_rules(self, document: dict[str, Any]) -> None:
        setter = policies.Setter("operator")
        policies.set_forum_policy(
            self.database, setter, self.id, orjson.dumps(document), now_us=self.now()
        )

    def set_template(self, document: dict[str, Any]) -> None:
        setter = policies.Setter("operator")
        policies.set_template(
            self.database, setter, self.id, orjson.dumps(document), now_us=self.now()
        )

    def seat(self, code: str, role: str) -> None:
        seating.seat_member(self.database, "operator", self.slug, code, role, now_us=self.now())

    def change_seat(self, code: str, status: str) -> None:
        seating.change_seat(self.database, "operator", self.slug, code, status, now_us=self.now())

    def change_member(self, code: str, status: str) -> None:
        seating.change_member(self.database, "operator", code, status, now_us=self.now())

    def set_member(self, code: str, change: auth_services.MemberChange) -> None:
        seating.set_member(self.database, "operator", code, change, now_us=self.now())

    def change_partner(self, name: str, status: str) -> None:
        seating.change_partner(
            self.database, "operator", self.slug, name, status, now_us=self.now()
        )

    def add_partner(self, name: str) -> None:
        seating.add_partner(self.database, "operator", self.slug, name, now_us=self.now())


def open_forum(database: Database, clock: Clock) -> Forum:
    forum = Forum(database, clock, f"forum-{next(_numbers)}")
    said = {"actor": "operator", "now_us": forum.now()}
    with database.write() as connection:
        for code in (*MEMBERS, "XDD"):
            known = find_member(connection, code)
            if known is not None:
                # Whatever became of it in the forum before.
                auth_services.set_member_status(connection, code, "active", **said)
            else:
                new = auth_services.NewMember(code=code, name=code, accredited_to=int(Tlp.RED))
                auth_services.add_member(connection, new, **said)
        auth_services.add_forum(connection, forum.slug, "A forum", tlp_ceiling=4, **said)
        seating.open_forum_for_sharing(connection, "operator", forum.slug, now_us=forum.now())
        found = find_forum(connection, forum.slug)
    assert found is not None
    forum.id = found.id
    for code, role in zip(MEMBERS, ("member", "member", "observer"), strict=True):
        seating.seat_member(database, "operator", forum.slug, code, role, now_us=forum.now())
    seating.add_partner(database, "operator", forum.slug, "relay", now_us=forum.now())
    for title in ("First", "Second"):
        new_place = places.NewCollection(title)
        forum.places.append(
            places.add_collection(database, "operator", forum.slug, new_place, now_us=forum.now())
        )
    return forum


Seen = dict[tuple[str, str, str, int], Any]
"""(recipient, collection, id, version) to the facts, and what each kind of credential lacks."""


def views_of(forum: Forum, originator: str) -> Seen:
    """What everybody else has in its views of one State's contributions, by open releases."""
    with forum.database.read() as connection:
        elements = {
            2 * row.bit + kind: (f"partner:{row.name}" if row.is_partner else row.name, kind)
            for row in list_roster(connection, forum.id)
            for kind in (0, 1)
        }
        rows = connection.execute(
            select(
                release.c.omitted,
                release.c.stix_id,
                release.c.version_us,
                contribution.c.facts,
                collection.c.uuid,
                audience_member.c.element,
            )
            .join(audience_member, audience_member.c.audience_id == release.c.audience_id)
            .join(contribution, contribution.c.id == release.c.contribution_id)
            .join(collection, collection.c.id == release.c.collection_id)
            .where(
                release.c.forum_id == forum.id,
                release.c.closed.is_(None),
                contribution.c.originator_id == forum.member_id(originator),
            )
        ).all()
    seen: Seen = defaultdict(lambda: (None, {}))
    for row in rows:
        recipient, kind = elements[row.element]
        if recipient == originator:
            continue
        key = (recipient, row.uuid, row.stix_id, row.version_us)
        _, forms = seen[key]
        seen[key] = (load_facts(row.facts), forms | {kind: read_omission(row.omitted)})
    return dict(seen)


def changed(before: Seen, after: Seen) -> tuple[set[Any], set[Any]]:
    """Which versions which recipients have gained, in whole or in part, and which lost."""
    return _gained(before, after), _gained(after, before)


def _gained(before: Seen, after: Seen) -> set[Any]:
    found = set()
    for key, (facts, forms) in after.items():
        _, old = before.get(key, (None, {}))
        if any(kind not in old or gains(form, old[kind], facts) for kind, form in forms.items()):
            found.add(key)
    return found
