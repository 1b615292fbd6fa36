"""Requests go where they are meant to, and to no other address, however it is written.

Two listeners count who comes, on IPv4 and IPv6 of this machine, and an audit hook of Python
sees every attempt of this process to connect to anything.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest

from kernel.outbound.budgets import Limits
from kernel.outbound.dialling import check_peer
from kernel.outbound.errors import AddressRefused, OutboundError, RedirectRefused
from kernel.outbound.session import Outbound, Surroundings
from kernel.outbound.trust import Credential
from tests.kernel.outbound.listening import Listening, answer, in_turn, listening

# Names and what a resolver says of them.
NAMES = {
    "loopback.example": ["127.0.0.1"],
    "six.example": ["::1"],
    "private.example": ["10.1.2.3"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "mixed-six.example": ["2606:4700::1", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "metadata.example": ["169.254.169.254"],
    "zoned.example": ["fe80::1%lo"],
    "xn--hlle-5qa.example": ["127.0.0.1"],
    "public.example": ["93.184.215.14"],
}
# Each leads to this machine, to a network of its surroundings, or to nowhere.
WRITTEN = """
127.0.0.1 127.0.0.2 127.255.255.254 127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7f.1
0177.0.0.1 0177.0x0.0.1 0x7f.0x0.0x0.0x1 127.0.0.1. 0 0.0.0.0 0x0 00 localhost localhost.
\uff11\uff12\uff17.0.0.1 \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021 127.0.0.1..
127%2e0.0.1 256.0.0.1 1.2.3.4.5 127.0.0.08 [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1]
[::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
[64:ff9b:1:7f00:0:100::] [2002:7f00:1::] [2002:7f00:0001::1] [2001:0:7f00:1::1]
[2001:0:5ef5:79fb::80ff:fffe] [fe80::1] [fe80::1%25lo] [fe80::5efe:127.0.0.1] [fc00::1]
[fd00:ec2::254] [fec0::1] [ff02::1] [2001:db8::1] [::ffff:0:127.0.0.1] [5f00::1] 10.0.0.1
172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 192.0.2.1 198.18.0.1 224.0.0.1 240.0.0.1
255.255.255.255 168.63.129.16 100.100.100.200 loopback.example six.example private.example
mixed.example mixed-six.example mapped.example nat64.example sixtofour.example metadata.example
zoned.example hölle.example unknown.example
"""
HOSTS = tuple(WRITTEN.split())
ONE_TRY = Limits(connect_seconds=10, idle_seconds=20, deadline_seconds=30, tries=1)
THIS = (ip_network("127.0.0.1/32"),)

_attempts: list[object] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        _attempts.append(arguments[1])


sys.addaudithook(_watch)


@dataclass
class Doors:
    """Listeners at one port of IPv4 and IPv6 of this machine."""

    four: Listening
    six: Listening
    asked: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.four.port

    @property
    def accepted(self) -> int:
        return self.four.accepted + self.six.accepted

    def resolver(self, host: str, _port: int, _patience: float) -> Sequence[str]:
        self.asked.append(host)
        if host not in NAMES:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return NAMES[host]


@pytest.fixture
def doors() -> Iterator[Doors]:
    with ExitStack() as stack:
        four = stack.enter_context(listening(answer()))
        six = stack.enter_context(listening(answer(), host="::1", port=four.port))
        _attempts.clear()
        yield Doors(four, six)


def around(resolver: object) -> Surroundings:
    return Surroundings(resolver=resolver)  # type: ignore[arg-type]


def ask(url: str, doors: Doors) -> None:
    Outbound(
        url, credential=Credential("u", "p"), limits=ONE_TRY, surroundings=around(doors.resolver)
    ).request("GET", url)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_nothing_connects_to_a_forbidden_address_however_it_is_written(
    doors: Doors, scheme: str
) -> None:
    refused = 0
    for host in HOSTS:
        url = f"{scheme}://{host}:{doors.port}/taxii2/"
        with pytest.raises(OutboundError) as refusal:
            Outbound(
                url,
                credential=Credential("u", "p"),
                limits=ONE_TRY,
                surroundings=around(doors.resolver),
            ).request("GET", url)
        assert refusal.value.step in {"address", "resolve"}, host
        refused += 1
    assert refused >= 60
    assert (doors.accepted, _attempts) == (0, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://public.example@127.0.0.1:{port}/",
        "https://user:secret@public.example:{port}/",
        "https://public.example:{port}@127.0.0.1/",
        "https://127.0.0.1:{port}\\@public.example/",
        "https://public.example#@127.0.0.1:{port}/",
        "https://127.0.0.1:{port}\t/",
        "https://\n127.0.0.1:{port}/",
        "https:127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "unix://127.0.0.1:{port}/",
        "HTTPS://127.0.0.1:{port}/",
        "https://[::1:{port}/",
        "https://127.0.0.1:0{port}:1/",
        "https://-.example:{port}/",
        "https://public_..example:{port}/",
        "https://public.example:0/",
        "https://" + "a" * 9000,
    ],
)
def test_a_url_that_two_readers_could_read_in_two_ways_is_refused(doors: Doors, url: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        ask(url.format(port=doors.port), doors)
    assert "secret" not in refusal.value.message
    assert (doors.accepted, _attempts) == (0, [])


def test_the_count_sees_a_connection_that_the_operator_allows(doors: Doors) -> None:
    url = doors.four.url()
    with Outbound(url, allow=THIS, limits=ONE_TRY) as outbound:
        assert outbound.request("GET", url).body == b"{}"
    assert (doors.accepted, _attempts) == (1, [("127.0.0.1", doors.port)])


def test_plain_http_goes_to_listed_networks_alone(doors: Doors) -> None:
    url = f"http://public.example:{doors.port}/"
    with pytest.raises(AddressRefused, match="unencrypted"):
        ask(url, doors)
    assert _attempts == []


def test_a_name_that_changes_its_address_meanwhile_leads_nowhere_else() -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["::1"]]

    def resolver(_host: str, _port: int, _patience: float) -> Sequence[str]:
        return answers.pop(0)

    with (
        listening(answer()) as meant,
        listening(answer(), host="127.0.0.2", port=meant.port) as own,
    ):
        url = meant.url(host="rebound.example")
        with Outbound(url, allow=THIS, limits=ONE_TRY, surroundings=around(resolver)) as outbound:
            outbound.request("GET", url)
            outbound.request("GET", url)  # over the same connection: nobody is asked again
            assert len(answers) == 3
            for _ in range(3):
                with pytest.raises(AddressRefused):
                    outbound.request("POST", url, body=b"{}")
        assert (meant.accepted, own.accepted, answers) == (1, 0, [])


def test_a_socket_that_is_connected_elsewhere_is_refused() -> None:
    check_peer("127.0.0.1", ip_address("127.0.0.1"), THIS)
    for peer in ("127.0.0.2", "::1", "fe80::1%lo", "10.0.0.1"):
        with pytest.raises(AddressRefused):
            check_peer(peer, ip_address("127.0.0.1"), THIS)
    with pytest.raises(AddressRefused):
        check_peer("127.0.0.1", ip_address("127.0.0.1"), ())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Same", "308 Same"])
def test_a_redirect_to_another_server_takes_nothing_along(status: str) -> None:
    with listening(answer()) as thief:
        for location in (
            thief.url(),
            f"http://localhost:{thief.port}/",
            f"https://127.0.0.1:{thief.port}/",
            f"//127.0.0.1:{thief.port}/",
            f"http://u:p@127.0.0.1:{thief.port}/",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "http://[::1",
            "",
        ):
            told = answer(status=status, head=f"Location: {location}\r\n")
            with listening(in_turn(told)) as partner:
                outbound = Outbound(
                    partner.url(), allow=THIS, credential=Credential("u", "p"), limits=ONE_TRY
                )
                with outbound, pytest.raises(RedirectRefused) as refusal:
                    outbound.request("GET", partner.url())
                assert refusal.value.step == "redirect"
                assert partner.accepted == 1 if location else partner.accepted >= 1
        assert thief.accepted == 0


def test_a_redirect_within_a_server_is_followed_a_few_times_and_never_for_a_post() -> None:
    onwards = answer(status="302 Found", head="Location: /again\r\n")
    with listening(in_turn(onwards, onwards, onwards, answer(b"found"))) as partner:
        outbound = Outbound(
            partner.url(), allow=THIS, credential=Credential("u", "p"), limits=ONE_TRY
        )
        with outbound:
            assert outbound.request("GET", partner.url()).body == b"found"
        assert [b"Authorization: Basic" in head for head in partner.heads] == [True] * 4
    with listening(onwards) as partner:
        outbound = Outbound(partner.url(), allow=THIS, limits=ONE_TRY)
        with outbound:
            with pytest.raises(RedirectRefused, match="more than 3 times"):
                outbound.request("GET", partner.url())
            assert len(partner.heads) == 4
            with pytest.raises(RedirectRefused, match="POST"):
                outbound.request("POST", partner.url(), body=b"{}")
            assert len(partner.heads) == 5


@pytest.mark.parametrize("credential", [Credential("u", "p"), Credential(token="t0ken")])
def test_a_credential_goes_to_the_server_that_it_is_for_and_to_no_other(
    credential: Credential,
) -> None:
    with listening(answer()) as partner, listening(answer()) as other:
        with Outbound(partner.url(), allow=THIS, credential=credential, limits=ONE_TRY) as outbound:
            outbound.request("GET", partner.url("/a"))
            outbound.request("GET", other.url("/b"))
        assert b"\r\nAuthorization: " in partner.heads[0]
        assert b"authorization" not in other.heads[0].lower()
        assert b"cookie" not in other.heads[0].lower()
