"""The demonstration's second installation: Borealia's own, which feeds from the first.

A State that takes part in a forum elsewhere keeps what it receives at home, under a policy of its
own, and shares of it with an agency of its own. It is made here, and fed and served by a process of
its own (`node`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
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
    seat_for_operator,
)
from auth.services.links import make_link
from kernel.clock import now_us
from kernel.db import Database
from kernel.errors import Misconfigured
from kernel.sealing import Sealer
from kernel.settings import PREFIX, Settings
from kernel.signing import Signer, open_signer
from sharing.demo.making import FORUM as FORUM_THERE
from sharing.demo.making import PEOPLE, STATES, Key, Made, Visitor
from sharing.queries.collections import find_collection
from sharing.rules.tlp import Tlp
from sharing.services.collections import NewCollection, add_collection
from sharing.services.feeds.keeping import SEALED_FOR, NewFeed, add_feed
from sharing.services.policies import Setter, set_policy
from sharing.services.seating import open_forum_for_sharing, seat_member

FOLDER: Final = "second"
FORUM: Final = "borealia-partners"
FEED: Final = "example-forum"
OWNER: Final = STATES[1]
GUEST: Final = "XCC"
_ALIAS: Final = "received"
_EVERY_S: Final = 30
_POLICY: Final = b"""{"rules": [
  {"id": "what-is-green", "effect": "share",
   "audience": {"any": ["member:XCC"]}, "when": {"tlp_at_most": "green"}}
]}
"""


@dataclass(frozen=True, slots=True)
class Second:
    """The second installation: its settings, its address, and what signs in there."""

    settings: Settings
    url: str
    collection_uuid: str
    keys: tuple[Key, ...]
    people: tuple[Visitor, ...]


def second_settings(settings: Settings) -> Settings:
    """Those of the second installation, in a folder within the first one's."""
    return replace(
        settings,
        data_dir=str(settings.data_path / FOLDER),
        # The first one is on this very machine.
        egress_allow="127.0.0.0/8,::1/128",
    )


def make_second(database: Database, settings: Settings, first: Made, *, there: str) -> Second:
    """Make it in an empty, migrated database; `there` is the first one's address.

    Its own address is known when it is served.
    """
    signer = open_signer(settings)
    _found(database)
    uuid = add_collection(
        database, OPERATOR, FORUM, NewCollection("Received", alias=_ALIAS), now_us=now_us()
    )
    for code in (OWNER.code, GUEST):
        seat_member(database, OPERATOR, FORUM, code, "member", now_us=now_us())
    _share(database)
    _feed(database, Sealer(settings, signer, SEALED_FOR), uuid, first, there)
    keys = _issue(database, signer)
    return Second(settings, "", uuid, keys, _invite(database, signer))


@contextmanager
def serving_second(second: Second, *, there: str, port: int) -> Iterator[None]:
    """Let a process of its own feed and serve the second installation while the block runs."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    environment |= {
        f"{PREFIX}{name.upper()}": str(value) for name, value in asdict(second.settings).items()
    }
    process = subprocess.Popen(  # noqa: S603 - this program, with words of its own
        [sys.executable, "-m", "sharing.demo.node", there, FEED, str(port)],
        env=environment,
        stdin=subprocess.DEVNULL,
        # What it says is not the demonstration's document.
        stdout=sys.stderr.fileno(),
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()


def _found(database: Database) -> None:
    at_us = now_us()
    with database.write() as connection:
        add_forum(
            connection,
            FORUM,
            "Partners of Borealia",
            tlp_ceiling=int(Tlp.RED),
            actor=OPERATOR,
            now_us=at_us,
        )
        open_forum_for_sharing(connection, OPERATOR, FORUM, now_us=now_us())
        for code, name in ((OWNER.code, OWNER.name), (GUEST, "Cassia")):
            new = NewMember(code=code, name=name, jurisdiction=code, residency=code)
            add_member(connection, new, actor=OPERATOR, now_us=at_us)
        body = PersonsBody(member_code=OWNER.code)
        for name in ("analyst", "officer"):
            add_person(
                connection, body, OWNER.address_of(name), PEOPLE[name], actor=OPERATOR, now_us=at_us
            )


def _share(database: Database) -> None:
    with database.read() as connection:
        forum, member = find_forum(connection, FORUM), find_member(connection, OWNER.code)
    if forum is None or member is None:
        raise Misconfigured("sharing.demo-incomplete", f"{OWNER.code} is not in {FORUM}")
    set_policy(database, Setter(OPERATOR), forum.id, member.id, _POLICY, now_us=now_us())


def _feed(database: Database, sealer: Sealer, uuid: str, first: Made, there: str) -> None:
    key = next(k for k in first.keys if (k.member, k.kind) == (OWNER.code, "machine"))
    with database.read() as connection:
        seated = seat_for_operator(connection, OWNER.code, FORUM)
        place = find_collection(connection, seated, uuid)
    if place is None:
        raise Misconfigured("sharing.demo-incomplete", f"{OWNER.code} has no collection {uuid}")
    new = NewFeed(
        FEED,
        f"{there}taxii2/{FORUM_THERE}/",
        first.collection_uuid,
        every_s=_EVERY_S,
        user_name=key.id,
        secret=key.secret,
    )
    with database.write() as connection:
        add_feed(connection, sealer, seated, place, new, now_us=now_us())


def _issue(database: Database, signer: Signer) -> tuple[Key, ...]:
    wanted = (
        NewCredential(name="Borealia at home", member_code=OWNER.code),
        NewCredential(name="Cassia feed", member_code=GUEST),
    )
    with database.write() as connection:
        issued = [
            (new, add_credential(connection, signer, new, actor=OPERATOR, now_us=now_us()))
            for new in wanted
        ]
    return tuple(
        Key(str(new.member_code), new.name, new.kind, one.id, one.secret) for new, one in issued
    )


def _invite(database: Database, signer: Signer) -> tuple[Visitor, ...]:
    with database.write() as connection:
        return tuple(
            Visitor(
                found.member_code,
                found.forum_slug,
                found.email,
                tuple(sorted(found.roles)),
                make_link(connection, signer, found, actor=OPERATOR, now_us=now_us()),
            )
            for found in list_persons(connection)
        )
