"""Persona x door x record: what each caller is answered, kept in docs/access-matrix.csv to review.

`COMITY_WRITE_MATRIX=1` with this file rewrites the page; read the difference before you commit it.
A cell is the HTTP status. The records are what an address may name: what XBB was granted
(`granted`), what nobody was (`hidden`), what never was (`absent`), XAA's own, closed entries of
XAA's in the register. Bodies are empty objects: the matrix is about who may enter.
"""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auth import services as auth_services
from kernel.db import Database
from kernel.settings import Settings
from sharing.services import seating
from tests.access.feeding import begin_feed, open_network
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.norms.states import ADOPTION, DECISION, ISLETS, Register
from tests.sharing.api.asking import issue
from tests.sharing.jobs.asking import ask_to_simulate
from tests.sharing.taxii.world import World, make_world

PAGE = Path(__file__).parents[2] / "docs" / "access-matrix.csv"
NEVER = str(uuid.UUID(int=9999, version=4))
ROLES = (
    *("reader", "contributor", "policy-officer", "release-approver", "member-admin", "auditor"),
    *("drafter", "clearance-officer"),
)
PERSONAS = (
    *("nobody", "wrong-secret", "revoked", "expired", "suspended-member"),
    *("xaa", "xaa-reads", "xaa-writes", "xaa-api", "xbb"),
    *(f"xbb-{role}" for role in ROLES),
    *("xcc", "xee", "mirror", "xdd", "suspended-seat", "secretariat"),
)
"""XAA is the originator, XBB is granted its objects, XCC is not, XEE observes, `mirror` is a
partner, XDD has a seat elsewhere; the secretariat is that of the quay."""


