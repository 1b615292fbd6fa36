"""A connection test names the step that fails, and what was well before it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from kernel.outbound.budgets import Limits
from kernel.outbound.session import Outbound, Surroundings
from kernel.outbound.trust import Credential
from sharing.feeds.remote.checking import STEPS, Step, check
from sharing.feeds.remote.speaking import TAXII
from tests.kernel.outbound.certificates import Authority, server_context
from tests.kernel.outbound.listening import answer, listening
from tests.sharing.feeds.remote.scripted import BASE, ID, Scripted, answering, described

OBJECTS = f"/forum/collections/{ID}/objects/"
HOST = "partner.example"


def steps(partner: Scripted, url: str = BASE, name: str = "", **does: bool) -> list[Step]:
    return check(partner.outbound(), url, name, **does)


def test_every_step_passes_with_a_sentence() -> None:
    partner = Scripted.whole(**{OBJECTS: {"more": True, "next": "2", "objects": [{}]}})
    found = steps(partner, reads=True, writes=True)
    assert [step.name for step in found] == list(STEPS)
    assert all(step.is_passed and step.sentence for step in found)
    assert found[-1].sentence == "1 object(s) came, and there is more"
    assert not any(asked.startswith(("POST", "DELETE")) for asked in partner.asked)


@pytest.mark.parametrize(
    ("failing", "wrong"),
    [
        ("authenticate", {"/taxii2/": answering(b"{}", code=401)}),
        ("authenticate", {"/forum/": answering(b"{}", code=403)}),
        ("authenticate", {OBJECTS: answering(b"{}", code=401)}),
        ("discovery", {"/taxii2/": {"title": "P", "api_roots": ["https://other.example/"]}}),
        ("discovery", {"/taxii2/": answering(b"<html>", "text/html")}),
        ("discovery", {"/taxii2/": answering(b"", code=404)}),
        ("api-root", {"/forum/": answering(b"{}", code=500)}),
        ("api-root", {"/forum/collections/": b"[]"}),
        ("collection", {"/forum/collections/": {}}),
        ("rights", {"/forum/collections/": {"collections": [described(can_read=False)]}}),
        ("first-page", {OBJECTS: b"{"}),
    ],
)  # fmt: skip
def test_the_failing_step_is_the_last_and_the_only_one_that_fails(
    failing: str, wrong: dict[str, object]
) -> None:
    partner = Scripted.whole(**{OBJECTS: b"{}"})
    partner.said |= wrong  # type: ignore[arg-type]
    found = steps(partner)
    assert (found[-1].name, found[-1].is_passed) == (failing, False)
    assert [step.is_passed for step in found[:-1]] == [True] * (len(found) - 1)
    assert [step.name for step in found] == list(STEPS[: len(found)])


def test_what_is_not_going_to_be_done_is_not_asked_for() -> None:
    partner = Scripted.whole(described(can_read=False))
    assert steps(partner, reads=False, writes=True)[-1].is_passed
    assert OBJECTS not in str(partner.asked)
    assert steps(Scripted.whole(described(can_write=False)), writes=True)[-1].name == "rights"


LIMITS = Limits(connect_seconds=10, idle_seconds=20, deadline_seconds=30, tries=1)


def dial(url: str, known: bool = True, ca_pem: str = "") -> list[Step]:
    def resolver(_host: str, _port: int, _patience: float) -> list[str]:
        if not known:
            raise OSError
        return ["127.0.0.1"]

    outbound = Outbound(
        url if url.startswith("http") else BASE,
        allow=(ip_network("127.0.0.1/32"),),
        credential=Credential("u", "p"),
        ca_pem=ca_pem,
        limits=LIMITS,
        surroundings=Surroundings(resolver=resolver),
    )
    with outbound:
        return check(outbound, url)


def names(found: list[Step]) -> list[str]:
    assert not found[-1].is_passed
    return [step.name for step in found]


def test_steps_on_the_wire_fail_one_by_one(tmp_path: Path) -> None:
    authority = Authority()
    context = server_context(tmp_path, authority.issue(HOST))
    say: Callable[..., object] = answer(b"{}", head=f"Content-Type: {TAXII}\r\n")
    with listening(say, tls=context) as partner:  # type: ignore[arg-type]
        url = partner.url(host=HOST, scheme="https")
        assert names(dial("ftp://partner.example/")) == ["address"]
        assert names(dial("https://10.0.0.1/")) == ["address"]
        assert names(dial(url, known=False)) == ["address", "resolve"]
        assert names(dial(url)) == ["address", "resolve", "connect", "tls"]
        found = dial(url, ca_pem=authority.pem)
        assert names(found) == list(STEPS[:6])
        assert found[3].sentence == "the certificate holds"
    assert names(dial(url)) == ["address", "resolve", "connect"]
