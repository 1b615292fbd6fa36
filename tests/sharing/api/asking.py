"""How the tests of the JSON API ask: as a named caller of a world, page by page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from auth import services as auth_services
from auth.services import NewCredential, PersonsBody
from sharing.rules.tlp import WELL_KNOWN, Tlp
from tests.sharing.taxii.world import World

FORUM = "/api/v1/forums/harbour"
JSON = {"Content-Type": "application/json"}
SHARE_ALL = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}
TLP = {level: marking for marking, level in WELL_KNOWN.items()}
GREEN, RED = TLP[Tlp.GREEN], TLP[Tlp.RED]


def read(world: World, who: str | None, address: str, **query: Any) -> Any:
    asked = f"{address}?{urlencode(query)}" if query else address
    answer = world.get(who, asked, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    return answer.get_json()


def items(world: World, who: str | None, address: str, **query: Any) -> list[Any]:
    found: list[Any] = read(world, who, address, **query)["items"]
    return found


def walk(world: World, who: str, address: str, *, limit: int, **query: Any) -> list[Any]:
    """Every row of a list, a page at a time; each page but the last is full."""
    found: list[Any] = []
    page = read(world, who, address, limit=limit, **query)
    while "next" in page:
        assert len(page["items"]) == limit
        found += page["items"]
        page = read(world, who, address, limit=limit, next=page["next"], **query)
        assert page["items"]
    return found + page["items"]


def exported(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def send(
    world: World,
    who: str | None,
    method: str,
    address: str,
    document: Any = None,
    headers: Mapping[str, str] = JSON,
) -> TestResponse:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return world.open(who, method, address, data=content, headers=headers)


def status_of(world: World, who: str | None, method: str, address: str, **rest: Any) -> int:
    return world.open(who, method, address, **rest).status_code


def issue(world: World, name: str, code: str, *roles: str, **members: Any) -> str:
    """Give a member one more credential: a person's, when roles are given. Its id."""
    said = {"actor": "operator", "now_us": world.clock()}
    new = NewCredential(name, code, **members)
    with world.database.write() as connection:
        if roles:
            email = f"{name}@{code.lower()}.example"
            body = PersonsBody(member_code=code)
            auth_services.add_person(connection, body, email, list(roles), **said)
            new = NewCredential(name, code, kind="individual", person_email=email, **members)
        issued = auth_services.add_credential(connection, world.signer, new, **said)
    world.secrets[name] = (issued.id, issued.secret)
    return issued.id


def same_refusal(*answers: TestResponse) -> tuple[int, str]:
    """The one status and code of answers that nothing tells apart."""
    assert len({answer.data for answer in answers}) == 1, [answer.text for answer in answers]
    assert len({answer.status_code for answer in answers}) == 1
    assert len({str(sorted(answer.headers)) for answer in answers}) == 1
    (first, *_) = answers
    assert first.content_type == "application/problem+json"
    return first.status_code, first.get_json()["code"]
