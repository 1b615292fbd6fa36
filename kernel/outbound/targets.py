"""What a URL asks for: scheme, host, port and path, or why it is not asked.

Two readers of one URL must not understand two hosts: whatever they could differ on is refused,
not mended. What does not live here: where a name leads (kernel.outbound.dialling).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import idna

from kernel.outbound.addresses import Address
from kernel.outbound.errors import AddressRefused

_MOST_CHARACTERS: Final = 8000
_NOT_IN_URLS: Final = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
_PORTS: Final = {"https": 443, "http": 80}
_SAFE: Final = "/?:@!$&'()*+,;=-._~%[]"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart; `host` is lower-case ASCII without a dot at its end or brackets.

    `path` holds the query too. `address` is set where the host is an address and no name.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a credential is bound to."""
        return f"{self.scheme}://{self._bracketed}:{self.port}"

    @property
    def url(self) -> str:
        """The whole, as it is shown and asked for."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._bracketed}{port}{self.path}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host


def read_url(url: str) -> Target:
    """The target of an absolute URL. Raises AddressRefused, saying what to write instead."""
    if len(url) > _MOST_CHARACTERS:
        raise AddressRefused(f"the address has more than {_MOST_CHARACTERS} characters")
    if _NOT_IN_URLS.search(url):
        raise AddressRefused("the address holds a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("the address cannot be read; write https://HOST/PATH") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused("the address must begin with https:// and a host")
    if "@" in parts.netloc:
        raise AddressRefused(
            "the address holds a user or password; leave them out, and set them as the credential"
        )
    if parts.fragment or url.endswith("#"):
        raise AddressRefused("the address holds a # part, which no server is sent; leave it out")
    if port == 0:
        raise AddressRefused("the port must be from 1 to 65535")
    address, host = _read_host(parts.hostname, is_bracketed="[" in parts.netloc)
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        path=quote(parts.path or "/", safe=_SAFE) + query,
        address=address,
    )


def follow(target: Target, location: str) -> Target:
    """Where `location`, absolute or relative, leads from there. Raises AddressRefused."""
    try:
        return read_url(urljoin(target.url, location))
    except ValueError:
        raise AddressRefused("the address cannot be read") from None


def _read_host(host: str, *, is_bracketed: bool) -> tuple[Address | None, str]:
    if is_bracketed:
        return _read_ipv6(host)
    name = _to_ascii(host.removesuffix(".")).removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise AddressRefused("the host is no name; write it as in host.example")
    if not _NUMBER.fullmatch(labels[-1]):
        return None, name
    # A host that ends in a number is an IPv4 address to some readers, whatever it looks like.
    address = _read_ipv4(labels)
    if address is None:
        raise AddressRefused("the host ends in a number and is no IPv4 address")
    if str(address) != name:
        raise AddressRefused(f"the host is another form of {address}; write it so")
    return address, name


def _read_ipv6(host: str) -> tuple[Address, str]:
    try:
        address = ip_address(host)
    except ValueError:
        raise AddressRefused("what is in brackets is no IPv6 address") from None
    if isinstance(address, IPv4Address) or address.scope_id is not None:
        raise AddressRefused("what is in brackets is no IPv6 address without a zone")
    return address, str(address)


def _to_ascii(host: str) -> str:
    if "%" in host:
        raise AddressRefused("the host holds a percent sign; write it plainly")
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError:
        raise AddressRefused("the host is no internationalised name") from None


def _read_ipv4(labels: list[str]) -> IPv4Address | None:
    """What `inet_aton` makes of it: one to four numbers, decimal, octal or hexadecimal."""
    if len(labels) > 4:
        return None
    numbers = [_read_number(label) for label in labels]
    *first, last = numbers
    room = 256 ** (4 - len(first))
    if any(number is None or number > 255 for number in first) or last is None or last >= room:
        return None
    value = last
    for place, number in enumerate(first):
        value += (number or 0) * 256 ** (3 - place)
    return IPv4Address(value)


def _read_number(label: str) -> int | None:
    if not _NUMBER.fullmatch(label):
        return None
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    base = 8 if label.startswith("0") and len(label) > 1 else 10
    try:
        return int(label, base)
    except ValueError:
        return None
