"""The installation's secret key, keyed hashes of credentials, and signed opaque tokens.

What does not live here: what a token means. The caller gives bytes and a purpose; a token
made for one purpose does not open another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from kernel.errors import BadInput, Misconfigured
from kernel.settings import Settings

_TAG_BYTES = 16
_KEY_BYTES = 32
KEY_FILE = "secret.key"


class Signer:
    """Keyed hashes under one secret key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _KEY_BYTES:
            raise Misconfigured(
                "kernel.bad-secret-key",
                "the secret key is too short; give COMITY_SECRET_KEY 64 hexadecimal digits",
            )
        self._key = key

    def hash(self, purpose: str, text: str) -> bytes:
        """A 32-byte keyed hash of `text`, for a secret that is kept but never read back."""
        return hmac.digest(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256)

    def seal(self, purpose: str, payload: bytes) -> str:
        """`payload` with its tag, as URL-safe text."""
        tag = hmac.digest(self._key, purpose.encode() + b"\0" + payload, hashlib.sha256)
        return base64.urlsafe_b64encode(tag[:_TAG_BYTES] + payload).decode().rstrip("=")

    def unseal(self, purpose: str, token: str) -> bytes:
        """The payload of a token sealed for `purpose`; raises BadInput for any other text."""
        try:
            padded = token.encode("ascii") + b"=" * (-len(token) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error, ValueError):
            raw = b""
        tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        whole = hmac.digest(self._key, purpose.encode() + b"\0" + payload, hashlib.sha256)
        if not hmac.compare_digest(whole[:_TAG_BYTES], tag):
            raise BadInput(
                "kernel.bad-token", "this token was not issued here; start again without it"
            )
        return payload


def open_signer(settings: Settings) -> Signer:
    """The installation's signer: `secret_key` in hexadecimal, else `secret.key` in its folder.

    The file is made, readable by its owner alone, when neither exists.
    """
    if settings.secret_key:
        return Signer(_from_hex(settings.secret_key))
    path = settings.data_path / KEY_FILE
    try:
        return Signer(_from_hex(_read_or_make(path)))
    except OSError as fault:
        raise Misconfigured(
            "kernel.bad-data-dir",
            f"the secret key cannot be kept in {str(path)!r} ({fault.strerror}); "
            "name another folder in COMITY_DATA_DIR, or set COMITY_SECRET_KEY",
        ) from None


def _read_or_make(path: Path) -> str:
    if not path.exists():
        _make_key_file(path)
    # Bytes of another encoding are no hexadecimal digits either.
    return path.read_text(encoding="ascii", errors="replace").strip()


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written whole beside its place and linked there: two processes that start at once agree.
    mine = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(mine, path)
    except FileExistsError:
        pass
    finally:
        mine.unlink()


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Misconfigured(
            "kernel.bad-secret-key", "the secret key must be written in hexadecimal digits"
        ) from None
