"""When something vanishes, as a formula over the ids hidden from a recipient (policy §4, step 8).

A formula is an id (gone when that is hidden), ("all", parts) (gone when all parts are) or
("any", parts) (gone when one is). None stands for what never vanishes. More hidden ids never
bring anything back. What does not live here: which formula a property has (references).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Formula: TypeAlias = "str | tuple[str, tuple[Formula, ...]]"

ALL: Final = "all"
ANY: Final = "any"


def vanishes(formula: Formula, hidden: Mapping[str, int]) -> int:
    """The mask of those for whom the formula holds; `hidden` has for each id from whom it is."""
    if isinstance(formula, str):
        return hidden.get(formula, 0)
    kind, parts = formula
    mask = vanishes(parts[0], hidden)
    for part in parts[1:]:
        if kind == ALL:
            if not mask:
                break
            mask &= vanishes(part, hidden)
        else:
            mask |= vanishes(part, hidden)
    return mask


@dataclass(frozen=True, slots=True)
class Layer:
    """Leaves that go together when `forced` vanishes, and what becomes of each before that.

    `leaves` are ids that go when they are hidden themselves, and None for those that are no
    ids, equal ones once; `inner` are layers inside this one.
    """

    forced: Formula | None
    leaves: tuple[str | None, ...]
    inner: tuple[Layer, ...]


def all_of(parts: Iterable[Formula | None]) -> Formula | None:
    """Vanishes when all parts do: never, when one of them never does or there is none."""
    found: dict[Formula, None] = {}
    for part in parts:
        if part is None:
            return None
        found |= dict.fromkeys(_flat(part, ALL))
    return _joined(ALL, found)


def any_of(parts: Iterable[Formula | None]) -> Formula | None:
    """Vanishes when one of the parts does."""
    found: dict[Formula, None] = {}
    for part in parts:
        if part is not None:
            found |= dict.fromkeys(_flat(part, ANY))
    return _joined(ANY, found)


def _flat(part: Formula, kind: str) -> tuple[Formula, ...]:
    return part[1] if not isinstance(part, str) and part[0] == kind else (part,)


def _joined(kind: str, parts: dict[Formula, None]) -> Formula | None:
    if len(parts) > 1:
        return (kind, tuple(parts))
    return next(iter(parts), None)


def read_formula(value: object) -> Formula:
    """The formula that JSON holds as an id or as [kind, parts]. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) == 2 and value[0] in (ALL, ANY):
        return (value[0], tuple(read_formula(part) for part in value[1]))
    raise ValueError(f"not a formula: {str(value)[:60]}")


def read_layer(value: object) -> Layer:
    """The layer that JSON holds as [forced, leaves, inner]. Raises ValueError."""
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"not a layer: {str(value)[:60]}")
    forced, leaves, inner = value
    return Layer(
        None if forced is None else read_formula(forced),
        tuple(leaves),
        tuple(read_layer(each) for each in inner),
    )


def write_layer(layer: Layer) -> list[object]:
    """What `read_layer` reads."""
    return [layer.forced, layer.leaves, [write_layer(each) for each in layer.inner]]
