"""The one clause for positions and actions, and the predicate that it says, on both databases."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import insert, select

from auth.reader import Reader
from auth.services import PersonsBody, add_forum, add_person
from kernel.db import Database
from norms.tables import party, position, position_reader, recording
from norms.visibility import of_secretariat, own, visible

SAID = {
    "source": "x",
    "source_class": "self-reported",
    "confidence": "certain",
    "recorded_by": "operator",
    "recorded_us": 0,
}
STATES = ("draft", "released", "withdrawn")
AUDIENCES = ("public", "own", "parties")
CODES = ("XAA", "XBB", "XCC")


def reader(code: str | None) -> Reader:
    return Reader("credential:x", "x", "individual", frozenset(), member_code=code)


@pytest.fixture
def filled(database: Database) -> Database:
    """XAA's positions in every state and audience; of `parties` XBB was chosen."""
    with database.write() as connection:
        connection.execute(
            insert(party), [{"code": code, "name": code, "kind": "state", **SAID} for code in CODES]
        )
        for number, (state, audience) in enumerate(product(STATES, AUDIENCES), start=1):
            connection.execute(
                insert(position).values(
                    id=number,
                    uuid=f"{state} {audience}",
                    party_code="XAA",
                    kind="national-view",
                    title="T",
                    body="B",
                    language="en",
                    date="2026",
                    first_day=1,
                    last_day=1,
                    provisions="[]",
                    pins="[]",
                    state=state,
                    audience=audience,
                    drafted_by="x",
                    drafted_us=0,
                    **SAID,
                )
            )
            connection.execute(insert(position_reader).values(position_id=number, party_code="XBB"))
    return database


def may_see(code: str | None, state: str, audience: str) -> bool:
    """The same in words: the State itself everything; others what is released to them."""
    if code == "XAA":
        return True
    return state == "released" and (
        audience == "public" or (audience == "parties" and code == "XBB")
    )


@pytest.mark.parametrize("code", [*CODES, "XZZ", None])
def test_the_clause_says_what_the_words_say(filled: Database, code: str | None) -> None:
    clause = visible(reader(code), position, position_reader, position_reader.c.position_id)
    with filled.read() as connection:
        found = set(connection.execute(select(position.c.uuid).where(clause)).scalars())
        mine = set(
            connection.execute(select(position.c.uuid).where(own(reader(code), position))).scalars()
        )
    assert found == {
        f"{state} {audience}"
        for state, audience in product(STATES, AUDIENCES)
        if may_see(code, state, audience)
    }
    assert len(mine) == (9 if code == "XAA" else 0)


@pytest.mark.parametrize(
    ("of_forum", "kind", "seen"),
    [(None, "individual", 0), (2, "individual", 0), (1, "machine", 0), (1, "individual", 1)],
)
def test_what_waits_is_seen_by_people_of_its_secretariat_alone(
    database: Database, of_forum: int | None, kind: str, seen: int
) -> None:
    with database.write() as connection:
        said = {"actor": "operator", "now_us": 0}
        for slug in ("quay", "islet"):
            add_forum(connection, slug, slug, tlp_ceiling=4, **said)
        body = PersonsBody(forum_slug="quay")
        ann = add_person(connection, body, "ann@people.example", ["secretariat"], **said)
        connection.execute(
            insert(recording).values(
                id="x",
                forum_id=1,
                events="[]",
                recorded_by=ann,
                actor="person:ann@people.example",
                recorded_us=0,
                state="waiting",
                became="[]",
            )
        )
    who = Reader("credential:x", "x", kind, frozenset(), secretariat_of=of_forum)
    with database.read() as connection:
        clause = of_secretariat(who, recording)
        found = connection.execute(select(recording.c.id).where(clause)).all()
    assert len(found) == seen
