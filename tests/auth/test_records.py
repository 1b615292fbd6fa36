"""What an operator records: each thing once, each change in the audit trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from auth import services
from auth.queries import (
    find_by_credential,
    find_credential,
    find_forum_by_id,
    find_member,
    find_person,
    find_seated,
    list_credentials,
    list_identity_owners,
    list_roster,
    list_seated,
)
from auth.reader import Reader
from auth.services import NewCredential, NewMember, PersonsBody
from auth.tables import audit, token
from kernel.db import Database
from kernel.errors import BadInput, ComityError, Conflict, Forbidden, NotFound
from kernel.signing import Signer

SIGNER = Signer(b"k" * 32)
NOW_US = 1_790_000_000_000_000
SAID: dict[str, Any] = {"actor": "operator", "now_us": NOW_US}
IDENTITY = "identity--3d3e7f2c-8f8f-4f7b-9f3a-0a7d0a1b2c3d"
OTHER = "identity--3d3e7f2c-8f8f-4f7b-9f3a-0a7d0a1b2c3e"


@pytest.fixture
def founded(database: Database) -> Database:
    """A forum in which XAA has a seat and `mirror` is a partner; XBB has none."""
    with database.write() as connection:
        forum = services.add_forum(connection, "harbour", "Harbour", tlp_ceiling=4, **SAID)
        services.open_forum(connection, "harbour", **SAID)
        aurelia = NewMember("XAA", "Aurelia", blocs=["north"], identities=[IDENTITY])
        first = services.add_member(connection, aurelia, **SAID)
        services.add_member(connection, NewMember("XBB", "Borealia"), **SAID)
        services.add_seat(connection, forum, first, "member", **SAID)
        services.add_partner(connection, forum, "mirror", **SAID)
        services.add_person(
            connection, PersonsBody("XAA"), "a@xaa.example", ["contributor"], **SAID
        )
        services.add_person(connection, PersonsBody("XBB"), "b@xbb.example", ["reader"], **SAID)
    return database


def refuse(
    database: Database, kind: type[ComityError], act: Callable[[Connection], object]
) -> ComityError:
    with pytest.raises(kind) as refused, database.write() as connection:
        act(connection)
    return refused.value


REFUSED: list[tuple[type[ComityError], str, Callable[[Connection], object]]] = [
    (
        Conflict,
        "auth.forum-exists",
        lambda c: services.add_forum(c, "harbour", "H", tlp_ceiling=4, **SAID),
    ),
    (
        Conflict,
        "auth.member-exists",
        lambda c: services.add_member(c, NewMember("XAA", "A"), **SAID),
    ),
    (
        Conflict,
        "auth.identity-bound",
        lambda c: services.add_member(c, NewMember("XCC", "C", identities=[IDENTITY]), **SAID),
    ),
    (
        BadInput,
        "auth.bad-tlp",
        lambda c: services.add_member(c, NewMember("XCC", "C", accredited_to=5), **SAID),
    ),
    (Conflict, "auth.seat-exists", lambda c: services.add_seat(c, 1, 1, "observer", **SAID)),
    (BadInput, "auth.bad-choice", lambda c: services.add_seat(c, 1, 2, "partner", **SAID)),
    (
        NotFound,
        "auth.unknown-seat",
        lambda c: services.set_seat_status(c, 1, 2, "suspended", **SAID),
    ),
    (Conflict, "auth.partner-exists", lambda c: services.add_partner(c, 1, "mirror", **SAID)),
    (
        NotFound,
        "auth.unknown-partner",
        lambda c: services.set_partner_status(c, 1, "relay", "suspended", **SAID),
    ),
    (
        BadInput,
        "auth.bad-choice",
        lambda c: services.set_partner_status(c, 1, "mirror", "departed", **SAID),
    ),
    (
        Conflict,
        "auth.person-exists",
        lambda c: services.add_person(c, PersonsBody("XBB"), "A@xaa.example", ["reader"], **SAID),
    ),
    (
        NotFound,
        "auth.unknown-member",
        lambda c: services.add_person(c, PersonsBody("XZZ"), "z@z.example", ["reader"], **SAID),
    ),
    (
        NotFound,
        "auth.unknown-forum",
        lambda c: services.add_person(
            c, PersonsBody(forum_slug="nowhere"), "z@z.example", ["secretariat"], **SAID
        ),
    ),
    (NotFound, "auth.unknown-person", lambda c: services.disable_person(c, "z@z.example", **SAID)),
    (NotFound, "auth.unknown-forum", lambda c: services.open_forum(c, "nowhere", **SAID)),
    (NotFound, "auth.unknown-forum", lambda c: find_forum_by_id(c, 99)),
    (
        NotFound,
        "auth.unknown-member",
        lambda c: services.set_member_status(c, "XZZ", "suspended", **SAID),
    ),
    (NotFound, "auth.unknown-seat", lambda c: services.seat_for_operator(c, "XBB", "harbour")),
    (NotFound, "auth.unknown-member", lambda c: services.operator_reader(c, "XZZ")),
]


def test_what_exists_or_does_not_is_refused_and_leaves_nothing(founded: Database) -> None:
    with founded.read() as connection:
        before = connection.execute(select(audit)).all()
    for kind, code, act in REFUSED:
        assert refuse(founded, kind, act).code == code
    with founded.read() as connection:
        assert connection.execute(select(audit)).all() == before


CREDENTIALS: list[tuple[type[ComityError], str, NewCredential]] = [
    (BadInput, "auth.bad-owner", NewCredential("n")),
    (BadInput, "auth.bad-owner", NewCredential("n", "XAA", "harbour/mirror")),
    (NotFound, "auth.unknown-member", NewCredential("n", "XZZ")),
    (NotFound, "auth.unknown-partner", NewCredential("n", partner="harbour/nobody")),
    (NotFound, "auth.unknown-partner", NewCredential("n", partner="mirror")),
    (BadInput, "auth.bad-name", NewCredential("", "XAA")),
    (BadInput, "auth.bad-choice", NewCredential("n", "XAA", kind="robot")),
    (BadInput, "auth.bad-choice", NewCredential("n", "XAA", scopes=["all"])),
    (BadInput, "auth.bad-expiry", NewCredential("n", "XAA", expires_us=NOW_US)),
    (BadInput, "auth.bad-kind", NewCredential("n", "XAA", kind="individual")),
    (BadInput, "auth.bad-kind", NewCredential("n", "XAA", person_email="a@xaa.example")),
    (
        BadInput,
        "auth.bad-kind",
        NewCredential("n", partner="harbour/mirror", kind="individual", person_email="a@x"),
    ),
    (
        NotFound,
        "auth.unknown-person",
        NewCredential("n", "XAA", kind="individual", person_email="z@z.example"),
    ),
    (
        Conflict,
        "auth.persons-body",
        NewCredential("n", "XAA", kind="individual", person_email="b@xbb.example"),
    ),
]


def test_a_credential_that_fits_nobody_is_not_issued(founded: Database) -> None:
    for kind, code, new in CREDENTIALS:
        told = refuse(founded, kind, partial(_issue, new))
        assert told.code == code, new


def _issue(new: NewCredential, connection: Connection) -> object:
    return services.add_credential(connection, SIGNER, new, **SAID)


def test_a_member_takes_up_an_ended_seat_again_as_the_same_recipient(founded: Database) -> None:
    with founded.write() as connection:
        services.set_seat_status(connection, 1, 1, "ended", **SAID)
    told = refuse(founded, Conflict, lambda c: services.set_seat_status(c, 1, 1, "active", **SAID))
    assert told.code == "auth.seat-ended"
    with founded.write() as connection:
        before = next(row for row in list_roster(connection, 1) if row.name == "XAA")
        services.add_seat(connection, 1, 1, "observer", **SAID)
        services.add_seat(connection, 1, 2, "member", **SAID)
        after = {row.name: row for row in list_roster(connection, 1)}
    assert (before.is_active, after["XAA"].is_active) == (False, True)
    assert (after["XAA"].bit, after["XAA"].role) == (before.bit, "observer")
    assert len({row.bit for row in after.values()}) == 3
    assert (after["mirror"].is_partner, after["mirror"].accredited_to) == (True, 1)
    assert after["XAA"].blocs == {"north"}


def test_an_identity_belongs_to_at_most_one_member(founded: Database) -> None:
    many = [f"identity--3d3e7f2c-8f8f-4f7b-9f3a-{number:012x}" for number in range(1200)]
    with founded.read() as connection:
        aurelia = find_member(connection, "XAA")
        assert aurelia is not None
        assert list_identity_owners(connection, [*many, IDENTITY, OTHER]) == {IDENTITY: aurelia.id}
        assert list_identity_owners(connection, []) == {}


def test_a_suspended_member_or_partner_of_no_open_forum_is_seated_nowhere(
    founded: Database,
) -> None:
    with founded.write() as connection:
        acting = services.seat_for_operator(connection, "XAA", "harbour")
        assert list_seated(connection, acting.reader) == [acting]
        assert acting.element == 2 * acting.bit + 1
        partner = next(row for row in list_roster(connection, 1) if row.is_partner)
        mirror = Reader("t", "t", "machine", frozenset(), partner_id=partner.recipient_id)
        seated = find_seated(connection, mirror, "harbour")
        assert seated is not None
        assert (seated.role, seated.member_id, seated.element) == ("partner", None, 2 * partner.bit)
        assert list_seated(connection, mirror) == [seated]
        services.add_forum(connection, "closed", "Closed", tlp_ceiling=4, **SAID)
        assert find_seated(connection, mirror, "closed") is None
        for slug in ("", "nowhere", "har\0bour", "HARBOUR", "status"):
            assert find_seated(connection, acting.reader, slug) is None
        services.set_member_status(connection, "XAA", "suspended", **SAID)
        assert list_seated(connection, acting.reader) == []


def test_work_that_goes_on_without_a_person_has_the_roles_of_now(founded: Database) -> None:
    actor, find = "person:z@xaa.example", services.reader_of_person
    with founded.write() as connection:
        body = PersonsBody(member_code="XAA")
        services.add_person(connection, body, "z@xaa.example", ["contributor", "reader"], **SAID)
        reader = find(connection, actor)
        assert (reader.actor, reader.credential_id, reader.kind) == (actor, actor, "individual")
        assert (reader.member_code, reader.roles) == ("XAA", {"contributor", "reader"})
        assert reader.has_scope("taxii:write")
    lost: list[Callable[[Connection], object]] = [
        lambda c: services.disable_person(c, "z@xaa.example", **SAID),
        lambda c: services.set_member_status(c, "XAA", "suspended", **SAID),
    ]
    for lose in lost:
        told = refuse(founded, Forbidden, lambda c, lose=lose: (lose(c), find(c, actor)))
        assert told.code == "auth.person-gone"
    for nobody in ("person:nobody@xaa.example", "operator", "credential:none"):
        refuse(founded, Forbidden, lambda c, nobody=nobody: find(c, nobody))


def test_what_is_no_name_is_looked_up_nowhere(founded: Database) -> None:
    with founded.read() as connection:
        assert find_member(connection, "X\0A") is None
        assert find_person(connection, "a\0@xaa.example") is None
        assert find_credential(connection, "x\0") is None
        assert find_by_credential(connection, "no id", now_us=NOW_US) is None
        assert list_credentials(connection) == []


def test_a_revoked_credential_stays_revoked(founded: Database) -> None:
    with founded.write() as connection:
        issued = services.add_credential(connection, SIGNER, NewCredential("n", "XAA"), **SAID)
        services.revoke_credential(connection, issued.id, **SAID)
        again = services.revoke_credential(connection, issued.id, actor="x", now_us=NOW_US + 9)
        assert again.revoked_us == NOW_US
    told = refuse(
        founded, Conflict, lambda c: services.rotate_credential(c, SIGNER, issued.id, **SAID)
    )
    assert told.code == "auth.credential-ended"
    short = NewCredential("n", "XAA", expires_us=NOW_US + 1)
    with founded.write() as connection:
        ending = services.add_credential(connection, SIGNER, short, **SAID)
    later = SAID | {"now_us": NOW_US + 1}
    refuse(founded, Conflict, lambda c: services.rotate_credential(c, SIGNER, ending.id, **later))


def test_a_client_that_asks_for_ever_more_tokens_replaces_its_own(founded: Database) -> None:
    with founded.write() as connection:
        asking, other = (
            services.add_credential(connection, SIGNER, NewCredential("n", "XAA"), **SAID).id
            for _ in range(2)
        )

        def issue(credential_id: str, at_us: int) -> str:
            return services.issue_token(
                connection,
                SIGNER,
                credential_id,
                {"taxii:read"},
                seconds=60,
                not_after_us=None,
                now_us=at_us,
            ).token

        issue(other, NOW_US)
        for number in range(210):
            issue(asking, NOW_US + number)
        kept = connection.execute(select(token.c.credential_id)).scalars().all()
        assert (kept.count(asking), kept.count(other)) == (200, 1)
        # A minute later its own are dead and gone; a day later everybody's are.
        issue(asking, NOW_US + 120_000_000)
        kept = connection.execute(select(token.c.credential_id)).scalars().all()
        assert (kept.count(asking), kept.count(other)) == (1, 1)
        issue(asking, NOW_US + 100_000_000_000)
        assert connection.execute(select(token.c.credential_id)).scalars().all() == [asking]


def test_every_change_is_in_the_audit_trail_with_whose_record_it_is(founded: Database) -> None:
    with founded.write() as connection:
        issued = services.add_credential(connection, SIGNER, NewCredential("n", "XAA"), **SAID)
        services.rotate_credential(connection, SIGNER, issued.id, **SAID)
        services.revoke_credential(connection, issued.id, **SAID)
        services.disable_person(connection, "A@XAA.example", **SAID)
        services.set_member_status(connection, "XBB", "suspended", **SAID)
        rows = connection.execute(select(audit).order_by(audit.c.id)).all()
    assert [(row.action, row.member_id) for row in rows] == [
        ("forum.add", None),
        ("forum.open", None),
        ("member.add", 1),
        ("member.add", 2),
        ("seat.add", 1),
        ("partner.add", None),
        ("person.add", 1),
        ("person.add", 2),
        ("credential.add", 1),
        ("credential.rotate", 1),
        ("credential.revoke", 1),
        ("person.disable", 1),
        ("member.status", 2),
    ]
    assert {row.actor for row in rows} == {"operator"}
    assert all(isinstance(json.loads(row.detail), dict) for row in rows)
    assert issued.secret not in "".join(row.detail for row in rows)
