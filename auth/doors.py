"""Doors: every route is signed with what it takes to enter, and an unsigned one stays shut.

A view is signed once, for all its methods; a rule with GET and POST that need different
scopes has two views. At addresses below /taxii2/ and /api/ a caller is known before it learns
whether the address exists. Pages are entered by a person's session, everything else by an API
credential; neither door looks at what belongs to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

from flask import Flask, Response, current_app, g, request, url_for

from auth.authentication import authenticate_request, init_authentication
from auth.queries.sessions import Signed
from auth.reader import Reader
from auth.sessions import find_signed
from kernel.errors import Forbidden, NotFound
from kernel.logs import get_logger
from web.errors import is_below
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
)
from web.pages import check_form_is_ours, see_other

__all__ = [
    "Permission",
    "current_database",
    "current_instant_us",
    "current_reader",
    "current_settings",
    "current_signed",
    "current_signer",
    "door",
    "find_sign",
    "init_doors",
    "sign_endpoint",
]

GUARDED_PREFIXES: Final = ("/taxii2/", "/api/")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGN: Final = "__comity_sign__"
_FILES_OF: Final = "__comity_files_of__"
_SIGNS: Final = "comity.signs"

log = get_logger(__name__)

View = TypeVar("View", bound=Callable[..., Any])


class Permission(StrEnum):
    """What it takes to enter. Each needs the scope of its name; `TAXII` and `API` either one
    of their two; `PUBLIC` nothing at all.

    Of pages: `VISITOR` asks for nothing, `PERSON` for anybody who is signed in, `MEMBER` for a
    person who acts for a member, `OPERATOR` for an operator.
    """

    PUBLIC = "public"
    VISITOR = "page"
    PERSON = "page:person"
    MEMBER = "page:member"
    OPERATOR = "page:operator"
    TAXII = "taxii"
    TAXII_READ = "taxii:read"
    TAXII_WRITE = "taxii:write"
    API = "api"
    API_READ = "api:read"
    API_WRITE = "api:write"

    @property
    def is_of_page(self) -> bool:
        """Whether it is a person at a browser who enters here."""
        return self.value.partition(":")[0] == "page"

    def opens_to_person(self, signed: Signed) -> bool:
        """Whether somebody who is signed in may enter this page."""
        if self is Permission.MEMBER:
            return signed.reader.member_id is not None
        return self is not Permission.OPERATOR or signed.is_operator

    def opens_to(self, reader: Reader) -> bool:
        """Whether the reader's credential may be used here."""
        if ":" in self.value:
            return reader.has_scope(self.value)
        return reader.has_scope(f"{self.value}:read") or reader.has_scope(f"{self.value}:write")


def door(permission: Permission, *, files_of: str | None = None) -> Callable[[View], View]:
    """Sign a view, or a view method, with what it takes to enter.

    `files_of` is the role of those whose form may carry a file as long as an import may be.
    """

    def sign(view: View) -> View:
        setattr(view, _SIGN, permission)
        setattr(view, _FILES_OF, files_of)
        return view

    return sign


def sign_endpoint(app: Flask, endpoint: str, permission: Permission) -> None:
    """Sign an endpoint whose view is not ours to sign, say a library's."""
    app.extensions.setdefault(_SIGNS, {})[endpoint] = permission


def find_sign(app: Flask, endpoint: str, method: str) -> Permission | None:
    """The sign of one route and method; None when there is none."""
    signs: dict[str, Permission] = app.extensions.get(_SIGNS, {})
    if endpoint in signs:
        return signs[endpoint]
    view = app.view_functions.get(endpoint)
    of_class = getattr(view, "view_class", None)
    if of_class is not None:
        # A class of views answers HEAD by its GET.
        view = getattr(of_class, "get" if method == "HEAD" else method.lower(), None)
    sign = getattr(view, _SIGN, None)
    return sign if isinstance(sign, Permission) else None


def init_doors(app: Flask) -> None:
    """Put a guard before every view of `app`."""
    init_authentication(app)
    app.before_request(_guard)


def current_reader() -> Reader:
    """Who is asking. Only behind a door that is not public."""
    reader: Reader = g.reader
    return reader


def current_signed() -> Signed:
    """The person who is signed in. Only behind a door of a page that is not for visitors."""
    signed: Signed = g.signed
    return signed


def _guard() -> Response | None:
    """Runs before every view, and before the refusal of an address that matches none."""
    sign = _sign_of_request()
    if sign is Permission.PUBLIC:
        return None
    if sign is not None and sign.is_of_page:
        return _guard_page(sign)
    if sign is None and not _is_guarded(request.path):
        if request.routing_exception is None:
            _stay_shut()
        return None
    reader = authenticate_request().reader
    g.reader, g.actor = reader, reader.actor
    if sign is not None and not sign.opens_to(reader):
        raise Forbidden(
            "auth.scope-needed",
            f"this credential lacks the scope {sign.value}, or its holder's role does not allow it",
        )
    if sign is None and request.routing_exception is None:
        _stay_shut()
    return None


def _guard_page(sign: Permission) -> Response | None:
    """The same for a page; whoever is not signed in is led to where that is done."""
    signed = find_signed()
    if signed is not None:
        g.reader, g.actor = signed.reader, signed.reader.actor
    if sign is not Permission.VISITOR:
        if signed is None:
            if request.method in _SAFE:
                return see_other(url_for("sign-in", next=request.full_path.rstrip("?")))
            raise Forbidden(
                "auth.sign-in-needed", "your session has ended; sign in and do it again"
            )
        if not sign.opens_to_person(signed):
            raise Forbidden("auth.role-needed", "this page is not for the role that you act in")
    if request.method not in _SAFE:
        check_form_is_ours(of_visitor=signed is None, takes_files=_takes_files(signed))
    return None


def _takes_files(signed: Signed | None) -> bool:
    """Whether the form may be as long as an import, by what it is for and who sends it."""
    view = current_app.view_functions[str(request.endpoint)]
    role = getattr(view, _FILES_OF, None)
    return role is not None and signed is not None and signed.reader.has_role(role)


def _sign_of_request() -> Permission | None:
    if request.routing_exception is not None or request.endpoint is None:
        return None
    return find_sign(current_app, request.endpoint, request.method)


def _is_guarded(path: str) -> bool:
    return any(is_below(path, prefix) for prefix in GUARDED_PREFIXES)


def _stay_shut() -> None:
    log.error("unsigned-route", endpoint=request.endpoint, method=request.method)
    raise NotFound("web.not-found", "there is nothing at this address for you")
