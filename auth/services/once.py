"""What may be sent once: a form that shows a secret, the answer to a passkey's challenge.

What does not live here: whether a form is ours at all (web.pages).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select

from auth.services.secrets import Randomness, random_bytes
from auth.services.unique import refusing_duplicates
from auth.tables import challenge
from kernel.clock import HOUR_US
from kernel.errors import BadInput
from kernel.signing import Signer

FORM: Final = "once"
_LIFE_US: Final = 12 * HOUR_US
_RANDOM_BYTES: Final = 16
_INSTANT_BYTES: Final = 8


def make_once(
    signer: Signer, *, now_us: int, purpose: str = FORM, randomness: Randomness = random_bytes
) -> str:
    """What can be given back once, for `purpose`, within twelve hours; kept nowhere until then.

    Nothing is written for whoever merely looks at a page.
    """
    at = now_us.to_bytes(_INSTANT_BYTES, signed=True)
    return signer.seal(purpose, at + randomness(_RANDOM_BYTES))


def spend_once(
    connection: Connection, signer: Signer, token: str, *, now_us: int, purpose: str = FORM
) -> None:
    """Note that it was given back. Raises BadInput, and Conflict (`auth.form-sent-already`)."""
    payload = signer.unseal(purpose, token)
    expires_us = int.from_bytes(payload[:_INSTANT_BYTES], signed=True) + _LIFE_US
    if expires_us <= now_us:
        raise BadInput("auth.form-too-old", "this form is too old; open its page again")
    with refusing_duplicates(
        "auth.form-sent-already",
        "this form was sent already, and a secret is shown once; if you have lost it, rotate "
        "the credential for a new one",
    ):
        connection.execute(
            insert(challenge).values(
                value=payload, purpose=purpose, about="", expires_us=expires_us
            )
        )


def has_dead_challenges(connection: Connection, *, now_us: int) -> bool:
    """Whether there is one to forget."""
    dead = select(challenge.c.value).where(challenge.c.expires_us <= now_us)
    return connection.execute(dead.limit(1)).first() is not None


def forget_challenges(connection: Connection, *, now_us: int) -> int:
    """Remove what has expired; how many there were."""
    return connection.execute(delete(challenge).where(challenge.c.expires_us <= now_us)).rowcount
