"""Passkeys of people (WebAuthn Level 3): added, signed in with, removed.

The library checks one answer of a browser; here it is bound to a challenge of ours that is
answered once, to the person, and to a count that only grows. It is imported where it is used: it
brings a tenth of what a server imports, which starts without. What does not live here: pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Connection, delete, insert, update

from auth.queries.passkeys import find_passkey, list_passkeys
from auth.queries.persons import Person, find_person_by_id
from auth.services.audit import record_audit
from auth.services.once import make_once, spend_once
from auth.services.unique import refusing_duplicates
from auth.tables import passkey
from kernel.errors import BadInput, ComityError, Conflict, NotFound
from kernel.signing import Signer

MOST_PASSKEYS: Final = 20
MOST_CHARACTERS: Final = 20_000
_SIGN_IN: Final = "passkey-sign-in"

CheckedT = TypeVar("CheckedT")


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys belong: the host's name, and the address of its pages (an origin)."""

    id: str
    origin: str
    title: str


def ask_for_new(
    connection: Connection, signer: Signer, site: Site, person: Person, *, now_us: int
) -> str:
    """What a browser needs to make a passkey for the person, as JSON."""
    import webauthn  # noqa: PLC0415 - see above
    from webauthn.helpers.structs import (  # noqa: PLC0415 - likewise
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    known = list_passkeys(connection, person.id)
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name=site.title,
        user_name=person.email,
        user_id=_handle_of(signer, person.id),
        challenge=make_once(signer, now_us=now_us, purpose=_adding(person.id)).encode(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
    )
    return webauthn.options_to_json(options)


def add_passkey(
    connection: Connection,
    signer: Signer,
    site: Site,
    person: Person,
    name: str,
    answer: str,
    *,
    actor: str,
    now_us: int,
) -> None:
    """Keep the passkey that a browser made. Raises BadInput (`auth.bad-passkey`) and Conflict."""
    import webauthn  # noqa: PLC0415 - see above

    if len(list_passkeys(connection, person.id)) >= MOST_PASSKEYS:
        raise Conflict("auth.too-many-passkeys", f"{MOST_PASSKEYS} are enough; remove one first")

    def check() -> tuple[bytes, bytes, int]:
        given = webauthn.helpers.parse_registration_credential_json(answer)
        challenge = _challenge_of(given.response.client_data_json)
        made = webauthn.verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        purpose = _adding(person.id)
        spend_once(connection, signer, challenge.decode(), now_us=now_us, purpose=purpose)
        return made.credential_id, made.credential_public_key, made.sign_count

    passkey_id, public_key, uses = _checked(answer, check)
    with refusing_duplicates("auth.passkey-exists", "this passkey is known already"):
        connection.execute(
            insert(passkey).values(
                id=passkey_id,
                person_id=person.id,
                name=name,
                public_key=public_key,
                uses=uses,
                created_us=now_us,
            )
        )
    _record(connection, "passkey.add", person, name, actor, now_us)


def ask_to_sign_in(signer: Signer, site: Site, *, now_us: int) -> str:
    """What a browser needs to answer with any passkey that it has for this site, as JSON."""
    import webauthn  # noqa: PLC0415 - see above
    from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415 - likewise

    options = webauthn.generate_authentication_options(
        rp_id=site.id,
        challenge=make_once(signer, now_us=now_us, purpose=_SIGN_IN).encode(),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def use_passkey(
    connection: Connection, signer: Signer, site: Site, answer: str, *, now_us: int
) -> Person:
    """The active person whose passkey answered.

    Raises BadInput (`auth.bad-passkey`) for every answer that is not good, whatever is wrong:
    unknown, of another site, of a challenge that was answered before, of a count that went back.
    """
    import webauthn  # noqa: PLC0415 - see above

    def check() -> tuple[Person, bytes, int]:
        given = webauthn.helpers.parse_authentication_credential_json(answer)
        challenge = _challenge_of(given.response.client_data_json)
        known = find_passkey(connection, given.raw_id)
        found = None if known is None else find_person_by_id(connection, known.person_id)
        if known is None or found is None or found.status != "active":
            raise _refused()
        if given.response.user_handle != _handle_of(signer, found.id):
            raise _refused()
        used = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.uses,
            require_user_verification=True,
        )
        spend_once(connection, signer, challenge.decode(), now_us=now_us, purpose=_SIGN_IN)
        return found, known.id, used.new_sign_count

    found, passkey_id, uses = _checked(answer, check)
    connection.execute(
        update(passkey).where(passkey.c.id == passkey_id).values(uses=uses, used_us=now_us)
    )
    return found


def remove_passkey(
    connection: Connection, person: Person, written_id: str, *, actor: str, now_us: int
) -> None:
    """Forget one of a person's own passkeys. Raises NotFound for any other."""
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415 - see above

    try:
        found = find_passkey(connection, base64url_to_bytes(written_id))
    except ValueError:
        found = None
    if found is None or found.person_id != person.id:
        raise NotFound("auth.unknown-passkey", "no such passkey of yours")
    connection.execute(delete(passkey).where(passkey.c.id == found.id))
    _record(connection, "passkey.remove", person, found.name, actor, now_us)


def _checked(answer: str, check: Callable[[], CheckedT]) -> CheckedT:
    """What `check` says of an answer that anybody may have written; else BadInput."""
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - see above

    if len(answer) > MOST_CHARACTERS:
        raise _refused()
    try:
        return check()
    except ComityError:
        raise _refused() from None
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        raise _refused() from None


def _challenge_of(client_data: bytes) -> bytes:
    from webauthn.helpers import parse_client_data_json  # noqa: PLC0415 - see above

    return parse_client_data_json(client_data).challenge


def write_id(passkey_id: bytes) -> str:
    """A passkey's id as browsers and addresses write it."""
    from webauthn.helpers import bytes_to_base64url  # noqa: PLC0415 - see above

    return bytes_to_base64url(passkey_id)


def _refused() -> BadInput:
    return BadInput(
        "auth.bad-passkey",
        "this passkey is not known here, or its answer does not hold; open the page again",
    )


def _adding(person_id: int) -> str:
    return f"passkey-add:{person_id}"


def _handle_of(signer: Signer, person_id: int) -> bytes:
    """What an authenticator knows a person by: it tells nobody who that is."""
    return signer.hash("passkey-person", str(person_id))


def _record(
    connection: Connection, action: str, person: Person, name: str, actor: str, now_us: int
) -> None:
    record_audit(
        connection,
        actor,
        action,
        f"person:{person.email}",
        member_id=person.member_id,
        detail={"name": name},
        now_us=now_us,
    )
