"""Who sends a request: every refusal looks the same, and none of them locks anyone out."""

from __future__ import annotations

import base64
import secrets

import pytest
from sqlalchemy import select

from auth import services as auth_services
from auth.tables import audit, credential
from auth.throttle import Throttle
from kernel.errors import TooMany, Unavailable
from sharing.services import seating
from tests.sharing.taxii.world import World

API_ROOT = "/taxii2/harbour/"


def basic(name: str, secret: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"


def ask(world: World, authorization: str, address: str = "/taxii2/") -> tuple[int, bytes]:
    answer = world.get(None, address, headers={"Authorization": authorization})
    return answer.status_code, answer.data


def quick(world: World) -> None:
    world.with_settings(failed_delay_seconds=0.0)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_a_client_writes_basic_in_any_case(small_world: World, scheme: str) -> None:
    assert ask(small_world, basic(*small_world.secrets["xaa"], scheme))[0] == 200


def test_a_refusal_is_a_taxii_error_with_both_challenges(small_world: World) -> None:
    answer = small_world.get(None, "/taxii2/")
    assert answer.status_code == 401
    assert answer.content_type == "application/taxii+json;version=2.1"
    challenges = answer.headers.getlist("WWW-Authenticate")
    assert any(challenge.startswith("Basic ") for challenge in challenges)
    assert any(challenge.startswith("Bearer ") for challenge in challenges)


def test_every_refused_credential_gets_the_same_answer(world: World) -> None:
    quick(world)
    now = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        auth_services.revoke_credential(connection, world.secrets["xaa-reads"][0], **now)
        auth_services.disable_person(connection, "b@xbb.example", **now)
        new = auth_services.NewCredential("short", "XAA", expires_us=world.clock() + 1_000_000)
        expiring = auth_services.add_credential(connection, world.signer, new, **now)
    seating.change_member(world.database, "operator", "XCC", "suspended", now_us=world.clock())
    world.clock.now_us += 2_000_000
    known, secret = world.secrets["xaa"]
    answers = {
        ask(world, authorization)
        for authorization in (
            basic(known, "wrong"),
            basic(known, secret[:-1]),
            basic(known, ""),
            basic("unknown", secret),
            basic("", ""),
            basic(*world.secrets["xaa-reads"]),
            basic(*world.secrets["xbb-person"]),
            basic(*world.secrets["xcc"]),
            basic(expiring.id, expiring.secret),
        )
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + "A" * 5000,
        "Digest username=x",
        "Bearer",
        "Bearer é",
        "Negotiate abc",
        "\x00",
    ],
)
def test_an_unreadable_header_is_a_refused_credential(small_world: World, header: str) -> None:
    quick(small_world)
    assert ask(small_world, header)[0] == 401


FORGED = [
    "null",
    "undefined",
    "0",
    "../../secret.key",
    "' OR 1=1 --",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4YWEifQ.",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4YWEifQ.AAAA",
    "eyJhbGciOiJSUzI1NiIsImp3ayI6e319.eyJzdWIiOiJ4YWEifQ.AAAA",
    "eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHA6Ly94In0.e30.AAAA",
    "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYiJdfQ.e30.AAAA",
    "=" * 8,
    "A" * 1000,
    *(secrets.token_urlsafe(length) for length in range(1, 30)),
]


def test_no_forged_token_opens_a_door(small_world: World) -> None:
    quick(small_world)
    assert len(FORGED) > 40
    for token in FORGED:
        assert ask(small_world, f"Bearer {token}")[0] in {401, 429}, token


def test_guesses_are_refused_and_the_owner_is_served_in_between(
    small_world: World,
) -> None:
    quick(small_world)
    name, secret = small_world.secrets["xaa"]
    for number in range(40):
        assert ask(small_world, basic(name, f"guess-{number}"))[0] == 401
        if number % 10 == 0:
            assert ask(small_world, basic(name, secret))[0] == 200
    with small_world.database.read() as connection:
        rows = connection.execute(
            select(audit).where(audit.c.action == "authentication.failed")
        ).all()
    assert len(rows) == 1, "an attacker must not fill the audit trail"


def test_a_caller_is_refused_all_the_same_when_its_failure_cannot_be_recorded(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_said: object) -> None:
        raise Unavailable("kernel.database-unavailable", "not now")

    monkeypatch.setattr("auth.authentication.record_audit", fail)
    assert ask(small_world, basic("unknown", "wrong"))[0] == 401
    assert ask(small_world, basic(*small_world.secrets["xaa"]))[0] == 200


def test_a_suspended_seat_makes_its_api_root_unknown_at_the_next_request(world: World) -> None:
    assert world.get("xbb", API_ROOT).status_code == 200
    for status in ("suspended", "active", "ended"):
        seating.change_seat(
            world.database, "operator", "harbour", "XBB", status, now_us=world.clock()
        )
        expected = 200 if status == "active" else 404
        answer = world.get("xbb", API_ROOT)
        assert answer.status_code == expected
        if expected == 404:
            assert answer.data == world.get("xbb", "/taxii2/nowhere/").data


def test_a_reader_reads_and_a_contributor_also_writes(world: World) -> None:
    body = {"objects": [world.indicator()]}
    assert world.get("xbb-person", world.address()).status_code == 200
    assert world.post("xbb-person", world.address(), body).status_code == 403
    assert world.get("xaa-person", world.address()).status_code == 200
    assert world.post("xaa-person", world.address(), body).status_code == 202


def test_a_partner_never_writes(world: World) -> None:
    assert world.get("mirror", world.address()).status_code == 200
    assert world.post("mirror", world.address(), {"objects": []}).status_code == 403


def test_no_secret_is_kept_as_it_was_issued(world: World) -> None:
    with world.database.read() as connection:
        kept = connection.execute(select(credential.c.secret_hash)).scalars().all()
    issued = {secret.encode() for _, secret in world.secrets.values()}
    assert len(kept) == len(issued)
    assert all(len(value) == 32 for value in kept)
    assert issued.isdisjoint(bytes(value) for value in kept)


def test_failures_wait_few_at_a_time_and_the_rest_are_told_to_come_back() -> None:
    waits: list[float] = []
    throttle = Throttle(0.5, monotonic=lambda: 0.0, sleep=waits.append)
    for _ in range(5):
        throttle.slow_failure("198.51.100.1", "known")
    assert waits == []
    throttle.slow_failure("198.51.100.1", "known")
    throttle.slow_failure("198.51.100.2", "known")
    assert waits == [0.5, 0.5]

    for _ in range(2):
        throttle._waiting.acquire()
    with pytest.raises(TooMany) as told:
        throttle.slow_failure("198.51.100.1", "known")
    assert told.value.retry_after_seconds >= 1
    assert waits == [0.5, 0.5]


def test_failures_are_forgotten_after_their_window_and_never_fill_the_memory() -> None:
    now = [0.0]
    waits: list[float] = []
    throttle = Throttle(0.5, monotonic=lambda: now[0], sleep=waits.append)
    for _ in range(6):
        throttle.slow_failure("2001:db8::1", "")
    assert len(waits) == 1
    now[0] = 1000.0
    throttle.slow_failure("2001:db8::2", "")
    assert len(waits) == 1
    for number in range(10_100):
        throttle.slow_failure(f"host-{number}", "")
    assert len(throttle._failures) == 10_000
    assert throttle.take_report() == 1
    assert throttle.take_report() is None
