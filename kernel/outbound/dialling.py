"""A connection to where a URL leads, once every address that its name has is allowed.

A name is asked for once for each connection, and the socket goes to the very address that was
judged: an answer that changes meanwhile changes nothing. No proxy is used and no variable of the
environment is read.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from kernel.outbound.addresses import Address, Network, forbidden, is_listed
from kernel.outbound.errors import (
    AddressRefused,
    ConnectFailed,
    DeadlinePassed,
    ResolveFailed,
)
from kernel.outbound.targets import Target
from kernel.outbound.watching import Watch, WatchedSocket, tls_failed

Resolver = Callable[[str, int, float], Sequence[str]]
"""From a host, a port and the seconds to wait, to its addresses as text; raises OSError."""

_MOST_ADDRESSES: Final = 8


@dataclass(frozen=True, slots=True)
class Dialler:
    """Where one may connect to: the public internet, and the networks that are listed."""

    allow: Sequence[Network]
    resolver: Resolver

    def find(self, target: Target, watch: Watch) -> list[Address]:
        """The addresses of the host, each allowed. Raises AddressRefused and ResolveFailed."""
        found = [target.address] if target.address is not None else self._look_up(target, watch)
        for address in found:
            why = forbidden(address, self.allow)
            if why is not None:
                raise AddressRefused(
                    f"{target.host} leads to {why}, where nothing is sent; the operator may list "
                    "the network in COMITY_EGRESS_ALLOW"
                )
            if target.scheme == "http" and not is_listed(address, self.allow):
                raise AddressRefused(
                    f"nothing is sent to {target.host} unencrypted; write https://, or have the "
                    "operator list its network in COMITY_EGRESS_ALLOW"
                )
        return found

    def connect(
        self, target: Target, watch: Watch, context: Callable[[], ssl.SSLContext]
    ) -> WatchedSocket:
        """A connection to the target, with TLS where it asks for it.

        Raises AddressRefused, ResolveFailed, ConnectFailed, TlsFailed and DeadlinePassed.
        """
        inner = self._connect_one(target, self.find(target, watch), watch)
        if target.scheme == "https":
            inner = _secure(inner, target, watch, context())
        return WatchedSocket(inner, watch)

    def _look_up(self, target: Target, watch: Watch) -> list[Address]:
        patience = watch.seconds(watch.limits.connect_seconds)
        try:
            texts = self.resolver(target.host, target.port, patience)
            found = [ip_address(text.partition("%")[0]) for text in dict.fromkeys(texts)]
        except (OSError, ValueError):
            found = []
        if not found:
            raise ResolveFailed(
                f"the name {target.host} has no address just now; see whether it is written right"
            )
        return found

    def _connect_one(
        self, target: Target, addresses: Sequence[Address], watch: Watch
    ) -> socket.socket:
        why = ""
        for address in addresses[:_MOST_ADDRESSES]:
            patience = watch.seconds(watch.limits.connect_seconds)
            try:
                return self._connect_to(address, target.port, patience)
            except TimeoutError:
                why = f"does not answer within {patience:.0f} seconds"
            except ConnectionRefusedError:
                why = "refuses connections"
            except OSError as fault:
                why = f"cannot be reached ({fault.strerror or 'no reason given'})"
        raise ConnectFailed(f"{watch.name} {why}")

    def _connect_to(self, address: Address, port: int, patience: float) -> socket.socket:
        family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(patience)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect((str(address), port))
            check_peer(made.getpeername()[0], address, self.allow)
        except BaseException:
            made.close()
            raise
        return made


def check_peer(peer: str, address: Address, allow: Sequence[Network]) -> None:
    """What was judged is what one is connected to, whatever lies between. Raises AddressRefused."""
    if ip_address(peer.partition("%")[0]) != address or forbidden(peer, allow):
        raise AddressRefused("the connection leads to another address than the one asked for")


def _secure(
    inner: socket.socket, target: Target, watch: Watch, context: ssl.SSLContext
) -> socket.socket:
    """TLS over it, with whom the URL names and nobody else."""
    try:
        inner.settimeout(watch.seconds(watch.limits.idle_seconds))
        return context.wrap_socket(inner, server_hostname=target.host)
    except ssl.SSLError as fault:
        inner.close()
        raise tls_failed(watch.name, fault) from None
    except TimeoutError:
        inner.close()
        raise DeadlinePassed(f"{watch.name} does not finish the TLS handshake") from None
    except (OSError, ValueError):
        inner.close()
        raise ConnectFailed(f"{watch.name} ends the connection in the TLS handshake") from None
    except BaseException:
        inner.close()
        raise


def resolve(host: str, port: int, patience_seconds: float) -> list[str]:
    """The system's answer. Raises OSError where it has none, or none in time."""
    found: list[str] = []
    faults: list[OSError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as fault:
            faults.append(OSError(str(fault)))
        else:
            found.extend(str(row[4][0]) for row in rows)

    # The system's own patience cannot be set: a thread is left behind where it takes longer.
    asking = threading.Thread(target=ask, daemon=True, name="resolve")
    asking.start()
    asking.join(patience_seconds)
    if asking.is_alive():
        raise TimeoutError
    if faults:
        raise faults[0]
    return found
