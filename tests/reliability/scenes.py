"""Scenes in one world: requests that change it, and what must hold when they are cut short."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask

from app import create_app
from kernel.db import Database
from tests.reliability.children import Ended, Say, die, run
from tests.reliability.consistency import count_copies, count_deliveries, find_faults
from tests.reliability.controls import Paying
from tests.reliability.speaking import Answer, Asking, speak
from tests.reliability.steps import Step, Watcher, watch
from tests.sharing.taxii.world import World


@dataclass(frozen=True, slots=True)
class Scene:
    """Requests, one after another: the first changes something, the second polls.

    `sent` are the ids that the first contributes, `withdrawn` those that it deletes.
    """

    asked: tuple[Asking, ...]
    sent: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def envelope(objects: list[dict[str, Any]]) -> bytes:
    """What a client posts."""
    return orjson.dumps({"objects": objects})


def statement(world: World) -> dict[str, Any]:
    """A marking of the originator's own."""
    number = next(world.numbers)
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.UUID(int=number, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": f"Name source {number}."},
    }


def related(world: World) -> list[dict[str, Any]]:
    """A marking, two indicators that carry it, and what relates them: an edge named first."""
    marking = statement(world)
    one, two = world.indicators(2, object_marking_refs=[marking["id"]])
    edge = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.UUID(int=next(world.numbers), version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "derived-from",
        "source_ref": one["id"],
        "target_ref": two["id"],
    }
    return [edge, one, two, marking]


def posting(world: World, objects: list[dict[str, Any]]) -> Asking:
    """XAA contributes `objects`."""
    return Asking("POST", world.address(), world.secrets["xaa"], envelope(objects))


def polling(world: World, rest: str = "objects/?limit=5") -> Asking:
    """XBB reads the collection."""
    return Asking("GET", world.address(rest=rest), world.secrets["xbb"])


def contributing(world: World) -> Scene:
    """Something new, and a poll after it."""
    objects = related(world)
    return Scene((posting(world, objects), polling(world)), tuple(o["id"] for o in objects))


def renewing(world: World) -> Scene:
    """A newer version of one object beside something new."""
    old = world.indicator()
    world.contribute(old)
    new = old | {"modified": "2026-01-02T00:00:00.000Z", "name": "renewed"}
    objects = [new, *world.indicators(1)]
    return Scene((posting(world, objects), polling(world)), tuple(o["id"] for o in objects))


def reviving(world: World) -> Scene:
    """Something that was deleted comes back."""
    one = world.indicator()
    world.contribute(one)
    assert world.delete("xaa", world.address(rest=f"objects/{one['id']}/")).status_code == 200
    return Scene((posting(world, [one]), polling(world)), (one["id"],))


def withdrawing(world: World) -> Scene:
    """An object with two versions is deleted."""
    one = world.indicator()
    world.contribute(one, *world.indicators(1))
    world.contribute(one | {"modified": "2026-01-02T00:00:00.000Z"})
    asking = Asking("DELETE", world.address(rest=f"objects/{one['id']}/"), world.secrets["xaa"])
    return Scene((asking, polling(world)), withdrawn=(one["id"],))


SCENES: dict[str, Callable[[World], Scene]] = {
    "contributing": contributing,
    "renewing": renewing,
    "reviving": reviving,
    "withdrawing": withdrawing,
}


@dataclass(frozen=True, slots=True)
class Played:
    """How a scene ended, and how many deliveries it wrote down."""

    scene: Scene
    ended: Ended
    recorded: int

    @property
    def statuses(self) -> list[int]:
        """Of the answers that were received."""
        return [status for status, _ in self.ended.said]


