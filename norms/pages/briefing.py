"""`/norms/briefing`: a forum, some States and provisions as numbered paragraphs, for print on A4.

Every sentence that rests on a row has a number of its source among the endnotes. What is shown is
what the reader may see; where something of it is not for everybody, the marking says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from flask import Response, request
from flask_babel import gettext as _

from auth.doors import Permission, current_reader, door
from kernel.errors import BadInput
from norms.pages.entering import asked, asked_day, blueprint, norms_page, say, shown_day
from norms.queries.forums import list_forums, list_sessions
from norms.queries.parties import list_parties
from norms.queries.provisions import Provision, list_provisions
from norms.queries.states_own import Action, Position, list_actions, list_positions
from norms.queries.status import StatusRow, find_status_members, list_status
from norms.queries.status_table import list_status_parties
from norms.queries.verified import Provenance
from norms.rules.words import NO_STATEMENT
from web.installation import current_database, current_instant_us

LEVELS: Final = ("clear", "green", "amber", "amber+strict", "red")
_CLOSED_FROM: Final = 2
"""Where something is not for everybody, the marking is `amber` at the least."""
_MOST_STATES: Final = 60
_MOST_PROVISIONS: Final = 60
_MOST_SESSIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One numbered paragraph; `notes` are the numbers of its sources."""

    number: int
    text: str
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its paragraphs; `about` is a provision's id where it is about one."""

    title: str
    paragraphs: list[Paragraph]


@dataclass(slots=True)
class Draft:
    """A briefing that is being written: it numbers paragraphs and sources."""

    sections: list[Section] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    is_closed: bool = False
    _count: int = 0

    def begin(self, title: str) -> None:
        """A new section."""
        self.sections.append(Section(title, []))

    def write(self, text: str, *sources: str) -> None:
        """One paragraph, with where it comes from."""
        self._count += 1
        notes = tuple(
            sorted({self.sources.setdefault(one, len(self.sources) + 1) for one in sources})
        )
        self.sections[-1].paragraphs.append(Paragraph(self._count, text, notes))


@blueprint.get("/briefing", endpoint="briefing")
@door(Permission.PERSON)
def show_briefing() -> Response:
    """GET /norms/briefing: choose a forum, States and provisions; then the briefing of them."""
    reader, day, slug = current_reader(), asked_day(), asked("forum")
    states, chosen = _several("state", _MOST_STATES), _several("provision", _MOST_PROVISIONS)
    level = asked("tlp") or LEVELS[0]
    if level not in LEVELS:
        raise BadInput("web.bad-filter", f"the filter 'tlp' is one of {', '.join(LEVELS)}")
    made = None
    with current_database().read() as connection:
        forums = list_forums(connection, reader)
        parties = {one.code: one.name for one in list_parties(connection, reader)}
        provisions: dict[str, Provision] = {}
        forum = next((one for one in forums if one.slug == slug), None)
        if forum is not None:
            about = list_provisions(connection, reader, status_of=(forum.id, day))
            provisions = {one.id: one for one in about}
            there = find_status_members(connection, forum.slug, day)
            members = list_status_parties(
                connection, reader, forum.id, day=day, members=there, provisions=provisions
            )
            in_forum = list(provisions) if members else []
            wanted = [one for one in in_forum if not chosen or one in chosen][:_MOST_PROVISIONS]
            whose = [one for one in members if one in states]
            places = {one: (provisions[one].instrument, provisions[one].position) for one in wanted}
            rows = list_status(
                *(connection, reader, forum.id, forum.slug),
                day=day,
                parties=whose,
                places=places,
                members=there,
                has_evidence=False,
            )
            made = Draft()
            _write_agreed(made, [provisions[one] for one in wanted])
            _write_status(made, rows, wanted, whose, provisions, parties)
            if whose:
                _write_said(made, list_positions(connection, reader), wanted, whose, parties)
                actions = list_actions(connection, reader, day=day)
                _write_done(made, actions, wanted, whose, parties)
            made.begin(_("What is next"))
            sessions = list_sessions(connection, reader, slug=forum.slug, from_day=day)
            for one in sessions[:_MOST_SESSIONS]:
                made.write(
                    _(
                        "%(title)s, from %(starts)s to %(ends)s.",
                        title=one.title,
                        starts=one.starts,
                        ends=one.ends,
                    ),
                    _source(one.provenance),
                )
        else:
            in_forum, members = [], []
    if made is not None and made.is_closed:
        level = LEVELS[max(LEVELS.index(level), _CLOSED_FROM)]
    return norms_page(
        "briefing.html",
        forum=forum,
        forums=[(one.slug, one.title) for one in forums],
        states=[(one, f"{one} {parties.get(one, '')}") for one in members],
        provisions=[(one, f"{one} {provisions[one].short}"[:120]) for one in in_forum],
        chosen_states=states,
        chosen=chosen,
        made=made,
        level=level,
        levels=LEVELS,
        as_of=shown_day(day),
        now_us=current_instant_us(),
    )


