"""What the register's pages share: the day asked about, whose list it is, absent rows.

Public facts are read by anybody who is signed in; what is closed is absent for everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from auth.doors import current_reader
from kernel.errors import BadInput, NotFound
from norms.rules.dates import day_of, format_day, parse_day
from web.atom import Entry, answer_feed, feed_here
from web.installation import current_instant_us
from web.listing import Listing, make_listing
from web.pages import page

blueprint = Blueprint("register", __name__, url_prefix="/norms", template_folder="templates")

DRAFTER: Final = "drafter"
CLEARANCE: Final = "clearance-officer"
T = TypeVar("T")


def asked_day() -> int:
    """The day that a page is asked about (`as_of`), as a number; today unless said."""
    said = request.args.get("as_of")
    return parse_day(said) if said else day_of(current_instant_us())


def expect(found: T | None, noun: str) -> T:
    """What was looked for; hidden and absent are refused in the same words."""
    if found is None:
        raise NotFound(f"norms.unknown-{noun}", f"there is no such {noun}")
    return found


def named(name: str, noun: str) -> str:
    """A name from an address. Raises NotFound for what no row can be called."""
    if "\0" in name or len(name) > 300:
        raise NotFound(f"norms.unknown-{noun}", f"there is no such {noun}")
    return name


def asked(name: str) -> str | None:
    """A filter from the query; None where it is left empty. Raises BadInput."""
    said = request.args.get(name, "").strip()
    if "\0" in said or len(said) > 300:
        raise BadInput("web.bad-filter", f"the filter {name!r} cannot be read")
    return said or None


def listing_of(name: str, query: Mapping[str, Any], *, about: str = "") -> Listing:
    """A list of the register on a page; its cursors fit no other."""
    reader = current_reader()
    who = f"{reader.kind} {reader.member_id} {reader.partner_id} {reader.secretariat_of}"
    return make_listing(f"page-norms-{name}", f"{who} {about}", query)


def feed_page(name: str, title: str, entries: Sequence[Entry]) -> Response:
    """A list of this page as an Atom feed; `name` is the page's endpoint."""
    return answer_feed(feed_here(title, url_for(f"register.{name}")), entries)


def has_role(*roles: str) -> bool:
    """Whether the person acts for a member, in one of these roles."""
    reader = current_reader()
    return reader.member_id is not None and any(reader.has_role(role) for role in roles)


def norms_page(
    template: str,
    *,
    status: int = 200,
    **context: Any,  # noqa: ANN401 - what a template is given
) -> Response:
    """A page of the register; `may` tells its template what the person's roles allow."""
    reader = current_reader()
    may = {
        "draft": has_role(DRAFTER),
        "release": has_role(CLEARANCE),
        "record": reader.secretariat_of is not None,
    }
    return page(
        f"norms/{template}",
        status=status,
        may=may,
        our_code=reader.member_code,
        say=say,
        **context,
    )


def say(word: str | None) -> str:
    """A word of the register in the reader's language; one that is not known stays as it is."""
    if word is None:
        return ""
    said = _WORDS.get(word)
    return said() if said is not None else word.replace("-", " ")


def shown_day(day: int) -> str:
    """A day as it is asked about."""
    return format_day(day)


_WORDS: Final[dict[str, Callable[[], str]]] = {
    "no-statement": lambda: _("no statement"),
    "in-effect": lambda: _("in effect"),
    "qualified": lambda: _("in effect, qualified"),
    "lapsed": lambda: _("lapsed"),
    "withdrawn": lambda: _("withdrawn"),
    "suspended": lambda: _("suspended"),
    "superseded": lambda: _("superseded"),
    "disassociated": lambda: _("disassociated"),
    "party": lambda: _("party"),
    "signatory": lambda: _("signatory"),
    "adopted": lambda: _("adopted"),
    "in-force": lambda: _("in force"),
    "restraint": lambda: _("restraint"),
    "positive-duty": lambda: _("duty to act"),
    "process": lambda: _("process"),
    "draft": lambda: _("draft"),
    "released": lambda: _("released"),
    "public": lambda: _("everybody"),
    "own": lambda: _("our State alone"),
    "parties": lambda: _("chosen parties"),
    "elaborates": lambda: _("elaborates"),
    "restates": lambda: _("restates"),
    "implements": lambda: _("implements"),
    "narrows": lambda: _("narrows"),
    "supersedes": lambda: _("supersedes"),
    "related-editorial": lambda: _("related, by our own reading"),
    "silence-running": lambda: _("silence runs"),
    "held": lambda: _("silence has held"),
    "broken": lambda: _("silence was broken"),
    "planned": lambda: _("planned"),
    "in-progress": lambda: _("under way"),
    "completed": lambda: _("completed"),
    "discontinued": lambda: _("discontinued"),
    "evidence": lambda: _("evidence"),
    "due-moved": lambda: _("due date moved"),
    "national-position": lambda: _("national position"),
    "explanation-of-position": lambda: _("explanation of position"),
    "national-view": lambda: _("national view"),
    "contest": lambda: _("contest by the State"),
    "waiting": lambda: _("waits for a second person"),
    "confirmed": lambda: _("confirmed"),
    "refused": lambda: _("refused"),
}
