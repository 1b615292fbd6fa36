"""Seats and partners: in which forums a reader is a recipient, and who the recipients are.

A seat that is suspended or ended, in a forum that is not open, or of a member that is not
active, is no seat: its forum answers as if it did not exist (sharing policy §5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, Select, bindparam, func, literal, or_, select

from auth.reader import Reader, Seated
from auth.rules import is_slug
from auth.tables import forum, member, member_bloc, partner, recipient, seat

PARTNER_ROLE: Final = "partner"
# Sharing policy §1: a partner reads at most `green`.
PARTNER_ACCREDITED_TO: Final = 1

_ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One recipient of a forum, active or not; `name` is a member's code or a partner's name.

    `role` is the seat's, or `partner`. `accredited_to` is a TLP level as a number.
    """

    recipient_id: int
    bit: int
    name: str
    is_partner: bool
    role: str
    status: str
    is_active: bool
    member_id: int | None
    jurisdiction: str | None
    blocs: frozenset[str]
    residency: str | None
    accredited_to: int


def find_seated(connection: Connection, reader: Reader, forum_slug: str) -> Seated | None:
    """The reader as a recipient of this open forum; None unless it is one now."""
    if not is_slug(forum_slug):
        return None
    row = connection.execute(select_seat(reader), given_seat(reader, forum_slug)).first()
    return _seated(reader, row) if row else None


def select_seat(reader: Reader) -> Select[Any]:
    """The question that `find_seated` asks, for whoever asks more with it: `id`, `slug` and
    `title` of the forum, `recipient_id`, `bit` and `role`; with the values of `given_seat`."""
    return _ONE_OF_MEMBER if reader.partner_id is None else _ONE_OF_PARTNER


def given_seat(reader: Reader, forum_slug: str) -> dict[str, Any]:
    """The values that `select_seat` runs with; of a slug that `is_slug`."""
    owner_id = reader.member_id if reader.partner_id is None else reader.partner_id
    return {"owner_id": owner_id, "slug": forum_slug}


def list_seated(connection: Connection, reader: Reader) -> list[Seated]:
    """The reader as a recipient of each open forum that it is one of, by slug."""
    if reader.partner_id is not None:
        rows = connection.execute(_OF_PARTNER, {"owner_id": reader.partner_id})
    else:
        rows = connection.execute(_OF_MEMBER, {"owner_id": reader.member_id})
    return [_seated(reader, row) for row in rows]


def list_roster(connection: Connection, forum_id: int) -> list[RosterRow]:
    """Every recipient that the forum ever had, by bit."""
    rows = connection.execute(_ROSTER, {"forum_id": forum_id})
    return [_roster_row(row) for row in rows]


def find_partner(connection: Connection, forum_id: int, name: str) -> RosterRow | None:
    """The forum's partner of this name, active or not."""
    rows = list_roster(connection, forum_id)
    return next((row for row in rows if row.is_partner and row.name == name), None)


_PLACE: Final = (
    forum.c.id,
    forum.c.slug,
    forum.c.title,
    recipient.c.id.label("recipient_id"),
    recipient.c.bit,
)
# Made once: making a statement takes longer than running it, and each request runs one.
_OF_PARTNER: Final[Select[Any]] = (
    select(*_PLACE, literal(PARTNER_ROLE).label("role"))
    .select_from(partner)
    .join(recipient, recipient.c.id == partner.c.recipient_id)
    .join(forum, forum.c.id == partner.c.forum_id)
    .where(
        partner.c.recipient_id == bindparam("owner_id"),
        partner.c.status == _ACTIVE,
        forum.c.is_open,
    )
    .order_by(forum.c.slug)
)
_OF_MEMBER: Final[Select[Any]] = (
    select(*_PLACE, seat.c.role)
    .select_from(seat)
    .join(recipient, recipient.c.id == seat.c.recipient_id)
    .join(forum, forum.c.id == seat.c.forum_id)
    .join(member, member.c.id == seat.c.member_id)
    .where(
        seat.c.member_id == bindparam("owner_id"),
        seat.c.status == _ACTIVE,
        member.c.status == _ACTIVE,
        forum.c.is_open,
    )
    .order_by(forum.c.slug)
)
_IN_FORUM: Final = forum.c.slug == bindparam("slug")
_ONE_OF_PARTNER: Final = _OF_PARTNER.where(_IN_FORUM)
_ONE_OF_MEMBER: Final = _OF_MEMBER.where(_IN_FORUM)


def _seated(reader: Reader, row: Row[Any]) -> Seated:
    return Seated(
        reader=reader,
        forum_id=row.id,
        forum_slug=row.slug,
        forum_title=row.title,
        recipient_id=row.recipient_id,
        bit=row.bit,
        role=row.role,
    )


# Seats and partners at once: which of the two a recipient is, its row tells.
_ROSTER: Final[Select[Any]] = (
    select(
        recipient.c.id,
        recipient.c.bit,
        seat.c.member_id,
        seat.c.role,
        seat.c.status,
        member.c.code,
        member.c.jurisdiction,
        member.c.residency,
        member.c.accredited_to,
        member.c.status.label("member_status"),
        partner.c.name.label("partner_name"),
        partner.c.status.label("partner_status"),
        select(func.aggregate_strings(member_bloc.c.bloc, " "))
        .where(member_bloc.c.member_id == seat.c.member_id)
        .correlate(seat)
        .scalar_subquery()
        .label("blocs"),
    )
    .select_from(recipient)
    .outerjoin(seat, seat.c.recipient_id == recipient.c.id)
    .outerjoin(member, member.c.id == seat.c.member_id)
    .outerjoin(partner, partner.c.recipient_id == recipient.c.id)
    .where(
        recipient.c.forum_id == bindparam("forum_id", type_=BigInteger),
        or_(seat.c.recipient_id.is_not(None), partner.c.recipient_id.is_not(None)),
    )
    .order_by(recipient.c.bit)
)


def _roster_row(row: Row[Any]) -> RosterRow:
    if row.partner_name is not None:
        return RosterRow(
            recipient_id=row.id,
            bit=row.bit,
            name=row.partner_name,
            is_partner=True,
            role=PARTNER_ROLE,
            status=row.partner_status,
            is_active=row.partner_status == _ACTIVE,
            member_id=None,
            jurisdiction=None,
            blocs=frozenset(),
            residency=None,
            accredited_to=PARTNER_ACCREDITED_TO,
        )
    return RosterRow(
        recipient_id=row.id,
        bit=row.bit,
        name=row.code,
        is_partner=False,
        role=row.role,
        status=row.status,
        is_active=row.status == _ACTIVE and row.member_status == _ACTIVE,
        member_id=row.member_id,
        jurisdiction=row.jurisdiction,
        blocs=frozenset((row.blocs or "").split()),
        residency=row.residency,
        accredited_to=row.accredited_to,
    )
