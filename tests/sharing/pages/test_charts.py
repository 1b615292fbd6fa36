"""Counts per day: of what the reader is shown, in a table that is there without script."""

from __future__ import annotations

import re
from typing import Any

from kernel.clock import DAY_US
from tests.sharing.api.asking import GREEN, RED, SHARE_ALL
from tests.sharing.pages.conftest import browse
from tests.sharing.taxii.world import World

ROOT = "/sharing/harbour"
TO_XBB = {"rules": [{"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}]}
_ROW = re.compile(
    r'datetime="(\d{4}-\d\d-\d\d)">\d{4}-\d\d-\d\d</time></th>'
    r'<td class="number" data-count="(\d+)">'
)


def sighting(of: str, number: int, **members: Any) -> dict[str, Any]:
    return {
        "type": "sighting",
        "spec_version": "2.1",
        "id": f"sighting--00000000-0000-4000-8000-0000000000{number:02x}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "sighting_of_ref": of,
    } | members


def days(world: World, address: str, code: str = "xbb") -> dict[str, int]:
    answer = browse(world, code, "reads").get(address)
    assert answer.status_code == 200
    return {date: int(count) for date, count in _ROW.findall(answer.text)}


def test_sightings_are_counted_by_the_day_and_as_often_as_they_say(world: World) -> None:
    world.set_policy(SHARE_ALL)
    seen = world.indicator(object_marking_refs=[GREEN])
    last = {"first_seen": "2026-01-02T00:00:00Z", "last_seen": "2026-01-05T23:59:59Z"}
    world.contribute(
        seen,
        sighting(seen["id"], 1, count=3, **last),
        sighting(seen["id"], 2, first_seen="2026-01-05T00:00:00Z"),
        sighting(seen["id"], 3, count=0),
        sighting(world.indicator()["id"], 4, count=7, **last),
    )
    world.contribute(sighting(seen["id"], 1, count=3, **last), to="second")
    address = f"{ROOT}/objects/{seen['id']}"
    assert days(world, address) == {"2026-01-01": 0, "2026-01-05": 4}
    assert "vendor/uplot.min.js" in browse(world, "xbb").get(address).text
    other = world.indicator()
    world.contribute(other)
    text = browse(world, "xbb").get(f"{ROOT}/objects/{other['id']}").text
    assert "Sightings over time" not in text
    assert "uplot" not in text


def test_a_sighting_that_is_hidden_is_not_counted(world: World) -> None:
    rule = {"id": "g", "effect": "share", "audience": {"any": ["forum"]}}
    world.set_policy({"rules": [{**rule, "when": {"tlp_at_most": "green"}}]})
    seen = world.indicator(object_marking_refs=[GREEN])
    shown = sighting(seen["id"], 1, object_marking_refs=[GREEN])
    hidden = sighting(seen["id"], 2, count=9, object_marking_refs=[RED])
    world.contribute(seen, shown, hidden)
    address = f"{ROOT}/objects/{seen['id']}"
    assert days(world, address, "xaa") == {"2026-01-01": 10}
    assert days(world, address, "xbb") == {"2026-01-01": 1}


def test_what_came_in_is_counted_by_the_day_from_the_own_view(world: World) -> None:
    world.set_policy(TO_XBB)
    world.contribute(*world.indicators(2, object_marking_refs=[GREEN]))
    first_us = world.clock()
    world.clock.now_us += 3 * DAY_US
    world.contribute(*world.indicators(4, object_marking_refs=[GREEN]), to="second")
    world.contribute(world.indicator(object_marking_refs=[RED]))
    assert list(days(world, "/sharing").values()) == [2, 5]
    assert days(world, "/sharing", "xcc") == {}
    assert "uplot" not in browse(world, "xcc").get("/sharing").text
    world.clock.now_us = first_us + 30 * DAY_US
    assert list(days(world, "/sharing").values()) == [5]


def test_a_new_version_counts_on_the_day_of_the_last(small: World) -> None:
    small.set_policy(TO_XBB)
    first = small.indicator(object_marking_refs=[GREEN])
    small.contribute(first)
    small.clock.now_us += DAY_US
    small.contribute({**first, "modified": "2026-01-01T00:00:01.000Z"})
    assert list(days(small, "/sharing").values()) == [1]
