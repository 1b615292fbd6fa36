"""Asks for long work in a person's name, does it, and looks at what came of it."""

from __future__ import annotations

import io
import json
from typing import Any

from sqlalchemy import select

from auth.queries import find_seated
from auth.reader import Seated
from auth.services import reader_of_person
from sharing.queries.collections import find_collection
from sharing.queries.jobs import Job, Refusal, find_job, list_ready, list_refusals, read_parts
from sharing.services.jobs import ask_export, ask_import, ask_policy, ask_simulation
from sharing.services.working import run_job
from sharing.tables import job_part
from tests.sharing.taxii.world import World

MEBIBYTE = 1024 * 1024


def seat_of(world: World, who: str = "all@xaa.example") -> Seated:
    with world.database.read() as connection:
        reader = reader_of_person(connection, f"person:{who}")
        seated = find_seated(connection, reader, "harbour")
    assert seated is not None
    return seated


def place_of(world: World, seated: Seated, name: str = "reports") -> Any:
    with world.database.read() as connection:
        found = find_collection(connection, seated, world.collections[name])
    assert found is not None
    return found


def ask_to_import(
    world: World, content: bytes, who: str = "all@xaa.example", *, name: str = "file.json"
) -> str:
    seated = seat_of(world, who)
    return ask_import(
        world.database,
        seated,
        place_of(world, seated),
        io.BytesIO(content),
        name,
        most_object_bytes=MEBIBYTE,
        now_us=world.clock(),
    )


def ask_to_export(world: World, who: str = "all@xbb.example", *, of: str = "reports") -> str:
    seated = seat_of(world, who)
    return ask_export(world.database, seated, place_of(world, seated, of), now_us=world.clock())


def ask_to_simulate(world: World, document: Any, who: str = "all@xaa.example") -> str:
    content = json.dumps(document).encode()
    return ask_simulation(world.database, seat_of(world, who), content, now_us=world.clock())


def ask_to_apply(
    world: World, document: Any, simulation_id: str, who: str = "all@xaa.example"
) -> str:
    content = json.dumps(document).encode()
    seated = seat_of(world, who)
    return ask_policy(world.database, seated, content, simulation_id, now_us=world.clock())


def run(world: World, job_id: str) -> Any:
    # No time passes meanwhile but by the clock of the test.
    return run_job(world.database, job_id, now_us=world.clock(), monotonic=lambda: 0.0)


def look(world: World, job_id: str, who: str = "all@xaa.example") -> Job:
    """The work as its asker sees it, whatever has become of the asker's seat."""
    with world.database.read() as connection:
        found = find_job(connection, reader_of_person(connection, f"person:{who}"), job_id)
    assert found is not None
    return found


def refusals(world: World, job_id: str, who: str = "all@xaa.example") -> list[Refusal]:
    with world.database.read() as connection:
        reader = reader_of_person(connection, f"person:{who}")
        return list_refusals(connection, reader, job_id, after=0, limit=100_000)


def ready(world: World) -> list[str]:
    with world.database.read() as connection:
        return list_ready(connection)


def file_of(world: World, job_id: str, side: Any = "out") -> bytes:
    return b"".join(read_parts(world.database, job_id, side))


def sides(world: World, job_id: str) -> set[str]:
    """Which files of the work are kept."""
    with world.database.read() as connection:
        statement = select(job_part.c.side).where(job_part.c.job_id == job_id).distinct()
        return set(connection.execute(statement).scalars())


def bundle(*objects: Any) -> bytes:
    value = {"type": "bundle", "id": "bundle--1", "objects": list(objects)}
    return json.dumps(value).encode()


def lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)
