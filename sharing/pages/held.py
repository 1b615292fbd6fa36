"""`/sharing/FORUM/held`: versions that wait for a second pair of eyes."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _

from auth.doors import Permission, current_reader, door
from auth.queries import find_person_behind
from kernel.errors import BadInput, Conflict, Forbidden, NotFound
from sharing.pages.entering import blueprint, check_role, enter, forum_page
from sharing.queries.collections import list_collections
from sharing.services.confirm import APPROVER, confirm, list_held
from sharing.services.settling import settled_read
from web.installation import current_database, current_instant_us, current_signer
from web.pages import see_other


@blueprint.get("/<forum>/held", endpoint="held")
@door(Permission.MEMBER)
def show_held(forum: str) -> Response:
    """GET /sharing/FORUM/held: what would reach more than the version before it."""
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seated, member_id = enter(connection, forum)
        held = list_held(connection, current_signer(), seated.forum_id, member_id, now_us=now_us)
        places = list_collections(connection, seated)
    titles = {place.uuid: place.title for place in places}
    return forum_page("held.html", seated, held=held, titles=titles)


@blueprint.post("/<forum>/held/<held_id>/confirm", endpoint="confirm-held")
@door(Permission.MEMBER)
def confirm_held(forum: str, held_id: str) -> Response:
    """POST …/held/ID/confirm: by an approver who did not contribute it."""
    with current_database().read() as connection:
        seated, _member = enter(connection, forum)
        check_role(seated, APPROVER)
        approver = find_person_behind(connection, current_reader().actor)
    if approver is None:
        raise Forbidden("auth.role-needed", "only a person confirms what is held")
    try:
        confirm(
            current_database(),
            current_signer(),
            seated.forum_id,
            approver,
            held_id,
            actor=seated.reader.actor,
            now_us=current_instant_us(),
        )
    except (BadInput, Conflict, Forbidden, NotFound) as refused:
        flash(refused.message)
    else:
        flash(_("It is released."))
    return see_other(url_for("exchange.held", forum=forum))
