"""Load the catalogue that comes with Comity, a newer one, or a document of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select

from auth.services import record_audit
from auth.tables import forum
from norms.services.deriving import derive_everything
from norms.services.documents import Row
from norms.services.loading import Loader
from norms.services.provenance import Scribe
from norms.services.recording import Recorder
from norms.services.rows import ADDED, KEPT, UNCHANGED
from norms.tables import instrument

CATALOGUE: Final = "catalogue"
"""Who wrote what came with the catalogue."""

Counts = dict[str, dict[str, int]]


def read_packaged() -> dict[str, Any]:
    """The catalogue that comes with this release."""
    document: dict[str, Any] = orjson.loads(files("norms").joinpath("catalogue.json").read_bytes())
    return document


def read_example() -> dict[str, Any]:
    """Fictional States, their forum and what they agreed there: for demonstrations."""
    document: dict[str, Any] = orjson.loads(files("norms").joinpath("example.json").read_bytes())
    return document


def read_example_act() -> dict[str, Any]:
    """What one person of the fictional forum's secretariat records: events, for `declare`."""
    document: dict[str, Any] = orjson.loads(
        files("norms").joinpath("example-act.json").read_bytes()
    )
    return document


def load_catalogue(
    connection: Connection, document: Mapping[str, Any], *, actor: str, now_us: int
) -> Counts:
    """Put a catalogue into the register; by noun, how many rows were added, changed and so on.

    Raises BadInput with the place of what is wrong; nothing is written then.
    """
    scribe = Scribe(CATALOGUE, now_us, is_catalogue=True)
    return _load(connection, scribe, document, actor)


def record_document(connection: Connection, document: Mapping[str, Any], scribe: Scribe) -> Counts:
    """Put rows and events into the register that somebody answers for. Raises as above."""
    return _load(connection, scribe, document, scribe.actor)


def _load(
    connection: Connection, scribe: Scribe, document: Mapping[str, Any], actor: str
) -> Counts:
    loader = Loader(connection, scribe)
    loader.load(document)
    recorder = Recorder(connection, scribe)
    counts = {noun: dict(each) for noun, each in loader.rows.counts.items()}
    events = {ADDED: 0, UNCHANGED: 0}
    for row in _events(connection, scribe, document):
        events[ADDED if recorder.record(row).is_new else UNCHANGED] += 1
    if any(events.values()):
        counts["event"] = events
    recorder.finish()
    if loader.rows.is_anything_new:
        derive_everything(connection, now_us=scribe.now_us)
    record_audit(connection, actor, "norms.load", _summary(counts), now_us=scribe.now_us)
    return counts


def _events(connection: Connection, scribe: Scribe, document: Mapping[str, Any]) -> Iterator[Row]:
    whole = Row(document, "")
    yield from whole.rows("events")
    if "adoptions" in document or not scribe.is_catalogue:
        yield from whole.rows("adoptions")
        return
    # A catalogue that says nothing of adoptions leaves those that are known.
    known = set(connection.execute(select(instrument.c.id)).scalars())
    forums = set(connection.execute(select(forum.c.slug)).scalars())
    for row in Row(read_packaged(), "packaged").rows("adoptions"):
        if row.text("instrument") in known and row.text("forum") in forums:
            yield row


def _summary(counts: Mapping[str, Mapping[str, int]]) -> str:
    changes = {
        noun: sum(count for word, count in each.items() if word not in (UNCHANGED, KEPT))
        for noun, each in counts.items()
    }
    return " ".join(f"{noun}:{count}" for noun, count in sorted(changes.items()) if count) or "none"
