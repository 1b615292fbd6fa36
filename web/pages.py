"""Pages for people: rendered from templates, in the reader's language, with the pages' headers.

A room has its templates in a folder of its own beside its pages, and says here where its pages
are to be found from the others. What does not live here: who is signed in (auth).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Flask, Request, Response, current_app, render_template, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from kernel.clock import format_instant
from kernel.errors import BadInput, ComityError, TooLarge
from kernel.logs import get_logger
from web.addresses import init_addresses
from web.assets import asset_address, init_assets
from web.errors import init_page_renderer, render_bare
from web.inbox import init_inbox
from web.installation import current_settings, installation_of
from web.language import init_language
from web.problems import phrase_of

AREAS: Final = ("inbox", "sharing", "norms", "members", "account", "operator")
"""The parts of an installation, in the order in which every page leads to them."""
CONTENT_TYPE: Final = "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MOST_FORM_BYTES: Final = 4 * 1024 * 1024
"""Of a form of somebody who is signed in; files in it are not counted."""
# Whoever is not signed in has nothing to say that is longer.
_MOST_VISITOR_BYTES: Final = 64 * 1024
_NAVIGATION: Final = "comity.navigation"
_VIEWER: Final = "comity.viewer"
_CSRF: Final = "comity.csrf"
_SEARCH: Final = "comity.search"

log = get_logger(__name__)

Text = Any
"""A text, or one that is translated when it is shown (`lazy_gettext`)."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking: as pages show it, and where its work begins (`home`, an endpoint).

    `signed` is what the room of signed-in people knows of it.
    """

    email: str
    acts_for: str
    home: str
    signed: Any


@dataclass(frozen=True, slots=True)
class Place:
    """A page that every other page leads to.

    `area` groups places (`sharing`, `norms`, `account`); `is_for` says of the viewer that the
    room of signed-in people knows whether the place is shown.
    """

    area: str
    label: Text
    endpoint: str
    is_for: Callable[[Viewer], bool] = lambda _viewer: True

    @property
    def blueprint(self) -> str:
        """The pages that belong to the same area."""
        return self.endpoint.partition(".")[0]


def init_pages(app: Flask) -> None:
    """Let `app` render pages; rooms add theirs afterwards."""
    installation = installation_of(app)
    app.secret_key = installation.signer.hash("forms", "")
    app.config.update(
        SESSION_COOKIE_NAME="comity-form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = _FormSessions()
    app.extensions[_CSRF] = CSRFProtect(app)
    app.extensions.update({_NAVIGATION: [], _SEARCH: None, _VIEWER: None})
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.filters.update(instant=show_instant, day=show_day, tlp=show_tlp)
    app.jinja_env.globals.update(asset=asset_address, with_query=with_query)
    app.context_processor(_surroundings)
    app.register_blueprint(Blueprint("web", __name__, template_folder="templates"))
    init_inbox(app)
    init_addresses(app)
    init_assets(app)
    init_language(app)
    init_page_renderer(app, render_refusal)


class _FormSessions(SecureCookieSessionInterface):
    """What forms keep in a cookie: never over plain http where this request came by TLS."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie holds; nothing is made ready to read one where none came."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the cookie is for https alone."""
        settings = installation_of(app).settings
        return request.is_secure or settings.public_url.startswith("https:")


def add_places(app: Flask, places: list[Place]) -> None:
    """Let every page lead to these; they are shown in the order in which they were added."""
    app.extensions[_NAVIGATION].extend(places)


def set_viewer(app: Flask, finder: Callable[[], Viewer | None]) -> None:
    """Say how pages learn who is looking."""
    app.extensions[_VIEWER] = finder


def find_viewer() -> Viewer | None:
    """Who is looking at the page; None for a visitor, and where nobody can be recognised now."""
    finder: Callable[[], Viewer | None] | None = current_app.extensions[_VIEWER]
    try:
        return None if finder is None else finder()
    except ComityError:
        return None


def set_search(app: Flask, endpoint: str) -> None:
    """Say which page the search box of every page asks."""
    app.extensions[_SEARCH] = endpoint


def check_form_is_ours(*, of_visitor: bool, takes_files: bool = False) -> None:
    """Refuse a form that this session's pages did not give out. Raises BadInput, or TooLarge.

    Read the token that Flask-WTF put into the form, and what the browser says of the page that
    sent it (the header Sec-Fetch-Site). The form is read here first, so how much of it may be
    is said here: of a visitor little, of one that `takes_files` as much as an import may have.
    """
    request.max_form_memory_size = MOST_FORM_BYTES
    if of_visitor or request.mimetype != "multipart/form-data":
        most = _MOST_VISITOR_BYTES if of_visitor else MOST_FORM_BYTES
        request.max_content_length = min(most, current_settings().max_content_length)
    elif takes_files:
        request.max_content_length = current_settings().max_import_length + MOST_FORM_BYTES
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise BadInput("web.foreign-form", "this form was sent by a page of another site")
    csrf: CSRFProtect = current_app.extensions[_CSRF]
    try:
        csrf.protect()
    except RequestEntityTooLarge:
        raise TooLarge(
            "web.too-large", "this form holds more than is taken here; send less at once"
        ) from None
    except HTTPException:
        raise BadInput(
            "web.stale-form",
            "this form was opened in a session that has ended since; open the page again, and "
            "send it from there",
        ) from None


def page(
    template: str,
    *,
    status: int = 200,
    leads_to: str = "",
    **context: Any,  # noqa: ANN401
) -> Response:
    """A page rendered from a template, with the headers of pages.

    `leads_to` is the source (CSP 3 §2.3.1) at which the answer to the page's form may lead on.
    """
    response = Response(render_template(template, **context), status=status)
    response.content_type = CONTENT_TYPE
    response.headers["Content-Security-Policy"] = POLICY.replace(
        "form-action 'self'", f"form-action 'self' {leads_to}".rstrip()
    )
    return response


def see_other(address: str) -> Response:
    """What a form answers with when it has been done: look there (HTTP 303)."""
    response = Response(status=303)
    response.headers["Location"] = address
    return response


def render_refusal(error: ComityError, headers: Mapping[str, str]) -> Response:
    """A refusal as a page for a person; as the barest one where pages cannot be made."""
    try:
        return page(
            "web/refusal.html", status=error.status, error=error, heading=phrase_of(error.status)
        )
    except Exception:  # the refusal is told all the same
        log.exception("page-failed", code=error.code)
        return render_bare(error, headers)


def show_instant(at_us: int | None) -> Markup:
    """An instant as a page shows it: UTC, to the minute, exact where a program looks."""
    if at_us is None:
        return Markup("")
    exact = format_instant(at_us)
    # Digits and signs alone, so nothing in it is to be escaped: a page shows hundreds.
    shown = f"{exact[:10]} {exact[11:16]}"
    return Markup(f'<time dir="ltr" datetime="{exact}">{shown} UTC</time>')  # noqa: S704


@lru_cache(maxsize=32)
def show_tlp(level: str) -> Markup:
    """A TLP level in its official words and colours: never translated, always left to right."""
    return Markup('<bdi dir="ltr" class="tlp tlp-{}">TLP:{}</bdi>').format(
        level.replace("+", "-"), level.upper()
    )


def show_day(text: str | None) -> Markup:
    """A date that is known to the day, the month or the year, as it stands."""
    return Markup('<time dir="ltr">{}</time>').format(text) if text else Markup("")


def with_query(**changes: Any) -> str:  # noqa: ANN401
    """The address of this page with some of its query changed; None takes a name out."""
    kept = request.args.to_dict(flat=False)
    for name, value in changes.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = [str(value)]
    written = urlencode([(name, value) for name in kept for value in kept[name] if value])
    return f"{request.path}?{written}" if written else request.path


def _surroundings() -> dict[str, Any]:
    viewer = find_viewer()
    known: list[Place] = current_app.extensions[_NAVIGATION]
    places = [place for place in known if viewer is not None and place.is_for(viewer)]
    areas: dict[str, Place] = {}
    for place in places:
        areas.setdefault(place.area, place)
    here = request.blueprint
    return {
        "title": current_settings().title,
        "viewer": viewer,
        "site_places": places,
        "site_areas": [areas[name] for name in AREAS if name in areas],
        "current_area": next((one.area for one in known if one.blueprint == here), ""),
        "search_endpoint": current_app.extensions[_SEARCH],
    }
