"""A register of UN size, and its status view beside the bare query.

193 parties, 500 provisions of 50 instruments, 50,000 events, on the engine that is asked for.
What counts is the ratio: the view decides nothing, so it should cost what its rows cost.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from auth.queries import find_forum
from auth.services import installation_reader
from kernel.db import Database
from norms.queries.status import list_status
from norms.queries.status_pages import list_status_page
from norms.rules.dates import parse_day
from norms.services.catalogue import record_document
from norms.services.provenance import Scribe
from norms.tables import commitment, norm_event

PARTIES, INSTRUMENTS, PROVISIONS, EVENTS = 193, 50, 500, 50_000
FORUM = "assembly"
_NOW_US = 1_790_000_000_000_000
_ROUNDS = 5
_KINDS = (
    "commitment",
    "reservation",
    "interpretative-declaration",
    "commitment-suspension",
    "commitment-resumption",
    "commitment-withdrawal",
)


@dataclass(frozen=True)
class Measured:
    """Seconds: making the register, the whole view, one party's, and the bare query beside it."""

    events: int
    spans: int
    made: float
    view: float
    bare: float
    page: float
    bare_page: float
    one_party: float
    bare_party: float


def codes() -> list[str]:
    """Fictional parties, XAA to XHK."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [f"X{letters[n // 26]}{letters[n % 26]}" for n in range(PARTIES)]


def measure_register(database: Database) -> Measured:
    """Make the register in an empty, migrated database, and measure the view."""
    begun = time.perf_counter()
    make_register(database, EVENTS)
    made = time.perf_counter() - begun
    day = parse_day("2026-01-01")
    with database.read() as connection:
        found = find_forum(connection, FORUM)
        if found is None:
            raise RuntimeError("the forum was not made")
        reader = installation_reader()

        def view(**asked: Any) -> int:  # noqa: ANN401 - whatever the view takes
            return len(list_status(connection, reader, found.id, FORUM, day=day, **asked))

        return Measured(
            events=_count(connection, norm_event.c.id),
            spans=_count(connection, commitment.c.id),
            made=made,
            view=_seconds(view),
            bare=_seconds(lambda: _bare(connection, found.id, day)),
            page=_seconds(
                lambda: len(
                    list_status_page(connection, reader, found.id, FORUM, day=day, limit=101)
                )
            ),
            bare_page=_seconds(lambda: _bare(connection, found.id, day, codes()[0])),
            one_party=_seconds(lambda: view(party=codes()[7])),
            bare_party=_seconds(lambda: _bare(connection, found.id, day, codes()[7])),
        )


def make_register(database: Database, count: int) -> None:
    """193 parties, 500 provisions and `count` events in an empty, migrated database."""
    chance = random.Random(193)
    scribe = Scribe("operator", _NOW_US)
    each = PROVISIONS // INSTRUMENTS
    rows = {
        "parties": [{"code": code} for code in codes()],
        "forums": [{"id": FORUM, "members": codes(), "confidence": "certain"}],
        "instruments": [
            {
                "id": f"i{number}",
                "symbol": f"A/{number}",
                "title": f"Instrument {number}",
                "legal_character": "voluntary-non-binding",
                "forum": FORUM,
                "adopted": f"{1990 + number % 30}-05-01",
            }
            for number in range(INSTRUMENTS)
        ],
        "provisions": [
            {"instrument": f"i{number}", "path": f"para {path}"}
            for number in range(INSTRUMENTS)
            for path in range(each)
        ],
    }
    events = [
        {
            "kind": "adoption",
            "instrument": f"i{number}",
            "forum": FORUM,
            "date": f"{1990 + number % 30}-05-01",
        }
        for number in range(INSTRUMENTS)
    ]
    while len(events) < count:
        number = chance.randrange(INSTRUMENTS)
        events.append(
            {
                "kind": chance.choice(_KINDS),
                "instrument": f"i{number}",
                "party": chance.choice(codes()),
                "provisions": [f"para {chance.randrange(each)}"],
                "date": f"{chance.randrange(2021, 2026)}-{chance.randrange(1, 13):02}",
            }
        )
    with database.write() as connection:
        record_document(connection, {**rows, "events": events}, scribe)


def _bare(connection: Connection, forum_id: int, day: int, party: str | None = None) -> int:
    """The rows of the view and nothing else: no members, no words for silence, no provenance."""
    statement = select(commitment).where(
        commitment.c.forum_id == forum_id,
        commitment.c.from_day <= day,
        commitment.c.to_day.is_(None) | (commitment.c.to_day > day),
    )
    if party is not None:
        statement = statement.where(commitment.c.party_code == party)
    return len(connection.execute(statement).all())


def _count(connection: Connection, column: object) -> int:
    return int(connection.execute(select(func.count(column))).scalar_one())  # type: ignore[arg-type]


def _seconds(ask: Callable[[], int]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def told(engine: str, found: Measured) -> str:
    """The figures as lines of Markdown."""
    rows = (
        ("whole status view", found.view, found.bare),
        ("first page of 100", found.page, found.bare_page),
        ("one party's status", found.one_party, found.bare_party),
    )
    lines = [
        f"### Register, {engine}",
        "",
        (
            f"{PARTIES} parties, {PROVISIONS} provisions, {found.events:,} events, "
            f"{found.spans:,} spans; made in {found.made:.0f} s."
        ),
        "",
        "| measured | view, ms | bare query, ms | view ÷ bare |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {view * 1000:.1f} | {bare * 1000:.1f} | {view / bare:.2f} |"
        for name, view, bare in rows
    ]
    return "\n".join([*lines, ""])
