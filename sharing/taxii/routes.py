"""Addresses of the TAXII server, each with its view, its methods and its sign.

With or without the trailing slash an address is the same one: nothing is ever redirected.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response, request

from auth.doors import Permission, door
from sharing.taxii import changes, information, pages
from sharing.taxii.answers import render_error
from sharing.taxii.media import check_accept
from web.errors import register_renderer

PREFIX = "/taxii2/"

_FORUM = "/taxii2/<forum>/"
_COLLECTION = _FORUM + "collections/<ref>/"
_OBJECT = _COLLECTION + "objects/<stix_id>/"

_ROUTES: tuple[tuple[str, str, Permission, Callable[..., Response]], ...] = (
    ("/taxii2/", "GET", Permission.TAXII, information.discovery),
    (_FORUM, "GET", Permission.TAXII, information.api_root),
    (_FORUM + "status/<status_id>/", "GET", Permission.TAXII, information.status),
    (_FORUM + "collections/", "GET", Permission.TAXII, information.collections),
    (_COLLECTION, "GET", Permission.TAXII, information.collection),
    (_COLLECTION + "x-comity-markings/", "GET", Permission.TAXII, information.markings),
    (_COLLECTION + "manifest/", "GET", Permission.TAXII_READ, pages.manifest),
    (_COLLECTION + "objects/", "GET", Permission.TAXII_READ, pages.objects),
    (_COLLECTION + "objects/", "POST", Permission.TAXII_WRITE, changes.add_objects),
    (_OBJECT, "GET", Permission.TAXII_READ, pages.one_object),
    # Not TAXII_WRITE: where the caller may neither read nor write, DELETE is 404 and not 403
    # (TAXII 2.1 §5.7); the view weighs both scopes.
    (_OBJECT, "DELETE", Permission.TAXII, changes.delete_object),
    (_OBJECT + "versions/", "GET", Permission.TAXII_READ, pages.versions),
)


def init_taxii(app: Flask) -> None:
    """Put the TAXII server into `app`: its routes, its refusals, its content negotiation."""
    blueprint = Blueprint("taxii", __name__)
    blueprint.before_request(_negotiate)
    for address, method, permission, view in _ROUTES:
        blueprint.add_url_rule(
            address,
            view.__name__,
            door(permission)(view),
            methods=[method],
            strict_slashes=False,
            merge_slashes=False,
            provide_automatic_options=False,
        )
    app.register_blueprint(blueprint)
    register_renderer(app, PREFIX, render_error)


def _negotiate() -> None:
    check_accept(request.headers.get("Accept"))
