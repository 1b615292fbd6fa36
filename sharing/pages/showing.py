"""STIX objects as pages show them: a name to call one by, its facts, its relations.

What is shown is the form that the reader is served, and nothing else. What does not live here:
who is served what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kernel.clock import format_version
from sharing.queries.collections import Collection
from sharing.queries.newest import Seen
from sharing.services.deliver import Served

_NAMES: Final = ("name", "value", "pattern", "opinion", "abstract", "content", "path", "key")
_NAME_CHARACTERS: Final = 160
_REFERENCE: Final = ("_ref", "_refs")
# Of every object, or shown in a place of their own.
_NOT_FACTS: Final = frozenset(
    {
        *("id", "type", "spec_version", "created", "modified", "created_by_ref", "name"),
        *("external_references", "object_marking_refs", "granular_markings", "extensions"),
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One version as a line of a list; `collection` is a UUID, times are microseconds."""

    collection: str
    stix_id: str
    stix_type: str
    name: str
    tlp: str
    version_us: int
    added_us: int

    @property
    def key(self) -> tuple[Any, ...]:
        """Its place in lists that show the newest first."""
        return (self.added_us, self.collection)

    def document(self) -> dict[str, Any]:
        """The same as JSON: a file names objects, and holds nothing of what they say."""
        return {
            "collection": self.collection,
            "id": self.stix_id,
            "type": self.stix_type,
            "tlp": self.tlp,
            "version": format_version(self.version_us),
        }


@dataclass(frozen=True, slots=True)
class Relation:
    """One way in which an object points at another, or (`is_inward`) is pointed at."""

    word: str
    stix_id: str
    is_inward: bool = False


def row_of(seen: Seen) -> Row:
    """A version as a line of a list."""
    standing = seen.standing
    return Row(
        standing.collection,
        standing.stix_id,
        standing.stix_type,
        name_of(orjson.loads(seen.content)),
        standing.tlp.text,
        standing.version_us,
        standing.date_added_us,
    )


def name_of(value: Mapping[str, Any]) -> str:
    """What to call an object by: its name, else what it is about."""
    kind = value.get("type")
    if kind == "relationship":
        return f"{value.get('relationship_type', '')}"
    if kind == "sighting":
        return f"{value.get('count', 1)} x"
    for name in _NAMES:
        text = value.get(name)
        if isinstance(text, str) and text.strip():
            return text if len(text) <= _NAME_CHARACTERS else text[: _NAME_CHARACTERS - 1] + "…"
    hashes = value.get("hashes")
    if isinstance(hashes, Mapping) and hashes:
        return str(next(iter(hashes.values())))
    definition = value.get("definition")
    if isinstance(definition, Mapping):
        return str(definition.get("statement", ""))
    return ""


def facts_of(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The properties of an object that are no references, as texts."""
    return [
        (name, _text(one))
        for name, one in value.items()
        if name not in _NOT_FACTS and not name.endswith(_REFERENCE)
    ]


def relations_of(value: Mapping[str, Any]) -> list[Relation]:
    """What an object points at: its references, in the words of the properties that hold them."""
    if value.get("type") == "relationship":
        word = str(value.get("relationship_type", ""))
        ends = ((f"{word} (source)", "source_ref"), (f"{word} (target)", "target_ref"))
        return [Relation(said, str(value[end])) for said, end in ends if end in value]
    found = []
    for name, one in value.items():
        if name.endswith(_REFERENCE) and name != "object_marking_refs":
            word = name.rpartition("_ref")[0]
            ids = one if isinstance(one, list) else [one]
            found += [Relation(word, str(stix_id)) for stix_id in ids]
    return found


def served_of(
    rows: Iterable[Row],
    places: Iterable[Collection],
    head: int,
    filters: Mapping[str, list[str]] | None = None,
    *,
    door: str = "page",
) -> list[Served]:
    """What a page that shows these carries of each collection, at a position of the ledger.

    `filters` are those of a list that shows all there is between its first and its last; without
    them it is exactly these objects. The door `api` tells of objects and shows none.
    """
    served = []
    for place in places:
        here = [row for row in rows if row.collection == place.uuid]
        if here:
            stamps = [row.added_us for row in here]
            exactly = {"id": sorted({row.stix_id for row in here})}
            asked = {**(exactly if filters is None else filters), "version": ["last"]}
            served.append(
                Served(
                    place.id,
                    door,
                    asked,
                    min(stamps),
                    max(stamps),
                    head,
                    len(here),
                )
            )
    return served


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return orjson.dumps(value).decode()
