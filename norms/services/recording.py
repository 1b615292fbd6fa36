"""Record events: check each against what is on record, append it, derive what follows.

Events only grow. What does not live here: who may record what (the doors and `rights`).
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select
from sqlalchemy import Row as Found

from auth.services import record_audit
from auth.tables import forum, member
from kernel.errors import Conflict
from norms.rules import words
from norms.services.deriving import derive_all
from norms.services.documents import Row, bad
from norms.services.provenance import Scribe, digest_of, provenance_of
from norms.tables import instrument, norm_event, party, provision

_NEEDS_PARTY: Final = words.EVENT_KINDS - {
    words.ADOPTION,
    words.ENTRY_INTO_FORCE,
    words.TERMINATION,
    words.SUPERSESSION,
    words.ANNULMENT,
    "authentication",
    "opened-for-signature",
    "rectification",
    "communication",
}
_REFERS_TO: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(words.OBJECTIONS, frozenset({words.RESERVATION})),
    "withdrawal-of-reservation": frozenset({words.RESERVATION}),
    "withdrawal-of-declaration": words.QUALIFYING - {words.RESERVATION},
    "withdrawal-of-objection": words.OBJECTIONS,
    words.CONTEST: words.EVENT_KINDS - {words.CONTEST},
    words.CONTEST_WITHDRAWAL: frozenset({words.CONTEST}),
}
_MOST_NAMED: Final = 100
_DETAILS: Final = ("notified", "territory", "authority", "articles", "language", "pins")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that is on record now, or was already (`is_new` False)."""

    uuid: str
    is_new: bool


