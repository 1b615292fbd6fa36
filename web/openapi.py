"""The JSON API's OpenAPI document, at `/api/v1/openapi.json`.

What does not live here: what the API offers (each room has its own blueprints), its lists.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Flask
from flask_smorest import Api
from marshmallow import Schema, fields

from web.listing import Instant
from web.problems import MEDIA_TYPE

PREFIX: Final = "/api/v1"

_ABOUT: Final = """\
What a member or partner of this installation wants to know and change about its own:
credentials, policies, contributions, what became of them, and what it received. Objects
themselves travel by TAXII 2.1.

Send an API credential as HTTP Basic (its id and secret), or a Bearer token from
`/oauth/token`. Reads need the scope `api:read`, changes `api:write`. What you may not see is
answered as what does not exist. Instants are RFC 3339 in UTC with six fraction digits.
"""


class ProblemSchema(Schema):
    """A refusal (RFC 9457): `detail` says what to do, `code` is stable."""

    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.Dict(metadata={"description": "What is wrong with which field."})


class ComityApi(Api):  # type: ignore[misc]  # flask-smorest carries no types
    """flask-smorest's part, with refusals described as what they are here."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        usual: str = Api.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MEDIA_TYPE
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = usual


def init_api(app: Flask) -> ComityApi:
    """Put the OpenAPI document into `app`; its blueprints are registered with what this gives."""
    app.config.update(
        API_TITLE="Comity",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"info": {"description": _ABOUT, "license": {"name": "Apache-2.0"}}},
    )
    api = ComityApi(app)
    api.register_field(Instant, "string", "date-time")
    api.spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"basic": []}, {"bearer": []}]
    return api


def body_of(description: str, *types: str) -> dict[str, Any]:
    """What a view that reads its body by itself says of it in the document."""
    content = {content_type: {"schema": {"type": "object"}} for content_type in types}
    return {"description": description, "required": True, "content": content}
