"""Seats and partners: who is a recipient of a forum. Call these under the forum's lock.

What does not live here: what a new or changed recipient receives (sharing.services.seating).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select, update

from auth.queries import list_credentials
from auth.rules import SEAT_ROLES, SEAT_STATUSES, check_one_of, check_partner_name
from auth.services.audit import record_audit
from auth.services.credentials import revoke_credential
from auth.services.unique import refusing_duplicates
from auth.tables import partner, recipient, seat
from kernel.errors import Conflict, NotFound


def add_seat(
    connection: Connection, forum_id: int, member_id: int, role: str, *, actor: str, now_us: int
) -> int:
    """Give a member a seat; its recipient number.

    A seat that had ended is taken up again by the same recipient, with this role. Raises
    BadInput on an unknown role, Conflict where the member has a seat.
    """
    check_can_seat(connection, forum_id, member_id, role)
    known = _find_seat(connection, forum_id, member_id)
    if known is None:
        number = _add_recipient(connection, forum_id)
        with refusing_duplicates(
            "auth.seat-exists", "the member has just been given a seat in this forum"
        ):
            connection.execute(
                insert(seat).values(
                    recipient_id=number,
                    forum_id=forum_id,
                    member_id=member_id,
                    role=role,
                    status="active",
                )
            )
    else:
        number = known[0]
        connection.execute(
            update(seat).where(seat.c.recipient_id == number).values(role=role, status="active")
        )
    _record(connection, "seat.add", forum_id, member_id, role, actor, now_us)
    return number


def check_can_seat(connection: Connection, forum_id: int, member_id: int, role: str) -> None:
    """Raises BadInput on an unknown role, Conflict where the member has a seat."""
    check_one_of("--role", role, SEAT_ROLES)
    known = _find_seat(connection, forum_id, member_id)
    if known is not None and known[1] != "ended":
        raise Conflict(
            "auth.seat-exists",
            f"the member has a seat in this forum, which is {known[1]}; "
            "`comity seat reinstate` brings back a suspended one",
        )


def set_seat_status(
    connection: Connection, forum_id: int, member_id: int, status: str, *, actor: str, now_us: int
) -> None:
    """Make a seat `active`, `suspended` or `ended`.

    Raises NotFound without a seat, Conflict for one that has ended.
    """
    check_one_of("status", status, SEAT_STATUSES)
    known = _find_seat(connection, forum_id, member_id)
    if known is None:
        raise NotFound(
            "auth.unknown-seat", "the member has no seat in this forum; see `comity seat add`"
        )
    number, before = known
    if before == "ended" and status != "ended":
        raise Conflict(
            "auth.seat-ended", "this seat has ended; seat the member again with `comity seat add`"
        )
    connection.execute(update(seat).where(seat.c.recipient_id == number).values(status=status))
    _record(connection, "seat.status", forum_id, member_id, status, actor, now_us)


def add_partner(
    connection: Connection, forum_id: int, name: str, *, actor: str, now_us: int
) -> int:
    """Add a partner to a forum; its recipient number. Raises BadInput, or Conflict if taken.

    One that had ended is taken up again by the same recipient, without its old credentials.
    """
    check_partner_name(name)
    known = _find_partner(connection, forum_id, name)
    if known is not None and known[1] == "ended":
        number, before = known
        _write_partner_status(connection, number, "active")
        _revoke_all(connection, number, actor, now_us)
        _record_partner(connection, "partner.add", forum_id, name, {"from": before}, actor, now_us)
        return number
    number = _add_recipient(connection, forum_id)
    with refusing_duplicates("auth.partner-exists", f"the forum has a partner {name!r} already"):
        connection.execute(
            insert(partner).values(
                recipient_id=number, forum_id=forum_id, name=name, status="active"
            )
        )
    _record_partner(connection, "partner.add", forum_id, name, {}, actor, now_us)
    return number


def set_partner_status(
    connection: Connection, forum_id: int, name: str, status: str, *, actor: str, now_us: int
) -> None:
    """Make a partner `active`, `suspended` or `ended`; its credentials follow at their next use.

    They are revoked when it ends. Raises NotFound without such a partner, Conflict for one that
    has ended.
    """
    check_one_of("status", status, SEAT_STATUSES)
    known = _find_partner(connection, forum_id, name)
    if known is None:
        raise NotFound(
            "auth.unknown-partner",
            f"the forum has no partner {name!r}; see `comity partner list FORUM`",
        )
    number, before = known
    if before == "ended" and status != "ended":
        raise Conflict(
            "auth.partner-ended", "this partner has ended; add it again with `comity partner add`"
        )
    _write_partner_status(connection, number, status)
    if status == "ended":
        _revoke_all(connection, number, actor, now_us)
    detail = {"from": before, "to": status}
    _record_partner(connection, "partner.status", forum_id, name, detail, actor, now_us)


def _add_recipient(connection: Connection, forum_id: int) -> int:
    taken = connection.execute(
        select(func.max(recipient.c.bit)).where(recipient.c.forum_id == forum_id)
    ).scalar_one()
    bit = 0 if taken is None else taken + 1
    with refusing_duplicates(
        "auth.forum-busy", "another recipient was added at the same moment; try again"
    ):
        number = connection.execute(
            insert(recipient).values(forum_id=forum_id, bit=bit).returning(recipient.c.id)
        ).scalar_one()
    return int(number)


def _find_seat(connection: Connection, forum_id: int, member_id: int) -> tuple[int, str] | None:
    row = connection.execute(
        select(seat.c.recipient_id, seat.c.status).where(
            seat.c.forum_id == forum_id, seat.c.member_id == member_id
        )
    ).first()
    return (row.recipient_id, row.status) if row else None


def _find_partner(connection: Connection, forum_id: int, name: str) -> tuple[int, str] | None:
    row = connection.execute(
        select(partner.c.recipient_id, partner.c.status).where(
            partner.c.forum_id == forum_id, partner.c.name == name
        )
    ).first()
    return (row.recipient_id, row.status) if row else None


def _write_partner_status(connection: Connection, number: int, status: str) -> None:
    connection.execute(
        update(partner).where(partner.c.recipient_id == number).values(status=status)
    )


def _revoke_all(connection: Connection, number: int, actor: str, now_us: int) -> None:
    for credential in list_credentials(connection, partner_id=number):
        revoke_credential(connection, credential.id, actor=actor, now_us=now_us)


def _record_partner(
    connection: Connection,
    action: str,
    forum_id: int,
    name: str,
    detail: Mapping[str, str],
    actor: str,
    now_us: int,
) -> None:
    subject = f"forum:{forum_id} {name}"
    record_audit(connection, actor, action, subject, detail=detail, now_us=now_us)


def _record(
    connection: Connection,
    action: str,
    forum_id: int,
    member_id: int,
    to: str,
    actor: str,
    now_us: int,
) -> None:
    subject = f"forum:{forum_id} member:{member_id}"
    record_audit(
        connection,
        actor,
        action,
        subject,
        member_id=member_id,
        detail={"to": to},
        now_us=now_us,
    )
