"""Objects for hypothesis: samples with nested references, extensions and granular markings."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from sharing.gate.lessening import Omission
from sharing.gate.verdicts import Checked
from tests.sharing.gate.makers import AMBER_STRICT, RED, check
from tests.sharing.gate.samples import EXTENSION, SAMPLES, STATEMENT, VARIANTS, name_id

IDS = (
    *(name_id("indicator"), name_id("malware"), name_id("identity"), name_id("file")),
    *(name_id("file", 2), name_id("artifact", 1), name_id("x-thing", 9), EXTENSION),
)
_LEAVES = st.one_of(
    st.sampled_from(IDS),
    st.sampled_from([IDS[0].upper(), f"see {IDS[0]}", "text", "", 7, 0.5, False, {}, []]),
).map(deepcopy)
_KEYS = st.one_of(st.sampled_from(["a", "b", "object_marking_refs"]), st.sampled_from(IDS))
_NESTED = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4),
        st.dictionaries(_KEYS, inner, min_size=1, max_size=3),
    ),
    max_leaves=10,
)
_CUSTOM = st.dictionaries(
    st.sampled_from(["x_one", "x_two", IDS[1]]), _NESTED.filter(lambda v: v != []), max_size=3
)
_EXTENSIONS = st.dictionaries(
    st.sampled_from([EXTENSION, name_id("extension-definition", 5)]),
    _CUSTOM.map(lambda own: {"extension_type": "property-extension"} | own),
    max_size=2,
)


@st.composite
def checked_objects(draw: st.DrawFn) -> Checked:
    """Any sample with custom properties, ids where strings were, extensions and markings."""
    name = draw(st.sampled_from(sorted(SAMPLES | VARIANTS)))
    value = deepcopy((SAMPLES | VARIANTS)[name])
    value |= draw(_CUSTOM)
    extensions = value.get("extensions", {}) | draw(_EXTENSIONS)
    if extensions:
        value["extensions"] = extensions
    if draw(st.booleans()):
        value["object_marking_refs"] = [STATEMENT, RED]
    for _ in range(draw(st.integers(0, 3))):
        value = _with_an_id(draw, value)
    verdict = check(_with_markings(draw, value))
    if isinstance(verdict, Checked):
        return verdict
    return draw(st.nothing())


@st.composite
def omissions(draw: st.DrawFn, checked: Checked) -> Omission:
    """Any units, and any of the ids that the object names."""
    units = st.sets(st.sampled_from(sorted(checked.properties)), max_size=3)
    ids = sorted(checked.named.references)
    hidden = draw(st.sets(st.sampled_from(ids))) if ids else set()
    return Omission(frozenset(draw(units)) - {"type", "id"}, frozenset(hidden))


def list_paths(held: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of everything inside a value."""
    pairs: Any = held.items() if isinstance(held, dict) else ()
    for key, inner in enumerate(held) if isinstance(held, list) else pairs:
        yield (*path, key)
        yield from list_paths(inner, (*path, key))


def replace_at(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """The value with `new` at the path."""
    if not path:
        return new
    copied: Any = list(value) if isinstance(value, list) else dict(value)
    copied[path[0]] = replace_at(value[path[0]], path[1:], new)
    return copied


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What is at the path."""
    for step in path:
        value = value[step]
    return value


def _with_an_id(draw: st.DrawFn, value: dict[str, Any]) -> dict[str, Any]:
    strings = [path for path in list_paths(value) if isinstance(at(value, path), str)]
    changed = replace_at(value, draw(st.sampled_from(strings)), draw(st.sampled_from(IDS)))
    return changed if isinstance(check(changed), Checked) else value


def _with_markings(draw: st.DrawFn, value: dict[str, Any]) -> dict[str, Any]:
    selectors = [
        ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)
        for path in list_paths(value)
        if all(isinstance(step, int) or step for step in path)
    ]
    markings = st.fixed_dictionaries(
        {
            "marking_ref": st.sampled_from([RED, AMBER_STRICT, STATEMENT]),
            "selectors": st.lists(st.sampled_from(selectors), min_size=1, max_size=3, unique=True),
        }
    )
    found = draw(st.lists(markings, max_size=3))
    return value | {"granular_markings": found} if found else value
