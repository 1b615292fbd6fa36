"""What the gate takes in and hands out: a raw object, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import BadInput
from kernel.strictjson import JsonValue
from kernel.values import light
from sharing.rules.formulas import Formula, Layer


@light
@dataclass(frozen=True, slots=True)
class RawObject:
    """One object as it arrived: its bytes exactly as received, and what they say.

    `index` counts from 0 in its envelope, array or file of lines. `fault` says why the
    bytes are not strict JSON; the `value` beside it only helps to name the object.
    """

    index: int
    raw: bytes
    value: JsonValue
    fault: str | None = None


@light
@dataclass(frozen=True, slots=True)
class Refused:
    """An object that was not taken, and a reason that a person can act on.

    `stix_id` and `version` are as the object wrote them, None where it had none to show.
    """

    index: int
    stix_id: str | None
    version: str | None
    code: str
    reason: str


@light
@dataclass(frozen=True, slots=True)
class Needs:
    """What must stay of an object (sharing policy §4, step 6), in units.

    A unit is a top-level property, or `extensions.<id>`. Of each of `clauses` at least one
    unit must stay; the first of each of `ties` may stay only while the second does.
    """

    clauses: tuple[frozenset[str], ...]
    ties: tuple[tuple[str, str], ...]


@light
@dataclass(frozen=True, slots=True)
class Named:
    """The STIX ids an object names, and what goes with those that are hidden (§4, step 8).

    - `references`: each id in canonical form, its own and its markings apart, to the units
      that it occurs in, as a string or as the name of a member;
    - `hard`: those whose hiding hides the whole object;
    - `vanishing`: each unit that hidden ids can take whole, and when they do;
    - `entangled`: each unit in which a hidden id takes more than itself, with what becomes
      of its leaves.
    """

    references: Mapping[str, tuple[str, ...]]
    hard: tuple[str, ...]
    vanishing: Mapping[str, Formula]
    entangled: Mapping[str, Layer]


@light
@dataclass(frozen=True, slots=True)
class Checked:
    """An object that passed the gate, with the facts that rules and tables need.

    - `version_us`: `modified`, else `created`, else 0, in microseconds since 1970;
      `version` is that property as written, else `1970-01-01T00:00:00.000Z`.
    - `granular_markings`: (marking_ref, selectors) each; marking_ref is None when the
      marking only names a language.
    - `releasable_to`: the terms of the Comity release extension; None without one, an empty
      tuple when it names nobody.
    - `named`: the STIX ids the object names.
    - `needs`: what must stay of it for the rest to be served.
    - `properties`: names of top-level properties, with `extensions.<id>` for each extension
      in place of `extensions`.
    - `marking_statement`, `marking_scheme_understood`: of a marking-definition only; a
      well-known TLP marking is understood, and is no statement.
    """

    index: int
    raw: bytes
    value: dict[str, JsonValue]
    stix_id: str
    stix_type: str
    version_us: int
    version: str
    created_by_ref: str | None
    labels: frozenset[str]
    object_marking_refs: tuple[str, ...]
    granular_markings: tuple[tuple[str | None, tuple[str, ...]], ...]
    releasable_to: tuple[str, ...] | None
    named: Named
    needs: Needs
    properties: tuple[str, ...]
    digest: bytes
    marking_statement: bool
    marking_scheme_understood: bool


def refusal(code: str, path: str, sentence: str) -> BadInput:
    """The error inside the gate: what is wrong, and where, as a JSON path from `$`."""
    return BadInput(code, f"{shown(path, 200)}: {sentence}")


def member_path(path: str, key: str) -> str:
    """The path of a member of the object at `path`."""
    return f"{path}.{key}" if key.replace("-", "_").isidentifier() else f"{path}[{key!a}]"


def shown(text: str, longest: int = 60) -> str:
    """Text short enough for a reason."""
    return text if len(text) <= longest else text[: longest - 3] + "..."
