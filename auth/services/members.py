"""Add a member; suspend, reinstate or let one depart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, update

from auth.queries.members import find_member
from auth.rules import (
    MEMBER_STATUSES,
    check_attribute,
    check_code,
    check_identity,
    check_name,
    check_one_of,
)
from auth.services.audit import record_audit
from auth.services.unique import refusing_duplicates
from auth.tables import member, member_bloc, member_identity
from kernel.errors import BadInput, NotFound

_HIGHEST_TLP = 4


@dataclass(frozen=True, slots=True)
class NewMember:
    """What a member is to be; `accredited_to` is a TLP level, 0 (clear) to 4 (red)."""

    code: str
    name: str
    jurisdiction: str | None = None
    residency: str | None = None
    blocs: Sequence[str] = ()
    identities: Sequence[str] = ()
    accredited_to: int = _HIGHEST_TLP


def add_member(connection: Connection, new: NewMember, *, actor: str, now_us: int) -> int:
    """Add an active member; its number.

    Raises BadInput naming what is wrong, Conflict when the code is taken or one of the STIX
    identities is bound to a member already.
    """
    _check(new)
    with refusing_duplicates("auth.member-exists", f"there is a member {new.code} already"):
        number = connection.execute(
            insert(member)
            .values(
                code=new.code,
                name=new.name.strip(),
                jurisdiction=new.jurisdiction,
                residency=new.residency,
                accredited_to=new.accredited_to,
                status="active",
                created_us=now_us,
            )
            .returning(member.c.id)
        ).scalar_one()
    for bloc in sorted(set(new.blocs)):
        connection.execute(insert(member_bloc).values(member_id=number, bloc=bloc))
    for stix_id in sorted(set(new.identities)):
        with refusing_duplicates("auth.identity-bound", f"{stix_id} is bound to a member already"):
            connection.execute(insert(member_identity).values(stix_id=stix_id, member_id=number))
    record_audit(
        connection, actor, "member.add", f"member:{new.code}", member_id=number, now_us=now_us
    )
    return int(number)


def set_member_status(
    connection: Connection, code: str, status: str, *, actor: str, now_us: int
) -> None:
    """Make a member `active`, `suspended` or `departed`. Raises BadInput, NotFound.

    Its credentials follow at their next use.
    """
    check_one_of("status", status, MEMBER_STATUSES)
    found = find_member(connection, code)
    if found is None:
        raise NotFound(
            "auth.unknown-member", f"no member has the code {code!r}; see `comity member list`"
        )
    connection.execute(update(member).where(member.c.id == found.id).values(status=status))
    record_audit(
        connection,
        actor,
        "member.status",
        f"member:{code}",
        member_id=found.id,
        detail={"from": found.status, "to": status},
        now_us=now_us,
    )


def _check(new: NewMember) -> None:
    check_code(new.code)
    check_name("--name", new.name)
    for option, value in (("--jurisdiction", new.jurisdiction), ("--residency", new.residency)):
        if value is not None:
            check_attribute(option, value)
    for bloc in new.blocs:
        check_attribute("--bloc", bloc)
    for stix_id in new.identities:
        check_identity(stix_id)
    if not 0 <= new.accredited_to <= _HIGHEST_TLP:
        raise BadInput("auth.bad-tlp", "accredited_to is a TLP level, 0 (clear) to 4 (red)")
