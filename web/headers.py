"""Headers that every answer carries: nothing is run, framed, sniffed, referred to or kept.

And the one that every request must carry: addresses are given out under the name in `Host`.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from kernel.errors import BadInput

_ALWAYS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # What an answer holds depends on who asked: no cache may keep it for another.
    "Cache-Control": "no-store",
}
_HSTS: Final = "Strict-Transport-Security"
_HSTS_SECONDS: Final = 365 * 24 * 3600


def init_headers(app: Flask) -> None:
    """Add the headers to every answer of `app`; a view may set its own value first."""
    app.before_request(_check_host)
    app.after_request(_add_headers)


def _check_host() -> None:
    if not request.host:
        # RFC 9112 §3.2: werkzeug leaves out a name that cannot be one.
        raise BadInput("web.bad-request", "the Host header is no host name; send one")


def _add_headers(response: Response) -> Response:
    # Looked through once: werkzeug would do so for each name.
    given = {name.lower() for name, _ in response.headers}
    for name, value in _ALWAYS.items():
        if name.lower() not in given:
            response.headers.add(name, value)
    if request.is_secure and _HSTS.lower() not in given:
        response.headers.add(_HSTS, f"max-age={_HSTS_SECONDS}")
    return response
