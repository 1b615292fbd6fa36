"""The JSON schema of the Comity release extension, at its fixed address (sharing policy §7).

Public: a producer reads it before it contributes. What does not live here: the extension itself.
"""

from __future__ import annotations

from typing import Final

import orjson
from flask import Flask, Response

from auth.doors import Permission, door
from sharing.gate.releasable import RELEASE_EXTENSION, RELEASE_EXTENSION_SCHEMA

ADDRESS: Final = f"/schemas/{RELEASE_EXTENSION}.json"


def show_schema() -> Response:
    """GET /schemas/{extension-definition id}.json: the schema, the same for everybody."""
    content = orjson.dumps(RELEASE_EXTENSION_SCHEMA, option=orjson.OPT_INDENT_2)
    return Response(content, content_type="application/schema+json; charset=utf-8")


def init_extension(app: Flask) -> None:
    """Put the schema's address into `app`."""
    app.add_url_rule(
        ADDRESS, "release-extension", door(Permission.PUBLIC)(show_schema), methods=["GET"]
    )
