"""Rows that a secretariat records and confirms over a door: of its own forums, and below them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from auth.reader import Reader
from auth.tables import forum
from kernel.errors import Forbidden, NotFound
from norms.services.catalogue import Counts, record_document
from norms.services.confirming import NOUNS, confirm_row
from norms.services.documents import Row, bad
from norms.services.provenance import Scribe
from norms.services.rights import check_secretariat_of
from norms.tables import (
    co_chair,
    forum_session,
    instrument,
    membership,
    norm_event,
    programme,
    programme_item,
    provision,
    provision_link,
    text_pin,
)

DOCUMENT_NAMES: Final = frozenset({"forums", "instruments", "provisions", "links", "pins"})


def register(
    connection: Connection, reader: Reader, document: Mapping[str, Any], *, now_us: int
) -> Counts:
    """Record rows of the secretariat's forums. All of them, or by an exception none.

    Raises BadInput with the place of a fault, Forbidden for another forum's.
    """
    if reader.secretariat_of is None:
        raise Forbidden("norms.not-its-secretariat", "only a forum's secretariat records rows")
    whole = Row(document, "")
    whole.check_names(DOCUMENT_NAMES)
    _check_forums(connection, reader, whole)
    coming = {row.text("id"): row.text("forum") for row in whole.rows("instruments")}
    for row in whole.rows("instruments"):
        _check_forum(connection, reader, row.text("forum"), row)
        _check_instrument(connection, reader, row.text("id"), row, coming)
    for row in whole.rows("provisions"):
        _check_instrument(connection, reader, row.text("instrument"), row, coming)
    for name, key in (("links", "from"), ("pins", "provision")):
        for row in whole.rows(name):
            _check_instrument(connection, reader, row.text(key).partition(":")[0], row, coming)
    return record_document(connection, document, Scribe(reader.actor, now_us))


def confirm_as_secretariat(
    connection: Connection,
    reader: Reader,
    document: Mapping[str, Any],
    *,
    person: str,
    now_us: int,
) -> dict[str, str]:
    """Confirm a row of the secretariat's forums; what was confirmed."""
    row = Row(document, "")
    row.check_names(frozenset({"kind", "key", "against"}))
    noun, key, against = row.text("kind"), row.text("key"), row.text("against")
    if noun not in NOUNS:
        raise bad("kind", f"write one of: {', '.join(NOUNS)}")
    forum_id = _forum_of(connection, noun, key)
    if forum_id is None:
        raise NotFound("norms.unknown-row", f"the register has no {noun} {key!r} of a forum")
    check_secretariat_of(connection, reader, forum_id)
    confirm_row(
        connection, noun, key, person=person, against=against, actor=reader.actor, now_us=now_us
    )
    return {"kind": noun, "key": key, "against": against, "confirmed_by": person}


def _forum_of(connection: Connection, noun: str, key: str) -> Any:  # noqa: ANN401 - a number or None
    """The forum that a row belongs to; None for one that is not there, or of no forum."""
    if "\0" in key:
        return None
    if noun == "forum":
        return _scalar(connection, forum.c.id, forum.c.slug == key)
    direct = {
        "membership": membership,
        "session": forum_session,
        "co-chair": co_chair,
    }
    if noun in direct:
        table = direct[noun]
        return _scalar(connection, table.c.forum_id, table.c.key == key)
    if noun == "programme":
        return _scalar(connection, programme.c.forum_id, programme.c.id == key)
    if noun == "programme-item":
        found = _scalar(connection, programme_item.c.programme_id, programme_item.c.id == key)
        return _scalar(connection, programme.c.forum_id, programme.c.id == found)
    return _scalar(
        connection, instrument.c.forum_id, instrument.c.id == _owner(connection, noun, key)
    )


def _owner(connection: Connection, noun: str, key: str) -> Any:  # noqa: ANN401 - an id or None
    """The instrument that a row is about."""
    if noun == "instrument":
        return key
    if noun == "event":
        return _scalar(connection, norm_event.c.instrument_id, norm_event.c.uuid == key)
    provision_id: Any = key
    if noun == "link":
        provision_id = _scalar(connection, provision_link.c.from_id, provision_link.c.key == key)
    elif noun == "pin":
        provision_id = _scalar(connection, text_pin.c.provision_id, text_pin.c.key == key)
    return _scalar(connection, provision.c.instrument_id, provision.c.id == provision_id)


def _scalar(connection: Connection, column: Any, condition: Any) -> Any:  # noqa: ANN401
    return connection.execute(select(column).where(condition)).scalar()


def _check_forums(connection: Connection, reader: Reader, whole: Row) -> None:
    """Its own forums, and new ones below them."""
    for row in whole.rows("forums"):
        slug = row.text("id")
        known = _scalar(connection, forum.c.id, forum.c.slug == slug)
        if known is not None:
            check_secretariat_of(connection, reader, known)
        for name in ("parent", "members_of"):
            said = row.find_text(name)
            if said is not None:
                _check_forum(connection, reader, said, row)
        if known is None and row.find_text("parent") is None:
            raise Forbidden(
                "norms.not-its-secretariat", f"{row.place}: a new forum is below one of its own"
            )


def _check_forum(connection: Connection, reader: Reader, slug: str, row: Row) -> None:
    forum_id = _scalar(connection, forum.c.id, forum.c.slug == slug)
    if forum_id is None:
        raise bad(row.place, f"there is no forum {slug!r}")
    check_secretariat_of(connection, reader, forum_id)


def _check_instrument(
    connection: Connection, reader: Reader, name: str, row: Row, coming: Mapping[str, str]
) -> None:
    """One that is on record belongs to its forum, whatever the document says of it."""
    forum_id = _scalar(connection, instrument.c.forum_id, instrument.c.id == name)
    if forum_id is not None:
        check_secretariat_of(connection, reader, forum_id)
    elif name not in coming:
        raise bad(row.place, f"there is no instrument {name!r}")
