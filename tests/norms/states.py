"""Three fictional States, a forum and its secretariat, each person speaking over the API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from werkzeug.test import TestResponse

from auth.services import NewCredential, PersonsBody, add_credential, add_person
from kernel.clock import parse_instant
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import Signer
from norms.services.catalogue import record_document
from norms.services.provenance import Scribe
from tests.sharing.taxii.snapshots import Snapshot, put, take
from tests.sharing.taxii.world import Clock, World, make_app, make_world

NORMS = "/api/v1/norms"
STATES = ("XAA", "XBB", "XCC")


class Register:
    """An installation with people; `xaa-drafter` is a person of XAA's with that role."""

    def __init__(self, world: World, *, is_made: bool = False) -> None:
        self.world = world
        if is_made:
            return
        self.move_to("2026-01-01T09:00:00Z")
        with world.database.write() as connection:
            record_document(
                connection,
                {
                    "parties": [{"code": code, "name": f"State {code}"} for code in STATES],
                    "forums": [
                        {
                            "id": "quay",
                            "name": "Quay",
                            "kind": "regional",
                            "confidence": "certain",
                            "member_label": "participating State",
                            "members": ["XAA", "XBB", {"party": "XCC", "from": "2025-01-01"}],
                        },
                        {"id": "islet", "name": "Islet", "confidence": "certain"},
                    ],
                },
                Scribe("operator", world.clock()),
            )
        self.person("ann", "secretariat", forum="quay")
        self.person("ivo", "secretariat", forum="islet")
        for code in STATES:
            for role in ("drafter", "clearance-officer", "reader"):
                self.person(f"{code.lower()}-{role}", role, member=code)

    def move_to(self, text: str) -> None:
        self.world.clock.now_us = parse_instant(text)

    def person(
        self, name: str, *roles: str, forum: str | None = None, member: str | None = None
    ) -> None:
        """A person with an individual credential."""
        world, email = self.world, f"{name}@people.example"
        said: dict[str, Any] = {"actor": "operator", "now_us": world.clock()}
        with world.database.write() as connection:
            body = PersonsBody(member_code=member, forum_slug=forum)
            add_person(connection, body, email, list(roles), **said)
            new = NewCredential(
                name, member, kind="individual", person_email=email, secretariat=forum
            )
            issued = add_credential(connection, world.signer, new, **said)
        world.secrets[name] = (issued.id, issued.secret)

    def ask(self, who: str, method: str, path: str, body: Any = None, **query: Any) -> TestResponse:
        """One request of a person's."""
        self.world.clock.now_us += 1000
        headers = {"Accept": "application/json"}
        rest: dict[str, Any] = {"query_string": query} if query else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            rest["data"] = json.dumps(body).encode()
        return self.world.open(who, method, f"{NORMS}/{path}", headers=headers, **rest)

    def done(self, who: str, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer to a request that must succeed."""
        answer = self.ask(who, method, path, body, **query)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.get_json()

    def get(self, who: str, path: str, **query: Any) -> Any:
        return self.done(who, "GET", path, **query)

    def items(self, who: str, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(who, path, **query)["items"]
        return found

    def refused(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """The status and code of a refusal."""
        answer = self.ask(who, method, path, body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.get_json()["code"]

    def record(self, who: str, *events: dict[str, Any]) -> list[str]:
        """The ids of events that somebody records."""
        ids: list[str] = self.done(who, "POST", "events", {"events": list(events)})["events"]
        return ids

    def status(self, member: str, day: str, provision: str = "qd:1") -> dict[str, Any]:
        """One cell of the status of the quay."""
        rows = self.items(
            "xaa-reader",
            "forums/quay/status",
            as_of=day,
            member=member,
            provision=provision,
        )
        assert len(rows) == 1, rows
        return rows[0]


# The first register of each kind is made, others are copies of it.
_made: dict[tuple[str, bool], tuple[Snapshot, World]] = {}


def make_register(
    database: Database, settings: Settings, *, with_decision: bool = False
) -> Register:
    """The harbour's States, of which three are parties to the quay; and what two adopted there."""
    kind = (database.content.dialect.name, with_decision)
    if kind in _made:
        snapshot, first = _made[kind]
        signer, clock = Signer(b"s" * 32), Clock(first.clock.now_us)
        app = make_app(settings, database, signer, clock)
        put(snapshot, database)
        world = World(app, database, signer, clock, settings, first.forum_id)
        world.secrets, world.collections = dict(first.secrets), dict(first.collections)
        return Register(world, is_made=True)
    made = Register(make_world(database, settings))
    if with_decision:
        made.done("ann", "POST", "records", DECISION)
        made.record("ann", ADOPTION)
    world = made.world
    kept = replace(world, clock=Clock(world.clock.now_us), secrets=dict(world.secrets))
    _made[kind] = (take(database), replace(kept, collections=dict(world.collections)))
    return made


DECISION: dict[str, Any] = {
    "instruments": [
        {
            "id": "qd",
            "symbol": "QD/1",
            "title": "Quay decision",
            "legal_character": "politically-binding",
            "forum": "quay",
            "adopted": "2024-05-01",
            "confidence": "likely",
        }
    ],
    "provisions": [
        {
            "instrument": "qd",
            "path": "1",
            "short": "Answer",
            "paraphrase": "Answer requests.",
            "polarity": "positive-duty",
            "confidence": "likely",
            "pins": [{"language": "en", "symbol": "QD/1 para 1", "digest": "0" * 64}],
        },
        {
            "instrument": "qd",
            "path": "2",
            "short": "Refrain",
            "paraphrase": "Harm no teams.",
            "polarity": "restraint",
            "confidence": "likely",
        },
    ],
}
ADOPTION = {
    "key": "qd-adopted",
    "kind": "adoption",
    "instrument": "qd",
    "forum": "quay",
    "date": "2024-05-01",
    "symbol": "QD/1",
    "confidence": "checked",
}
TERMINATION = {"kind": "termination", "instrument": "qd", "date": "2026-01-01"}
ISLETS = ADOPTION | {"key": "islets", "forum": "islet"}
TREATY: dict[str, Any] = {
    "instruments": [
        {
            "id": "qt",
            "symbol": "QT 1",
            "title": "Quay convention",
            "kind": "treaty",
            "legal_character": "legally-binding",
            "forum": "quay",
            "adopted": "2025-06-01",
            "opened_for_signature": "2025-07-01",
            "closes_for_signature": "2027-06-30",
            "eif_rule": {"threshold": 2, "then": "90th day after deposit"},
        }
    ],
    "provisions": [{"instrument": "qt", "path": "Art. 1"}, {"instrument": "qt", "path": "Art. 2"}],
}
