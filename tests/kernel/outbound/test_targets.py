"""What a URL asks for: rules without a network."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.outbound.errors import AddressRefused
from kernel.outbound.targets import follow, read_url


@pytest.mark.parametrize(
    ("url", "origin", "meant"),
    [
        ("https://Host.Example", "https://host.example:443", "https://host.example/"),
        ("https://host.example.:443/a", "https://host.example:443", "https://host.example/a"),
        ("http://host.example:8080/?q", "http://host.example:8080", "http://host.example:8080/?q"),
        ("https://bücher.example/ü?ä=1", "https://xn--bcher-kva.example:443",
         "https://xn--bcher-kva.example/%C3%BC?%C3%A4=1"),
        ("https://[2606:4700:0::1]:8443/", "https://[2606:4700::1]:8443", "https://[2606:4700::1]:8443/"),
        ("https://93.184.215.14/a%20b", "https://93.184.215.14:443", "https://93.184.215.14/a%20b"),
        ("https://host.example/?match[version]=all&x=%2F", "https://host.example:443",
         "https://host.example/?match[version]=all&x=%2F"),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart_and_written_in_one_way(url: str, origin: str, meant: str) -> None:
    target = read_url(url)
    assert (target.origin, target.url) == (origin, meant)
    assert read_url(target.url) == target


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://host.example/a b", "a space"),
        ("https://host.example/" + "a" * 8000, "more than 8000 characters"),
        ("https://host.example:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("ftp://host.example/", "must begin with https://"),
        ("https:///path", "must begin with https://"),
        ("https://user:secret@host.example/", "leave them out"),
        ("https://host.example/#part", "leave it out"),
        ("https://host.example/#", "leave it out"),
        ("https://host.example:0/", "the port must be"),
        ("https://host..example/", "is no name"),
        ("https://" + "a" * 64 + ".example/", "is no name"),
        ("https://" + "abc." * 70 + "example/", "is no name"),
        ("https://a%2eexample/", "percent sign"),
        ("https://a\u2260.example/", "no internationalised name"),
        ("https://0x7f.1/", "another form of 127.0.0.1; write it so"),
        ("https://0300.0250.1/", "another form of 192.168.0.1; write it so"),
        ("https://1.2.3.4.5/", "ends in a number"),
        ("https://256.1.1.1/", "ends in a number"),
        ("https://1.1.1.08/", "ends in a number"),
        ("https://1.1.65536/", "ends in a number"),
        ("https://a.1.1.1/", "ends in a number"),
        ("https://[host.example]/", "cannot be read"),
        ("https://[v1.x]/", "no IPv6 address"),
        ("https://[fe80::1%25eth0]/", "without a zone"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_what_to_write(url: str, told: str) -> None:
    with pytest.raises(AddressRefused, match=told) as refusal:
        read_url(url)
    assert "secret" not in refusal.value.message


def test_an_address_in_brackets_that_is_none_of_ipv6_is_refused() -> None:
    with pytest.raises(AddressRefused):
        read_url("https://[127.0.0.1]/")


def test_where_a_location_leads_is_read_like_any_url() -> None:
    home = read_url("https://host.example/a/b?c")
    assert follow(home, "../d").url == "https://host.example/d"
    assert follow(home, "//other.example/").origin == "https://other.example:443"
    for location in ("http://[::1", "https://127.1/", "file:///etc"):
        with pytest.raises(AddressRefused):
            follow(home, location)


HOST_LIKE = st.text(st.sampled_from("az09.-_:@/\\?#%[]\u3002\uff11\u00df x"), max_size=20)


@given(st.sampled_from(["https://", "http://", "//", "https:", ""]), HOST_LIKE, st.text())
def test_any_text_is_a_target_written_in_one_way_or_is_refused(
    scheme: str, host: str, rest: str
) -> None:
    with suppress(AddressRefused):
        target = read_url(f"{scheme}{host}{rest}")
        assert read_url(target.url) == target
        assert target.address or re.fullmatch(r"[a-z0-9_.-]+", target.host)
        assert re.fullmatch(r"/[!-~]*", target.path)
