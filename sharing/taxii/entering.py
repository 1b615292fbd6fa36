"""Entering: from an address to the forum and the collection that it names for this caller.

A forum without a seat, a collection without a business, one of another forum and one that
never was are refused in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from auth.queries import find_seated
from auth.reader import Reader, Seated
from kernel.errors import Forbidden, NotFound
from sharing.queries.collections import Collection, list_collections
from sharing.queries.met import find_met
from sharing.queries.releases import Head


@dataclass(frozen=True, slots=True)
class Entered:
    """A collection as this caller meets it: what its seat, its person and its credential allow."""

    seated: Seated
    collection: Collection

    @property
    def can_read(self) -> bool:
        """TAXII 2.1 §5.2.1 `can_read`."""
        return self.collection.may_be_read_by(self.seated) and self.seated.reader.has_scope(
            "taxii:read"
        )

    @property
    def can_write(self) -> bool:
        """TAXII 2.1 §5.2.1 `can_write`."""
        return self.collection.may_be_written_by(self.seated) and self.seated.reader.has_scope(
            "taxii:write"
        )

    @property
    def exists(self) -> bool:
        """Whether the caller may do anything here through TAXII."""
        return self.can_read or self.can_write


def enter_forum(connection: Connection, reader: Reader, slug: str) -> Seated:
    """The caller's place in an API root; raises NotFound (TAXII 2.1 §4.2)."""
    seated = None if "\0" in slug else find_seated(connection, reader, slug)
    if seated is None:
        raise _no_api_root()
    return seated


def enter_collection(connection: Connection, reader: Reader, slug: str, ref: str) -> Entered:
    """The collection with this UUID or alias; raises NotFound when there is none for the caller."""
    return enter_view(connection, reader, slug, ref)[0]


def enter_view(connection: Connection, reader: Reader, slug: str, ref: str) -> tuple[Entered, Head]:
    """The same, and where the caller's view of the collection stands."""
    met = find_met(connection, reader, slug, ref)
    if met is None:
        raise _no_api_root()
    if met.collection is None or not (entered := Entered(met.seated, met.collection)).exists:
        raise NotFound("sharing.unknown-collection", "no such collection in this API root")
    return entered, met.head


def list_entered(connection: Connection, seated: Seated) -> list[Entered]:
    """Every collection that exists for the caller, always in the same order."""
    found = (Entered(seated, place) for place in list_collections(connection, seated))
    return [entered for entered in found if entered.exists]


def _no_api_root() -> NotFound:
    return NotFound("sharing.unknown-api-root", "no such API root")


def check_can_read(entered: Entered) -> None:
    """Raise Forbidden when the caller may write here but not read (TAXII 2.1 §5.4)."""
    if not entered.can_read:
        raise Forbidden("sharing.write-only", "you may write to this collection but not read it")


def check_can_write(entered: Entered) -> None:
    """Raise Forbidden when the caller may read here but not write (TAXII 2.1 §5.5)."""
    if not entered.can_write:
        raise Forbidden("sharing.read-only", "you may read this collection but not write to it")
