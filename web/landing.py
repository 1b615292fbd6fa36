"""The page at `/` and the health check: public, and without content."""

from __future__ import annotations

from flask import Flask, Response, current_app, url_for

from web.installation import current_settings, public_base
from web.pages import find_viewer, page, see_other

API_DOCUMENT = "/api/v1/openapi.json"


def show_landing() -> Response:
    """GET /: what this is, and where machines connect; who is signed in goes to their work."""
    viewer = find_viewer()
    home = viewer.home if viewer is not None else None
    if home is not None and home in current_app.view_functions:
        return see_other(url_for(home))
    return page(
        "web/landing.html",
        base=public_base(),
        document=API_DOCUMENT,
        contact=current_settings().contact,
    )


def show_health() -> Response:
    """GET /healthz: this process answers. It says nothing of the database."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


def init_landing(app: Flask) -> None:
    """Put both addresses into `app`; `app` signs them."""
    app.add_url_rule("/", "landing", show_landing, methods=["GET"])
    app.add_url_rule("/healthz", "health", show_health, methods=["GET"])
