"""Which addresses a request may go to: the public internet, and what the operator lists.

Pure: no name is looked up here. An address that carries another inside (NAT64, 6to4, Teredo and
their like) would be translated somewhere on the way, so it is refused unless its own network is
listed, and what it carries is judged as well. What does not live here: URLs
(kernel.outbound.targets).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Not `is_global` of ipaddress: it takes NAT64 and 6to4 forms of loopback for the internet, and
# what it says changes with the version of Python (IANA's special-purpose registries, RFC 6890).
_REFUSED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a network shared by a carrier"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "a link-local network"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "a reserved network"),
        ("192.0.2.0/24", "a network for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "a network for measurements"),
        ("198.51.100.0/24", "a network for documentation"),
        ("203.0.113.0/24", "a network for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved network"),
        ("::/128", "an unspecified address"),
        ("::1/128", "this machine"),
        ("::/96", "an IPv4-compatible address"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "a reserved network"),
        ("2001:db8::/32", "a network for documentation"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a network for documentation"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "a link-local network"),
        ("fec0::/10", "a private network"),
        ("ff00::/8", "a multicast address"),
    )
)
_UNICAST: Final = IPv6Network("2000::/3")
# Where clouds tell a machine its own secrets: a wider network that happens to hold one of these
# does not list it.
_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "100.100.100.200",
        "168.63.129.16",
        "169.254.169.254",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
_LOW_32: Final = 2**32 - 1
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})


def forbidden(address: Address | str, allow: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to this address, in a few words; None where it may.

    `allow` holds the networks that the operator lists. Raises ValueError for a text that is no
    address.
    """
    own = _plain(address)
    if own in _METADATA:
        single = any(own in each and each.num_addresses == 1 for each in allow)
        return None if single else "a cloud's metadata service"
    carried = (forbidden(inner, allow) for inner in _carried(own))
    inside = next((why for why in carried if why is not None), None)
    if inside is not None:
        return f"{inside}, inside an IPv6 address"
    if is_listed(own, allow):
        return None
    for network, why in _REFUSED:
        if own in network:
            return why
    if isinstance(own, IPv6Address) and own not in _UNICAST:
        return "a reserved network"
    return None


def is_listed(address: Address | str, allow: Sequence[Network]) -> bool:
    """Whether one of the listed networks holds the address."""
    own = _plain(address)
    return any(own in network for network in allow)


def _plain(address: Address | str) -> Address:
    """The address that packets are sent to: without a zone, and IPv4 where it is mapped."""
    text = str(address).partition("%")[0]
    own = ip_address(text)
    mapped = own.ipv4_mapped if isinstance(own, IPv6Address) else None
    return mapped or own


def _carried(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that a translator would take out of this one."""
    if isinstance(address, IPv4Address):
        return
    value = int(address)
    if address in _NAT64 or (address in _COMPATIBLE and value > 1):
        yield IPv4Address(value & _LOW_32)
    elif address in _NAT64_LOCAL:
        yield from _of_local_nat64(value)
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif value >> 32 & _LOW_32 in _ISATAP:
        yield IPv4Address(value & _LOW_32)


def _of_local_nat64(value: int) -> Iterator[IPv4Address]:
    """By each length that a prefix within 64:ff9b:1::/48 can have (RFC 6052 §2.2)."""
    forms = {
        40: value >> 48 & 0xFFFF_0000 | value >> 40 & 0xFFFF,
        32: value >> 40 & 0xFF00_0000 | value >> 32 & 0xFF_FFFF,
        24: value >> 24 & _LOW_32,
    }
    found = [IPv4Address(form) for bits, form in forms.items() if not value & (2**bits - 1)]
    # What ends in 32 zeros is one of the shorter prefixes, never 0.0.0.0 of the longest.
    if value & _LOW_32:
        found.append(IPv4Address(value & _LOW_32))
    yield from found
