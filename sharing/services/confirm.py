"""Confirm: a release-approver releases a version that was held for being marked looser.

Sharing policy §5, "Held downgrades". Whom it would reach is told by the rules alone: not by
what others accept, which copy stands, or what is hidden of what it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, update

from auth.queries import Person, find_person_behind
from auth.services import record_audit
from kernel.clock import format_instant, format_version
from kernel.db import Database
from kernel.errors import Forbidden, NotFound
from kernel.signing import Signer
from sharing.queries.contributions import Stored, list_copies, list_held_versions
from sharing.rules.electorate import Electorate
from sharing.rules.model import Recipient
from sharing.services.decisions import Decisions
from sharing.services.grants import find_reach, list_own
from sharing.services.lock import LockedForum
from sharing.services.releasing import Releasing
from sharing.services.settling import hold_forum
from sharing.tables import contribution

APPROVER: Final = "release-approver"
_ID_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """A version that waits for a confirmation; `id` is opaque, `collection` a UUID.

    `would_reach` are the codes of members, and `partner:NAME`, that the rules would grant it
    in whole or in part, now or later.
    """

    id: str
    collection: str
    stix_id: str
    stix_type: str
    version_us: int
    contributed_us: int
    would_reach: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The same in JSON."""
        return {
            "id": self.id,
            "collection": self.collection,
            "object_id": self.stix_id,
            "type": self.stix_type,
            "modified": format_version(self.version_us),
            "contributed": format_instant(self.contributed_us),
            "would_reach": list(self.would_reach),
        }


def list_held(
    connection: Connection, signer: Signer, forum_id: int, member_id: int, *, now_us: int
) -> list[HeldVersion]:
    """The member's held versions in the forum, oldest first."""
    stored = list_held_versions(connection, forum_id, member_id)
    return [_told(connection, signer, forum_id, one, now_us) for one in stored]


def confirm(
    database: Database,
    signer: Signer,
    forum_id: int,
    approver: Person,
    held_id: str,
    *,
    actor: str,
    now_us: int,
) -> HeldVersion:
    """Release a held version of the approver's member; what it was.

    Raises Forbidden when the person may not approve, or contributed the version itself, and
    NotFound when no such version of its member's is held here.
    """
    _check_may_approve(approver)
    with database.write() as connection:
        lock = hold_forum(connection, forum_id, now_us=now_us)
        stored = _find(connection, signer, forum_id, approver, held_id)
        _check_four_eyes(connection, approver, stored)
        told = _told(connection, signer, forum_id, stored, lock.now_us)
        _release(lock, approver, stored)
        record_audit(
            connection,
            actor,
            "release.confirm",
            f"version:{stored.stix_id} {stored.version_us}",
            member_id=approver.member_id,
            detail={"collection": told.collection, "approver": approver.email},
            now_us=now_us,
        )
        lock.save()
    return told


def _check_may_approve(approver: Person) -> None:
    if approver.status != "active" or APPROVER not in approver.roles:
        raise Forbidden(
            "auth.role-needed",
            f"only a person with the role {APPROVER} of the member confirms what is held",
        )


def _find(
    connection: Connection, signer: Signer, forum_id: int, approver: Person, held_id: str
) -> Stored:
    if approver.member_id is not None:
        for stored in list_held_versions(connection, forum_id, approver.member_id):
            if _id_of(signer, stored) == held_id:
                return stored
    raise NotFound("sharing.unknown-held", "no such version of your member's is held; list what is")


def _check_four_eyes(connection: Connection, approver: Person, stored: Stored) -> None:
    """Nobody confirms what it contributed; what a feed brought, any approver may."""
    contributor = find_person_behind(connection, stored.contributed_by or "")
    if contributor is not None and contributor.id == approver.id:
        raise Forbidden(
            "sharing.four-eyes",
            f"you contributed this version yourself; another {APPROVER} of your member confirms it",
        )


def _release(lock: LockedForum, approver: Person, stored: Stored) -> None:
    """Let it stand, and decide its id anew."""
    cause = lock.append(
        "confirm", f"{stored.stix_id} {stored.version_us}", f"person:{approver.email}"
    )
    lock.connection.execute(
        update(contribution)
        .where(contribution.c.id == stored.id)
        .values(state="standing", is_held=False)
    )
    releasing = Releasing(lock, Decisions(lock.connection, lock.forum_id, lock.now_us), cause)
    releasing.release(stored.collection_id, [stored.stix_id])
    releasing.finish()


def _told(
    connection: Connection, signer: Signer, forum_id: int, stored: Stored, now_us: int
) -> HeldVersion:
    decisions = Decisions(connection, forum_id, now_us, assume_reciprocity=True)
    copies = list_copies(connection, stored.collection_id, [stored.stix_id])
    [copy] = list_own(copies, stored.originator_id)
    mask = find_reach(decisions, copy, stored)
    return HeldVersion(
        id=_id_of(signer, stored),
        collection=decisions.places[stored.collection_id].collection,
        stix_id=stored.stix_id,
        stix_type=stored.stix_type,
        version_us=stored.version_us,
        contributed_us=stored.contributed_us,
        would_reach=_names_in(decisions.electorate, mask),
    )


def _names_in(electorate: Electorate, mask: int) -> tuple[str, ...]:
    reached = (one for one in electorate.recipients if mask >> (2 * one.bit) & 3)
    return tuple(sorted(_name(one) for one in reached))


def _name(recipient: Recipient) -> str:
    return f"partner:{recipient.name}" if recipient.is_partner else recipient.name


def _id_of(signer: Signer, stored: Stored) -> str:
    """Tells nothing of our own numbers, and cannot be guessed; of other content that a feed puts
    in its place it is another."""
    content = f"{stored.id} {stored.digest.hex()}"
    return signer.hash("held-version", content).hex()[:_ID_DIGITS]
