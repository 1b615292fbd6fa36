"""What becomes later of what was contributed: answered, delivered again, recalled, confirmed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as AbstractCollection
from dataclasses import replace

import orjson
from sqlalchemy import Connection, insert, select

from auth import services as auth_services
from auth.queries import Person, find_person
from auth.services import PersonsBody
from kernel.clock import parse_instant
from kernel.db import Database
from kernel.errors import Conflict
from sharing.gate.envelopes import read_envelope
from sharing.queries.answered import Named, find_answered
from sharing.queries.commitments import Register, connect_register, find_register
from sharing.rules.tlp import Tlp
from sharing.services.confirm import confirm, list_held
from sharing.services.contribute import contribute_second_hand
from sharing.services.following import follow
from sharing.services.recall import NewRecall, recall
from sharing.services.second_hand import FeedDoor
from sharing.services.settling import settled_read
from sharing.tables import feed
from tests.sharing.oracle import admission
from tests.sharing.oracle.drawing import PROVISIONS
from tests.sharing.oracle.exchange import Exchange
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.reading import Reading
from tests.sharing.oracle.record import Commitment, Contribution, Copy
from tests.sharing.oracle.watched import SIGNER


class Afterwards(Exchange):
    """A forum in which what was contributed has a life of its own."""

    def __init__(self, database: Database, slug: str) -> None:
        super().__init__(database, slug)
        self._register = find_register()
        connect_register(Committed(self.record.commitments))

    def close(self) -> None:
        super().close()
        if self._register is not None:
            connect_register(self._register)

    def answer(self, code: str, place: int, answered: Contribution, sent: Sequence[Object]) -> None:
        """Contribute what is bound to a version that the member sees, if it sees it."""
        self._tick()
        entered = self._enter(code, place)
        if entered is None:
            return
        seer = self.record.recipients[code]
        reading = Reading(self.record, self.record.now_us)
        shown = (
            each
            for each in reading.view(seer, "individual", answered.place)
            if (each.id, each.version) == (answered.id, answered.version)
        )
        bound = next(shown, None)
        with settled_read(self.database, now_us=self.now_us) as connection:
            self._learn_keys(connection)
            version_us = parse_instant(answered.version)
            named = Named(answered.id, answered.place.uuid, version_us)
            found = find_answered(connection, entered[0], named)
        assert (found is None) == (bound is None), "who sees a version may answer it, nobody else"
        if found is None or bound is None:
            return
        assert self._keys[found.contribution_id] is bound
        assert found.tlp == bound.level
        self._contribute(code, place, sent, bound=bound, answers=found)

    def deliver(
        self, code: str, place: int, name: str, floor: int | None, sent: Sequence[Object]
    ) -> None:
        """A feed of the member's brings these objects."""
        self._tick()
        entered = self._enter(code, place)
        if entered is None or entered[0].role not in self.record.places[place].writers:
            return
        seated = replace(entered[0], reader=replace(entered[0].reader, kind="machine"))
        door = FeedDoor(
            self._feed(code, name, entered[1].id),
            "https://peer.example",
            seated,
            None if floor is None else Tlp(floor),
        )
        receipt = contribute_second_hand(
            self.database,
            entered[1],
            list(read_envelope(orjson.dumps({"objects": list(sent)}))),
            door,
            lambda _connection, _receipt: None,
            now_us=self.now_us,
        )
        self._follow(
            receipt,
            admission.Door(
                self.record.recipients[code], self.record.places[place], feed=name, floor=floor
            ),
            sent,
        )

    def recall(
        self,
        copy: Copy,
        choose: Callable[[list[int]], Iterable[int]],
        *,
        never_return: bool,
        keep: bool,
    ) -> None:
        """Take versions of a copy back as its originator, deleted ones too."""
        self._tick()
        code, place, stix_id = copy
        entered = self._enter(code, place)
        if entered is None:
            return
        own = {parse_instant(each.version): each for each in self.record.list_copy(copy)}
        chosen = [own[version] for version in choose(sorted(own))]
        new = NewRecall(str(uuid.uuid4()), stix_id, "Wrong.", choose, never_return, keep)
        try:
            recall(self.database, *entered, new, now_us=self.now_us)
        except Conflict:
            assert self._is_carried(code, stix_id), f"{copy} is carried by nothing"
            return
        admission.recall(chosen, never_return=never_return, keep=keep)
        self._note()

    def confirm(self, code: str, choose: Callable[[int], int]) -> None:
        """Release one of the member's held versions, if it has any."""
        self._tick()
        recipient = self.record.recipients.get(code)
        if recipient is None or not recipient.is_active:
            return
        waiting = {
            (each.id, each.version, each.place.uuid): each
            for each in sorted(self.record.contributions, key=lambda each: each.order)
            if each.originator == code and each.is_held and not each.is_deleted
        }
        approver = self._approver(code)
        with settled_read(self.database, now_us=self.now_us) as connection:
            held = list_held(
                connection, SIGNER, self.forum_id, self._member_id(code), now_us=self.now_us
            )
        told = [each.document() for each in held]
        keys = [(each["object_id"], each["modified"], each["collection"]) for each in told]
        assert keys == list(waiting), "exactly what is held waits for a confirmation"
        if not held:
            return
        number = choose(len(held))
        confirm(
            self.database,
            SIGNER,
            self.forum_id,
            approver,
            held[number].id,
            actor="operator",
            now_us=self.now_us,
        )
        waiting[keys[number]].is_held = False
        self._note()

    def commit(self, new: Commitment) -> None:
        """Record that a member is committed to a provision, from when, until when."""
        self._tick()
        self._change_commitments([*self.record.commitments, new], new.provision)

    def take_back(self, old: Commitment) -> None:
        """Record that a commitment has never been in effect."""
        self._tick()
        left = [each for each in self.record.commitments if each is not old]
        self._change_commitments(left, old.provision)

    def _change_commitments(self, those: list[Commitment], provision: str) -> None:
        with self.database.write() as connection:
            self.record.commitments[:] = those
            follow(connection, frozenset({provision}), self.now_us)
        self._note()

    def _feed(self, code: str, name: str, collection_id: int) -> int:
        """The number of the member's feed with this name; its settings are of no matter here."""
        member_id = self._member_id(code)
        stored = f"{self.slug}-{name}"
        with self.database.write() as connection:
            found = connection.execute(
                select(feed.c.id).where(feed.c.member_id == member_id, feed.c.name == stored)
            ).scalar()
            if found is not None:
                return int(found)
            return connection.execute(
                insert(feed)
                .values(
                    uuid=str(uuid.uuid4()),
                    name=stored,
                    direction="pull",
                    forum_id=self.forum_id,
                    collection_id=collection_id,
                    member_id=member_id,
                    url="https://peer.example/",
                    remote="collection",
                    peer="https://peer.example",
                    every_s=3600,
                    manifest_first=False,
                    auth="none",
                    state="paused",
                    position="{}",
                    failures=0,
                    created_us=self.now_us,
                    created_by="operator",
                )
                .returning(feed.c.id)
            ).scalar_one()

    def _approver(self, code: str) -> Person:
        email = f"approver-{self.slug}@{code.lower()}.example"
        with self.database.write() as connection:
            if find_person(connection, email) is None:
                auth_services.add_person(
                    connection,
                    PersonsBody(member_code=code),
                    email,
                    ["release-approver"],
                    actor="operator",
                    now_us=self.now_us,
                )
            found = find_person(connection, email)
        assert found is not None
        return found


class Committed(Register):
    """A register that knows the commitments of one forum's record."""

    def __init__(self, commitments: list[Commitment]) -> None:
        self._commitments = commitments

    def exists_provision(self, connection: Connection, provision: str) -> bool:
        del connection
        return provision in PROVISIONS

    def list_committed(
        self, connection: Connection, provisions: AbstractCollection[str], at_us: int
    ) -> Mapping[str, frozenset[str]]:
        del connection
        return {
            provision: frozenset(
                each.code
                for each in self._commitments
                if each.provision == provision and each.is_in_effect(at_us)
            )
            for provision in provisions
        }

    def find_next_change(
        self, connection: Connection, provisions: AbstractCollection[str], after_us: int
    ) -> int | None:
        del connection
        later = (at for at in self._changes(provisions) if at > after_us)
        return min(later, default=None)

    def _changes(self, provisions: AbstractCollection[str]) -> Iterator[int]:
        for each in self._commitments:
            if each.provision in provisions:
                yield each.from_us
                if each.until_us is not None:
                    yield each.until_us
