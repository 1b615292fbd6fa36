"""A walk through a forum by clients that write down everything they are served.

Each step changes something or reads something through any door that serves; what a client
really got is kept by version, content word for word.
"""

from __future__ import annotations

import json
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kernel.clock import parse_instant
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services.exporting import export_view
from tests.sharing.taxii.world import START_US, World
from tests.sharing.views.looking import policy, share, withhold

TLP = {level: marking for marking, level in WELL_KNOWN.items()}
READERS = ("xbb", "xbb-person", "xcc", "mirror", "xee", "xaa-person")
EXPORTERS = {"xbb-person": "XBB", "xaa-person": "XAA"}
IDS = [f"indicator--{uuid.UUID(int=900 + number, version=4)}" for number in range(4)]
GREEN_STATEMENT, RED_STATEMENT = (
    f"marking-definition--{uuid.UUID(int=900 + number, version=4)}" for number in (77, 78)
)
POLICIES = (
    policy(share("member:XBB"), share("partners", when={"tlp_at_most": "green"})),
    policy(share("forum", omit=["description"])),
    policy(share("member:XCC", omit=["labels"]), share("member:XBB", delay="PT40S")),
    policy(share("forum"), share("partners"), withhold("member:XCC", when={"labels": ["frost"]})),
    policy(share("forum", "member:XBB"), withhold("member:XBB", only=["description"])),
    policy(share("member:XBB", "member:XEE", expire_after="PT60S")),
    policy(),
)

POLLED = (
    "",
    "match[version]=all&",
    "match[version]=first&",
    f"match[id]={IDS[0]}&",
    "match[type]=indicator&",
    "match[version]=all&match[type]=marking-definition&",
    "match[version]=first,2026-01-01T00:00:02.000Z&",
)

Version = tuple[str, int]
"""(STIX id, version in µs): no two members of the walk contribute the same one."""


