"""The JSON API's OpenAPI document, at `/api/v1/openapi.json`.

What does not live here: what the API offers (each room has its own blueprints), its lists,
the shapes of its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

from apispec import BasePlugin
from flask import Flask, Response, json
from flask_smorest import Api, Blueprint
from marshmallow import fields, validate

from web.problems import MEDIA_TYPE, phrase_of
from web.shapes import Instant, Shape

PREFIX: Final = "/api/v1"

_ABOUT: Final = """\
What a member or partner of this installation wants to know and change about its own:
credentials, policies, contributions, what became of them, and what it received. Objects
themselves travel by TAXII 2.1.

Send an API credential as HTTP Basic (its id and secret), or a Bearer token from
`/oauth/token`: a credential's own, or a tool's for a person who let it in (authorization code
with PKCE; `/.well-known/oauth-authorization-server` tells more). Reads need
the scope `api:read`, changes `api:write`. What you may not see is answered as what does not
exist. Instants are RFC 3339 in UTC with six fraction digits.
"""

_REFUSALS: Final = {
    400: ("web.bad-next", "this `next` belongs to another list; start again without it"),
    401: ("auth.credential-needed", "send an API credential as HTTP Basic, or a Bearer token"),
    403: ("auth.scope-needed", "this credential's scopes do not cover this"),
    404: ("web.not-found", "there is nothing at this address for you"),
    409: ("auth.credential-ended", "a revoked or expired credential stays so; issue a new one"),
    413: ("web.too-large", "the request is larger than this server takes"),
    415: ("web.unsupported-media", "send the body as Content-Type application/json"),
    422: ("web.refused", "`errors` says what is wrong with which field"),
}
"""Each status that an operation can be refused with, by an example: its code and detail."""

_FAULT: Final = ("kernel.database-unavailable", "the database cannot serve this now; try again")


_SCOPES: Final = {"api:read": "read", "api:write": "change"}
_OAUTH2: Final = {
    "type": "oauth2",
    "flows": {
        "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": _SCOPES},
        "authorizationCode": {
            "authorizationUrl": "/oauth/authorize",
            "tokenUrl": "/oauth/token",
            "refreshUrl": "/oauth/token",
            "scopes": _SCOPES,
        },
    },
}
"""How tokens are come by; addresses are on the host that serves the document."""


class ProblemSchema(Shape):
    """A refusal (RFC 9457): `detail` says what to do, `code` is stable."""

    title = fields.String(required=True)
    status = fields.Integer(required=True, strict=True, validate=validate.Range(400, 599))
    detail = fields.String(required=True)
    code = fields.String(required=True, validate=validate.Regexp(r"^[a-z]+\.[a-z]+(?:-[a-z]+)*$"))
    errors = fields.Dict(metadata={"description": "What is wrong with which field."})


class Refusals(BasePlugin):
    """Writes down how each operation can be refused, so that no view needs to."""

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **_rest: object
    ) -> None:
        """Called by apispec with each path and its operations, by method."""
        for method, operation in (operations or {}).items():
            for status in _statuses_of(path or "", method, operation):
                operation["responses"].setdefault(str(status), HTTPStatus(status).name)


def _statuses_of(path: str, method: str, operation: Mapping[str, Any]) -> list[int]:
    statuses = [401, 403]
    if "{" in path:
        statuses.append(404)
    if method == "get" and any(one.get("name") == "next" for one in _parameters(operation)):
        statuses.append(400)
    if "requestBody" in operation:
        statuses += [400, 413, 415]
    elif method in ("post", "delete"):
        statuses.append(409)
    return statuses


def _parameters(operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in operation.get("parameters", ()) if isinstance(one, Mapping)]


class ComityApi(Api):  # type: ignore[misc]  # flask-smorest carries no types
    """flask-smorest's part, with refusals described as what they are here.

    The document is written when somebody first asks for it, and kept: it takes as long as all
    the rest of an application's start, and most processes are never asked.
    """

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask, *, spec_kwargs: dict[str, Any]) -> None:
        self._undescribed: list[Blueprint] = []
        self._written: str | None = None
        self._writing = Lock()
        super().__init__(app, spec_kwargs=spec_kwargs)

    def register_blueprint(self, blp: Blueprint) -> None:
        """Put its routes into the application; what it says of them waits for a reader."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)
        self._undescribed.append(blp)

    def _openapi_json(self) -> Response:
        with self._writing:
            if self._written is None:
                self._written = self._write()
        return Response(self._written, mimetype="application/json")

    def _write(self) -> str:
        for each in self._undescribed:
            each.register_views_in_doc(self, self._app, self.spec, name=each.name, parameters=None)
            self.spec.tag({"name": each.name, "description": each.description})
        return json.dumps(self.spec.to_dict(), indent=2, sort_keys=False)

    def _register_responses(self) -> None:
        for status, (code, detail) in _REFUSALS.items():
            response = _refusal(status, code, detail)
            self.spec.components.response(HTTPStatus(status).name, response, lazy=True)
        other = _refusal(503, *_FAULT) | {
            "description": "Too many requests (429), or a fault of the server (500 and above)",
            "headers": {
                "Retry-After": {
                    "description": "Of 429 and 503: the seconds to wait before trying again.",
                    "schema": {"type": "integer", "minimum": 1},
                }
            },
        }
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, other, lazy=True)

    def _register_pagination_header(self) -> None:
        """Nothing: lists are paged as `web.listing` says."""

    def _register_etag_headers(self) -> None:
        """Nothing: no answer has one."""


def _refusal(status: int, code: str, detail: str) -> dict[str, Any]:
    title = phrase_of(status)
    example = {"title": title, "status": status, "detail": detail, "code": code}
    return {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": ProblemSchema, "example": example}},
    }


def init_api(app: Flask) -> ComityApi:
    """Put the OpenAPI document into `app`; its blueprints are registered with what this gives."""
    app.config.update(
        API_TITLE="Comity",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"info": {"description": _ABOUT, "license": {"name": "Apache-2.0"}}},
    )
    api = ComityApi(app, spec_kwargs={"extra_plugins": [Refusals()]})
    api.register_field(Instant, "string", "date-time")
    api.spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.components.security_scheme("oauth2", _OAUTH2)
    api.spec.options["security"] = [{"basic": []}, {"bearer": []}, {"oauth2": []}]
    return api


def body_of(
    description: str, shape: Mapping[str, Any], example: object, *types: str
) -> dict[str, Any]:
    """What a view that reads its body by itself says of it: its JSON Schema, and an example."""
    content = {one: {"schema": shape, "example": example} for one in types}
    return {"description": description, "required": True, "content": content}
