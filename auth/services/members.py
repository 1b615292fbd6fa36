"""Add a member; change what it is; suspend, reinstate or let one depart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from auth.queries.members import Member, expect_member
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
from kernel.errors import BadInput

_HIGHEST_TLP = 4
_LEVELS: Final = ("clear", "green", "amber", "amber+strict", "red")


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


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What a member is to be otherwise; None and () leave what is.

    An empty `jurisdiction` or `residency` is none. Blocs and identities come one by one.
    """

    name: str | None = None
    jurisdiction: str | None = None
    residency: str | None = None
    accredited_to: int | None = None
    joins: Sequence[str] = ()
    leaves: Sequence[str] = ()
    binds: Sequence[str] = ()
    unbinds: Sequence[str] = ()

    @property
    def is_name_alone(self) -> bool:
        """Whether nothing changes that anybody's rules ask about."""
        return self == MemberChange(name=self.name)


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
        _bind(connection, number, stix_id)
    record_audit(
        connection, actor, "member.add", f"member:{new.code}", member_id=number, now_us=now_us
    )
    return int(number)


def lock_member(connection: Connection, code: str) -> Member:
    """Be alone in changing what a member is and where it is seated until the transaction ends.

    Before any forum's lock, everywhere: then nobody waits in a circle. Whoever names the member
    in a row of its own, as a contribution does, is not kept. Raises NotFound.
    """
    number = expect_member(connection, code).id
    # SQLite lets one transaction write at a time, and knows no locks of rows.
    connection.execute(
        select(member.c.id).where(member.c.id == number).with_for_update(key_share=True)
    )
    return expect_member(connection, code)


def set_member(
    connection: Connection, code: str, change: MemberChange, *, actor: str, now_us: int
) -> None:
    """Change what a member is. Raises NotFound; BadInput naming what is wrong, a bloc or an
    identity that it does not have included; Conflict when an identity is another member's.
    """
    before = expect_member(connection, code)
    _check_change(before, change)
    values = {
        "name": None if change.name is None else change.name.strip(),
        "jurisdiction": change.jurisdiction,
        "residency": change.residency,
        "accredited_to": change.accredited_to,
    }
    if given := {key: value for key, value in values.items() if value is not None}:
        # Nothing is written as NULL, as `member add` does.
        written = {key: None if value == "" else value for key, value in given.items()}
        connection.execute(update(member).where(member.c.id == before.id).values(written))
    for bloc in set(change.leaves):
        is_its = (member_bloc.c.member_id == before.id) & (member_bloc.c.bloc == bloc)
        connection.execute(delete(member_bloc).where(is_its))
    for bloc in sorted(set(change.joins) - before.blocs):
        connection.execute(insert(member_bloc).values(member_id=before.id, bloc=bloc))
    for stix_id in set(change.unbinds):
        connection.execute(delete(member_identity).where(member_identity.c.stix_id == stix_id))
    for stix_id in sorted(set(change.binds) - before.identities):
        _bind(connection, before.id, stix_id)
    detail = _find_differences(before, expect_member(connection, code))
    record_audit(
        connection,
        actor,
        "member.set",
        f"member:{code}",
        member_id=before.id,
        detail=detail,
        now_us=now_us,
    )


def set_member_status(
    connection: Connection, code: str, status: str, *, actor: str, now_us: int
) -> None:
    """Make a member `active`, `suspended` or `departed`. Raises BadInput, NotFound.

    Its credentials follow at their next use.
    """
    check_one_of("status", status, MEMBER_STATUSES)
    found = expect_member(connection, code)
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
    _check_level(new.accredited_to)


def _check_change(before: Member, change: MemberChange) -> None:
    if change.name is not None:
        check_name("--name", change.name)
    for option, value in (
        ("--jurisdiction", change.jurisdiction),
        ("--residency", change.residency),
    ):
        if value:
            check_attribute(option, value)
    for bloc in change.joins:
        check_attribute("--bloc", bloc)
    for stix_id in change.binds:
        check_identity(stix_id)
    _check_had("auth.bad-attribute", "--no-bloc", change.leaves, change.joins, before.blocs)
    _check_had(
        "auth.bad-identity", "--no-identity", change.unbinds, change.binds, before.identities
    )
    if change.accredited_to is not None:
        _check_level(change.accredited_to)


def _check_had(
    code: str, option: str, taken: Sequence[str], given: Sequence[str], had: frozenset[str]
) -> None:
    """Nothing is taken that is not there, as a slip of the pen would, nor given too."""
    for value in taken:
        if value not in had:
            raise BadInput(code, f"{option} {value!a}: the member does not have it")
        if value in given:
            raise BadInput(code, f"{option} {value!a}: it cannot be given and taken at once")


def _check_level(level: int) -> None:
    if not 0 <= level <= _HIGHEST_TLP:
        raise BadInput("auth.bad-tlp", "accredited_to is a TLP level, 0 (clear) to 4 (red)")


def _bind(connection: Connection, number: int, stix_id: str) -> None:
    with refusing_duplicates("auth.identity-bound", f"{stix_id} is bound to a member already"):
        connection.execute(insert(member_identity).values(stix_id=stix_id, member_id=number))


def _find_differences(before: Member, after: Member) -> dict[str, Any]:
    """Of each attribute that is another now, what it was and what it is."""
    was, now = _told(before), _told(after)
    return {
        f"{name}.{when}": told[name]
        for name in was
        if was[name] != now[name]
        for when, told in (("from", was), ("to", now))
    }


def _told(one: Member) -> dict[str, Any]:
    return {
        "name": one.name,
        "jurisdiction": one.jurisdiction,
        "residency": one.residency,
        "accredited_to": _LEVELS[one.accredited_to],
        "blocs": sorted(one.blocs),
        "identities": sorted(one.identities),
    }
