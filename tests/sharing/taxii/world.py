"""A forum of fictional States to speak TAXII with, made through the product's own verbs.

XAA contributes and shares with XBB (and, what is green, with the partner); XCC has a seat and
is granted nothing; XDD has a seat elsewhere only; XEE observes.
"""

from __future__ import annotations

import base64
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from auth import services as auth_services
from auth.queries import find_forum, find_member, find_seated
from auth.reader import Reader, Seated
from auth.services import NewCredential, NewMember, PersonsBody
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import Signer
from sharing.queries.collections import Collection, find_collection
from sharing.services import policies, seating
from sharing.services.collections import NewCollection, add_collection
from sharing.taxii.media import TAXII
from tests.sharing.taxii.applications import make_app
from tests.sharing.taxii.snapshots import Snapshot, put, take

START_US = 1_790_000_000_000_000
TLP_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
TLP_RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
MEMBERS = ("XAA", "XBB", "XCC", "XDD", "XEE")
SHARES_WITH_XBB = {
    "rules": [
        {"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}},
        {
            "id": "mirror",
            "effect": "share",
            "audience": {"any": ["partners"]},
            "when": {"tlp_at_most": "green"},
        },
    ]
}


@dataclass
class Clock:
    """An instant that moves only when it is told to."""

    now_us: int = START_US

    def __call__(self) -> int:
        return self.now_us


@dataclass
class World:
    """One installation with its application; callers are named, `xaa` being XAA's machine."""

    app: Flask
    database: Database
    signer: Signer
    clock: Clock
    settings: Settings
    forum_id: int = 0
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)
    collections: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    members: dict[str, int] = field(default_factory=dict)

    def with_settings(self, **changed: Any) -> None:
        """Start the application again with other settings."""
        self.settings = replace(self.settings, **changed)
        self.app = make_app(self.settings, self.database, self.signer, self.clock)

    def with_app_of_its_own(self, **changed: Any) -> None:
        """The same, with an application that nothing shares: one to add routes to, or to wrap."""
        self.settings = replace(self.settings, **changed)
        self.app = create_app(
            self.settings, database=self.database, signer=self.signer, now_us=self.clock
        )

    def open(
        self,
        who: str | None,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        **rest: Any,
    ) -> TestResponse:
        """The answer to one request, sent as `who` (None: nobody) with a TAXII client's headers."""
        sent = {"Accept": TAXII}
        if who is not None:
            sent["Authorization"] = self.authorization(who)
        return self.app.test_client().open(
            address, method=method, headers=sent | dict(headers or {}), **rest
        )

    def get(self, who: str | None, address: str, **rest: Any) -> TestResponse:
        return self.open(who, "GET", address, **rest)

    def post(self, who: str | None, address: str, body: Any, **rest: Any) -> TestResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": TAXII} | rest.pop("headers", {})
        return self.open(who, "POST", address, data=content, headers=headers, **rest)

    def delete(self, who: str | None, address: str, **rest: Any) -> TestResponse:
        return self.open(who, "DELETE", address, **rest)

    def authorization(self, who: str) -> str:
        return "Basic " + base64.b64encode(":".join(self.secrets[who]).encode()).decode()

    def address(self, collection: str = "reports", rest: str = "objects/") -> str:
        return f"/taxii2/harbour/collections/{self.collections[collection]}/{rest}"

    def contribute(self, *objects: Mapping[str, Any], who: str = "xaa", to: str = "reports") -> Any:
        """The status resource of contributing these objects, a second after the last."""
        self.clock.now_us += 1_000_000
        answer = self.post(who, self.address(to), {"objects": list(objects)})
        assert answer.status_code == 202, answer.text
        document = answer.get_json()
        assert document["failure_count"] == 0, document
        return document

    def indicators(self, count: int, **members: Any) -> list[dict[str, Any]]:
        """That many new indicators, each with an id of its own."""
        return [self.indicator(**members) for _ in range(count)]

    def indicator(self, **members: Any) -> dict[str, Any]:
        number = next(self.numbers)
        return {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.UUID(int=number, version=4)}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "name": f"indicator {number}",
            "pattern": f"[domain-name:value = 'host-{number}.example']",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z",
        } | members

    def set_policy(self, document: Mapping[str, Any], code: str = "XAA") -> None:
        self.clock.now_us += 1_000_000
        policies.set_policy(
            self.database,
            policies.Setter("operator"),
            self.forum_id,
            self.member_id(code),
            json.dumps(document).encode(),
            now_us=self.clock(),
        )

    def member_id(self, code: str) -> int:
        if code not in self.members:
            with self.database.read() as connection:
                member = find_member(connection, code)
            assert member is not None
            self.members[code] = member.id
        return self.members[code]

    def seated(self, code: str, kind: Any = "machine") -> Seated:
        reader = Reader("t", "t", kind, frozenset(), self.member_id(code), code)
        with self.database.read() as connection:
            seated = find_seated(connection, reader, "harbour")
        assert seated is not None
        return seated

    def collection(self, alias: str = "reports", code: str = "XAA") -> Collection:
        with self.database.read() as connection:
            found = find_collection(connection, self.seated(code), self.collections[alias])
        assert found is not None
        return found


