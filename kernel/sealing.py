"""Secrets that must be read back (a partner's password), encrypted at rest and re-encrypted.

What can be kept as a hash is (kernel.signing). What does not live here: whose secrets.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from kernel.errors import Misconfigured
from kernel.settings import Settings
from kernel.signing import Signer


class Sealer:
    """Encrypts for one purpose, with the newest of several keys; reads what any of them sealed.

    `COMITY_SEALING_KEYS` names keys, newest first, as `Fernet.generate_key()` makes them, or any
    44 characters of URL-safe base64 that are 32 bytes. Without any, and after them, comes one
    that is derived from the installation's secret key.
    """

    def __init__(self, settings: Settings, signer: Signer, purpose: str) -> None:
        keys = [key.strip() for key in settings.sealing_keys.split(",") if key.strip()]
        try:
            ciphers = [Fernet(key) for key in keys]
        except ValueError:
            raise Misconfigured(
                "kernel.bad-sealing-key",
                "COMITY_SEALING_KEYS holds something that is no key; give each as 44 characters "
                "of URL-safe base64, newest first, with commas between",
            ) from None
        derived = base64.urlsafe_b64encode(signer.hash(purpose, "sealing"))
        self._cipher = MultiFernet([*ciphers, Fernet(derived)])

    def seal(self, secret: str) -> bytes:
        """The secret as it is kept."""
        return self._cipher.encrypt(secret.encode())

    def unseal(self, kept: bytes) -> str:
        """The secret; raises Misconfigured when no key of this installation sealed it."""
        try:
            return self._cipher.decrypt(kept).decode()
        except InvalidToken:
            raise _unreadable() from None

    def reseal(self, kept: bytes) -> bytes:
        """The same secret under the newest key; raises as `unseal`."""
        try:
            return self._cipher.rotate(kept)
        except InvalidToken:
            raise _unreadable() from None


def _unreadable() -> Misconfigured:
    return Misconfigured(
        "kernel.unreadable-secret",
        "a partner's secret was encrypted under a key that this installation does not have; set "
        "COMITY_SEALING_KEYS and COMITY_SECRET_KEY as they were, or set the secret anew",
    )
