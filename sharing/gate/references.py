"""The STIX ids that an object names, and what goes when they are hidden (policy §4, step 8).

An object names an id with any string that is exactly one, and with the name of any member
that is one, of `objects` or of a dictionary. Its own `id`, the markings it carries and the
names of its `extensions`, which are names of units, name nothing.

A hidden id goes with its list item or property, a member's name with the member. With it go

- containers that are emptied, and lists that a granular selector points into;
- an object inside the object in which STIX 2.1 then finds something missing, with its list
  item or property;
- an object inside the object that carries markings of its own: they would lose their place;
- `objects` of observed-data when one of them goes: the others may refer to it by its name;
- a property that an observable's id is made of: the id would tell what was there.

What does not live here: taking anything out (lessening).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from kernel.strictjson import JsonValue
from sharing.gate.ids import find_id, looks_like_id
from sharing.gate.needs import EXTENSIONS
from sharing.gate.shapes import CONTRIBUTING, Shape, shape_of
from sharing.gate.verdicts import Named
from sharing.rules.formulas import Formula, Layer, all_of, any_of

Path: TypeAlias = tuple[str, ...]

_MARKINGS: Final = "granular_markings"
_MARKED: Final = frozenset({"object_marking_refs", _MARKINGS})
_NO_NAMES: Final = frozenset({"id", "object_marking_refs"})
_MARKING_KEYS: Final = frozenset({"marking_ref", "selectors", "lang"})
_ENDS: Final = ("source_ref", "target_ref", "sighting_of_ref")


@dataclass(slots=True)
class Part:
    """A value inside an object.

    `forced` says when it goes though something in it would stay, `formula` when it goes at
    all; `parts` are the members or items of one that is not empty.
    """

    value: JsonValue
    parts: dict[str, Part] | list[Part] | None = None
    forced: Formula | None = None
    formula: Formula | None = None

    def force(self, formula: Formula | None) -> None:
        """It goes also when `formula` says so."""
        self.forced = any_of((formula, self.forced))
        self.formula = any_of((formula, self.formula))

    def force_whole(self, ids: Iterable[str]) -> None:
        """It goes as soon as one of the `ids`, which are all that it names, is hidden."""
        self.forced = self.formula = any_of(ids)


@dataclass(frozen=True, slots=True)
class NamingUnit:
    """A unit of an object that names something: the ids, and what can vanish in it."""

    name: str
    ids: tuple[str, ...]
    part: Part


def find_named(value: dict[str, JsonValue]) -> Named:
    """What an object that the gate has passed otherwise names.

    Raises BadInput (`sharing.bad-id`) for an id in a property for references that is not
    in canonical form.
    """
    references: dict[str, list[str]] = {}
    vanishing: dict[str, Formula] = {}
    entangled: dict[str, Layer] = {}
    for unit in take_apart(value):
        for stix_id in unit.ids:
            references.setdefault(stix_id, []).append(unit.name)
        if unit.part.formula is not None:
            vanishing[unit.name] = unit.part.formula
        # What takes the whole unit is in `vanishing`.
        layer = _layer(unit.part)
        if isinstance(layer, Layer) and layer.inner:
            entangled[unit.name] = layer
    return Named(
        references={stix_id: tuple(units) for stix_id, units in references.items()},
        hard=tuple(dict.fromkeys(_hard(value))),
        vanishing=vanishing,
        entangled=entangled,
    )


def take_apart(value: dict[str, JsonValue]) -> Iterator[NamingUnit]:
    """The units of an object that name anything. Raises BadInput as `find_named` does."""
    taking = _Taking(value)
    for name, held in value.items():
        if isinstance(held, str) and "--" not in held and "--" not in name:
            continue  # as nearly always: neither can be an id
        if name == EXTENSIONS and isinstance(held, dict):
            for key, extension in held.items():
                yield from taking.unit((name, key), extension)
        elif name not in _NO_NAMES and (_may_name(held) or looks_like_id(name)):
            yield from taking.unit((name,), held)


def _may_name(value: JsonValue) -> bool:
    """Whether a value could name an id; nearly all text and numbers cannot."""
    if isinstance(value, str):
        return looks_like_id(value)
    if isinstance(value, list):
        return any(map(_may_name, value))
    return isinstance(value, dict)


def _hard(value: dict[str, JsonValue]) -> Iterator[str]:
    """What the object is nothing without: both ends of an edge, what is translated."""
    ends = _ENDS if value.get("type") != "language-content" else (*_ENDS, "object_ref")
    for end in ends:
        if end in value:
            yield from _ids(value[end], end, value.get("id"))


def _layer(part: Part) -> Layer | str | None:
    """What becomes of the leaves of a part; of a single one its id, or None without one."""
    if not part.parts:
        if part.forced is None or isinstance(part.forced, str):
            return part.forced
        return Layer(part.forced, (None,), ())
    leaves: dict[str | None, None] = {}
    inner: list[Layer] = []
    for each in part.parts.values() if isinstance(part.parts, dict) else part.parts:
        layer = _layer(each)
        if not isinstance(layer, Layer):
            leaves[layer] = None
        elif layer.forced is None:
            leaves |= dict.fromkeys(layer.leaves)
            inner += layer.inner
        else:
            inner.append(layer)
    if isinstance(part.forced, str) and not inner and leaves.keys() <= {None, part.forced}:
        return part.forced
    return Layer(part.forced, tuple(leaves), tuple(inner))


class _Taking:
    def __init__(self, value: dict[str, JsonValue]) -> None:
        self._own_id = value.get("id")
        self._shape = shape_of(value.get("type"))
        self._indexed = _indexed(value)

    def unit(self, path: Path, value: JsonValue) -> Iterator[NamingUnit]:
        key = path[-1]
        own = self._id(key) if len(path) == 1 else None
        named = _without_markings(value) if path == (_MARKINGS,) else value
        ids = tuple(dict.fromkeys([own, *self._ids(named, key)] if own else self._ids(named, key)))
        if not ids:
            return
        part = self._part(value, path, self._shape_at(path, value))
        if path[0] in CONTRIBUTING.get(self._shape.stix_type, ()):
            part.force_whole(ids)
        part.force(own)
        yield NamingUnit(".".join(path), ids, part)

    def _shape_at(self, path: Path, value: JsonValue) -> Shape:
        if isinstance(value, str):
            return self._shape  # text has no inside
        shape = self._shape
        for step in path[:-1]:
            shape = shape.member(step, None)
        return shape.member(path[-1], value)

    def _part(self, value: JsonValue, path: Path, shape: Shape) -> Part:
        if isinstance(value, str):
            found = self._id(value)
            return Part(value, None, found, found)
        if isinstance(value, dict):
            return self._object(value, path, shape)
        if isinstance(value, list):
            return self._list(value, path, shape)
        return Part(value)

    def _object(self, value: dict[str, JsonValue], path: Path, shape: Shape) -> Part:
        in_markings = path[0] == _MARKINGS
        parts: dict[str, Part] = {}
        for name, held in value.items():
            if in_markings and name in _MARKING_KEYS:
                parts[name] = Part(held)
            else:
                parts[name] = self._part(held, (*path, name), shape.member(name, held))
                parts[name].force(self._id(name))
        if not in_markings and value.keys() & _MARKED:
            whole = Part(value, parts)
            whole.force_whole(self._ids(value))
            return whole
        forced = self._lacking(value, parts, shape)
        emptied = all_of(part.formula for part in parts.values()) if forced is None else forced
        return Part(value, parts, forced, emptied)

    def _lacking(
        self, value: dict[str, JsonValue], parts: dict[str, Part], shape: Shape
    ) -> Formula | None:
        """When the object lacks something that STIX asks of it."""
        for name in sorted(value.keys() & CONTRIBUTING.get(shape.stix_type, frozenset())):
            parts[name].force_whole(self._ids(value[name], name))
        for _ in range(2):  # what is tied to something that is tied itself
            for tied, to in shape.list_ties(value):
                parts[tied].force(parts[to].formula)
        lacks = [parts[name].formula for name in sorted(shape.list_required(value))]
        lacks += [
            all_of(parts[name].formula for name in sorted(choice))
            for choice in shape.list_choices(value)
        ]
        if shape.is_linked:
            lacks += [part.formula for part in parts.values()]
        return any_of(lacks)

    def _list(self, value: list[JsonValue], path: Path, shape: Shape) -> Part:
        inside = shape.item()
        parts = [
            self._part(item, (*path, f"[{place}]"), inside) for place, item in enumerate(value)
        ]
        forced = any_of(part.formula for part in parts) if path in self._indexed else None
        emptied = all_of(part.formula for part in parts) if forced is None else forced
        return Part(value, parts, forced, emptied)

    def _ids(self, value: JsonValue, key: str = "") -> Iterator[str]:
        return _ids(value, key, self._own_id)

    def _id(self, text: str) -> str | None:
        found = find_id(text)
        return None if found == self._own_id else found


def _ids(value: JsonValue, key: str, own_id: JsonValue) -> Iterator[str]:
    """The ids that `value`, held by the member `key`, names at any depth, with repeats."""
    if isinstance(value, str):
        found = find_id(value, key)
        if found is not None and found != own_id:
            yield found
    elif isinstance(value, dict):
        for name, member in value.items():
            found = find_id(name)
            if found is not None and found != own_id:
                yield found
            yield from _ids(member, name, own_id)
    elif isinstance(value, list):
        for item in value:
            yield from _ids(item, key, own_id)


def _without_markings(markings: list[dict[str, JsonValue]]) -> list[dict[str, JsonValue]]:
    """Granular markings less all that STIX defines of them: custom members may name ids."""
    return [
        {name: held for name, held in marking.items() if name not in _MARKING_KEYS}
        for marking in markings
    ]


def _indexed(value: dict[str, JsonValue]) -> frozenset[Path]:
    """The lists that a selector of the object's granular markings points into."""
    found: set[Path] = set()
    for marking in value.get(_MARKINGS, ()):
        for selector in marking["selectors"]:
            steps = tuple(selector.split("."))
            if steps[0] != _MARKINGS:
                found |= {steps[:at] for at, step in enumerate(steps) if step.startswith("[")}
    return frozenset(found)
