"""Which addresses a request may go to: rules without a network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.outbound.addresses import forbidden, is_listed

PUBLIC = [
    "93.184.215.14",
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700::1111",
    "2a00:1450:4001::8a",
    "::ffff:8.8.8.8",
]


def networks(*texts: str) -> tuple[object, ...]:
    return tuple(map(ip_network, texts))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_open(address: str) -> None:
    assert forbidden(address) is None
    assert forbidden(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("0.0.0.0", "unspecified"),
        ("10.255.0.1", "private"),
        ("100.127.255.255", "carrier"),
        ("127.0.0.1", "this machine"),
        ("169.254.1.1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("168.63.129.16", "metadata"),
        ("172.31.255.255", "private"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.200", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.0.1", "private"),
        ("198.19.0.1", "measurements"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("239.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "this machine"),
        ("::8.8.8.8", "IPv4-compatible"),
        ("::10.0.0.1", "private network, inside"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::8.8.8.8", "NAT64"),
        ("64:ff9b::10.0.0.1", "private network, inside"),
        ("64:ff9b:1::8.8.8.8", "NAT64"),
        ("2001:0:808:808::f7f7:f7f7", "Teredo"),
        ("2001:0:808:808::80ff:fffe", "this machine, inside"),
        ("2001:0:7f00:1::f7f7:f7f7", "this machine, inside"),
        ("2001:2::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("2002:808:808::1", "6to4"),
        ("2002:a00:1::1", "private network, inside"),
        ("2606:4700::5efe:10.0.0.1", "private network, inside"),
        ("2606:4700::200:5efe:10.0.0.1", "private network, inside"),
        ("3fff::1", "documentation"),
        ("4000::1", "reserved"),
        ("100::1", "reserved"),
        ("fd12::1", "private"),
        ("fd00:ec2::254", "metadata"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
    ],
)
def test_what_is_not_public_is_refused_with_its_kind(address: str, why: str) -> None:
    assert why in str(forbidden(address))


def test_a_listed_network_is_open_and_its_neighbours_are_not() -> None:
    allow = networks("10.20.0.0/16", "fd12::/64")
    for address in ("10.20.1.1", "::ffff:10.20.1.1", "fd12::5"):
        assert forbidden(address, allow) is None
        assert is_listed(address, allow)
    for address in ("10.21.0.1", "fd12:0:0:1::1", "8.8.8.8", "64:ff9b::10.20.1.1"):
        assert not is_listed(address, allow)
    assert forbidden("10.21.0.1", allow)


def test_what_an_address_carries_is_judged_when_its_network_is_listed_too() -> None:
    for network, public, inner in [
        ("64:ff9b::/96", "64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1"),
        ("64:ff9b:1::/48", "64:ff9b:1::8.8.8.8", "64:ff9b:1::10.0.0.1"),
        ("2002::/16", "2002:808:808::", "2002:a00:1::"),
        ("2001::/32", "2001:0:808:808::f7f7:f7f7", "2001:0:808:808::f5ff:fffe"),
        ("::/96", "::8.8.8.8", "::10.0.0.1"),
    ]:
        allow = networks(network)
        assert forbidden(public, allow) is None, public
        assert "inside" in str(forbidden(inner, allow)), inner
        assert forbidden(inner, (*allow, *networks("10.0.0.0/8"))) is None, inner


def test_a_wide_network_does_not_list_a_clouds_metadata_that_lies_in_it() -> None:
    wide = networks("100.64.0.0/10", "fd00::/8", "169.254.0.0/16")
    for address in ("100.100.100.200", "fd00:ec2::254", "169.254.169.254"):
        assert forbidden(address, wide) == "a cloud's metadata service"
        assert forbidden(address, (*wide, *networks(address))) is None


def test_a_text_that_is_no_address_is_no_answer() -> None:
    with pytest.raises(ValueError, match="host"):
        forbidden("host.example")


@pytest.mark.parametrize(
    ("public", "inner"),
    [
        ("64:ff9b:1:808:8:800::", "64:ff9b:1:a00:0:100::"),
        ("64:ff9b:1:8:8:808::", "64:ff9b:1:a:0:1::"),
        ("64:ff9b:1:0:8:808:800:0", "64:ff9b:1:0:a:0:100:0"),
        ("64:ff9b:1::8.8.8.8", "64:ff9b:1::10.0.0.1"),
    ],
    ids=["/48", "/56", "/64", "/96"],
)
def test_a_translator_of_ones_own_may_have_a_prefix_of_any_length(public: str, inner: str) -> None:
    allow = networks("64:ff9b:1::/48")
    assert forbidden(public, allow) is None
    assert "inside" in str(forbidden(inner, allow))


@given(st.ip_addresses())
def test_nothing_is_open_that_python_does_not_call_global(
    address: IPv4Address | IPv6Address,
) -> None:
    if forbidden(address) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_no_form_that_carries_an_address_is_open_unless_it_is_listed(address: IPv4Address) -> None:
    value = int(address)
    for prefix, shift in (
        ("64:ff9b::", 0),
        ("64:ff9b:1::", 0),
        ("2002::", 80),
        ("2001::", 64),
        ("::", 0),
    ):
        form = IPv6Address(int(IPv6Address(prefix)) | value << shift)
        assert forbidden(form) is not None
    mapped = IPv6Address(f"::ffff:{address}")
    assert forbidden(mapped) == forbidden(address)
