"""TLS is with whom the URL names, by a CA that is believed, or not at all."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from kernel.outbound.budgets import Limits
from kernel.outbound.errors import DeadlinePassed, IdentityRefused, OutboundError, TlsFailed
from kernel.outbound.session import Outbound, Surroundings
from kernel.outbound.trust import Credential, make_context
from tests.kernel.outbound.certificates import Authority, key_pem, make_key, server_context
from tests.kernel.outbound.listening import Listening, answer, listening

THIS = (ip_network("127.0.0.1/32"),)
LIMITS = Limits(connect_seconds=10, idle_seconds=20, deadline_seconds=30, tries=1)
HOST = "partner.example"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def resolver(_host: str, _port: int, _patience: float) -> Sequence[str]:
    return ["127.0.0.1"]


def ask(partner: Listening, ca_pem: str = "", client_pem: str = "", host: str = HOST) -> bytes:
    url = partner.url(host=host, scheme="https")
    outbound = Outbound(
        url,
        allow=THIS,
        credential=Credential(user="u", password="p", client_pem=client_pem),
        ca_pem=ca_pem,
        limits=LIMITS,
        surroundings=Surroundings(resolver=resolver),
    )
    with outbound:
        return outbound.request("GET", url).body


def test_a_partner_with_a_ca_of_its_own_is_believed_by_that_ca(
    tmp_path: Path, authority: Authority
) -> None:
    context = server_context(tmp_path, authority.issue(HOST, "127.0.0.1"))
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with listening(answer(), tls=context) as partner:
        assert ask(partner, authority.pem) == b"{}"
        assert ask(partner, authority.pem, host="127.0.0.1") == b"{}"
        hosts = [f"Host: {host}:{partner.port}\r\n".encode() for host in (HOST, "127.0.0.1")]
        assert all(host in head for host, head in zip(hosts, partner.heads, strict=True))
    assert names == [HOST, None]


@pytest.mark.parametrize(
    ("names", "days", "believed", "told"),
    [
        ((HOST,), 1, False, "certificate of partner.example"),
        (("other.example",), 1, True, "certificate of partner.example"),
        (("127.0.0.1",), 1, True, "certificate of partner.example"),
        ((HOST,), -1, True, "expired"),
    ],
    ids=["unknown-ca", "another-host", "address-alone", "expired"],
)
def test_who_does_not_prove_to_be_the_partner_is_told_nothing(
    tmp_path: Path,
    authority: Authority,
    names: tuple[str, ...],
    days: int,
    believed: bool,
    told: str,
) -> None:
    context = server_context(tmp_path, authority.issue(*names, days=days))
    with listening(answer(), tls=context) as partner:
        with pytest.raises(TlsFailed, match=told) as fault:
            ask(partner, authority.pem if believed else "")
        assert (fault.value.step, partner.heads) == ("tls", [])
        with pytest.raises(TlsFailed):
            ask(partner, Authority("Another CA").pem)


def test_a_certificate_that_signs_itself_is_not_enough(
    tmp_path: Path, authority: Authority
) -> None:
    own = server_context(tmp_path, authority.pem + key_pem(authority.key))
    with listening(answer(), tls=own) as partner, pytest.raises(TlsFailed):
        ask(partner)


def test_a_name_in_the_subject_alone_does_not_count(tmp_path: Path, authority: Authority) -> None:
    context = server_context(tmp_path, authority.issue("other.example", subject=HOST))
    with listening(answer(), tls=context) as partner, pytest.raises(TlsFailed):
        ask(partner, authority.pem)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_an_old_tls_is_none(tmp_path: Path, authority: Authority) -> None:
    context = server_context(tmp_path, authority.issue(HOST))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.minimum_version = ssl.TLSVersion.TLSv1
    with listening(answer(), tls=context) as partner, pytest.raises(OutboundError) as fault:
        ask(partner, authority.pem)
    assert fault.value.step == "tls"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_shown_where_it_is_asked_for(
    tmp_path: Path, authority: Authority, version: ssl.TLSVersion
) -> None:
    clients = Authority("A CA of clients")
    context = server_context(tmp_path, authority.issue(HOST), clients)
    context.minimum_version = context.maximum_version = version
    with listening(answer(), tls=context) as partner:
        assert ask(partner, authority.pem, clients.issue("feed", client=True)) == b"{}"
        with pytest.raises(TlsFailed, match="client certificate"):
            ask(partner, authority.pem)
        with pytest.raises(TlsFailed):
            ask(partner, authority.pem, authority.issue("feed", client=True))
        assert len(partner.heads) == 1


def test_a_client_certificate_is_shown_to_its_partner_alone(
    tmp_path: Path, authority: Authority
) -> None:
    clients = Authority("A CA of clients")
    home = server_context(tmp_path, authority.issue(HOST), clients)
    with listening(answer(), tls=home) as partner:
        outbound = Outbound(
            partner.url(host=HOST, scheme="https"),
            allow=THIS,
            credential=Credential(client_pem=clients.issue("feed", client=True)),
            ca_pem=authority.pem,
            limits=LIMITS,
            surroundings=Surroundings(resolver=resolver),
        )
        # The same CA and certificate, at another port: neither is used there.
        with outbound, listening(answer(), tls=home) as elsewhere:
            assert outbound.request("GET", partner.url(host=HOST, scheme="https")).status == 200
            with pytest.raises(TlsFailed):
                outbound.request("GET", elsewhere.url(host=HOST, scheme="https"))
            assert elsewhere.heads == []


def test_what_cannot_be_used_as_a_certificate_or_ca_is_said(authority: Authority) -> None:
    chain = authority.issue("feed", client=True)
    certificate, _, key = chain.partition("-----BEGIN PRIVATE KEY-----")
    wrong = [
        ("not PEM", ""),
        ("ü", ""),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ""),
        (key_pem(make_key()), ""),
        ("", "not PEM"),
        ("", certificate),
        ("", certificate + key_pem(make_key())),
        ("", certificate + key_pem(make_key(), b"passphrase")),
        ("", "a" * 70_000),
    ]
    for ca_pem, client_pem in wrong:
        with pytest.raises(IdentityRefused) as refusal:
            make_context(ca_pem, client_pem)
        assert refusal.value.step == "tls"
        assert "PRIVATE" not in refusal.value.message
    assert key


def test_a_handshake_that_never_ends_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"https://{HOST}:{door.getsockname()[1]}/"
        impatient = replace(LIMITS, idle_seconds=0.5)
        outbound = Outbound(
            url, allow=THIS, limits=impatient, surroundings=Surroundings(resolver=resolver)
        )
        with pytest.raises(DeadlinePassed, match="handshake"):
            outbound.request("GET", url)


def test_what_does_not_speak_tls_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def plain() -> None:
            connection, _ = door.accept()
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")
            connection.close()

        threading.Thread(target=plain, daemon=True).start()
        url = f"https://{HOST}:{door.getsockname()[1]}/"
        outbound = Outbound(
            url, allow=THIS, limits=LIMITS, surroundings=Surroundings(resolver=resolver)
        )
        with pytest.raises(OutboundError) as fault:
            outbound.request("GET", url)
    assert fault.value.step in {"tls", "connect"}
