"""A State's positions, views and explanations of position: drafted, released, superseded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from auth.reader import Reader
from auth.tables import forum
from kernel.errors import Forbidden, NotFound
from norms.rules.dates import today
from norms.services import own_rows
from norms.services.documents import Row, bad
from norms.services.own_rows import POSITION
from norms.services.provenance import Scribe
from norms.services.recording import record_events
from norms.services.rights import CLEARANCE, DRAFTER, check_secretariat_of, check_writes_for
from norms.tables import instrument, norm_event, party, position
from norms.visibility import own

KINDS: Final = ("national-position", "explanation-of-position", "national-view")
_NAMES: Final = frozenset(
    {
        "kind",
        "title",
        "body",
        "language",
        "date",
        "forum",
        "instrument",
        "provisions",
        "supersedes",
        "source",
        "note",
    }
)


def draft_position(
    connection: Connection, reader: Reader, document: Mapping[str, Any], *, now_us: int
) -> str:
    """A new draft; its id. Raises BadInput, Forbidden."""
    check_writes_for(reader, DRAFTER)
    values = _read(connection, reader, Row(document, ""))
    return own_rows.add_draft(connection, reader, POSITION, values, now_us=now_us)


def replace_position(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Write a draft anew."""
    own_rows.expect_own(connection, reader, POSITION, name, DRAFTER)
    values = _read(connection, reader, Row(document, ""))
    own_rows.replace_draft(connection, reader, POSITION, name, values, now_us=now_us)


def release_position(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Show a draft to an audience. A public explanation of position qualifies a commitment."""
    found = own_rows.release(connection, reader, POSITION, name, Row(document, ""), now_us=now_us)
    is_public = document.get("audience") == "public"
    if found.kind != "explanation-of-position" or found.instrument_id is None or not is_public:
        return
    event = {
        "kind": "explanation-of-position",
        "instrument": found.instrument_id,
        "party": found.party_code,
        "provisions": json.loads(found.provisions),
        "date": found.date,
        "body": found.title,
        "source": found.source,
        "confidence": "certain",
    }
    scribe = Scribe(reader.actor, now_us, "self-reported")
    recorded = record_events(connection, scribe, [Row(event, "position")])[0]
    event_id = connection.execute(
        select(norm_event.c.id).where(norm_event.c.uuid == recorded.uuid)
    ).scalar_one()
    connection.execute(update(position).where(position.c.id == found.id).values(event_id=event_id))


def withdraw_position(connection: Connection, reader: Reader, name: str, *, now_us: int) -> None:
    """Take a position back; an explanation qualifies nothing from then on."""
    found = own_rows.expect_own(connection, reader, POSITION, name, CLEARANCE)
    own_rows.withdraw(connection, reader, POSITION, name, now_us=now_us)
    if found.event_id is None or found.state == "withdrawn":
        return
    event = connection.execute(
        select(norm_event.c.uuid).where(norm_event.c.id == found.event_id)
    ).scalar_one()
    over = {
        "kind": "withdrawal-of-declaration",
        "refers_to": event,
        "party": found.party_code,
        "date": today(now_us),
        "source": found.source,
        "confidence": "certain",
    }
    scribe = Scribe(reader.actor, now_us, "self-reported")
    record_events(connection, scribe, [Row(over, "position")])


def record_position(
    connection: Connection, reader: Reader, document: Mapping[str, Any], *, now_us: int
) -> str:
    """What a State has said in public, recorded by a secretariat and marked so; its id."""
    if reader.secretariat_of is None:
        raise Forbidden("norms.not-its-secretariat", "only a secretariat records this")
    row = Row(document, "")
    row.check_names(_NAMES | {"party"})
    code = row.text("party")
    if connection.execute(select(party.c.code).where(party.c.code == code)).first() is None:
        raise NotFound("norms.unknown-party", f"the register has no party {code!r}")
    values = _read(connection, reader, Row({**row.value, "party": None}, ""))
    place = values["forum_id"]
    if place is None:
        raise bad("forum", "name the forum in which it was said")
    check_secretariat_of(connection, reader, place)
    name = own_rows.new_name()
    connection.execute(
        insert(position).values(
            values
            | {
                "uuid": name,
                "party_code": code,
                "state": "released",
                "audience": "public",
                "drafted_by": reader.actor,
                "drafted_us": now_us,
                "released_by": reader.actor,
                "released_us": now_us,
                "source": row.text("source"),
                "source_class": "secretariat-recorded",
                "confidence": "unconfirmed",
                "recorded_by": reader.actor,
                "recorded_us": now_us,
            }
        )
    )
    return name


def _read(connection: Connection, reader: Reader, row: Row) -> dict[str, Any]:
    row.check_names(_NAMES | {"party"})
    when = row.date("date")
    provisions = own_rows.read_provisions(connection, row)
    values: dict[str, Any] = {
        "kind": row.word("kind", KINDS, "national-position"),
        "title": row.text("title"),
        "body": row.text("body"),
        "language": row.find_text("language") or "en",
        "date": when.text,
        "first_day": when.first_day,
        "last_day": when.last_day,
        "forum_id": _find(connection, row, "forum", forum.c.slug, forum.c.id),
        "instrument_id": _find(connection, row, "instrument", instrument.c.id, instrument.c.id),
        "provisions": provisions,
        "pins": own_rows.read_pins(connection, provisions),
        "supersedes_id": _find_superseded(connection, reader, row),
        "note": row.find_text("note"),
    }
    if row.find_text("source"):
        values["source"] = row.text("source")
    return values


def _find(connection: Connection, row: Row, name: str, by: Any, column: Any) -> Any:  # noqa: ANN401
    said = row.find_text(name)
    if said is None:
        return None
    found = connection.execute(select(column).where(by == said)).scalar()
    if found is None:
        raise bad(name, f"there is no {name} {said!r}")
    return found


def _find_superseded(connection: Connection, reader: Reader, row: Row) -> int | None:
    said = row.find_text("supersedes")
    if said is None:
        return None
    found = connection.execute(
        select(position.c.id).where(position.c.uuid == said, own(reader, position))
    ).scalar()
    if found is None:
        raise bad("supersedes", f"there is no position {said!r} of the State's own")
    return int(found)
