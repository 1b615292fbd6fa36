"""Load a catalogue: parties, forums with their members over time, instruments, provisions, links.

Loading twice changes nothing; a newer catalogue changes what nobody has confirmed. It opens
nothing for sharing and seats nobody. What does not live here: events (`recording`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from auth.rules import check_code, check_slug
from auth.services import add_forum
from auth.tables import forum
from norms.rules import words
from norms.rules.dates import parse_date
from norms.rules.force import read_force_rule
from norms.services.documents import Row, bad
from norms.services.provenance import Scribe, provenance_of
from norms.services.rows import Rows
from norms.tables import (
    co_chair,
    forum_profile,
    forum_session,
    instrument,
    membership,
    party,
    programme,
    programme_item,
    provision,
    provision_link,
    text_pin,
)

RED: Final = 4
_KINDS: Final = {"legally-binding": "treaty", "work-plan": "work-plan"}


class Loader:
    """Reads one document into the register, noun by noun, in the order of their keys."""

    def __init__(self, connection: Connection, scribe: Scribe) -> None:
        self._connection = connection
        self._scribe = scribe
        self.rows = Rows(connection, scribe)
        self._forums: dict[str, int] = {
            row.slug: row.id for row in connection.execute(select(forum.c.slug, forum.c.id))
        }

    def load(self, document: Mapping[str, Any]) -> None:
        """Everything but events. Raises BadInput with the place of what is wrong."""
        whole = Row(document, "")
        self._load_parties(whole)
        self._load_forums(whole)
        self._load_instruments(whole)
        self._load_provisions(whole)
        self._load_links(whole)
        self._load_pins(whole)

    # --- parties and forums ----------------------------------------------------------------

    def _load_parties(self, whole: Row) -> None:
        for row in (*whole.rows("parties"), *whole.rows("parties_extra")):
            self._put_party(row, row.find_text("code") or row.text("party"))
        # A membership list alone names parties too.
        for row in whole.rows("forums"):
            for one in (*row.rows("members"), *row.rows("observers")):
                code = one.text("party")
                if not self.rows.is_known(party, party.c.code, code):
                    self._put_party(Row({"name": code}, one.place), code)
        self.rows.write(party)

    def _put_party(self, row: Row, code: str) -> None:
        check_code(code)
        values = {
            "code": code,
            "name": row.find_text("name") or code,
            "kind": row.word("kind", words.PARTY_KINDS, "state"),
            **provenance_of(row, self._scribe, source="ISO 3166-1"),
        }
        self.rows.put("party", party, party.c.code, values)

    def _load_forums(self, whole: Row) -> None:
        found = list(whole.rows("forums"))
        for row in found:
            self._make_forum(row)
            for number, title in enumerate(_subgroups(row), start=1):
                self._make_subgroup(row, number, title)
        for row in found:
            self._put_profile(row)
        self.rows.write(forum_profile)
        for row in found:
            self._put_belonging(row)
        for noun in (membership, forum_session, co_chair, programme):
            self.rows.write(noun)
        self._load_programme_items(whole)

    def _make_forum(self, row: Row) -> None:
        slug = check_slug(row.text("id"))
        if slug in self._forums:
            return
        self._forums[slug] = add_forum(
            self._connection,
            slug,
            row.find_text("name") or slug,
            tlp_ceiling=RED,
            actor=self._scribe.actor,
            now_us=self._scribe.now_us,
        )

    def _make_subgroup(self, row: Row, number: int, title: str) -> None:
        slug = f"{row.text('id')}-{title.split(maxsplit=1)[0] if title.split() else number}"
        value = {
            "id": slug,
            "name": title,
            "kind": "sub-body",
            "parent": row.text("id"),
            "members_of": row.text("id"),
            "confidence": "unconfirmed",
        }
        sub = Row(value, f"{row.place}.subgroups[{number - 1}]")
        self._make_forum(sub)
        self._put_profile(sub)

    def _forum_id(self, row: Row, name: str) -> int:
        slug = row.text(name)
        if slug not in self._forums:
            raise bad(f"{row.place}.{name}", f"there is no forum {slug!r}")
        return self._forums[slug]

    def _find_forum_id(self, row: Row, name: str) -> int | None:
        return None if row.find_text(name) is None else self._forum_id(row, name)

    def _put_profile(self, row: Row) -> None:
        values = {
            "forum_id": self._forums[row.text("id")],
            "kind": row.find_text("kind") or "other",
            "parent_id": self._find_forum_id(row, "parent"),
            "members_of_id": self._find_forum_id(row, "members_of"),
            "decision_rule": row.find_text("decision_rule"),
            "languages": json.dumps(row.texts("languages")),
            "member_label": row.find_text("member_label") or "member",
            "begun": _date_text(row, "begun"),
            "ended": _date_text(row, "ended"),
            "basis": row.find_text("basis"),
            "rules": row.find_text("rules"),
            "cycle_years": row.find_number("cycle_years"),
            **provenance_of(row, self._scribe, source=row.find_text("basis") or row.text("id")),
        }
        self.rows.put("forum", forum_profile, forum_profile.c.forum_id, values)

    def _put_belonging(self, row: Row) -> None:
        for one in row.rows("members"):
            self._put_membership(row, one, "member")
        for one in row.rows("observers"):
            self._put_membership(row, one, "observer")
        for one in (*row.rows("meetings"), *row.rows("sessions")):
            self._put_session(row, one)
        for one in row.rows("co_chairs"):
            self._put_chairs(row, one)
        for one in row.rows("programmes"):
            self._put_programme(row, one)

    def _put_membership(self, row: Row, one: Row, usual: str) -> None:
        slug, code = row.text("id"), one.text("party")
        if not self.rows.is_known(party, party.c.code, code):
            raise bad(f"{one.place}.party", f"there is no party {code!r}")
        begins, ends = one.find_date("from"), one.find_date("to")
        said = one.find_text("status")
        inherited = {"confidence": row.value.get("confidence"), "source": row.value.get("source")}
        sourced = Row({**inherited, **one.value, "note": one.find_text("note") or said}, one.place)
        standing = _standing(said, usual)
        values = {
            "key": f"{slug}:{code}:{begins.text if begins else ''}",
            "forum_id": self._forums[slug],
            "party_code": code,
            "label": one.find_text("label") or row.find_text("member_label") or usual,
            "standing": standing,
            "from_date": begins.text if begins else None,
            "to_date": ends.text if ends else None,
            "from_day": begins.last_day if begins else None,
            "to_day": ends.first_day if ends else None,
            **provenance_of(sourced, self._scribe, source=slug),
        }
        if standing == "disputed":
            values["confidence"] = "unconfirmed"
        self.rows.put("membership", membership, membership.c.key, values)

    def _put_session(self, row: Row, one: Row) -> None:
        kind = one.find_text("kind") or one.text("t")
        starts = one.date("start")
        ends = one.find_date("end") or starts
        inherited = {"confidence": row.value.get("confidence"), "source": row.value.get("source")}
        sourced = Row({**inherited, **one.value}, one.place)
        values = {
            "key": f"{row.text('id')}:{kind}:{starts.text}",
            "forum_id": self._forums[row.text("id")],
            "kind": kind,
            "title": one.find_text("title") or kind.replace("-", " "),
            "place": one.find_text("place"),
            "starts": starts.text,
            "ends": ends.text,
            "first_day": starts.first_day,
            "last_day": ends.last_day,
            **provenance_of(sourced, self._scribe, source=row.find_text("basis") or row.text("id")),
        }
        self.rows.put("session", forum_session, forum_session.c.key, values)

    def _put_chairs(self, row: Row, one: Row) -> None:
        for code in one.texts("parties"):
            if not self.rows.is_known(party, party.c.code, code):
                raise bad(f"{one.place}.parties", f"there is no party {code!r}")
            values = {
                "key": f"{row.text('id')}:{one.text('cycle')}:{code}",
                "forum_id": self._forums[row.text("id")],
                "party_code": code,
                "cycle": one.text("cycle"),
                **provenance_of(one, self._scribe, source=row.text("id")),
            }
            self.rows.put("co-chair", co_chair, co_chair.c.key, values)

    def _put_programme(self, row: Row, one: Row) -> None:
        values = {
            "id": one.text("id"),
            "forum_id": self._forums[row.text("id")],
            "party_code": one.find_text("party"),
            "title": one.text("title"),
            "from_date": _date_text(one, "from"),
            "to_date": _date_text(one, "to"),
            **provenance_of(one, self._scribe, source=row.text("id")),
        }
        self.rows.put("programme", programme, programme.c.id, values)

    def _load_programme_items(self, whole: Row) -> None:
        for row in whole.rows("forums"):
            for one in row.rows("programmes"):
                for item in _flat_items(one, None):
                    self.rows.put(
                        "programme-item",
                        programme_item,
                        programme_item.c.id,
                        self._item(item, one.text("id")),
                    )
        self.rows.write(programme_item)

    def _item(self, found: tuple[Row, str | None], programme_id: str) -> dict[str, Any]:
        item, parent = found
        return {
            "id": item.text("id"),
            "programme_id": programme_id,
            "parent_id": parent,
            "kind": item.word("kind", ("objective", "goal", "activity"), "objective"),
            "title": item.text("title"),
            "due": _date_text(item, "due"),
            **provenance_of(item, self._scribe, source=programme_id),
        }

    # --- instruments and provisions --------------------------------------------------------

    def _load_instruments(self, whole: Row) -> None:
        for row in whole.rows("instruments"):
            window = row.value.get("open_for_signature")
            opens = row.find_text("opened_for_signature")
            closes = row.find_text("closes_for_signature")
            if isinstance(window, list) and len(window) == 2:
                opens, closes = str(window[0]), str(window[1])
            rule = row.find_mapping("eif_rule")
            if rule is not None:
                read_force_rule(rule)
            character = row.text("legal_character")
            values = {
                "id": row.text("id"),
                "symbol": row.text("symbol"),
                "title": row.text("title"),
                "kind": row.find_text("kind") or _KINDS.get(character, "report"),
                "legal_character": character,
                "forum_id": self._forum_id(row, "forum"),
                "adopted": _date_text(row, "adopted"),
                "opens": opens and parse_date(opens).text,
                "closes": closes and parse_date(closes).text,
                "in_force": _date_text(row, "in_force"),
                "force_rule": None if rule is None else json.dumps(rule, sort_keys=True),
                "welcomed_by": row.find_text("welcomed_by") or row.find_text("endorsed_by"),
                "supersedes": row.find_text("supersedes") or row.find_text("supersedes_listing"),
                "binds_later_members": row.flag("binds_later_members"),
                "lapses_on_leaving": row.flag("lapses_on_leaving"),
                "reservable": _list_text(row, "reservable"),
                **provenance_of(row, self._scribe, source=row.text("symbol")),
            }
            self.rows.put("instrument", instrument, instrument.c.id, values)
        self.rows.write(instrument)

    def _load_provisions(self, whole: Row) -> None:
        adopted = {
            row.id: row.adopted
            for row in self._connection.execute(select(instrument.c.id, instrument.c.adopted))
        }
        positions: dict[str, int] = {}
        for row in whole.rows("provisions"):
            owner = row.text("instrument")
            introduced = row.find_text("introduced_by") or owner
            for name in {owner, introduced} - adopted.keys():
                raise bad(row.place, f"there is no instrument {name!r}")
            positions[owner] = row.find_number("position") or positions.get(owner, 0) + 1
            begun = adopted[introduced]
            values = {
                "id": f"{owner}:{row.text('path')}",
                "instrument_id": owner,
                "path": row.text("path"),
                "position": positions[owner],
                "short": row.find_text("short") or row.text("path"),
                "paraphrase": row.find_text("paraphrase") or "",
                "polarity": row.value.get("polarity")
                and row.word("polarity", words.POLARITIES, "process"),
                "introduced_by": row.find_text("introduced_by"),
                "from_day": parse_date(begun).last_day if begun else None,
                **provenance_of(row, self._scribe, source=owner),
            }
            self.rows.put("provision", provision, provision.c.id, values)
        self.rows.write(provision)

    def _load_links(self, whole: Row) -> None:
        for row in whole.rows("provisions"):
            for one in row.rows("elaborated_in"):
                source_id = f"{row.text('instrument')}:{row.text('path')}"
                link = {"kind": "elaborates", "to_instrument": one.text("instrument")}
                self._put_link(source_id, Row({**one.value, **link}, one.place))
        for one in whole.rows("crosswalk_editorial"):
            link = {"kind": "related-editorial", "to": one.text("related"), "confidence": "certain"}
            self._put_link(one.text("norm"), Row({"source": one.text("basis"), **link}, one.place))
        for one in whole.rows("links"):
            self._put_link(one.text("from"), one)
        self.rows.write(provision_link)

    def _put_link(self, source_id: str, row: Row) -> None:
        to_id, to_instrument = row.find_text("to"), row.find_text("to_instrument")
        for name in filter(None, (source_id, to_id)):
            if not self.rows.is_known(provision, provision.c.id, name):
                raise bad(row.place, f"there is no provision {name!r}")
        if to_instrument and not self.rows.is_known(instrument, instrument.c.id, to_instrument):
            raise bad(row.place, f"there is no instrument {to_instrument!r}")
        if to_id is None and to_instrument is None:
            raise bad(row.place, "name a provision (`to`) or an instrument (`to_instrument`)")
        kind = row.word("kind", words.LINK_KINDS, "related-editorial")
        paragraphs = row.find_text("paras") or row.find_text("paragraphs")
        values = {
            "key": f"{source_id}|{kind}|{to_id or to_instrument}|{paragraphs or ''}",
            "from_id": source_id,
            "kind": kind,
            "to_id": to_id,
            "to_instrument_id": to_instrument,
            "to_paragraphs": paragraphs,
            **provenance_of(row, self._scribe, source=to_instrument or source_id),
        }
        self.rows.put("link", provision_link, provision_link.c.key, values)

    def _load_pins(self, whole: Row) -> None:
        for row in (*whole.rows("pins"), *_provisions_pins(whole)):
            provision_id = row.text("provision")
            if not self.rows.is_known(provision, provision.c.id, provision_id):
                raise bad(row.place, f"there is no provision {provision_id!r}")
            version = row.find_number("version") or 1
            key = f"{provision_id}|{row.text('language')}|{version}"
            if self.rows.is_known(text_pin, text_pin.c.key, key):
                self.rows.leave("pin")  # pins only grow: another text is another version
                continue
            values = {
                "key": key,
                "provision_id": provision_id,
                "version": version,
                "language": row.text("language"),
                "standing": row.word("standing", words.TEXT_STANDINGS, "official"),
                "symbol": row.text("symbol"),
                "link": row.find_text("link"),
                "digest": row.find_text("digest"),
                "pinned_us": self._scribe.now_us,
                **provenance_of(row, self._scribe, source=row.text("symbol")),
            }
            self.rows.put("pin", text_pin, text_pin.c.key, values)
        self.rows.write(text_pin)


def _provisions_pins(whole: Row) -> Iterator[Row]:
    for row in whole.rows("provisions"):
        for one in row.rows("pins"):
            named = {"provision": f"{row.text('instrument')}:{row.text('path')}"}
            yield Row({**one.value, **named}, one.place)


def _flat_items(row: Row, parent: str | None) -> Iterator[tuple[Row, str | None]]:
    for one in row.rows("items"):
        yield one, parent
        yield from _flat_items(one, one.text("id"))


def _subgroups(row: Row) -> list[str]:
    return row.texts("subgroups")


def _standing(said: str | None, usual: str) -> str:
    """What a catalogue calls a membership's status, as one of our words."""
    if said is None:
        return usual
    for start, standing in (
        ("disputed", "disputed"),
        ("member-not-participating", "not-participating"),
        ("practical-cooperation-suspended", "suspended"),
    ):
        if said.startswith(start):
            return standing
    return said if said in words.STANDINGS else usual


def _date_text(row: Row, name: str) -> str | None:
    found = row.find_date(name)
    return found.text if found else None


def _list_text(row: Row, name: str) -> str | None:
    return None if row.value.get(name) is None else json.dumps(row.texts(name))
