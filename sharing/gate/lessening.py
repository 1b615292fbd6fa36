"""An object less what a recipient may not see of it: omit, never alter (sharing policy §1, §7).

Names and places in lists stay as they were, so that selectors of granular markings keep their
meaning; those that point at what is gone go too, and nothing tells that anything was there.
What does not live here: what is omitted for whom (rules), and when a hidden id takes more
than itself along (references).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from kernel.strictjson import JsonValue
from sharing.gate.needs import EXTENSIONS
from sharing.gate.references import Part, take_apart
from sharing.gate.selectors import is_there
from sharing.rules.formulas import Formula, Layer, vanishes
from sharing.rules.tlp import WELL_KNOWN, Tlp

_MARKINGS: Final = "granular_markings"
_INSIDE: Final = f"{_MARKINGS}."


@dataclass(frozen=True, slots=True)
class Omission:
    """What one variant of an object lacks: `units`, and the hidden `ids` in what is left."""

    units: frozenset[str]
    ids: frozenset[str]


WHOLE: Final = Omission(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Lessened:
    """A variant as it is served.

    `statements` are the markings that it still carries itself, whole or in part, well-known
    TLP markings apart.
    """

    raw: bytes
    statements: tuple[str, ...]


class NamingFacts(Protocol):
    """The facts of an object that tell variants apart; see StoredFacts."""

    @property
    def properties(self) -> Mapping[str, Tlp]: ...
    @property
    def references(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def vanishing(self) -> Mapping[str, Formula]: ...
    @property
    def entangled(self) -> Mapping[str, Layer]: ...


def lessen(raw: bytes, omission: Omission) -> Lessened:
    """The variant of the object `raw`, which has passed the gate, that lacks `omission`.

    The very bytes when nothing goes; else its JSON with members in their order. That what
    must stay does stay (`Needs`) is for the caller to see to.
    """
    value = orjson.loads(raw)
    served = _without_ids(value, omission.ids)
    served = _without_units(served, omission.units)
    if served is not value:
        _drop_stale_selectors(served)
        raw = orjson.dumps(served)
    return Lessened(raw, _statements(served))


def normal(omission: Omission, facts: NamingFacts) -> Omission:
    """The same omission in its one form, which facts alone can compare.

    Units that ids take whole stand in `units`; `ids` are those that occur in other units.
    """
    hidden = dict.fromkeys(omission.ids, 1)
    taken = {unit for unit, formula in facts.vanishing.items() if vanishes(formula, hidden)}
    units = frozenset(taken.union(omission.units.intersection(facts.properties)))
    ids = (each for each in omission.ids if not units.issuperset(facts.references.get(each, ())))
    return Omission(frozenset(units), frozenset(ids))


def gains(new: Omission, old: Omission, facts: NamingFacts) -> bool:
    """Whether the variant that lacks `new` shows anything that the one lacking `old` does not."""
    new, old = normal(new, facts), normal(old, facts)
    if old.units - new.units:
        return True
    for stix_id in old.ids - new.ids:
        units = facts.references[stix_id]
        if any(unit not in new.units and unit not in facts.entangled for unit in units):
            return True
    now, before = dict.fromkeys(new.ids, 1), dict.fromkeys(old.ids, 1)
    return any(
        _shows_more(layer, now, before, is_new=False)
        for unit, layer in facts.entangled.items()
        if unit not in new.units
    )


def _shows_more(
    layer: Layer, now: Mapping[str, int], before: Mapping[str, int], *, is_new: bool
) -> bool:
    """Whether a leaf is there `now` that was not `before`; all are new when `is_new`."""
    if layer.forced is not None:
        if vanishes(layer.forced, now):
            return False
        is_new = is_new or vanishes(layer.forced, before) != 0
    return any(leaf not in now and (is_new or leaf in before) for leaf in layer.leaves) or any(
        _shows_more(inner, now, before, is_new=is_new) for inner in layer.inner
    )


def _without_ids(value: dict[str, JsonValue], ids: frozenset[str]) -> dict[str, JsonValue]:
    """The object itself when none of the ids is in it."""
    changed: dict[str, Part] = {}
    if ids:
        changed = {
            unit.name: unit.part for unit in take_apart(value) if not ids.isdisjoint(unit.ids)
        }
    if not changed:
        return value
    hidden = dict.fromkeys(ids, 1)
    served = _rest_of(value, "", changed, hidden)
    extensions = value.get(EXTENSIONS)
    if isinstance(extensions, dict):
        left = _rest_of(extensions, f"{EXTENSIONS}.", changed, hidden)
        if left or not extensions:
            served[EXTENSIONS] = left
        else:
            del served[EXTENSIONS]
    return served


def _rest_of(
    members: dict[str, JsonValue],
    prefix: str,
    changed: Mapping[str, Part],
    hidden: Mapping[str, int],
) -> dict[str, JsonValue]:
    rest: dict[str, JsonValue] = {}
    for name, held in members.items():
        part = changed.get(prefix + name)
        if part is None:
            rest[name] = held
        elif not _is_gone(part, hidden):
            rest[name] = _rest(part, hidden)
    return rest


def _is_gone(part: Part, hidden: Mapping[str, int]) -> bool:
    return part.formula is not None and vanishes(part.formula, hidden) != 0


def _rest(part: Part, hidden: Mapping[str, int]) -> JsonValue:
    """What is left of a part that does not go itself."""
    if isinstance(part.parts, dict):
        return {
            name: _rest(inner, hidden)
            for name, inner in part.parts.items()
            if not _is_gone(inner, hidden)
        }
    if isinstance(part.parts, list):
        return [_rest(inner, hidden) for inner in part.parts if not _is_gone(inner, hidden)]
    return part.value


def _without_units(value: dict[str, JsonValue], units: frozenset[str]) -> dict[str, JsonValue]:
    """The object itself when it has none of the units."""
    extensions = value.get(EXTENSIONS)
    inside = extensions if isinstance(extensions, dict) else {}
    left = {name: held for name, held in inside.items() if f"{EXTENSIONS}.{name}" not in units}
    if units.isdisjoint(value) and len(left) == len(inside):
        return value
    served = {name: held for name, held in value.items() if name not in units}
    if len(left) < len(inside) and EXTENSIONS in served:
        if left:
            served[EXTENSIONS] = left
        else:
            del served[EXTENSIONS]
    return served


def _drop_stale_selectors(served: dict[str, JsonValue]) -> None:
    """Selectors go with what they pointed at, markings with the last of their selectors."""
    markings = served.get(_MARKINGS)
    if markings is None:
        return
    left = [_less(marking, lambda selector: is_there(selector, served)) for marking in markings]
    if left != markings:
        # Places among the markings themselves are other ones now.
        left = [
            _less(marking, lambda selector: not selector.startswith(_INSIDE)) for marking in left
        ]
    left = [marking for marking in left if marking["selectors"]]
    if left:
        served[_MARKINGS] = left
    else:
        del served[_MARKINGS]


def _less(marking: dict[str, Any], stays: Callable[[str], bool]) -> dict[str, Any]:
    return marking | {"selectors": [each for each in marking["selectors"] if stays(each)]}


def _statements(served: dict[str, JsonValue]) -> tuple[str, ...]:
    carried = dict.fromkeys(served.get("object_marking_refs", ()))
    carried |= dict.fromkeys(marking.get("marking_ref") for marking in served.get(_MARKINGS, ()))
    return tuple(ref for ref in carried if ref is not None and ref not in WELL_KNOWN)
