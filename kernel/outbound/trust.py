"""Who is believed, and what we show of ourselves: credentials, CAs, client certificates.

What does not live here: where secrets are kept, and how they are encrypted there.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import certifi

from kernel.outbound.errors import IdentityRefused

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_MOST_CHARACTERS: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """What is shown to one server: a user with a password, or a token, and a client certificate.

    `client_pem` holds the certificate (and those between it and its CA) and the key, as PEM
    without a passphrase. Its text tells nothing of it.
    """

    user: str = ""
    password: str = ""
    token: str = ""
    client_pem: str = ""

    def __repr__(self) -> str:
        return "Credential(...)"

    def header(self) -> str | None:
        """The value of `Authorization`, None where there is none. Raises IdentityRefused."""
        if self.token and (self.user or self.password):
            raise IdentityRefused("give a user with a password or a token, not both")
        if self.token:
            if not _TOKEN.fullmatch(self.token):
                raise IdentityRefused("the token holds characters that no header carries")
            return f"Bearer {self.token}"
        if not self.user and not self.password:
            return None
        if ":" in self.user:
            raise IdentityRefused("a user of HTTP Basic has no colon")
        pair = f"{self.user}:{self.password}".encode("utf-8", "surrogateescape")
        return f"Basic {base64.b64encode(pair).decode()}"


def make_context(ca_pem: str = "", client_pem: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer towards a server whose certificate and name are checked.

    `ca_pem` replaces the public CAs. Raises IdentityRefused.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if ca_pem:
        _trust(context, ca_pem)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        context.load_verify_locations(certifi.where())
    if client_pem:
        _show(context, client_pem)
    return context


def _trust(context: ssl.SSLContext, ca_pem: str) -> None:
    try:
        context.load_verify_locations(cadata=_checked(ca_pem))
    except (ssl.SSLError, ValueError):
        raise IdentityRefused("the CA is no certificate in PEM") from None
    if not context.cert_store_stats()["x509"]:
        raise IdentityRefused("the CA holds no certificate in PEM")


def _show(context: ssl.SSLContext, client_pem: str) -> None:
    if "ENCRYPTED" in client_pem:
        raise IdentityRefused("the client's key has a passphrase; give it without")
    try:
        with _as_file(_checked(client_pem)) as path:
            context.load_cert_chain(path, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError):
        raise IdentityRefused(
            "the client certificate cannot be used; give the certificate and its key as PEM"
        ) from None


def _checked(pem: str) -> str:
    if len(pem) > _MOST_CHARACTERS or not pem.isascii():
        raise ValueError
    return pem


@contextmanager
def _as_file(pem: str) -> Iterator[str]:
    """A path to read it from: OpenSSL wants one. In memory, where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client")
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(pem.encode())
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem.encode())
        file.flush()
        yield file.name
