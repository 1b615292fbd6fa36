"""`/sharing/FORUM/collections`: where machines connect, ready to paste; and a test of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from flask import Response, current_app, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, door
from auth.reader import Seated
from sharing.pages.entering import (
    blueprint,
    enter,
    enter_collection,
    enter_to_read,
    forum_page,
)
from sharing.queries.collections import Collection, list_collections
from sharing.services.jobs import ask_export
from sharing.services.markings import ENFORCED, RECORDED
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us, public_base
from web.pages import see_other

_TAXII: Final = "application/taxii+json;version=2.1"


class TestForm(FormSchema):
    """A credential to try the connection with; it is not kept."""

    __test__ = False

    id = fields.String(required=True, validate=validate.Length(1, 64))
    secret = fields.String(required=True, validate=validate.Length(1, 200))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection test, what a client asks there, and what it was answered."""

    name: str
    address: str
    status: int
    is_good: bool
    said: str


@blueprint.get("/<forum>/collections", endpoint="collections")
@door(Permission.MEMBER)
def show_collections(forum: str) -> Response:
    """GET /sharing/FORUM/collections: the collections that exist for us."""
    with current_database().read() as connection:
        seated, _member = enter(connection, forum)
        places = list_collections(connection, seated)
    return forum_page("collections.html", seated, places=places)


@blueprint.get("/<forum>/collections/<ref>", endpoint="collection")
@door(Permission.MEMBER)
def show_collection(forum: str, ref: str) -> Response:
    """GET …/collections/REF: real addresses for each kind of client."""
    seated, place = _enter(forum, ref)
    return _collection_page(seated, place, empty_form(), None)


@blueprint.post("/<forum>/collections/<ref>/test", endpoint="test-collection")
@door(Permission.MEMBER)
def try_connection(forum: str, ref: str) -> Response:
    """POST …/collections/REF/test: the steps of a client, one after the other, as it is answered.

    Asked of the very application that clients ask; the credential is not kept.
    """
    seated, place = _enter(forum, ref)
    form = read_form(TestForm)
    if form.errors:
        return _collection_page(seated, place, form, None, status=400)
    return _collection_page(seated, place, form, _try_out(seated, place, form))


@blueprint.post("/<forum>/export", endpoint="export")
@door(Permission.MEMBER)
def have_exported(forum: str) -> Response:
    """POST /sharing/FORUM/export: all that we see in a collection, as a file, as long work."""
    with current_database().read() as connection:
        seated = enter_to_read(connection, forum)
        place = enter_collection(connection, seated, request.form.get("collection", ""))
    job_id = ask_export(current_database(), seated, place, now_us=current_instant_us())
    return see_other(url_for("exchange.job", job_id=job_id))


def _enter(forum: str, ref: str) -> tuple[Seated, Collection]:
    with current_database().read() as connection:
        seated, _member = enter(connection, forum)
        return seated, enter_collection(connection, seated, ref)


def _collection_page(
    seated: Seated,
    place: Collection,
    form: Filled,
    steps: list[Step] | None,
    *,
    status: int = 200,
) -> Response:
    base = public_base()
    root = f"{base}/taxii2/{seated.forum_slug}/"
    return forum_page(
        "collection.html",
        seated,
        status=status,
        place=place,
        form=form,
        steps=steps,
        base=base,
        discovery=f"{base}/taxii2/",
        root=root,
        address=f"{root}collections/{place.uuid}/",
        can_read=place.may_be_read_by(seated),
        can_write=place.may_be_written_by(seated),
        enforced=ENFORCED,
        recorded=RECORDED,
    )


def _try_out(seated: Seated, place: Collection, form: Filled) -> list[Step]:
    """What a client meets, up to the first step that fails."""
    pair = f"{form.values['id']}:{form.values['secret']}".encode()
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair).decode(),
        "Accept": _TAXII,
    }
    root = f"/taxii2/{seated.forum_slug}/"
    collection = f"{root}collections/{place.uuid}/"
    asked: list[tuple[str, str, Callable[[Any], bool]]] = [
        (_("Discovery"), "/taxii2/", lambda found: "title" in found),
        (_("API root"), root, lambda found: "versions" in found),
        (_("Collections"), f"{root}collections/", lambda found: "collections" in found),
        (_("This collection"), collection, lambda found: bool(found.get("can_read"))),
        # The manifest: objects that are only tried for are served to nobody.
        (
            _("Its manifest"),
            f"{collection}manifest/?limit=1",
            lambda found: isinstance(found, dict),
        ),
    ]
    client = current_app.test_client(use_cookies=False)
    environ = {"REMOTE_ADDR": request.remote_addr or "127.0.0.1"}
    steps = []
    for name, address, is_good in asked:
        answer = client.get(address, headers=headers, environ_overrides=environ)
        found = _read(answer.data)
        good = answer.status_code == 200 and is_good(found)
        said = str(found.get("description") or found.get("title") or "") if not good else ""
        steps.append(Step(name, address, answer.status_code, good, said))
        if not good:
            break
    return steps


def _read(data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
