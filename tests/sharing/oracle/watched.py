"""What the product shows of a forum, compared with what the oracle's reading says."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Connection, select

from app import create_app
from auth import services as auth_services
from auth.services import NewCredential, PersonsBody
from auth.tables import member
from kernel.clock import format_instant, parse_instant
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import Signer
from sharing.services.settling import settled_read
from sharing.tables import collection, contribution
from sharing.taxii.media import TAXII
from tests.sharing.oracle import clock, objects
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.reading import Reading, Shown, all_views
from tests.sharing.oracle.record import Contribution, Place, Record
from tests.sharing.oracle.stored import served_views

START_US = 1_790_024_400_000_000  # at nine at night, so that midnight is near
SIGNER = Signer(b"s" * 32)
CLOCKS: dict[Database, int] = {}
View = tuple[str, str, int]
Views = dict[View, dict[Contribution, Shown]]
Stamps = dict[Contribution, int]


@cache
def client_of(database: Database) -> FlaskClient:
    """The application on this database, which every forum there shares."""
    CLOCKS[database] = START_US
    return create_app(
        Settings(), database=database, signer=SIGNER, now_us=lambda: CLOCKS[database]
    ).test_client()


class Watched:
    """A forum under watch: the product's database, and the oracle's record of the same."""

    def __init__(self, database: Database, slug: str) -> None:
        self.database = database
        self.slug = slug
        self.now_us = START_US
        self.record = Record(objects.RED, START_US)
        self.forum_id = 0
        self._last: Views = {}
        self._views: Views = {}
        self._gained: set[tuple[View, Contribution]] = set()
        self._stamps: dict[View, Stamps] = {}
        self._newest: dict[View, int] = {}
        self._polled: dict[View, tuple[Stamps, int]] = {}
        self._rows: dict[int, Place] = {}
        self._keys: dict[int, Contribution] = {}
        self._secrets: dict[tuple[str, str], str] = {}
        self._client = client_of(database)

    def look(self) -> None:
        """Compare every view with the oracle's, and every stamp with what it may be."""
        with settled_read(self.database, now_us=self.now_us) as connection:
            served = served_views(connection, self.forum_id)
            self._learn_keys(connection)
        keys = {row: place.key for row, place in self._rows.items()}
        found = {
            (view.recipient, view.kind, keys[view.collection]): {
                self._keys[key]: each for key, each in shown.items()
            }
            for view, shown in served.items()
        }
        expected = self._last
        differing = find_differences(
            _plain(found, lambda each: (each.value, each.seen.is_first, each.seen.is_last)),
            _plain(expected, lambda each: (each.value, each.is_first, each.is_last)),
        )
        assert not differing, "\n".join(differing)
        self._check_stamps(
            {
                view: {each: one.date_added_us for each, one in shown.items()}
                for view, shown in found.items()
            },
            expected,
        )

    def list_shown(self, who: str) -> list[Contribution]:
        """What the record shows a member through individual credentials, oldest first."""
        shown = {
            each
            for (name, kind, _), view in self._last.items()
            if (name, kind) == (who, "individual")
            for each in view
        }
        return sorted(shown, key=lambda each: each.order)

    def poll(self, who: str, kind: str, place: int, *, limit: int) -> None:
        """Ask over TAXII for what is new since the last time, page by page."""
        recipient = self.record.recipients[who]
        if recipient.is_partner:
            kind = "machine"
        view = (who, kind, place)
        self.look()
        before, after = self._polled.get(view, ({}, 0))
        expected = sorted(
            (
                (stamp, each)
                for each, stamp in self._stamps.get(view, {}).items()
                if before.get(each) != stamp
            ),
            key=lambda pair: pair[0],
        )
        status, values = self._ask(who, kind, place, after, limit)
        if not recipient.is_active or recipient.role not in self.record.places[place].readers:
            assert status in (401, 403, 404), status
            return
        shown = self._views.get(view, {})
        assert status == 200
        assert values == [shown[each].value for _, each in expected]
        self._polled[view] = (dict(self._stamps.get(view, {})), max([after, *dict(expected)]))

    def _ask(
        self, who: str, kind: str, place: int, after_us: int, limit: int
    ) -> tuple[int, list[Object]]:
        query = f"match[version]=all&limit={limit}"
        if after_us:
            query += f"&added_after={format_instant(after_us)}"
        address = f"/taxii2/{self.slug}/collections/{self.record.places[place].uuid}/objects/?"
        headers = {"Accept": TAXII, "Authorization": self._authorization(who, kind)}
        values: list[Object] = []
        following = ""
        CLOCKS[self.database] = self.now_us
        while True:
            answer = self._client.get(address + query + following, headers=headers)
            if answer.status_code != 200:
                return answer.status_code, []
            document = answer.get_json()
            values += document.get("objects", [])
            if not document.get("more"):
                return 200, values
            following = f"&next={document['next']}"

    def _note(self) -> None:
        """Read the record anew: who sees what, and what each view has gained, if for a while."""
        reading = Reading(self.record, self.record.now_us)
        clock.note_seen(self.record, reading)
        now = all_views(reading, self.record)
        for view, shown in now.items():
            before = self._last.get(view, {})
            for each, one in shown.items():
                if each not in before or one.left - before[each].left:
                    self._gained.add((view, each))
        self._last = now

    def _check_stamps(self, stamps: dict[View, Stamps], expected: Views) -> None:
        """What stays or narrows keeps its stamp; what is gained comes after all there was."""
        for view, shown in expected.items():
            before = self._stamps.get(view, {})
            newest = self._newest.get(view, 0)
            for each, one in shown.items():
                stamp = stamps[view][each]
                earlier = self._views.get(view, {}).get(each)
                must = earlier is None or bool(one.left - earlier.left)
                may = must or (view, each) in self._gained
                if stamp == before.get(each):
                    assert not must, "what a view gains is released again"
                else:
                    assert may, "what a view does not gain keeps its date_added"
                    assert stamp > newest, "what is new comes after everything before"
            self._check_statements(stamps[view], shown)
            self._newest[view] = max([newest, *stamps[view].values()])
        self._stamps, self._views, self._gained = stamps, expected, set()

    def _check_statements(
        self, stamps: dict[Contribution, int], shown: dict[Contribution, Shown]
    ) -> None:
        rivals = [each.id for each in self.record.contributions if each.is_statement]
        for each in shown:
            if each.is_statement and len(set(rivals)) == len(rivals):
                for carrier, one in shown.items():
                    if each.id in objects.carried_markings(one.value):
                        assert stamps[each] < stamps[carrier], "a marking comes before its objects"

    def _learn_keys(self, connection: Connection) -> None:
        rows = connection.execute(
            select(
                contribution.c.id,
                member.c.code,
                contribution.c.collection_id,
                collection.c.uuid,
                contribution.c.stix_id,
                contribution.c.version_us,
            )
            .join(member, member.c.id == contribution.c.originator_id)
            .join(collection, collection.c.id == contribution.c.collection_id)
            .where(contribution.c.forum_id == self.forum_id)
        ).all()
        by_uuid = {place.uuid: place for place in self.record.places}
        known = {
            (each.copy, parse_instant(each.version)): each for each in self.record.contributions
        }
        self._rows = {}
        for number, code, collection_id, uuid, stix_id, version_us in rows:
            place = by_uuid[uuid]
            self._rows[collection_id] = place
            self._keys[number] = known[((code, place.key, stix_id), version_us)]

    def _authorization(self, who: str, kind: str) -> str:
        if (who, kind) not in self._secrets:
            self._secrets[(who, kind)] = self._issue(who, kind)
        return self._secrets[(who, kind)]

    def _issue(self, who: str, kind: str) -> str:
        said: dict[str, Any] = {"actor": "operator", "now_us": self.now_us}
        with self.database.write() as connection:
            if self.record.recipients[who].is_partner:
                new = NewCredential("feed", partner=f"{self.slug}/{who}")
            elif kind == "machine":
                new = NewCredential("feed", who)
            else:
                email = f"{self.slug}@{who.lower()}.example"
                body = PersonsBody(member_code=who)
                auth_services.add_person(connection, body, email, ["contributor"], **said)
                new = NewCredential("desk", who, kind="individual", person_email=email)
            issued = auth_services.add_credential(connection, SIGNER, new, **said)
        return "Basic " + base64.b64encode(f"{issued.id}:{issued.secret}".encode()).decode()


def _plain(views: Any, of: Callable[[Any], Any]) -> dict[Any, Any]:
    """Views in plain words, so that a failure can be read."""
    return {
        view: {(each.originator, each.id, each.version): of(one) for each, one in shown.items()}
        for view, shown in views.items()
    }


def find_differences(found: dict[Any, Any], expected: dict[Any, Any]) -> list[str]:
    """Where two collections of views differ, a line each."""
    return [
        f"{view} {key}: served {found.get(view, {}).get(key)}, "
        f"should be {expected.get(view, {}).get(key)}"
        for view in sorted(found.keys() | expected.keys())
        for key in sorted(found.get(view, {}).keys() | expected.get(view, {}).keys())
        if found.get(view, {}).get(key) != expected.get(view, {}).get(key)
    ]
