"""What a page costs: the first of a list, and of a status view, beside the bare query of its rows.

In process, so that neither a server's sockets nor its neighbours are measured; in processor time of
this process, taken in turn. Sizes are of the pages as they leave, before any compression.
"""

from __future__ import annotations

import base64
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, Connection, func, literal_column, select

import migrations
from app import create_app
from auth import services as auth
from auth.queries import find_forum, find_member
from auth.queries.persons import find_person
from auth.services.sessions import begin_session
from bench import register
from bench.corpus import envelopes
from bench.measure import TAXII
from kernel.clock import now_us
from kernel.db import BINARY_ROWS, Database
from kernel.settings import Settings
from kernel.signing import Signer, open_signer
from norms.rules.dates import parse_day
from norms.tables import commitment, provision
from sharing.queries.newest import MOST_COUNTED
from sharing.services.collections import NewCollection, add_collection
from sharing.services.policies import Setter, set_policy
from sharing.services.seating import open_forum_for_sharing, seat_member
from sharing.tables import body, collection, release

FORUM: Final = "assembly"
DAY: Final = "2026-01-01"
_SHARE_ALL: Final = b'{"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}'
_PERSON: Final = "reads@xab.example"
_LISTED: Final = 50
_RUNS: Final = 20


@dataclass(frozen=True, slots=True)
class _Place:
    database: Database
    signer: Signer
    client: FlaskClient

    def sign_in(self) -> None:
        """As the State's person whose pages are measured."""
        with self.database.write() as connection:
            found = find_person(connection, _PERSON)
            if found is None:
                raise RuntimeError("nobody is there to look at pages")
            token = begin_session(
                connection, self.signer, found, "password", agent="bench", now_us=now_us()
            )
        self.client.set_cookie("comity-session", token)

    def fetch(self, address: str) -> bytes:
        """A page; raises RuntimeError unless it is answered 200."""
        answer = self.client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
        return answer.data


def measure_pages(
    folder: Path, make_url_for: Callable[[str], str], count: int, events: int, engine: str
) -> Iterator[str]:
    """Lines of Markdown: each page's size, and its time beside the bare query of its rows."""
    yield f"### Pages, {engine}\n"
    yield (
        f"{count:,} objects in one collection; a register of {register.PARTIES} parties, "
        f"{register.PROVISIONS} provisions and {events:,} events.\n"
    )
    yield "| page | bytes | page, CPU ms | bare query, CPU ms | page ÷ bare |"
    yield "|---|---|---|---|---|"
    with _opened(folder / "list", make_url_for("list")) as place:
        _fill(place, count)
        place.sign_in()
        address = f"/sharing/{FORUM}/objects"
        yield _line("first page of a list", place, address, (_bare_rows, _bare_facets))
        yield _line("the same, beside its rows alone", place, address, (_bare_rows,))
        file = f"{address}?format=json&limit={_LISTED}"
        yield _line("the same as JSON", place, file, (_bare_rows,))
    with _opened(folder / "status", make_url_for("status")) as place:
        register.make_register(place.database, events)
        _add_person(place)
        place.sign_in()
        address = f"/norms/forums/{register.FORUM}/status?as_of={DAY}"
        shown = place.fetch(address).decode()
        members, columns = shown.count('<tr><th scope="row">'), shown.count('<th scope="col">') - 1
        yield _line(
            f"status view ({members} members, {columns} provisions)",
            place,
            address,
            (lambda connection: _bare_status(connection, members, columns),),
        )


def _line(
    what: str, place: _Place, address: str, bare: tuple[Callable[[Connection], object], ...]
) -> str:
    size = len(place.fetch(address))

    def ask() -> None:
        with place.database.read() as connection:
            for query in bare:
                query(connection)

    page, query = _cpu_beside(lambda: place.fetch(address), ask)
    times = f"{1000 * page:.1f} | {1000 * query:.2f} | {page / query:.1f}"
    return f"| {what} | {size:,} | {times} |"


def _cpu_beside(*actions: Callable[[], object]) -> list[float]:
    """The median processor time of each, taken in turn, after a run that does not count."""
    times: list[list[float]] = [[] for _ in actions]
    for number in range(_RUNS + 1):
        for taken, action in zip(times, actions, strict=True):
            begun = time.process_time()
            action()
            if number:
                taken.append(time.process_time() - begun)
    return [statistics.median(taken) for taken in times]


# The bare queries: the rows of the page and nothing else, whoever may see them.


