"""The page at `/` and the health check: public, and without content."""

from __future__ import annotations

from flask import Flask, Response
from markupsafe import Markup

from web.installation import current_settings, public_base

API_DOCUMENT = "/api/v1/openapi.json"


def show_landing() -> Response:
    """GET /: what this is, and where machines connect."""
    settings, base = current_settings(), public_base()
    page = Markup(
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>{title}</title></head><body><main>"
        "<h1>{title}</h1>"
        "<p>States keep their agreed norms on record here and share threat intelligence, "
        "each under its own policy.</p>"
        "<dl><dt>TAXII 2.1 discovery</dt><dd><code>{base}/taxii2/</code></dd>"
        "<dt>JSON API, as an OpenAPI document</dt>"
        '<dd><a href="{document}"><code>{base}{document}</code></a></dd>'
        "<dt>Bearer tokens (client credentials)</dt><dd><code>{base}/oauth/token</code></dd>"
        "</dl><p>Each asks for an API credential, which the operator of this installation "
        "issues{contact}.</p></main></body></html>\n"
    ).format(
        title=settings.title,
        base=base,
        document=API_DOCUMENT,
        contact=f": {settings.contact}" if settings.contact else "",
    )
    return Response(page, content_type="text/html; charset=utf-8")


def show_health() -> Response:
    """GET /healthz: this process answers. It says nothing of the database."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


def init_landing(app: Flask) -> None:
    """Put both addresses into `app`; `app` signs them."""
    app.add_url_rule("/", "landing", show_landing, methods=["GET"])
    app.add_url_rule("/healthz", "health", show_health, methods=["GET"])
