"""The rules for what is omitted, once more and naively: strike out until nothing changes.

Shares with the gate what STIX asks of an object (shapes) and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sharing.gate.lessening import Omission
from sharing.gate.shapes import CONTRIBUTING, Shape, shape_of

Path = tuple[str | int, ...]

_MARKINGS: Path = ("granular_markings",)


def list_surviving(value: dict[str, Any], omission: Omission) -> frozenset[Path]:
    """The paths of all leaves that stay: strings, numbers, ..., and what was empty before.

    `granular_markings` apart, which depend on everything else.
    """
    return frozenset(
        path for path, held in _strike(value, omission) if held in ({}, []) or _is_leaf(held)
    )


def rest_of(value: dict[str, Any], omission: Omission) -> dict[str, Any]:
    """The object less what goes, with granular markings trimmed to what is left."""
    stays = {path for path, _ in _strike(value, omission)}
    rest: dict[str, Any] = _rebuilt(value, (), stays)
    if "granular_markings" in value and ("granular_markings",) in stays:
        markings = []
        for marking in value["granular_markings"]:
            selectors = [each for each in marking["selectors"] if _path(each) in stays]
            if selectors:
                markings.append(marking | {"selectors": selectors})
        if markings:
            rest["granular_markings"] = markings
        else:
            del rest["granular_markings"]
    return rest


def _path(selector: str) -> Path:
    return tuple(int(s[1:-1]) if s.startswith("[") else s for s in selector.split("."))


def _is_leaf(held: Any) -> bool:
    return not isinstance(held, dict | list)


def _children(held: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(held, dict):
        yield from held.items()
    elif isinstance(held, list):
        yield from enumerate(held)


def _rebuilt(held: Any, path: Path, stays: set[Path]) -> Any:
    if path == _MARKINGS:
        return held
    if isinstance(held, dict):
        return {k: _rebuilt(v, (*path, k), stays) for k, v in held.items() if (*path, k) in stays}
    if isinstance(held, list):
        return [_rebuilt(v, (*path, i), stays) for i, v in enumerate(held) if (*path, i) in stays]
    return held


def _walk(held: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, held
    if path != _MARKINGS:
        for key, inner in _children(held):
            yield from _walk(inner, (*path, key))


def _strike(value: dict[str, Any], omission: Omission) -> list[tuple[Path, Any]]:
    nodes = list(_walk(value))
    indexed = {
        _path(each)[:at]
        for marking in value.get("granular_markings", ())
        for each in marking["selectors"]
        for at, step in enumerate(_path(each))
        if isinstance(step, int)
    }
    gone: set[Path] = set()
    for unit in omission.units:
        head, _, extension = unit.partition(".")
        gone.add((head, extension) if extension else (head,))
    hidden = omission.ids - {value["id"]}
    while True:
        more = {
            path
            for path, held in nodes
            if path and path not in gone and _goes(value, path, held, gone, hidden, indexed)
        }
        if not more:
            break
        gone |= more
    return [(p, held) for p, held in nodes if not any(p[:n] in gone for n in range(len(p) + 1))]


def _goes(
    value: dict[str, Any],
    path: Path,
    held: Any,
    gone: set[Path],
    hidden: frozenset[str],
    indexed: set[Path],
) -> bool:
    key = path[-1]
    if path[0] in ("id", "object_marking_refs", "granular_markings"):
        return False
    is_extension = path[0] == "extensions" and len(path) == 2
    if isinstance(key, str) and key.lower() in hidden and not is_extension:
        return True
    if isinstance(held, str):
        return held.lower() in hidden
    children = {k: (*path, k) in gone for k, _ in _children(held)}
    lost = any(children.values())
    return (
        (bool(children) and all(children.values()))
        or (isinstance(held, list) and path in indexed and lost)
        or (_is_whole_or_gone(value, path) and _mentions(held, hidden))
        or (
            (isinstance(held, dict) and path != ("extensions",))
            and _lacks(value, path, held, children, hidden)
        )
    )


def _is_whole_or_gone(value: dict[str, Any], path: Path) -> bool:
    """Units that an observable's id is made of."""
    is_unit = len(path) == (2 if path[0] == "extensions" else 1)
    return is_unit and path[0] in CONTRIBUTING.get(value["type"], ())


def _lacks(
    value: dict[str, Any],
    path: Path,
    held: dict[str, Any],
    children: dict[str | int, bool],
    hidden: frozenset[str],
) -> bool:
    if held.keys() & {"object_marking_refs", "granular_markings"}:
        return _mentions(held, hidden)
    shape = _shape_at(value, path)
    contributing = CONTRIBUTING.get(shape.stix_type, frozenset()) & held.keys()
    return (
        any(children[name] for name in shape.list_required(held))
        or any(all(children[n] for n in names) for names in shape.list_choices(held) if names)
        or any(_mentions(held[name], hidden) for name in contributing)
        or (value["type"] == "observed-data" and path == ("objects",) and any(children.values()))
    )


def _mentions(held: Any, hidden: frozenset[str]) -> bool:
    if isinstance(held, str):
        return held.lower() in hidden
    return any(
        (isinstance(key, str) and key.lower() in hidden) or _mentions(inner, hidden)
        for key, inner in _children(held)
    )


def _shape_at(value: dict[str, Any], path: Path) -> Shape:
    shape, held = shape_of(value["type"]), value
    for step in path:
        held = held[step]  # type: ignore[index]
        shape = shape.item() if isinstance(step, int) else shape.member(step, held)
    return shape
