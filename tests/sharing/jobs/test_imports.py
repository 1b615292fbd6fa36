"""A file is contributed as long work: each object taken once, or refused with its reason."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select, update

from auth.queries import find_person
from auth.services.persons import change_roles, disable_person
from kernel.clock import DAY_US, HOUR_US
from kernel.errors import Conflict, Forbidden, NotFound
from sharing.services import seating, working
from sharing.services.jobs import cancel_job, forget_jobs, has_old_jobs
from sharing.tables import contribution, job, job_part, job_refusal
from tests.sharing.jobs.asking import (
    ask_to_import,
    bundle,
    lines,
    look,
    ready,
    refusals,
    run,
    seat_of,
    sides,
)
from tests.sharing.taxii.world import World

PERSON = "all@xaa.example"


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two objects a transaction, two bytes a piece: a small file has many of both."""
    monkeypatch.setattr("sharing.services.sources.SLICE_OBJECTS", 2)
    monkeypatch.setattr("sharing.services.jobs.PART_BYTES", 200)


def count(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(contribution)).scalar_one())


def test_a_file_is_contributed_in_its_askers_name(world: World) -> None:
    objects = [world.indicator() for _ in range(5)]
    bad = world.indicator(created="yesterday")
    job_id = ask_to_import(world, bundle(*objects, bad), name="C:\\in\\five.json")
    asked = look(world, job_id)
    assert (asked.state, asked.done, asked.total, asked.name) == ("waiting", 0, None, "five.json")
    assert ready(world) == [job_id]
    assert run(world, job_id) == {"kind": "import", "state": "done", "attempt": 1}
    done = look(world, job_id)
    assert (done.state, done.done, done.total) == ("done", 6, 6)
    assert (done.result["contributed"], done.result["known"], done.result["refused"]) == (5, 0, 1)
    assert [(one.place, one.stix_id) for one in refusals(world, job_id)] == [("index 5", bad["id"])]
    with world.database.read() as connection:
        by = connection.execute(select(contribution.c.contributed_by).distinct()).scalars().all()
    assert by == [f"person:{PERSON}"]
    assert (ready(world), sides(world, job_id)) == ([], set())


def test_lines_are_told_by_their_number_and_what_is_known_is_counted(world: World) -> None:
    known = world.indicator()
    world.contribute(known)
    content = lines(known, world.indicator()) + b"{\n\n" + lines(world.indicator())
    job_id = ask_to_import(world, content, name="two.jsonl")
    run(world, job_id)
    done = look(world, job_id)
    assert (done.result["contributed"], done.result["known"], done.result["refused"]) == (2, 1, 1)
    assert [one.place for one in refusals(world, job_id)] == ["line 3"]


def test_notes_say_what_became_of_what_was_taken(world: World) -> None:
    world.set_policy({"rules": []})
    job_id = ask_to_import(world, bundle(*(world.indicator() for _ in range(3))))
    run(world, job_id)
    ((said, how_many),) = look(world, job_id).result["notes"].items()
    assert "only your member sees it" in said
    assert how_many == 3


@pytest.mark.parametrize("content", [b"{", b"[1, 2", b"", b'{"type":"bundle"}x', b"\xff"])
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(small: World, content: bytes) -> None:
    job_id = ask_to_import(small, content)
    run(small, job_id)
    failed = look(small, job_id)
    assert failed.state == "failed"
    assert failed.code is not None
    assert failed.reason
    assert count(small) == 0


def test_a_text_that_no_database_keeps_is_told_all_the_same(world: World) -> None:
    odd = world.indicator(name="n") | {"id": "indicator--\0", "modified": "\0"}
    job_id = ask_to_import(world, bundle(odd, world.indicator()))
    run(world, job_id)
    assert look(world, job_id).result["refused"] == 1
    assert len(refusals(world, job_id)) == 1


def test_so_many_refusals_are_told_and_all_are_counted(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "MOST_REFUSALS", 3)
    job_id = ask_to_import(small, lines(*[1, 2, 3, 4, 5]), name="five.jsonl")
    run(small, job_id)
    assert look(small, job_id).result["refused"] == 5
    assert [one.number for one in refusals(small, job_id)] == [1, 2, 3]


def test_nobody_else_finds_it(world: World) -> None:
    job_id = ask_to_import(world, bundle(world.indicator()))
    for other in ("reads@xaa.example", "all@xbb.example"):
        with pytest.raises(AssertionError):
            look(world, job_id, other)
        with pytest.raises(NotFound):
            cancel_job(world.database, seat_of(world, other).reader, job_id, now_us=world.clock())
    assert look(world, job_id).state == "waiting"


def test_who_may_not_write_has_nothing_kept(world: World) -> None:
    with pytest.raises(Forbidden):
        ask_to_import(world, bundle(world.indicator()), "reads@xaa.example")
    with world.database.read() as connection:
        assert connection.execute(select(job)).all() == []


def change_person(world: World, *roles: str) -> None:
    with world.database.write() as connection:
        found = find_person(connection, PERSON)
        assert found is not None
        change_roles(connection, found, roles, actor="operator", now_us=world.clock())


def disable(world: World) -> None:
    with world.database.write() as connection:
        disable_person(connection, PERSON, actor="operator", now_us=world.clock())


def suspend_seat(world: World) -> None:
    seating.change_seat(
        world.database, "operator", "harbour", "XAA", "suspended", now_us=world.clock()
    )


def suspend_member(world: World) -> None:
    seating.change_member(world.database, "operator", "XAA", "suspended", now_us=world.clock())


