"""What a caller of the world sees through TAXII: every version, whole bodies."""

from __future__ import annotations

from typing import Any

from tests.sharing.taxii.world import World

DAY_US = 86_400_000_000


def look(world: World, who: str, *, at: str = "reports", after: str = "") -> dict[str, Any]:
    """The newest version that the caller sees of each object, by id."""
    found: dict[str, Any] = {}
    for value in walk(world, who, at=at, after=after):
        found[value["id"]] = value
    return found


def walk(world: World, who: str, *, at: str = "reports", after: str = "") -> list[dict[str, Any]]:
    """Every version that the caller sees, in the order of `date_added`."""
    query = "objects/?match[version]=all&limit=1000"
    if after:
        query += f"&added_after={after}"
    answer = world.get(who, world.address(at, query))
    assert answer.status_code == 200, answer.text
    objects: list[dict[str, Any]] = answer.get_json().get("objects", [])
    return objects


def date_added(world: World, who: str, stix_id: str, *, at: str = "reports") -> list[str]:
    """The `date_added` of each version of an object that the caller sees."""
    answer = world.get(who, world.address(at, f"manifest/?match[id]={stix_id}&match[version]=all"))
    assert answer.status_code == 200, answer.text
    return [record["date_added"] for record in answer.get_json().get("objects", [])]


def share(*audience: str, **keys: Any) -> dict[str, Any]:
    """A share rule."""
    return {"effect": "share", "audience": {"any": list(audience)}} | keys


def withhold(*audience: str, **keys: Any) -> dict[str, Any]:
    """A withhold rule."""
    return {"effect": "withhold", "audience": {"any": list(audience)}} | keys


def policy(*rules: dict[str, Any]) -> dict[str, Any]:
    """A policy of these rules, numbered."""
    return {"rules": [{"id": f"rule-{number}"} | rule for number, rule in enumerate(rules)]}