def _several(name: str, most: int) -> list[str]:
    said = [one for one in request.args.getlist(name) if one]
    if len(said) > most or any("\0" in one or len(one) > 300 for one in said):
        raise BadInput("web.bad-filter", f"the filter {name!r} takes at most {most} names")
    return said


def _write_agreed(made: Draft, provisions: Iterable[Provision]) -> None:
    made.begin(_("What is agreed"))
    for one in provisions:
        text = f"{one.symbol} {one.path}: {one.short}."
        if one.paraphrase and one.paraphrase != one.short:
            text = f"{text} {one.paraphrase}"
        made.write(text, _source(one.provenance))


def _write_status(
    made: Draft,
    rows: list[StatusRow],
    wanted: list[str],
    whose: list[str],
    provisions: dict[str, Provision],
    names: dict[str, str],
) -> None:
    """A paragraph for each State: to what it is committed since when, by provision."""
    if not whose:
        return
    made.begin(_("Where States stand"))
    for code in whose:
        cells = [row for row in rows if row.member == code and row.provision in wanted]
        said = [row for row in cells if row.status != NO_STATEMENT]
        parts = [_cell(row, provisions[row.provision]) for row in said]
        silent = [
            f"{provisions[row.provision].symbol} {provisions[row.provision].path}"
            for row in cells
            if row.status == NO_STATEMENT
        ]
        if silent:
            parts.append(_("no statement on %(which)s", which=", ".join(silent)))
        sources = [_source(row.provenance) for row in said if row.provenance is not None]
        made.write(f"{_named(code, names)}: {'; '.join(parts)}.", *dict.fromkeys(sources))


def _cell(row: StatusRow, provision: Provision) -> str:
    words = [f"{provision.symbol} {provision.path}", say(row.status)]
    if row.since:
        words.append(_("since %(date)s", date=row.since))
    if row.is_reserved:
        words.append(_("with a reservation"))
    if row.is_contested:
        words.append(_("contested by the State"))
    return " ".join(words)


def _write_said(
    made: Draft,
    found: Iterable[Position],
    wanted: list[str],
    whose: list[str],
    names: dict[str, str],
) -> None:
    made.begin(_("What they say"))
    for one in found:
        about = not one.provisions or not set(one.provisions).isdisjoint(wanted)
        if one.party in whose and about and one.state == "released" and not one.is_superseded:
            made.is_closed = made.is_closed or one.audience != "public"
            text = f"{_named(one.party, names)}, {one.date}: {one.title}. {one.body}"
            made.write(text, _source(one.provenance))


def _write_done(
    made: Draft,
    found: Iterable[Action],
    wanted: list[str],
    whose: list[str],
    names: dict[str, str],
) -> None:
    made.begin(_("What they do"))
    for one in found:
        about = not set(one.provisions).isdisjoint(wanted)
        if one.party in whose and about and one.state == "released":
            made.is_closed = made.is_closed or one.audience != "public"
            text = f"{_named(one.party, names)}: {one.columns['plan']}; {say(one.progress.status)}."
            links = [event.link for event in one.events if event.link]
            made.write(text, _source(one.provenance), *links)


def _named(code: str, names: dict[str, str]) -> str:
    return f"{names.get(code, code)} ({code})"


def _source(where: Provenance) -> str:
    word = where.source_class.replace("-", " ")
    told = f"{where.source} ({word})"
    return told if where.is_verified else _("%(source)s; unverified", source=told)
