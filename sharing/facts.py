"""What is kept of a contribution for deciding about it, apart from its bytes.

Written once on the way in, as JSON in `contribution.facts`; outlives the content, since a
deleted version goes on gating older ones (sharing policy §5). What does not live here: how
facts are found in an object (the gate) or what follows from them (the rules).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from sharing.rules.tlp import Tlp


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """Facts of one contribution.

    `properties` maps each top-level property and `extensions.<id>` to its own TLP;
    `releasable_to` is None when the object does not carry it; `markings` are the statement
    marking-definitions it carries, those they carry included; `is_statement` tells a
    marking-definition that a view serves with whatever carries it; `marked_tlp` is the
    highest TLP the object is marked with, None when the collection's default applies.
    """

    labels: frozenset[str] = frozenset()
    created_by_ref: str | None = None
    properties: Mapping[str, Tlp] = field(default_factory=dict)
    releasable_to: tuple[str, ...] | None = None
    references: tuple[str, ...] = ()
    markings: tuple[str, ...] = ()
    is_scheme_understood: bool = True
    has_granular_markings: bool = False
    is_statement: bool = False
    has_modified: bool = True
    marked_tlp: Tlp | None = None

    @property
    def blockers(self) -> tuple[str, ...]:
        """What hides the object from all but its originator until it can be decided."""
        found = (
            ("marking-scheme", not self.is_scheme_understood),
            ("granular-markings", self.has_granular_markings),
            ("releasable-to", self.releasable_to is not None),
        )
        return tuple(name for name, holds in found if holds)

    def dump(self) -> str:
        """The facts as one line of JSON, keys as in this class."""
        return orjson.dumps(
            {
                "labels": sorted(self.labels),
                "created_by_ref": self.created_by_ref,
                "properties": {name: int(tlp) for name, tlp in self.properties.items()},
                "releasable_to": self.releasable_to,
                "references": self.references,
                "markings": self.markings,
                "is_scheme_understood": self.is_scheme_understood,
                "has_granular_markings": self.has_granular_markings,
                "is_statement": self.is_statement,
                "has_modified": self.has_modified,
                "marked_tlp": self.marked_tlp,
            }
        ).decode()


def load_facts(text: str) -> StoredFacts:
    """The facts that `dump` wrote."""
    value = orjson.loads(text)
    releasable_to = value["releasable_to"]
    return StoredFacts(
        labels=frozenset(value["labels"]),
        created_by_ref=value["created_by_ref"],
        properties={name: Tlp(level) for name, level in value["properties"].items()},
        releasable_to=None if releasable_to is None else tuple(releasable_to),
        references=tuple(value["references"]),
        markings=tuple(value["markings"]),
        is_scheme_understood=value["is_scheme_understood"],
        has_granular_markings=value["has_granular_markings"],
        is_statement=value["is_statement"],
        has_modified=value["has_modified"],
        marked_tlp=None if value["marked_tlp"] is None else Tlp(value["marked_tlp"]),
    )