class Scene:
    """The harbour and the quay with something of everything in them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.register = Register(world)
        self.register.done("ann", "POST", "records", DECISION)
        self.register.record("ann", ADOPTION)
        self.register.person("olga", "secretariat", forum="islet")
        self.waiting = self.register.done("ivo", "POST", "events", {"events": [ISLETS]})[
            "recording"
        ]
        for role in ROLES:
            if f"xbb-{role}" not in world.secrets:
                issue(world, f"xbb-{role}", "XBB", role)
        issue(world, "revoked", "XAA")
        issue(world, "spare", "XDD")
        issue(world, "expired", "XAA", expires_us=world.clock() + 1)
        self._suspend()
        world.secrets["wrong-secret"] = (world.secrets["xaa"][0], "0" * 43)
        world.secrets["secretariat"] = world.secrets["ann"]
        world.clock.now_us = 1_790_000_000_000_000
        granted = world.indicator()
        self.status = world.contribute(granted)["id"]
        hidden = world.indicator()
        world.set_policy({"rules": []})
        world.contribute(hidden)
        self.objects = {"granted": granted["id"], "hidden": hidden["id"]}
        self.objects["absent"] = f"indicator--{NEVER}"
        position = {"title": "T", "body": "B", "date": "2026"}
        self.feed = begin_feed(open_network(world), world.indicator(), code="XAA").uuid
        self.job = ask_to_simulate(world, {"rules": []}, "a@xaa.example")
        self.names = {
            "position": self.register.done("xaa-drafter", "POST", "positions", position)["id"],
            "action": self.register.done("xaa-drafter", "POST", "actions", {"plan": "P"})["id"],
        }
        world.set_policy(
            {
                "rules": [
                    {
                        "id": "ally",
                        "effect": "share",
                        "audience": {"any": ["member:XBB"]},
                        "when": {"labels": ["shared"]},
                    }
                ]
            }
        )
        # Granted by a label, so that one policy shows one and hides the other.
        shared = granted | {"labels": ["shared"], "modified": "2026-01-03T00:00:00.000Z"}
        world.contribute(shared)

    def _suspend(self) -> None:
        world, said = self.world, {"actor": "operator", "now_us": self.world.clock()}
        for name, code in (("suspended-member", "XFF"), ("suspended-seat", "XGG")):
            with world.database.write() as connection:
                new = auth_services.NewMember(code=code, name=code, accredited_to=4)
                auth_services.add_member(connection, new, **said)
            seating.seat_member(
                world.database, "operator", "harbour", code, "member", now_us=world.clock()
            )
            issue(world, name, code)
        with world.database.write() as connection:
            auth_services.set_member_status(connection, "XFF", "suspended", **said)
            auth_services.revoke_credential(connection, world.secrets["revoked"][0], **said)
        seating.change_seat(
            world.database, "operator", "harbour", "XGG", "suspended", now_us=world.clock()
        )

    def askings(self) -> Iterator[tuple[str, str, str, str]]:
        """(method, route, record, address) of every door; each record that it can name."""
        rules = sorted(self.world.app.url_map.iter_rules(), key=lambda rule: rule.rule)
        for rule in rules:
            if not rule.rule.startswith(("/taxii2/", "/api/v1/")):
                continue
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                for record, names in self.records(rule.rule):
                    address = rule.rule
                    for name, value in names.items():
                        address = address.replace(f"<{name}>", value)
                    yield method, rule.rule, record, address

    def records(self, rule: str) -> Iterator[tuple[str, dict[str, str]]]:
        """What an address of this route may name: (record, names with their values)."""
        place = {
            "forum": "harbour",
            "ref": self.world.collections["reports"],
            "slug": "quay",
            "code": "XAA",
            "instrument": "qd",
            "provision": "qd:1",
        }
        named = next((one for one in self._named() if f"<{one[0]}>" in rule), None)
        if "<stix_id>" in rule:
            for record, stix_id in self.objects.items():
                yield record, place | {"stix_id": stix_id}
        elif named is not None:
            name, record, value, never = named
            yield record, place | {name: value}
            yield "absent", place | {name: never}
        elif "<position>" in rule or "<action>" in rule:
            yield "closed, of XAA", place | self.names
            yield "absent", place | {"position": NEVER, "action": NEVER}
        elif any(part in rule for part in ("_id>", "<event>", "<procedure>", "<name>")):
            names = (
                "job_id",
                "held_id",
                "recall_id",
                "simulation_id",
                "event",
                "procedure",
                "name",
            )
            yield "absent", place | dict.fromkeys(names, NEVER)
        elif "<ref>" in rule:
            yield "readable", place
            yield "absent", place | {"ref": NEVER}
        elif "<forum>" in rule:
            yield "harbour", place
            yield "absent", place | {"forum": "nowhere"}
        else:
            yield "", place

    def _named(self) -> Iterator[tuple[str, str, str, str]]:
        """Names of one row: (name, whose row, its value, one that never was)."""
        yield "status_id", "of XAA", self.status, NEVER
        yield "feed", "closed, of XAA", self.feed, NEVER
        yield "uuid:feed", "closed, of XAA", self.feed, NEVER
        yield "credential_id", "of XDD", self.world.secrets["spare"][0], "k3v7q2m9x4b8"
        theirs = self.world.signer.hash("person-name", "a@xaa.example")[:12].hex()
        yield "person", "of XAA", theirs, NEVER
        yield "job_id", "of a person of XAA", self.job, NEVER
        yield "recording", "waiting, of the islet", self.waiting, NEVER

    def ask(self, who: str, method: str, address: str) -> int:
        headers = {} if address.startswith("/taxii2/") else {"Accept": "application/json"}
        rest: dict[str, Any] = {}
        if method in ("POST", "PUT"):
            media = "application/taxii+json;version=2.1"
            headers["Content-Type"] = (
                media if address.startswith("/taxii2/") else "application/json"
            )
            rest["data"] = b"{}"
        # Nothing here may succeed in changing what the next is asked about.
        name = None if who == "nobody" else who
        return self.world.open(name, method, address, headers=headers, **rest).status_code


def is_destructive(method: str, route: str, record: str, who: str) -> bool:
    """Whether the caller would succeed in taking away what the others are asked about."""
    own = who.startswith("xaa") and record in ("granted", "hidden")
    return method == "DELETE" and "<stix_id>" in route and own


@pytest.fixture
def scene(database: Database, settings: Settings) -> Scene:
    """On each database in turn."""
    # Refusals are not slowed: there are hundreds.
    return Scene(make_world(database, replace(settings, failed_delay_seconds=0.0)))


def tabulate(scene: Scene) -> list[list[str]]:
    rows = [["method", "door", "record", *PERSONAS]]
    for method, route, record, address in scene.askings():
        cells = [
            "-"
            if is_destructive(method, route, record, who)
            else str(scene.ask(who, method, address))
            for who in PERSONAS
        ]
        rows.append([method, route, record, *cells])
    return rows


@POSTGRESQL_AT_LENGTH
def test_every_caller_is_answered_at_every_door_as_the_matrix_says(scene: Scene) -> None:
    rows = tabulate(scene)
    if os.environ.get("COMITY_WRITE_MATRIX"):
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(rows)
        PAGE.write_text(written.getvalue(), encoding="utf-8")
    with PAGE.open(encoding="utf-8", newline="") as page:
        known = list(csv.reader(page))
    assert rows[0] == known[0]
    assert {tuple(row) for row in rows} ^ {tuple(row) for row in known} == set()


def test_in_the_matrix_hidden_is_absent_and_the_refused_learn_nothing() -> None:
    with PAGE.open(encoding="utf-8", newline="") as page:
        rows = list(csv.DictReader(page))
    assert len(rows) > 100
    by_record = {(row["method"], row["door"], row["record"]): row for row in rows}
    for row in rows:
        for who in ("nobody", "wrong-secret", "revoked", "expired", "suspended-member"):
            public = row["door"] == "/api/v1/openapi.json"
            assert row[who] == ("200" if public and who == "nobody" else "401") or public, row
        absent = by_record.get((row["method"], row["door"], "absent"))
        if row["record"] == "hidden" and absent is not None:
            for who in PERSONAS:
                if not who.startswith("xaa"):
                    assert row[who] == absent[who], (row["method"], row["door"], who)
        if row["record"] == "closed, of XAA" and absent is not None:
            for who in PERSONAS:
                if not who.startswith("xaa"):
                    assert row[who] == absent[who], (row["method"], row["door"], who)
        if row["record"].startswith("waiting") and absent is not None:
            assert all(row[who] == absent[who] for who in PERSONAS), row
        assert all(not cell.startswith("5") for cell in row.values())
