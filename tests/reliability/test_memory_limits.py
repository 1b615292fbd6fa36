"""A process that may take no more memory refuses what it has no room for, and goes on.

Where memory ends inside the interpreter's own C code, the process ends with it, and its server
starts another: with a real limit that happens now and then, so that the real limit is tried out
in the long version, a few times over, and the refusal itself in the short one.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from sharing.services import contribute
from sharing.services.arriving import Arriving
from sharing.services.lock import LockedForum
from tests.reliability.children import Say, run
from tests.reliability.consistency import find_faults
from tests.reliability.scenes import envelope, polling, posting, served_ids
from tests.reliability.speaking import Asking, speak
from tests.sharing.taxii.world import World

ROOM_BYTES = 16 << 20
MOST_CRASHES = 5


def forbid_more(room: int) -> None:
    """Let this process have so many bytes more than it has now, and no others."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + room
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def ask_with_little_memory(
    world: World, asked: list[Asking], prepare: Callable[[Flask], object]
) -> list[tuple[int, str]]:
    """The status of each answer, and its code where it was refused; by a process of its own."""

    def work(say: Say) -> None:
        prepare(world.app)
        # What is imported and compiled at the first of each kind is there before.
        for asking in (polling(world), posting(world, world.indicators(1))):
            speak(world.app, asking, lambda _answer: None)
        forbid_more(ROOM_BYTES)
        for asking in asked:
            speak(world.app, asking, lambda answer: say([answer.status, answer.content.decode()]))

    world.database.close()
    ended = run(work)
    for _ in range(MOST_CRASHES):
        if ended.code != -signal.SIGSEGV:
            break
        ended = run(work)
    assert ended.code == 0
    return [(status, text) for status, text in ended.said]


def scene(world: World) -> tuple[list[Asking], list[str]]:
    """More than there is room for, between what there is; and the ids of what there is."""
    small = world.indicators(2)
    huge = world.indicators(8_000, description="x" * 3_400)
    assert len(envelope(huge)) < world.settings.max_content_length
    asked = [posting(world, huge), polling(world), posting(world, small), posting(world, huge)]
    return asked, [one["id"] for one in small]


def run_out(*_arguments: Any, **_options: Any) -> Any:
    raise MemoryError


def test_a_request_that_runs_out_of_memory_is_refused_and_the_next_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is: while a body is read, while objects are checked, while they are written."""
    before = served_ids(world)
    for module, name in (
        (contribute, "read_envelope"),
        (contribute, "check_object"),
        (Arriving, "write"),
        (LockedForum, "save"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, run_out)
            refused = world.post("xaa", world.address(), {"objects": [world.indicator()]})
        assert refused.status_code == 503, name
        assert "web.out-of-memory" in refused.text
        assert served_ids(world) == before
    world.contribute(world.indicator())
    assert len(served_ids(world)) == len(before) + 1
    assert find_faults(world.database) == []


def test_control_without_that_refusal_it_is_an_incident(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_world.with_app_of_its_own()
    for handlers in small_world.app.error_handler_spec[None].values():
        handlers.pop(MemoryError, None)
    monkeypatch.setattr(contribute, "read_envelope", run_out)
    answer = small_world.post("xaa", small_world.address(), {"objects": []})
    assert answer.status_code == 500


@pytest.mark.audit
def test_what_there_is_no_memory_for_is_refused_and_the_next_is_answered(
    small_world: World,
) -> None:
    asked, small = scene(small_world)
    answers = ask_with_little_memory(small_world, asked, lambda _app: None)
    assert [status for status, _ in answers] == [503, 200, 202, 503]
    assert "web.out-of-memory" in answers[0][1]
    assert set(small) < set(served_ids(small_world))
    assert len(served_ids(small_world)) == len(small) + 1
    assert find_faults(small_world.database) == []


@pytest.mark.audit
def test_control_an_application_that_knows_no_such_refusal_is_caught(small_world: World) -> None:
    def forget(app: Flask) -> None:
        for handlers in app.error_handler_spec[None].values():
            handlers.pop(MemoryError, None)

    asked, _ = scene(small_world)
    answers = ask_with_little_memory(small_world, asked[:1], forget)
    assert [status for status, _ in answers] == [500]
