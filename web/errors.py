"""The one place that turns a refusal or a fault into an HTTP answer.

Each part of the address space has a renderer, chosen by the longest prefix; this module
gives every answer its status and the headers that the status asks for. A fault nobody
foresaw is logged under an incident number, which is all that the caller learns.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from flask import Flask, Response, current_app, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from kernel.errors import (
    BadInput,
    ComityError,
    MethodRefused,
    NotAcceptable,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from kernel.logs import get_logger
from web.problems import phrase_of, render_problem

Renderer = Callable[[ComityError, Mapping[str, str]], Response]
"""An error and the headers its answer will have, as the body and media type of an answer."""

REALM: Final = "Comity"
_RENDERERS: Final = "comity.renderers"
_PAGES: Final = "comity.page-renderer"
_KINDS: Final[dict[int, tuple[type[ComityError], str, str]]] = {
    400: (BadInput, "web.bad-request", "the request cannot be understood"),
    404: (NotFound, "web.not-found", "there is nothing at this address for you"),
    405: (MethodRefused, "web.method-refused", "this address does not take this method"),
    406: (NotAcceptable, "web.not-acceptable", "no media type in Accept can be served here"),
    413: (TooLarge, "web.too-large", "the request is larger than this server takes"),
    415: (UnsupportedMedia, "web.unsupported-media", "this media type is not read here"),
}

_BAD_FIELDS: Final = "`errors` says what is wrong with which field; mend those and send it again"

log = get_logger(__name__)


class RequestError(ComityError):
    """A refusal by the HTTP layer that has no class of its own; `errors` are of fields."""

    def __init__(self, status: int, code: str, message: str, errors: object = None) -> None:
        super().__init__(code, message)
        self.status = status
        self.errors = errors


def init_errors(app: Flask) -> None:
    """Answer every refusal and fault of `app`; call it after every other part is in."""
    register_renderer(app, "/api/", render_problem)
    app.register_error_handler(ComityError, answer_error)
    app.register_error_handler(HTTPException, lambda fault: answer_error(_refusal(fault)))
    app.register_error_handler(MemoryError, _answer_want_of_memory)
    app.register_error_handler(Exception, _answer_fault)


def register_renderer(app: Flask, prefix: str, render: Renderer) -> None:
    """Answer refusals at addresses that begin with `prefix` (`/taxii2/`) by `render`."""
    app.extensions.setdefault(_RENDERERS, {})[prefix] = render


def init_page_renderer(app: Flask, render: Renderer) -> None:
    """Answer refusals everywhere else, where people are, by `render`."""
    app.extensions[_PAGES] = render


def is_below(path: str, prefix: str) -> bool:
    """Whether an address is in the part called `prefix`, with or without a last slash."""
    return path.startswith(prefix) or path == prefix.rstrip("/")


def answer_error(error: ComityError) -> Response:
    """The answer to a request that is refused with `error`."""
    headers = _headers_of(error)
    joined = {name: ", ".join(values) for name, values in headers.items()}
    response = _renderer_at(request.path)(error, joined)
    for name, values in headers.items():
        response.headers.setlist(name, values)
    return response


def _renderer_at(path: str) -> Renderer:
    renderers: dict[str, Renderer] = current_app.extensions.get(_RENDERERS, {})
    fitting = [prefix for prefix in renderers if is_below(path, prefix)]
    if fitting:
        return renderers[max(fitting, key=len)]
    pages: Renderer = current_app.extensions.get(_PAGES, render_bare)
    return pages


def render_bare(error: ComityError, _headers: Mapping[str, str]) -> Response:
    """A refusal as the barest page, for an application without pages of its own."""
    page = Markup(
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        "<body><h1>{title}</h1><p>{message}</p></body></html>\n"
    ).format(title=phrase_of(error.status), message=error.message)
    return Response(page, status=error.status, content_type="text/html; charset=utf-8")


def _headers_of(error: ComityError) -> dict[str, list[str]]:
    if isinstance(error, Unauthenticated):
        # RFC 6750 §3.1: a token that was presented is named as the cause.
        cause = getattr(error, "bearer_error", None)
        bearer = f'Bearer realm="{REALM}"' + (f', error="{cause}"' if cause else "")
        return {"WWW-Authenticate": [f'Basic realm="{REALM}", charset="UTF-8"', bearer]}
    if isinstance(error, TooMany | Unavailable):
        return {"Retry-After": [str(error.retry_after_seconds)]}
    if isinstance(error, MethodRefused):
        allowed = getattr(error, "allowed", ())
        return {"Allow": [", ".join(sorted(allowed))]}
    return {}


def _refusal(fault: HTTPException) -> ComityError:
    """What the HTTP layer refused, as an error of ours; its own texts never reach a caller."""
    status = fault.code or 500
    if status >= 500 or status < 400:
        return _incident(fault)
    if isinstance(fault, RequestEntityTooLarge):
        status = 413
    if status in _KINDS:
        kind, code, message = _KINDS[status]
        error = kind(code, message)
    else:
        errors = _fields(fault)
        message = _BAD_FIELDS if errors else phrase_of(status)
        error = RequestError(status, "web.refused", message, errors)
    if isinstance(fault, MethodNotAllowed):
        error.allowed = tuple(fault.valid_methods or ())  # type: ignore[attr-defined]
    return error


def _fields(fault: HTTPException) -> object:
    """What a schema said of each field, where the fault carries it."""
    data = getattr(fault, "data", None)
    return data.get("messages") if isinstance(data, dict) else None


def _answer_fault(fault: Exception) -> Response:
    return answer_error(_incident(fault))


def _answer_want_of_memory(_fault: MemoryError) -> Response:
    # What the request held is given back by now, so that others are served.
    log.error("out-of-memory", method=request.method, path=request.path)
    return answer_error(
        Unavailable(
            "web.out-of-memory",
            "this server has no memory to spare for this; send less at once, or try again later",
        )
    )


def _incident(fault: Exception) -> ComityError:
    number = secrets.token_hex(8)
    log.error("incident", incident=number, method=request.method, path=request.path, exc_info=fault)
    return ComityError("web.incident", f"something went wrong here; report incident {number}")
