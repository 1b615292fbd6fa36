"""Who did what: an entry for each change, in the same transaction, and none without one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from auth import services
from auth.services import NewCredential, NewMember, PersonsBody
from auth.tables import audit
from kernel.db import Database
from kernel.errors import ComityError
from kernel.signing import Signer

SIGNER = Signer(b"s" * 32)
SAID: dict[str, Any] = {"actor": "operator", "now_us": 1_000}
EXPECTED = [
    ("member.add", "member:XAA"),
    ("member.status", "member:XAA"),
    ("forum.add", "forum:harbour"),
    ("forum.open", "forum:harbour"),
    ("seat.add", "forum:1 member:1"),
    ("seat.status", "forum:1 member:1"),
    ("partner.add", "forum:1 mirror"),
    ("person.add", "person:a@xaa.example"),
    ("credential.add", "credential:ID"),
    ("credential.rotate", "credential:ID"),
    ("credential.revoke", "credential:ID"),
    ("person.disable", "person:a@xaa.example"),
]


def list_entries(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(audit).order_by(audit.c.id)))


def change_everything(connection: Connection) -> services.Issued:
    member_id = services.add_member(connection, NewMember("XAA", "Aurelia"), **SAID)
    services.set_member_status(connection, "XAA", "suspended", **SAID)
    forum_id = services.add_forum(connection, "harbour", "Harbour", tlp_ceiling=4, **SAID)
    services.open_forum(connection, "harbour", **SAID)
    services.add_seat(connection, forum_id, member_id, "member", **SAID)
    services.set_seat_status(connection, forum_id, member_id, "suspended", **SAID)
    services.add_partner(connection, forum_id, "mirror", **SAID)
    body = PersonsBody(member_code="XAA")
    services.add_person(connection, body, "A@xaa.example", ["reader"], **SAID)
    new = NewCredential("desk", "XAA", kind="individual", person_email="a@xaa.example")
    issued = services.add_credential(connection, SIGNER, new, **SAID)
    services.rotate_credential(connection, SIGNER, issued.id, **SAID)
    services.revoke_credential(connection, issued.id, **SAID)
    services.disable_person(connection, "a@xaa.example", **SAID)
    return issued


def test_every_change_leaves_one_entry_that_names_the_operator(database: Database) -> None:
    with database.write() as connection:
        issued = change_everything(connection)
    entries = list_entries(database)
    named = [(one.action, one.subject.replace(issued.id, "ID")) for one in entries]
    assert named == EXPECTED
    assert {(one.actor, one.at_us) for one in entries} == {("operator", 1_000)}
    assert issued.secret not in str(entries)
    of_member = {one.action for one in entries if one.member_id is not None}
    assert of_member >= {"credential.add", "person.add", "seat.add", "member.status"}


def test_a_change_that_is_refused_leaves_no_entry(database: Database) -> None:
    with database.write() as connection:
        change_everything(connection)
    before = len(list_entries(database))

    def refuse(change: Any) -> None:
        with pytest.raises(ComityError), database.write() as connection:
            change(connection)

    refuse(lambda c: services.add_member(c, NewMember("XAA", "Again"), **SAID))
    refuse(lambda c: services.add_forum(c, "harbour", "Again", tlp_ceiling=4, **SAID))
    refuse(lambda c: services.add_partner(c, 1, "mirror", **SAID))
    refuse(lambda c: services.add_seat(c, 1, 1, "member", **SAID))
    refuse(lambda c: services.set_seat_status(c, 1, 2, "active", **SAID))
    refuse(lambda c: services.disable_person(c, "x@xzz.example", **SAID))
    refuse(lambda c: services.revoke_credential(c, "unknown", **SAID))
    refuse(lambda c: services.rotate_credential(c, SIGNER, "unknown", **SAID))
    assert len(list_entries(database)) == before


def test_what_changes_nothing_is_not_put_on_record_again(database: Database) -> None:
    with database.write() as connection:
        issued = change_everything(connection)
        services.open_forum(connection, "harbour", **SAID)
        services.revoke_credential(connection, issued.id, **SAID)
    assert len(list_entries(database)) == len(EXPECTED)


def test_no_secret_is_kept_in_any_table(database: Database) -> None:
    with database.write() as connection:
        issued = change_everything(connection)
        token = services.issue_token(
            connection, SIGNER, issued.id, ["api:read"], seconds=60, not_after_us=None, now_us=1
        )
        for table in audit.metadata.sorted_tables:
            kept = str(connection.execute(select(table)).all())
            assert issued.secret not in kept
            assert token.token not in kept