class Recorder:
    """Reads events of one document and appends them; `finish` derives what follows."""

    def __init__(self, connection: Connection, scribe: Scribe) -> None:
        self._connection = connection
        self._scribe = scribe
        self._instruments: set[str] = set()
        self._waiting: list[dict[str, Any]] = []
        self._by_party: defaultdict[str | None, list[str]] = defaultdict(list)
        self._forums: dict[str, int] = {
            row.slug: row.id for row in connection.execute(select(forum.c.slug, forum.c.id))
        }
        self._parties = set(connection.execute(select(party.c.code)).scalars())
        self._owners: dict[str, str] = {
            row.id: row.instrument_id
            for row in connection.execute(select(provision.c.id, provision.c.instrument_id))
        }
        self._known = set(connection.execute(select(instrument.c.id)).scalars())

    def record(self, row: Row) -> Recorded:
        """Append one event. Raises BadInput with the place of the fault, or Conflict."""
        values = self._read(row)
        key = values["key"]
        digest = digest_of({**values, "uuid": None})
        if key is not None:
            said = self._find_keyed(str(key))
            if said is not None and (said.loaded == digest or not self._scribe.is_catalogue):
                return Recorded(said.uuid, is_new=False)
            if said is not None:
                values = {**values, "key": f"{key}#{digest}", "corrects_id": said.id}
        values["loaded"] = digest if self._scribe.is_catalogue else None
        self._waiting.append(values)
        self._by_party[values["party_code"]].append(str(values["uuid"]))
        self._instruments.add(str(values["instrument_id"]))
        return Recorded(str(values["uuid"]), is_new=True)

    def write(self) -> None:
        """Append what was read so far."""
        if self._waiting:
            self._connection.execute(insert(norm_event), self._waiting)
            self._waiting = []

    def finish(self) -> None:
        """Append the rest, and derive the instruments that the events are about."""
        self.write()
        self._audit()
        derive_all(self._connection, self._instruments, now_us=self._scribe.now_us)

    def _audit(self) -> None:
        """One entry for each party that the events are of, which its auditors may read."""
        if self._scribe.is_catalogue:
            return  # the load itself is in the audit, once
        for code, events in self._by_party.items():
            member_id = self._connection.execute(
                select(member.c.id).where(member.c.code == code)
            ).scalar()
            second = self._scribe.confirmed_by
            record_audit(
                self._connection,
                self._scribe.actor,
                "norms.record",
                f"event:{events[0]}" if len(events) == 1 else f"events:{len(events)}",
                member_id=member_id,
                detail={"party": code, "events": events[:_MOST_NAMED]}
                | ({} if second is None else {"confirmed_by": second}),
                now_us=self._scribe.now_us,
            )

    def _find_keyed(self, key: str) -> Found[Any] | None:
        """The newest event that a catalogue recorded under a key."""
        self.write()
        statement: Select[Any] = (
            select(norm_event)
            .where(
                (norm_event.c.key == key) | norm_event.c.key.startswith(f"{key}#", autoescape=True)
            )
            .order_by(norm_event.c.id.desc())
            .limit(1)
        )
        return self._connection.execute(statement).first()

    # --- reading ---------------------------------------------------------------------------

    def _read(self, row: Row) -> dict[str, Any]:
        kind = row.word("kind", words.EVENT_KINDS, "")
        corrected = self._find_event(row, "corrects")
        if corrected is not None and self._is_corrected(corrected):
            raise Conflict(
                "norms.corrected-already",
                "this event has been corrected already; correct the correction",
            )
        if kind == words.ANNULMENT:
            if corrected is None:
                raise bad(f"{row.place}.corrects", "name the event that is annulled")
            return self._annulment(row, corrected)
        referred = self._find_event(row, "refers_to")
        self._check_reference(row, kind, referred)
        instrument_id = row.find_text("instrument") or (
            referred.instrument_id if referred is not None else ""
        )
        if instrument_id not in self._known:
            raise bad(f"{row.place}.instrument", f"there is no instrument {instrument_id!r}")
        if corrected is not None and corrected.instrument_id != instrument_id:
            raise bad(f"{row.place}.instrument", "a correction is about the same instrument")
        when = row.date("date")
        return {
            "uuid": str(uuid.uuid4()),
            "key": row.find_text("key"),
            "kind": kind,
            "date": when.text,
            "first_day": when.first_day,
            "last_day": when.last_day,
            "forum_id": self._find_forum(row),
            "instrument_id": instrument_id,
            "party_code": self._find_party(row, kind),
            "provisions": json.dumps(self._read_provisions(row, instrument_id)),
            "parties": json.dumps(self._read_parties(row)),
            "basis": self._read_basis(row, kind),
            "symbol": row.find_text("symbol"),
            "refers_to_id": referred.id if referred is not None else None,
            "corrects_id": corrected.id if corrected is not None else None,
            "body": row.find_text("body"),
            "detail": json.dumps(_read_detail(row), sort_keys=True),
            "on_behalf_of": row.find_text("on_behalf_of"),
            **provenance_of(row, self._scribe, source=row.find_text("symbol") or instrument_id),
        }

    def _annulment(self, row: Row, corrected: Found[Any]) -> dict[str, Any]:
        return {
            "uuid": str(uuid.uuid4()),
            "key": row.find_text("key"),
            "kind": words.ANNULMENT,
            "date": corrected.date,
            "first_day": corrected.first_day,
            "last_day": corrected.last_day,
            "forum_id": corrected.forum_id,
            "instrument_id": corrected.instrument_id,
            "party_code": corrected.party_code,
            "provisions": corrected.provisions,
            "parties": "[]",
            "basis": None,
            "symbol": row.find_text("symbol"),
            "refers_to_id": None,
            "corrects_id": corrected.id,
            "body": row.find_text("body"),
            "detail": "{}",
            "on_behalf_of": None,
            **provenance_of(row, self._scribe, source=corrected.source),
        }

    def _find_event(self, row: Row, name: str) -> Found[Any] | None:
        said = row.find_text(name)
        if said is None:
            return None
        self.write()
        found = self._connection.execute(
            select(norm_event).where((norm_event.c.uuid == said) | (norm_event.c.key == said))
        ).first()
        if found is None:
            raise bad(f"{row.place}.{name}", f"there is no event {said!r}")
        return found

    def _is_corrected(self, event: Found[Any]) -> bool:
        statement = select(norm_event.c.id).where(norm_event.c.corrects_id == event.id)
        return self._connection.execute(statement).first() is not None

    def _check_reference(self, row: Row, kind: str, referred: Found[Any] | None) -> None:
        allowed = _REFERS_TO.get(kind)
        if allowed is None:
            return
        if referred is None:
            raise bad(f"{row.place}.refers_to", f"name the event that this {kind} is about")
        if referred.kind not in allowed:
            raise bad(
                f"{row.place}.refers_to",
                f"a {kind} is about one of: {', '.join(sorted(allowed))}",
            )
        own = kind not in words.OBJECTIONS and kind != words.CONTEST
        if own and referred.party_code != row.find_text("party"):
            raise bad(f"{row.place}.party", "only the party whose act it was undoes it")

    def _find_forum(self, row: Row) -> int | None:
        slug = row.find_text("forum")
        if slug is None:
            return None
        if slug not in self._forums:
            raise bad(f"{row.place}.forum", f"there is no forum {slug!r}")
        return self._forums[slug]

    def _find_party(self, row: Row, kind: str) -> str | None:
        code = row.find_text("party")
        if code is None:
            if kind in _NEEDS_PARTY:
                raise bad(f"{row.place}.party", f"name the party whose {kind} this is")
            return None
        if code not in self._parties:
            raise bad(f"{row.place}.party", f"there is no party {code!r}")
        return code

    def _read_parties(self, row: Row) -> list[str]:
        codes = sorted(set(row.texts("parties")))
        for code in codes:
            if code not in self._parties:
                raise bad(f"{row.place}.parties", f"there is no party {code!r}")
        return codes

    def _read_provisions(self, row: Row, instrument_id: str) -> list[str]:
        found = []
        for said in row.texts("provisions"):
            name = said if said in self._owners else f"{instrument_id}:{said}"
            if self._owners.get(name) != instrument_id:
                raise bad(f"{row.place}.provisions", f"{instrument_id} has no provision {said!r}")
            found.append(name)
        return sorted(set(found))

    def _read_basis(self, row: Row, kind: str) -> str | None:
        if kind == words.ADOPTION:
            return row.word("basis", words.ADOPTION_BASES, "consensus-adoption")
        if kind == words.COMMITMENT:
            return row.word("basis", words.COMMITMENT_BASES, "unilateral-declaration")
        return None


def record_events(
    connection: Connection, scribe: Scribe, rows: Iterable[Row]
) -> Sequence[Recorded]:
    """Record these events and derive what follows. All of them, or by the exception none."""
    recorder = Recorder(connection, scribe)
    recorded = list(_record_each(recorder, rows))
    recorder.finish()
    return recorded


def _record_each(recorder: Recorder, rows: Iterable[Row]) -> Iterator[Recorded]:
    for row in rows:
        yield recorder.record(row)


def _read_detail(row: Row) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    for name in _DETAILS:
        value = row.value.get(name)
        if value is None:
            continue
        if name == "notified":
            value = row.date("notified").text
        elif name in ("articles", "pins"):
            value = row.texts(name)
        else:
            value = row.text(name)
        detail[name] = value
    return detail