LOSSES = {
    "role": lambda world: change_person(world, "reader"),
    "person": disable,
    "seat": suspend_seat,
    "member": suspend_member,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_who_may_not_any_more_when_it_is_done_contributes_nothing(world: World, loss: str) -> None:
    job_id = ask_to_import(world, bundle(*(world.indicator() for _ in range(5))))
    before = count(world)
    LOSSES[loss](world)
    told = run(world, job_id)
    assert (told["state"], told["code"]) in {
        ("failed", "sharing.rights-lost"),
        ("failed", "auth.person-gone"),
    }
    assert count(world) == before
    assert ready(world) == []


@pytest.mark.parametrize("loss", LOSSES)
def test_who_loses_a_right_in_the_middle_contributes_no_more(
    world: World, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right goes after the second slice has been committed."""
    job_id = ask_to_import(world, bundle(*(world.indicator() for _ in range(7))))
    slices = working.contribute_slices

    def lose(*given: object, **said: object) -> object:
        for number, one in enumerate(slices(*given, **said)):  # type: ignore[arg-type]
            if number == 1:
                LOSSES[loss](world)
            yield one

    monkeypatch.setattr(working, "contribute_slices", lose)
    assert run(world, job_id)["state"] == "failed"
    assert count(world) == 4
    with world.database.read() as connection:
        row = connection.execute(select(job).where(job.c.id == job_id)).one()
    assert (row.state, row.done, json.loads(row.result)["contributed"]) == ("failed", 4, 4)


def test_what_is_cancelled_is_left_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ask_to_import(world, bundle(*(world.indicator() for _ in range(7))))
    slices = working.contribute_slices
    reader = seat_of(world).reader

    def cancel(*given: object, **said: object) -> object:
        for one in slices(*given, **said):  # type: ignore[arg-type]
            cancel_job(world.database, reader, job_id, now_us=world.clock())
            yield one

    monkeypatch.setattr(working, "contribute_slices", cancel)
    assert run(world, job_id) == {"kind": "import", "state": "left"}
    left = look(world, job_id)
    assert (left.state, left.done, left.result["contributed"]) == ("cancelled", 2, 2)
    assert count(world) == 2
    assert run(world, job_id) == {"state": "ended"}
    with pytest.raises(Conflict):
        cancel_job(world.database, reader, job_id, now_us=world.clock())


def test_another_worker_goes_on_where_the_first_was_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is slower than its lease: what it does after that is not committed."""
    objects = [world.indicator() for _ in range(7)]
    bad = world.indicator(created="yesterday")
    job_id = ask_to_import(world, bundle(bad, *objects))
    slices = working.contribute_slices
    told = []

    def overtake(*given: object, **said: object) -> object:
        for number, one in enumerate(slices(*given, **said)):  # type: ignore[arg-type]
            if number == 1:
                monkeypatch.setattr(working, "contribute_slices", slices)
                told.append(run(world, job_id))
            yield one

    monkeypatch.setattr(working, "contribute_slices", overtake)
    assert run(world, job_id) == {"kind": "import", "state": "left"}
    assert told == [{"kind": "import", "state": "done", "attempt": 2}]
    done = look(world, job_id)
    assert (done.result["contributed"], done.result["known"], done.result["refused"]) == (7, 0, 1)
    assert (done.done, done.total, count(world)) == (8, 8, 7)
    assert [one.number for one in refusals(world, job_id)] == [1]


def test_work_that_breaks_off_again_and_again_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ask_to_import(world, bundle(world.indicator()))

    def break_off(_work: object) -> None:
        raise RuntimeError("as if the process had ended")

    monkeypatch.setitem(working._WORK, "import", break_off)
    for _ in range(working.MOST_STARTS):
        with pytest.raises(RuntimeError):
            run(world, job_id)
        assert ready(world) == [job_id]
    assert run(world, job_id) == {"state": "ended"}
    assert look(world, job_id).code == "sharing.job-broke-off"
    assert ready(world) == []


def test_so_much_work_of_one_person_waits_and_everyone_has_a_turn(world: World) -> None:
    mine = [ask_to_import(world, bundle(world.indicator())) for _ in range(10)]
    with pytest.raises(Conflict, match="10 pieces"):
        ask_to_import(world, bundle(world.indicator()))
    world.clock.now_us += 1
    other = ask_to_import(world, bundle(world.indicator()), "all@xbb.example")
    assert set(ready(world)) == {*mine, other}
    assert ready(world).index(other) == 1


def test_work_and_its_files_are_forgotten_after_a_week(world: World) -> None:
    job_id = ask_to_import(world, lines(1, 2), name="two.jsonl")
    run(world, job_id)
    world.clock.now_us += 7 * DAY_US
    with world.database.read() as connection:
        assert not has_old_jobs(connection, now_us=world.clock())
    world.clock.now_us += 1
    with world.database.read() as connection:
        assert has_old_jobs(connection, now_us=world.clock())
    assert forget_jobs(world.database, now_us=world.clock()) == 1
    with world.database.read() as connection:
        for table in (job, job_part, job_refusal):
            assert connection.execute(select(table)).all() == []


def test_what_never_arrived_whole_and_what_nobody_needs_is_taken_away(world: World) -> None:
    broken = ask_to_import(world, bundle(world.indicator()))
    with world.database.write() as connection:
        connection.execute(update(job).where(job.c.id == broken).values(state="arriving"))
    cancelled = ask_to_import(world, bundle(world.indicator()))
    cancel_job(world.database, seat_of(world).reader, cancelled, now_us=world.clock())
    assert ready(world) == []
    assert sides(world, cancelled) == {"in"}
    assert forget_jobs(world.database, now_us=world.clock()) == 0
    assert sides(world, cancelled) == set()
    world.clock.now_us += HOUR_US + 1
    assert forget_jobs(world.database, now_us=world.clock()) == 1
    assert look(world, cancelled).state == "cancelled"
    with pytest.raises(AssertionError):
        look(world, broken)