def _last_of_one(connection: Connection) -> list[ColumnElement[bool]]:
    """The last versions of the one collection, by the index that pages are read by too."""
    place = connection.execute(select(collection.c.id)).scalar_one()
    last: ColumnElement[bool] = literal_column("release.is_last")
    return [release.c.collection_id == place, release.c.closed.is_(None), last]


def _bare_rows(connection: Connection) -> object:
    newest = (
        select(release)
        .where(*_last_of_one(connection))
        .order_by(release.c.date_added_us.desc())
        .limit(_LISTED + 1)
        .subquery()
    )
    statement = select(newest, body.c.content).join(body, body.c.id == newest.c.body_id)
    return connection.execute(statement.execution_options(**BINARY_ROWS)).all()


def _bare_facets(connection: Connection) -> object:
    newest = (
        select(release.c.stix_type)
        .where(*_last_of_one(connection))
        .order_by(release.c.date_added_us.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    statement = select(newest.c.stix_type, func.count()).group_by(newest.c.stix_type)
    return connection.execute(statement).all()


def _bare_status(connection: Connection, members: int, columns: int) -> object:
    found = find_forum(connection, register.FORUM)
    if found is None:
        raise RuntimeError("the forum was not made")
    day = parse_day(DAY)
    first = (
        select(provision.c.id)
        .order_by(provision.c.instrument_id, provision.c.position, provision.c.id)
        .limit(columns)
    )
    statement = select(commitment).where(
        commitment.c.forum_id == found.id,
        commitment.c.from_day <= day,
        commitment.c.to_day.is_(None) | (commitment.c.to_day > day),
        commitment.c.party_code.in_(register.codes()[:members]),
        commitment.c.provision_id.in_(first),
    )
    return connection.execute(statement).all()


# What is measured, made through the door.


@contextmanager
def _opened(folder: Path, database_url: str) -> Iterator[_Place]:
    """An empty installation with its application, which answers in this process."""
    folder.mkdir(parents=True)
    settings = Settings(data_dir=str(folder), database_url=database_url)
    database, signer = Database.open(settings), open_signer(settings)
    try:
        migrations.upgrade(database)
        app = create_app(settings, database=database, signer=signer, now_us=now_us)
        yield _Place(database, signer, app.test_client())
    finally:
        database.close()


def _fill(place: _Place, count: int) -> None:
    """Two States, the first of which shares all that it contributes."""
    said: dict[str, Any] = {"actor": auth.OPERATOR, "now_us": now_us()}
    with place.database.write() as connection:
        forum_id = auth.add_forum(connection, FORUM, "Assembly", tlp_ceiling=4, **said)
        open_forum_for_sharing(connection, auth.OPERATOR, FORUM, now_us=now_us())
        for code in ("XAA", "XAB"):
            auth.add_member(connection, auth.NewMember(code, f"State {code}"), **said)
        new = auth.NewCredential("bench", member_code="XAA")
        issued = auth.add_credential(connection, place.signer, new, **said)
    for code in ("XAA", "XAB"):
        seat_member(place.database, auth.OPERATOR, FORUM, code, "member", now_us=now_us())
    there = add_collection(
        place.database, auth.OPERATOR, FORUM, NewCollection("Bench"), now_us=now_us()
    )
    with place.database.read() as connection:
        owner = auth.operator_reader(connection, "XAA").member_id or 0
    set_policy(
        place.database,
        Setter(auth.OPERATOR),
        forum_id,
        owner,
        _SHARE_ALL,
        now_us=now_us(),
    )
    _add_person(place)
    token = base64.b64encode(f"{issued.id}:{issued.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Accept": TAXII, "Content-Type": TAXII}
    address = f"/taxii2/{FORUM}/collections/{there}/objects/"
    for batch in envelopes(count):
        answer = place.client.post(address, data=batch, headers=headers)
        if answer.status_code != 202:
            raise RuntimeError(answer.text[:200])


def _add_person(place: _Place) -> None:
    said: dict[str, Any] = {"actor": auth.OPERATOR, "now_us": now_us()}
    with place.database.write() as connection:
        if find_person(connection, _PERSON) is not None:
            return
        if find_member(connection, "XAB") is None:
            auth.add_member(connection, auth.NewMember("XAB", "State XAB"), **said)
        body_of = auth.PersonsBody(member_code="XAB")
        auth.add_person(connection, body_of, _PERSON, ["reader"], **said)
