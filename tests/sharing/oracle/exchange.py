"""One forum twice: in the product, and in the oracle's record; each act happens to both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import update

from auth import services as auth_services
from auth.queries import find_forum, find_member
from auth.services import MemberChange, NewMember
from auth.tables import forum
from kernel.clock import parse_instant
from kernel.db import Database
from kernel.errors import Conflict, Forbidden, NotFound
from sharing.queries.answered import Answered
from sharing.queries.collections import find_collection
from sharing.rules.tlp import Tlp
from sharing.services import collections as places
from sharing.services import policies, seating
from sharing.services.contribute import Receipt, contribute
from sharing.services.withdraw import withdraw
from tests.sharing.oracle import admission, clock, objects
from tests.sharing.oracle.drawing import BOUND, MEMBERS
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.record import Contribution, Copy, Place, Recipient
from tests.sharing.oracle.watched import Watched

_HELD = "held: "
_ABOUT = {
    "XAA": {"residency": "XEU", "jurisdiction": "XAA", "accredited_to": 4},
    "XBB": {"residency": "XAS", "jurisdiction": "XBB", "accredited_to": 4},
    "XCC": {"residency": "XEU", "jurisdiction": None, "accredited_to": 2},
    "XDD": {"residency": None, "jurisdiction": "XBB", "accredited_to": 3},
}
_BLOCS = {"XAA": (), "XBB": ("north",), "XCC": ("north",), "XDD": ("north", "south")}
_SEATS = (("XAA", "member"), ("XBB", "partner-state"), ("XCC", "observer"))
_OF_THE_POLICY = {
    "sharing.version-conflict",
    "sharing.unresolved-marking",
    "sharing.identity-of-another",
    "sharing.answer-above",
    "sharing.never-returns",
    "sharing.stays-deleted",
    "sharing.spoofed-originator",
}


class Exchange(Watched):
    """A forum with two collections; XDD is a member without a seat there, until it gets one."""

    def __init__(self, database: Database, slug: str) -> None:
        super().__init__(database, slug)
        self.forum_id = self._open()
        for code, role in _SEATS:
            self.seat(code, role)
        self.add_partner("relay")

    def _open(self) -> int:
        said: dict[str, Any] = {"actor": "operator", "now_us": self.now_us}
        with self.database.write() as connection:
            for code in MEMBERS:
                if find_member(connection, code) is None:
                    new = NewMember(
                        code, code, blocs=_BLOCS[code], identities=(BOUND[code],), **_ABOUT[code]
                    )
                    auth_services.add_member(connection, new, **said)
            auth_services.add_forum(connection, self.slug, "A forum", tlp_ceiling=4, **said)
            seating.open_forum_for_sharing(connection, "operator", self.slug, now_us=self.now_us)
            found = find_forum(connection, self.slug)
        self.record.identities = {identity: code for code, identity in BOUND.items()}
        for key, new in enumerate(
            (
                places.NewCollection("First"),
                places.NewCollection(
                    "Second",
                    unmarked_as=Tlp.GREEN,
                    tlp_ceiling=Tlp.AMBER,
                    read_roles=["member", "partner-state"],
                ),
            )
        ):
            uuid = places.add_collection(
                self.database, "operator", self.slug, new, now_us=self.now_us
            )
            readers = frozenset(new.read_roles or places.READERS)
            writers = frozenset(new.write_roles or places.WRITERS)
            self.record.places.append(
                Place(key, uuid, readers, writers, int(new.unmarked_as), int(new.tlp_ceiling))
            )
        return found.id

    def close(self) -> None:
        """Leave the members, who are in other forums too, as they were; nobody comes here again."""
        for recipient in self.record.recipients.values():
            if not recipient.is_member_active:
                self.change_member(recipient.name, "active")
            if not recipient.is_partner:
                self.set_member(recipient.name, self._as_it_was(recipient))
        with self.database.write() as connection:
            connection.execute(
                update(forum).values(is_open=False).where(forum.c.id == self.forum_id)
            )

    # What may happen.

    def contribute(self, code: str, place: int, sent: Sequence[Object]) -> None:
        self._tick()
        self._contribute(code, place, sent)

    def _contribute(
        self,
        code: str,
        place: int,
        sent: Sequence[Object],
        *,
        bound: Contribution | None = None,
        answers: Answered | None = None,
    ) -> None:
        """Contribute to both; `bound` is in the record what `answers` is to the product."""
        entered = self._enter(code, place)
        if entered is None:
            return
        body = orjson.dumps({"objects": list(sent)})
        try:
            receipt = contribute(self.database, *entered, body, now_us=self.now_us, answers=answers)
        except Forbidden:
            assert entered[0].role not in self.record.places[place].writers
            return
        door = admission.Door(self.record.recipients[code], self.record.places[place], bound)
        self._follow(receipt, door, sent)

    def _follow(self, receipt: Receipt, door: admission.Door, sent: Sequence[Object]) -> None:
        """Enter into the record what the product was given, and compare what became of it."""
        # What the gate refuses by its form alone is not the policy's to judge.
        passed = [o.index for o in receipt.outcomes if o.code in _OF_THE_POLICY or o.is_success]
        expected = admission.contribute(self.record, door, [sent[index] for index in passed])
        found = {passed.index(o.index): o for o in receipt.outcomes if o.index in passed}
        assert {key: o.code for key, o in found.items()} == expected, (expected, found)
        for number, outcome in found.items():
            if outcome.code in ("sharing.contributed", "sharing.replaced"):
                value = sent[passed[number]]
                copy = (door.originator.name, door.place.key, value["id"])
                made = self.record.find(copy, objects.version_of(value))
                assert made is not None
                assert outcome.message.startswith(_HELD) == made.is_held, outcome
        self._note()

    def withdraw(self, copy: Copy, choose: Callable[[list[int]], Iterable[int]]) -> bool:
        """Delete versions of a copy as its originator; whether there was anything to delete."""
        self._tick()
        code, place, stix_id = copy
        entered = self._enter(code, place)
        if entered is None:
            return False
        own = {
            parse_instant(each.version): each
            for each in self.record.list_copy(copy)
            if not each.is_deleted
        }
        try:
            withdraw(self.database, *entered, stix_id, choose, now_us=self.now_us)
        except (Forbidden, NotFound):
            assert not own or entered[0].role not in self.record.places[place].writers
            return False
        except Conflict:
            assert self._is_carried(code, stix_id), f"{copy} is carried by nothing"
            return False
        admission.withdraw([own[version] for version in choose(sorted(own))])
        self._note()
        return True

    def _is_carried(self, code: str, stix_id: str) -> bool:
        return any(
            stix_id in objects.carried_markings(each.value)
            for each in self.record.contributions
            if each.originator == code and not each.is_deleted
        )

    def set_policy(self, code: str, rules: list[dict[str, Any]]) -> None:
        self._tick()
        if code not in self.record.recipients:
            return
        policies.set_policy(
            self.database,
            policies.Setter("operator"),
            self.forum_id,
            self._member_id(code),
            orjson.dumps({"rules": rules}),
            now_us=self.now_us,
        )
        self.record.recipients[code].rules = rules
        self._note()

    def set_forum_rules(self, rules: list[dict[str, Any]]) -> None:
        self._tick()
        policies.set_forum_policy(
            self.database,
            policies.Setter("operator"),
            self.forum_id,
            orjson.dumps({"rules": rules}),
            now_us=self.now_us,
        )
        self.record.forum_rules = rules
        self._note()

    def set_template(self, rules: list[dict[str, Any]]) -> None:
        self._tick()
        policies.set_template(
            self.database,
            policies.Setter("operator"),
            self.forum_id,
            orjson.dumps({"rules": rules}),
            now_us=self.now_us,
        )
        self.record.template = rules
        self._note()

    def set_accepts(self, code: str, document: dict[str, Any]) -> None:
        self._tick()
        if code not in self.record.recipients:
            return
        policies.set_accepts(
            self.database,
            policies.Setter("operator"),
            self.forum_id,
            self._member_id(code),
            orjson.dumps(document),
            now_us=self.now_us,
        )
        self.record.recipients[code].accepts = document
        self._note()

    def seat(self, code: str, role: str) -> None:
        """Give a seat, or again one that had ended: with the policy that it had."""
        self._tick()
        known = self.record.recipients.get(code)
        if known is not None and not known.has_seat_ended:
            return
        seating.seat_member(self.database, "operator", self.slug, code, role, now_us=self.now_us)
        if known is not None:
            known.role, known.is_seat_active, known.has_seat_ended = role, True, False
            self._note()
            return
        about = _ABOUT[code]
        self.record.recipients[code] = Recipient(
            code,
            role,
            about["accredited_to"],
            about["jurisdiction"],
            about["residency"],
            frozenset(_BLOCS[code]),
            rules=self.record.template,
        )
        self._note()

    def change_seat(self, code: str, status: str) -> None:
        self._tick()
        known = self.record.recipients.get(code)
        if known is not None and not known.has_seat_ended:
            seating.change_seat(
                self.database, "operator", self.slug, code, status, now_us=self.now_us
            )
            known.is_seat_active = status == "active"
            known.has_seat_ended = status == "ended"
            self._note()

    def change_member(self, code: str, status: str) -> None:
        self._tick()
        if code in self.record.recipients:
            seating.change_member(self.database, "operator", code, status, now_us=self.now_us)
            self.record.recipients[code].is_member_active = status == "active"
            self._note()

    def add_partner(self, name: str) -> None:
        self._tick()
        known = self.record.recipients.get(name)
        if known is not None and not known.has_seat_ended:
            return
        seating.add_partner(self.database, "operator", self.slug, name, now_us=self.now_us)
        if known is not None:
            known.is_seat_active, known.has_seat_ended = True, False
            # What it had is revoked.
            self._secrets.pop((name, "machine"), None)
            self._note()
            return
        self.record.recipients[name] = Recipient(name, "partner", objects.GREEN)
        self._note()

    def set_member(self, code: str, change: MemberChange) -> None:
        self._tick()
        if code not in self.record.recipients or change == MemberChange():
            return
        seating.set_member(self.database, "operator", code, change, now_us=self.now_us)
        member, identities = self.record.recipients[code], self.record.identities
        if change.accredited_to is not None:
            member.accredited_to = change.accredited_to
        if change.residency is not None:
            member.residency = change.residency or None
        if change.jurisdiction is not None:
            member.jurisdiction = change.jurisdiction or None
        member.blocs = (member.blocs | set(change.joins)) - set(change.leaves)
        for identity in change.unbinds:
            del identities[identity]
        identities.update(dict.fromkeys(change.binds, code))
        self._note()

    def _as_it_was(self, member: Recipient) -> MemberChange:
        about, blocs = _ABOUT[member.name], frozenset(_BLOCS[member.name])
        other = {name: was or "" for name, was in about.items() if was != getattr(member, name)}
        return MemberChange(
            **other,
            joins=tuple(blocs - member.blocs),
            leaves=tuple(member.blocs - blocs),
            binds=() if BOUND[member.name] in self.record.identities else (BOUND[member.name],),
        )

    def change_partner(self, name: str, status: str) -> None:
        """One that ends loses its credentials; nothing but adding it again brings it back."""
        self._tick()
        known = self.record.recipients[name]
        if known.has_seat_ended:
            return
        seating.change_partner(
            self.database, "operator", self.slug, name, status, now_us=self.now_us
        )
        known.is_seat_active = status == "active"
        known.has_seat_ended = status == "ended"
        self._note()

    def wait(self, microseconds: int) -> None:
        self._bring(self.now_us + microseconds)

    def wait_until_due(self) -> None:
        """Until just before the next instant at which something changes, then until it."""
        due = clock.list_due(self.record, self.record.now_us + 4 * 86_400_000_000)
        if due:
            self._bring(due[0] - 1)
            self.look()
            self._bring(due[0])

    def _tick(self) -> None:
        self._bring(self.now_us + 1_000_003)

    def _bring(self, until_us: int) -> None:
        for _ in clock.bring(self.record, until_us):
            self._note()
        self.now_us = until_us

    def _enter(self, code: str, place: int) -> tuple[Any, Any] | None:
        with self.database.read() as connection:
            try:
                seated = auth_services.seat_for_operator(connection, code, self.slug)
            except NotFound:
                found = self.record.recipients.get(code)
                assert found is None or not found.is_active
                return None
            collection = find_collection(connection, seated, self.record.places[place].uuid)
            return None if collection is None else (seated, collection)

    def _member_id(self, code: str) -> int:
        with self.database.read() as connection:
            return find_member(connection, code).id
