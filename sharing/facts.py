"""What is kept of a contribution for deciding about it, apart from its bytes.

Written once on the way in, as JSON in `contribution.facts`; outlives the content, since a
deleted version goes on gating older ones (sharing policy §5). What does not live here: how
facts are found in an object (the gate) or what follows from them (the rules).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from kernel.values import light
from sharing.rules.formulas import Formula, Layer, read_formula, read_layer, write_layer
from sharing.rules.tlp import Tlp


@light
@dataclass(frozen=True, slots=True)
class Naming:
    """The ids that an object names: those without which it is hidden, and the others."""

    hard: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()


_NO_NAMES: Final = Naming()
MARKING_SCHEME: Final = "marking-scheme"
_LEVELS: Final = tuple(Tlp)


@light
@dataclass(frozen=True, slots=True)
class StoredFacts:
    """Facts of one contribution.

    A unit is a top-level property, or `extensions.<id>` for each extension in place of
    `extensions`.

    - `properties` maps each unit to its own TLP; `marked_tlp` is the highest TLP the object
      is marked with, None when the collection's default applies; `releasable_to` is None
      when the object does not carry it.
    - `references` maps each STIX id that the object names, its own and markings apart, to
      the units that it occurs in; `hard_references` are those without which it is hidden.
      `vanishing` says of each unit that hidden ids can take whole when they do; `entangled`
      tells of each unit in which a hidden id takes more than itself what becomes of its leaves.
    - Of each of `clauses` at least one unit must stay for the object to be served; the first
      of each of `ties` may stay only while the second does.
    - `markings` are the statement marking-definitions it carries, those they carry included.
      `statements` are those of `object_marking_refs`, which the whole object carries, each to
      (); granular ones are found by lessening. `carries` maps each that is carried directly,
      either way, to all those that it carries itself.
    - `is_statement` tells a marking-definition that a view serves with whatever carries it.
    """

    labels: frozenset[str] = frozenset()
    created_by_ref: str | None = None
    properties: Mapping[str, Tlp] = field(default_factory=dict)
    releasable_to: tuple[str, ...] | None = None
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hard_references: tuple[str, ...] = ()
    vanishing: Mapping[str, Formula] = field(default_factory=dict)
    entangled: Mapping[str, Layer] = field(default_factory=dict)
    clauses: tuple[frozenset[str], ...] = ()
    ties: tuple[tuple[str, str], ...] = ()
    markings: tuple[str, ...] = ()
    statements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    carries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_scheme_understood: bool = True
    has_granular_markings: bool = False
    is_statement: bool = False
    has_modified: bool = True
    marked_tlp: Tlp | None = None
    # `ruled_part` of what these were loaded from; None for what was not.
    ruled: str | None = field(default=None, compare=False, repr=False)

    @property
    def blockers(self) -> tuple[str, ...]:
        """What hides the object from all but its originator, whatever the rules say."""
        return () if self.is_scheme_understood else (MARKING_SCHEME,)

    @property
    def told_apart_by(self) -> Hashable:
        """Equal for facts that no rule tells apart, if both were loaded or both just found."""
        if self.ruled is not None:
            return self.ruled
        return (
            self.labels,
            tuple(self.properties),
            tuple(self.properties.values()),
            self.releasable_to,
            self.clauses,
            self.ties,
            self.is_scheme_understood,
        )

    def dump(self) -> str:
        """The facts as one line of JSON, keys as in this class."""
        return orjson.dumps(
            {
                "labels": sorted(self.labels),
                "created_by_ref": self.created_by_ref,
                "properties": self.properties,
                "releasable_to": self.releasable_to,
                "references": self.references,
                "hard_references": self.hard_references,
                "vanishing": self.vanishing,
                "entangled": {name: write_layer(each) for name, each in self.entangled.items()},
                "clauses": _written(self.clauses),
                "ties": self.ties,
                "markings": self.markings,
                "statements": self.statements,
                "carries": self.carries,
                "is_scheme_understood": self.is_scheme_understood,
                "has_granular_markings": self.has_granular_markings,
                "is_statement": self.is_statement,
                "has_modified": self.has_modified,
                "marked_tlp": self.marked_tlp,
            }
        ).decode()


@lru_cache(maxsize=1024)
def _written(clauses: tuple[frozenset[str], ...]) -> list[list[str]]:
    # Nearly all objects of a type have the very same.
    return [sorted(clause) for clause in clauses]


def load_facts(text: str) -> StoredFacts:
    """The facts that `dump` wrote.

    What was written before objects could be served in part is whole or hidden: everything in
    it is required, and any hidden id hides it.
    """
    value = orjson.loads(text)
    if "clauses" not in value:
        value |= _whole_or_hidden(value)
    releasable_to = value["releasable_to"]
    return StoredFacts(
        labels=frozenset(value["labels"]),
        created_by_ref=value["created_by_ref"],
        properties={name: _LEVELS[level] for name, level in value["properties"].items()},
        releasable_to=None if releasable_to is None else tuple(releasable_to),
        references=_tuples(value["references"]),
        hard_references=tuple(value["hard_references"]),
        vanishing={name: read_formula(each) for name, each in value["vanishing"].items()},
        entangled={name: read_layer(each) for name, each in value["entangled"].items()},
        clauses=tuple(frozenset(clause) for clause in value["clauses"]),
        ties=tuple((tied, to) for tied, to in value["ties"]),
        markings=tuple(value["markings"]),
        statements=_tuples(value["statements"]),
        carries=_tuples(value["carries"]),
        is_scheme_understood=value["is_scheme_understood"],
        has_granular_markings=value["has_granular_markings"],
        is_statement=value["is_statement"],
        has_modified=value["has_modified"],
        marked_tlp=None if value["marked_tlp"] is None else Tlp(value["marked_tlp"]),
        ruled=ruled_part(text),
    )


def ruled_part(text: str) -> str:
    """Dumped facts less the ids that an object names: where it is equal, rules tell nothing apart.

    A quote inside a string is escaped, units have levels for values and markings lists of ids:
    nothing but the keys themselves reads like these.
    """
    start, end = text.find(_NAMED), text.rfind(_CLAUSES)
    return text if start < 0 or end < start else text[:start] + text[end:]


def named_part(text: str) -> Naming | None:
    """What `ruled_part` cuts out of dumped facts: the ids that an object names.

    None for what was written before objects could be served in part.
    """
    start, end = text.find(_NAMED), text.rfind(_CLAUSES)
    if start < 0 or end < start:
        return None
    if text.startswith(_NAMES_NOTHING, start):
        return _NO_NAMES
    value = orjson.loads(f"{{{text[start + 1 : end]}}}")
    hard = tuple(value["hard_references"])
    return Naming(hard, tuple(each for each in value["references"] if each not in hard))


_NAMES_NOTHING: Final = ',"references":{},'
_NAMED: Final = ',"references":{'
_CLAUSES: Final = ',"clauses":['


def _tuples(value: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(each) for name, each in value.items()}


def _whole_or_hidden(value: dict[str, Any]) -> dict[str, Any]:
    """What facts without clauses lack. Every marking counts as carried by all of the object."""
    units = list(value["properties"])
    ids = value["references"]
    markings = value["markings"]
    return {
        "references": dict.fromkeys(ids, units),
        "hard_references": ids,
        "vanishing": {},
        "entangled": {},
        "clauses": [[unit] for unit in units],
        "ties": [],
        "statements": dict.fromkeys(markings, ()),
        "carries": {each: [other for other in markings if other != each] for each in markings},
    }
