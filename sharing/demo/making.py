"""Make the example forum: two fictional States, their policies, credentials and contributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Final

from auth.queries import find_forum, find_member, list_persons
from auth.services import (
    OPERATOR,
    NewCredential,
    NewMember,
    PersonsBody,
    add_credential,
    add_forum,
    add_member,
    add_person,
)
from auth.services.links import make_link
from kernel.db import Database
from kernel.errors import Misconfigured
from kernel.signing import Signer
from sharing.rules.tlp import Tlp
from sharing.services.collections import NewCollection, add_collection
from sharing.services.importing import Importer, Report, import_source
from sharing.services.policies import Setter, set_policy
from sharing.services.seating import open_forum_for_sharing, seat_member
from sharing.services.sources import open_bytes, open_source

FORUM: Final = "example-forum"
ALIAS: Final = "intelligence"
_BLOC: Final = "northern-watch"
_MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class State:
    """A fictional State: its code, its name, and the STIX identity its team signs with."""

    code: str
    name: str
    identity: str

    @property
    def analyst(self) -> str:
        """The address of the person behind its individual credential."""
        return self.address_of("analyst")

    def address_of(self, name: str) -> str:
        """The address of one of its people."""
        return f"{name}@{self.name.lower()}.example"


STATES: Final = (
    State("XAA", "Aurelia", "identity--cd967904-1f65-4e00-aee4-036c59d1ff4c"),
    State("XBB", "Borealia", "identity--4b4b8729-d2d5-4348-8c2d-889aaa4352dd"),
)


PEOPLE: Final = {
    "analyst": ("reader", "contributor"),
    "officer": ("reader", "policy-officer", "release-approver", "member-admin", "auditor"),
    "diplomat": ("drafter", "clearance-officer"),
}
"""Of each State, with their roles: who shares must not be who approves."""
SECRETARIAT: Final = ("registrar@example-forum.example", "counsel@example-forum.example")
"""Of the forum: two, so that what one of them records waits for the other."""
_OPERATOR_ADDRESS: Final = "operator@comity.example"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who can look at the pages; `token` signs in once.

    Acts for a `member`, or for the secretariat of a `forum`; an operator for neither.
    """

    member: str | None
    forum: str | None
    email: str
    roles: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Key:
    """A credential of this run; `member` is a State's code."""

    member: str
    name: str
    kind: str
    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a demonstration consists of."""

    collection_uuid: str
    keys: tuple[Key, ...]
    people: tuple[Visitor, ...]


def make_demo(database: Database, signer: Signer, *, clock: Callable[[], int]) -> Made:
    """Make everything in an empty, migrated database."""
    _found(database, clock())
    uuid = add_collection(
        database,
        OPERATOR,
        FORUM,
        NewCollection("Shared intelligence", alias=ALIAS),
        now_us=clock(),
    )
    for state in STATES:
        seat_member(database, OPERATOR, FORUM, state.code, "member", now_us=clock())
    for state in STATES:
        _set_policy(database, state, clock())
    keys = tuple(key for state in STATES for key in _issue(database, signer, state, clock()))
    for state in STATES:
        _contribute(database, state, uuid, clock)
    return Made(uuid, keys, tuple(_invite(database, signer, clock())))


def _found(database: Database, now_us: int) -> None:
    with database.write() as connection:
        # The register may know the forum already: it is one record for both halves.
        if find_forum(connection, FORUM) is None:
            add_forum(
                connection,
                FORUM,
                "Example Forum",
                tlp_ceiling=int(Tlp.RED),
                actor=OPERATOR,
                now_us=now_us,
            )
        open_forum_for_sharing(connection, OPERATOR, FORUM, now_us=now_us)
        for state in STATES:
            new = NewMember(
                code=state.code,
                name=state.name,
                jurisdiction=state.code,
                residency=state.code,
                blocs=[_BLOC],
                identities=[state.identity],
            )
            add_member(connection, new, actor=OPERATOR, now_us=now_us)
            body = PersonsBody(member_code=state.code)
            for name, roles in PEOPLE.items():
                email = state.address_of(name)
                add_person(connection, body, email, roles, actor=OPERATOR, now_us=now_us)
        of_forum, of_nobody = PersonsBody(forum_slug=FORUM), PersonsBody(is_operator=True)
        for body, email, role in (
            *((of_forum, address, "secretariat") for address in SECRETARIAT),
            (of_nobody, _OPERATOR_ADDRESS, "operator"),
        ):
            add_person(connection, body, email, [role], actor=OPERATOR, now_us=now_us)


def _set_policy(database: Database, state: State, now_us: int) -> None:
    with database.read() as connection:
        forum, member = find_forum(connection, FORUM), find_member(connection, state.code)
    if forum is None or member is None:
        raise Misconfigured("sharing.demo-incomplete", f"{state.code} is not in {FORUM}")
    document = _read(f"{state.code.lower()}-policy.json")
    set_policy(database, Setter(OPERATOR), forum.id, member.id, document, now_us=now_us)


def _issue(database: Database, signer: Signer, state: State, now_us: int) -> list[Key]:
    wanted = [
        NewCredential(name=f"{state.name} feed", member_code=state.code),
        NewCredential(
            name=f"{state.name} analyst",
            member_code=state.code,
            kind="individual",
            person_email=state.analyst,
        ),
    ]
    keys = []
    with database.write() as connection:
        for new in wanted:
            issued = add_credential(connection, signer, new, actor=OPERATOR, now_us=now_us)
            keys.append(Key(state.code, new.name, new.kind, issued.id, issued.secret))
    return keys


def _invite(database: Database, signer: Signer, now_us: int) -> list[Visitor]:
    """A link for everybody who can look at the pages; it works once."""
    with database.write() as connection:
        return [
            Visitor(
                found.member_code,
                found.forum_slug,
                found.email,
                tuple(sorted(found.roles)),
                make_link(connection, signer, found, actor=OPERATOR, now_us=now_us),
            )
            for found in list_persons(connection)
        ]


def _contribute(database: Database, state: State, uuid: str, clock: Callable[[], int]) -> None:
    name = f"{state.code.lower()}.json"
    report = Report()
    import_source(
        database,
        Importer(state.code, FORUM, uuid),
        name,
        open_source(name, open_bytes(_read(name)), max_object_bytes=_MOST_BYTES),
        report,
        clock=clock,
    )
    if report.failures:
        raise Misconfigured("sharing.demo-incomplete", report.failures[0].reason)


def _read(name: str) -> bytes:
    return resources.files("sharing.demo").joinpath(name).read_bytes()
