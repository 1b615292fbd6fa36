"""The session of the person at the browser: read from its cookie, put into it, taken out.

A cookie opens pages only, and an API credential opens everything else only: neither is looked
at where the other belongs. What does not live here: how a person proves who it is.
"""

from __future__ import annotations

from typing import Final

from flask import Response, g, request

from auth.queries.sessions import Signed, find_by_session
from auth.services.secrets import hash_session_token
from auth.services.sessions import IDLE_US, LONGEST_US, SEEN_EVERY_US, keep_session
from kernel.clock import SECOND_US
from kernel.errors import ComityError
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
)
from web.language import forget_forms

_COOKIE: Final = "comity-session"
# Browsers refuse a cookie of this name that another host, or plain http, tries to set.
_SECURE_COOKIE: Final = "__Host-comity-session"
_MOST_CHARACTERS: Final = 200


def find_signed() -> Signed | None:
    """Who is signed in at the browser that sends this request; looked up once a request."""
    if "signed" not in g:
        g.signed = _find_signed()
    signed: Signed | None = g.signed
    return signed


def put_cookie(response: Response, token: str) -> None:
    """Let the browser keep a session that has just begun; its forms of before are void."""
    forget_forms()
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=LONGEST_US // SECOND_US,
        path="/",
        secure=_is_secure(),
        httponly=True,
        samesite="Lax",
    )


def take_cookie(response: Response) -> None:
    """Let the browser forget its session, and its forms."""
    forget_forms()
    response.delete_cookie(
        _cookie_name(), path="/", secure=_is_secure(), httponly=True, samesite="Lax"
    )


def _find_signed() -> Signed | None:
    token = request.cookies.get(_cookie_name())
    if not token or len(token) > _MOST_CHARACTERS:
        return None
    now_us = current_instant_us()
    hashed = hash_session_token(current_signer(), token)
    with current_database().read() as connection:
        found = find_by_session(connection, hashed, now_us=now_us, idle_us=IDLE_US)
    if found is not None and now_us - found.seen_us > SEEN_EVERY_US:
        _keep(found, now_us)
    return found


def _keep(found: Signed, now_us: int) -> None:
    try:
        with current_database().note() as connection:
            keep_session(connection, found.session_id, now_us=now_us)
    except ComityError:
        # A page is read even where nothing can be written; the session only ends sooner.
        return


def _cookie_name() -> str:
    return _SECURE_COOKIE if _is_secure() else _COOKIE


def _is_secure() -> bool:
    return request.is_secure or current_settings().public_url.startswith("https:")