# The first world of each kind of database is made by the product's verbs, others are copies.
_made: dict[str, tuple[Snapshot, World]] = {}


def make_world(database: Database, settings: Settings) -> World:
    """The forum as this module's first lines describe it."""
    signer, clock = Signer(b"s" * 32), Clock()
    app = make_app(settings, database, signer, clock)
    world = World(app, database, signer, clock, settings)
    kind = database.content.dialect.name
    if kind in _made:
        snapshot, first = _made[kind]
        put(snapshot, database)
        world.forum_id, clock.now_us = first.forum_id, first.clock.now_us
        world.secrets, world.collections = dict(first.secrets), dict(first.collections)
        return world
    _found(world)
    _seat(world)
    _issue(world)
    world.set_policy(SHARES_WITH_XBB)
    kept = replace(world, clock=Clock(clock.now_us), secrets=dict(world.secrets), members={})
    _made[kind] = (take(database), replace(kept, collections=dict(world.collections)))
    return world


def _found(world: World) -> None:
    said = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        for slug in ("harbour", "basin"):
            auth_services.add_forum(connection, slug, slug.title(), tlp_ceiling=4, **said)
            seating.open_forum_for_sharing(connection, "operator", slug, now_us=world.clock())
        for code in MEMBERS:
            new = NewMember(code=code, name=f"State {code}", accredited_to=4)
            auth_services.add_member(connection, new, **said)
        forum = find_forum(connection, "harbour")
    assert forum is not None
    world.forum_id = forum.id
    places = {
        "reports": NewCollection("Reports", alias="reports"),
        "second": NewCollection("Second"),
        "sealed": NewCollection(
            "Sealed", "sealed", read_roles=["partner-state"], write_roles=["partner-state"]
        ),
        "drop": NewCollection("Drop", "drop", read_roles=["observer"], write_roles=["member"]),
    }
    for name, new in places.items():
        world.collections[name] = add_collection(
            world.database, "operator", "harbour", new, now_us=world.clock()
        )
    world.collections["elsewhere"] = add_collection(
        world.database, "operator", "basin", NewCollection("Elsewhere"), now_us=world.clock()
    )


def _seat(world: World) -> None:
    seats = [("harbour", code, "member") for code in ("XAA", "XBB", "XCC")]
    seats += [("harbour", "XEE", "observer"), ("basin", "XDD", "member")]
    for forum, code, role in seats:
        seating.seat_member(world.database, "operator", forum, code, role, now_us=world.clock())
    seating.add_partner(world.database, "operator", "harbour", "mirror", now_us=world.clock())


def _issue(world: World) -> None:
    wanted = {code.lower(): NewCredential("feed", code) for code in MEMBERS}
    wanted |= {
        "xaa-reads": NewCredential("feed", "XAA", scopes=["taxii:read"]),
        "xaa-writes": NewCredential("feed", "XAA", scopes=["taxii:write"]),
        "xaa-api": NewCredential("feed", "XAA", scopes=["api:read"]),
        "mirror": NewCredential("feed", partner="harbour/mirror"),
        "xaa-person": NewCredential("desk", "XAA", kind="individual", person_email="a@xaa.example"),
        "xbb-person": NewCredential("desk", "XBB", kind="individual", person_email="b@xbb.example"),
        "xbb-officer": NewCredential(
            "desk", "XBB", kind="individual", person_email="o@xbb.example"
        ),
    }
    persons = {
        "a@xaa.example": ("XAA", ["contributor"]),
        "b@xbb.example": ("XBB", ["reader"]),
        "o@xbb.example": ("XBB", ["policy-officer"]),
    }
    said = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        for email, (code, roles) in persons.items():
            body = PersonsBody(member_code=code)
            auth_services.add_person(connection, body, email, roles, **said)
        for name, new in wanted.items():
            issued = auth_services.add_credential(connection, world.signer, new, **said)
            world.secrets[name] = (issued.id, issued.secret)