@dataclass
class Got:
    """What one client got of one version."""

    contents: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Walk:
    """The walk's state: what was contributed, and what each client got."""

    world: World
    chance: random.Random
    folder: Path
    sent: dict[Version, dict[str, Any]] = field(default_factory=dict)
    got: dict[str, dict[Version, Got]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Got))
    )
    stamps: dict[str, str] = field(default_factory=dict)

    def begin(self) -> Walk:
        """Two statements, of which one is red, and something to poll."""
        for stix_id, level in ((GREEN_STATEMENT, Tlp.GREEN), (RED_STATEMENT, Tlp.RED)):
            self.give("xaa", statement(stix_id, TLP[level]))
        for _ in range(6):
            self._contribute()
        return self

    def step(self) -> None:
        """One change or several reads."""
        self.world.clock.now_us += self.chance.randint(1, 9) * 1_000_000
        if self.chance.random() < 0.4:
            self.chance.choice([self._contribute] * 2 + [self._decide] * 5 + [self._delete])()
        else:
            who = self.chance.choice(READERS)
            self.chance.choice([self._poll, self._poll, self._by_id, self._standing, self._leave])(
                who
            )

    def give(self, who: str, value: dict[str, Any]) -> None:
        """Contribute it; the first content of a version again when there is one."""
        value = self.sent.setdefault((value["id"], version_of(value)), value)
        self.world.contribute(value, who=who)

    def _contribute(self) -> None:
        by_xbb = self.chance.random() < 0.2
        # XBB's versions are of odd seconds: a version tells whose it is.
        second = 2 * self.chance.randint(0, 1) + by_xbb
        marks = [TLP[self.chance.choice([Tlp.GREEN, Tlp.GREEN, Tlp.AMBER, Tlp.RED])]]
        value: dict[str, Any] = self.world.indicator(
            id=self.chance.choice(IDS),
            modified=f"2026-01-01T00:00:0{second}.000Z",
            description="secret",
            labels=[self.chance.choice(["frost", "thaw"])],
            confidence=self.chance.randint(1, 99),
        )
        if not by_xbb and self.chance.random() < 0.5:
            selectors = {"selectors": ["description"]}
            mark = self.chance.choice([GREEN_STATEMENT, RED_STATEMENT])
            if self.chance.random() < 0.5:
                marks.append(mark)
            else:
                value["granular_markings"] = [{"marking_ref": mark} | selectors]
        value["object_marking_refs"] = marks
        self.give("xbb" if by_xbb else "xaa", value)

    def _decide(self) -> None:
        self.world.set_policy(self.chance.choice([*POLICIES, *POLICIES[:2]]))

    def _delete(self) -> None:
        stix_id = self.chance.choice(IDS)
        rest = f"objects/{stix_id}/" + self.chance.choice(["", "?match[version]=last"])
        self.world.delete("xaa", self.world.address(rest=rest))

    def _poll(self, who: str) -> None:
        door = self.chance.choice(["objects", "manifest"])
        filters = self.chance.choice(POLLED)
        if who in self.stamps and self.chance.random() < 0.3:
            filters += f"added_after={self.stamps[who]}&"
        following = ""
        while True:
            answer = self.world.get(
                who, self.world.address(rest=f"{door}/?{filters}limit=2&{following}")
            )
            self._note_page(who, door, answer.get_json())
            self.stamps[who] = answer.headers.get(
                "X-TAXII-Date-Added-Last", self.stamps.get(who, "2026-01-01T00:00:00Z")
            )
            if not answer.get_json().get("more") or self.chance.random() < 0.2:
                break
            following = f"next={quote(answer.get_json()['next'])}"

    def _note_page(self, who: str, door: str, page: dict[str, Any]) -> None:
        for value in page.get("objects", []):
            if door == "manifest":
                self.got[who][(value["id"], parse_instant(value["version"]))]
            else:
                self.got[who][(value["id"], version_of(value))].contents.append(value)

    def _by_id(self, who: str) -> None:
        stix_id = self.chance.choice([*IDS, GREEN_STATEMENT])
        if self.chance.random() < 0.4:
            answer = self.world.get(who, self.world.address(rest=f"objects/{stix_id}/versions/"))
            for version in answer.get_json().get("versions", []):
                self.got[who][(stix_id, parse_instant(version))]
            return
        query = self.chance.choice(["", "?match[version]=all", "?match[version]=first"])
        answer = self.world.get(who, self.world.address(rest=f"objects/{stix_id}/{query}"))
        self._note_page(who, "object", answer.get_json())

    def _standing(self, who: str) -> None:
        query = self.chance.choice(["", "?versions=all", "?tlp=green", "?limit=1&versions=all"])
        address = f"/api/v1/forums/harbour/received/objects{query}"
        answer = self.world.get(who, address, headers={"Accept": "application/json"})
        for row in answer.get_json()["items"]:
            self.got[who][(row["id"], parse_instant(row["version"]))]

    def _leave(self, who: str) -> None:
        """An export, which a member's operator makes as its person."""
        if who not in EXPORTERS:
            return
        file, world = self.folder / "file.json", self.world
        seated = world.seated(EXPORTERS[who], "individual")
        place = world.collection(code=EXPORTERS[who])
        bundle_id = f"bundle--{uuid.UUID(int=1, version=4)}"
        export_view(world.database, seated, place, file, bundle_id=bundle_id, now_us=world.clock())
        self._note_page(who, "export", json.loads(file.read_text()))


def version_of(value: dict[str, Any]) -> int:
    return parse_instant(value.get("modified", value.get("created")))


def statement(stix_id: str, *marks: str) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": stix_id,
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
        "object_marking_refs": list(marks),
    }


def elements_of(world: World) -> dict[str, int]:
    """The place of each reader of the walk in an audience."""
    found = {}
    for who in READERS:
        if who == "mirror":
            continue
        code, _, person = who.partition("-")
        found[who] = world.seated(code.upper(), "individual" if person else "machine").element
    return found


__all__ = ["READERS", "START_US", "Walk", "elements_of", "version_of"]