def play(world: World, scene: Scene, watcher: Watcher, kind: type[Database] = Database) -> Played:
    """The scene in a child, whose database is of `kind`; it says each answer it received."""
    before = count_deliveries(world.database)
    world.clock.now_us += 1_000_000

    def work(say: Say) -> None:
        for asking, app in act(world, scene, watcher, kind):
            speak(app, asking, lambda answer: say([answer.status, answer.content.decode()]))

    # No connection crosses the fork; what the engines have compiled may.
    world.database.close()
    ended = run(work)
    return Played(scene, ended, count_deliveries(world.database) - before)


def act(
    world: World, scene: Scene, watcher: Watcher, kind: type[Database]
) -> Iterator[tuple[Asking, Flask]]:
    """Each request of the scene beside the application that answers it, watched."""
    app, database = world.app, world.database
    if kind is not Database:
        database = kind(world.database.content, world.database.deliveries)
        app = create_app(world.settings, database=database, signer=world.signer, now_us=world.clock)
    if isinstance(database, Paying):
        database.furnish(app)
    watch(database, watcher)
    for asking in scene.asked:
        yield asking, app


def list_steps(
    world: World, make: Callable[[World], Scene], kind: type[Database] = Database
) -> list[Step]:
    """Every step that such a scene takes when nothing goes wrong."""
    # Its audiences are made first, so that every such scene takes the same steps.
    world.contribute(*related(world))
    steps: list[Step] = []
    scene = make(world)

    def work(say: Say) -> None:
        for asking, app in act(world, scene, steps.append, kind):
            speak(app, asking, lambda _answer: None)
        say([[step.number, step.when, step.what] for step in steps])

    world.database.close()
    return [Step(*parts) for parts in run(work).said[0]]


def dying_at(number: int) -> Watcher:
    """End the process at the step with this number."""

    def watcher(step: Step) -> None:
        if step.number == number:
            die()

    return watcher


def find_losses(world: World, played: Played) -> list[str]:
    """What the database or its readers lack, or have twice, after a scene was cut short."""
    scene, statuses = played.scene, played.statuses
    faults = find_faults(world.database)
    seen = Counter(served_ids(world))
    if statuses[:1] == [202]:
        copies = count_copies(world.database, scene.sent)
        faults += [f"{one} was acknowledged and is lost" for one, n in copies.items() if n == 0]
        faults += [f"{one} was acknowledged and is hidden" for one in scene.sent if not seen[one]]
    if statuses[:1] == [200]:
        faults += [f"{one} was deleted and is served" for one in scene.withdrawn if seen[one]]
    faults += [f"{one} is served {count} times" for one, count in seen.items() if count > 1]
    # A page may be on record without having left, never the other way round.
    if played.recorded < len(statuses[1:]) or played.recorded > 1:
        faults.append(f"{len(statuses[1:])} pages left, {played.recorded} are on record")
    return faults


def find_faults_of_repetition(world: World, scene: Scene) -> list[str]:
    """What goes wrong when a client that heard no answer sends its request again."""
    heard: list[Answer] = []
    speak(world.app, scene.asked[0], heard.append)
    answer, seen = heard[0], Counter(served_ids(world))
    faults = find_faults(world.database)
    if scene.sent and (answer.status != 202 or orjson.loads(answer.content)["failure_count"]):
        faults.append(f"the repetition was answered {answer}")
    if scene.withdrawn and answer.status not in {200, 404}:
        faults.append(f"the repetition was answered {answer}")
    faults += [f"{one} is served {seen[one]} times" for one in scene.sent if seen[one] != 1]
    faults += [f"{one} was deleted and is served" for one in scene.withdrawn if seen[one]]
    return faults


def served_ids(world: World, who: str = "xbb", rest: str = "manifest/") -> list[str]:
    """The ids that this caller is served, page after page, in order."""
    found: list[str] = []
    query = "limit=1000"
    while query:
        answer = world.get(who, world.address(rest=f"{rest}?{query}"))
        assert answer.status_code == 200, answer.text
        page = answer.get_json()
        found += [record["id"] for record in page.get("objects", [])]
        query = f"next={page['next']}" if page.get("more") else ""
    return found
