"""A credential as answers show it, whoever asks: never with its secret."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from auth.queries.credentials import Credential
from auth.reader import SCOPES
from auth.services.credentials import KINDS
from kernel.clock import format_instant
from web.listing import Key, ListQuery
from web.shapes import Shape, instant, text, text_filter, word, word_filter, words

STATES: Final = ("standing", "expired", "revoked")


class CredentialSchema(Shape):
    """A credential on record. Its secret is nowhere to be read."""

    EXAMPLE: ClassVar = {
        "id": "k3v7q2m9x4b8",
        "name": "feed",
        "kind": "machine",
        "person": None,
        "tool": None,
        "scopes": ["taxii:read", "taxii:write"],
        "state": "standing",
        "created": "2026-11-27T08:30:00.000000Z",
        "expires": None,
        "revoked": None,
    }
    id = text()
    name = text()
    kind = word(*KINDS)
    person = text(nullable=True)
    tool = text("The tool that the person granted it to.", nullable=True)
    scopes = words(*SCOPES)
    state = word(*STATES)
    created = instant()
    expires = instant(nullable=True)
    revoked = instant(nullable=True)


class CredentialQuery(ListQuery):
    """Which credentials to list."""

    kind = word_filter(*KINDS)
    state = word_filter(*STATES)
    person = text_filter()


def state_of(found: Credential, now_us: int) -> str:
    """`revoked`, `expired` or `standing`; a member or person that is not active stops it too."""
    if found.revoked_us is not None:
        return "revoked"
    return "expired" if (found.expires_us or now_us + 1) <= now_us else "standing"


def key_of_credential(found: Credential) -> Key:
    """Its place in a list: oldest first."""
    return (found.created_us, found.id)


def credential_row(found: Credential, now_us: int) -> dict[str, Any]:
    """The row of a list that `CredentialSchema` describes."""
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "person": found.person_email,
        "tool": found.tool_id,
        "scopes": list(found.scopes),
        "state": state_of(found, now_us),
        "created": format_instant(found.created_us),
        "expires": None if found.expires_us is None else format_instant(found.expires_us),
        "revoked": None if found.revoked_us is None else format_instant(found.revoked_us),
    }


def is_wanted(found: Credential, query: dict[str, Any], now_us: int) -> bool:
    """Whether the filters of a `CredentialQuery` let it through."""
    return (
        query["kind"] in (None, found.kind)
        and query["state"] in (None, state_of(found, now_us))
        and query["person"] in (None, found.person_email)
    )
