"""Who sends this request: reads the Authorization header, checks what it presents.

Whatever is wrong with a credential, the answer is the same. What does not live here: what
the caller may do (doors).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Final, Literal

from flask import Flask, current_app, request
from sqlalchemy import Connection

from auth.queries.credentials import Recognised, find_by_credential, find_by_token
from auth.rules import is_credential_id
from auth.services.audit import record_audit
from auth.services.grants import USED_EVERY_US, note_use
from auth.services.secrets import hash_secret, hash_token
from auth.throttle import Throttle
from kernel.errors import ComityError, Unauthenticated
from kernel.logs import get_logger
from web.installation import (
    current_database,
    current_instant_us,
    current_signer,
    installation_of,
)

_THROTTLE: Final = "comity.throttle"
_MOST_CHARACTERS: Final = 1024
_NO_HASH: Final = bytes(32)

log = get_logger(__name__)


class CredentialRefused(Unauthenticated):
    """A credential was presented that does not hold; `bearer_error` as RFC 6750 §3.1 has it."""

    bearer_error: str | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """What a caller presents: an id with its secret, or a token with an empty id."""

    scheme: Literal["basic", "bearer"]
    id: str
    secret: str


def init_authentication(app: Flask) -> None:
    """Give `app` its memory of failures."""
    app.extensions[_THROTTLE] = Throttle(installation_of(app).settings.failed_delay_seconds)


def authenticate_request() -> Recognised:
    """Who sends the current request.

    Raises Unauthenticated: without a credential (`auth.credential-needed`), or with one that
    does not hold (`auth.credential-refused`), after a wait when failures pile up; and TooMany.
    """
    header = request.headers.get("Authorization")
    if not header:
        raise Unauthenticated(
            "auth.credential-needed",
            "send an API credential: HTTP Basic with its id and secret, or a Bearer token",
        )
    return authenticate(read_authorization(header))


def authenticate(presented: Presented | None) -> Recognised:
    """Who presents this; None is something unreadable. Raises as `authenticate_request`."""
    if presented is not None:
        with current_database().ask() as connection:
            recognised = _recognise(connection, presented)
        if recognised is not None:
            _note_use(recognised)
            return recognised
    _slow_presented(presented)
    refused = CredentialRefused(
        "auth.credential-refused",
        "this credential is unknown, wrong, revoked or expired, or its holder is suspended",
    )
    if presented is not None and presented.scheme == "bearer":
        refused.bearer_error = "invalid_token"
    raise refused


def read_authorization(header: str) -> Presented | None:
    """What an Authorization header presents; None when it is neither Basic nor Bearer.

    Schemes are read in any case (RFC 9110 §11.1), Basic as UTF-8 (RFC 7617).
    """
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if len(value) > _MOST_CHARACTERS or not value.isascii():
        return None
    if scheme.lower() == "bearer":
        return Presented("bearer", "", value)
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    credential_id, separator, secret = text.partition(":")
    return Presented("basic", credential_id, secret) if separator else None


def _recognise(connection: Connection, presented: Presented) -> Recognised | None:
    signer, now_us = current_signer(), current_instant_us()
    if presented.scheme == "bearer":
        return find_by_token(connection, hash_token(signer, presented.secret), now_us=now_us)
    found = find_by_credential(connection, presented.id, now_us=now_us)
    # Hashed and compared for an unknown id too, so that time tells nothing.
    kept = found.secret_hash if found else _NO_HASH
    given = hash_secret(signer, presented.id, presented.secret)
    return found if hmac.compare_digest(given, kept) and found is not None else None


def _note_use(recognised: Recognised) -> None:
    """Of a tool, for the person who let it in to see."""
    reader, now_us = recognised.reader, current_instant_us()
    if reader.tool_id is None or now_us - (recognised.used_us or 0) <= USED_EVERY_US:
        return
    try:
        with current_database().note() as connection:
            note_use(connection, reader.credential_id, now_us=now_us)
    except ComityError:
        # What may be read is read even where nothing can be written just now.
        return


def _slow_presented(presented: Presented | None) -> None:
    # People paste secrets where the id belongs: only what looks like an id is told to anyone.
    named = presented.id if presented is not None and is_credential_id(presented.id) else ""
    slow_failure(presented.id if presented is not None else "", f"credential:{named}")


def slow_failure(tried: str, named: str) -> None:
    """Count a failed attempt on `tried`, and wait if there were many; told of as `named`.

    Raises TooMany when many wait already.
    """
    address = request.remote_addr or ""
    throttle: Throttle = current_app.extensions[_THROTTLE]
    throttle.slow_failure(address, tried)
    log.warning("credential-refused", address=address, credential=named)
    failures = throttle.take_report()
    if failures is None:
        return
    try:
        with current_database().write() as connection:
            record_audit(
                connection,
                "unknown",
                "authentication.failed",
                named,
                detail={"address": address, "failures_since_last_entry": failures},
                now_us=current_instant_us(),
            )
    except ComityError as fault:
        # The caller is refused all the same, whatever becomes of the record.
        log.exception("audit-failed", code=fault.code)
