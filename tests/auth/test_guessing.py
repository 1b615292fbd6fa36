"""Somebody guesses: refused each time, slowed, put on record once; the owner never waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from auth.authentication import Presented, authenticate
from auth.tables import audit
from auth.throttle import FREE_FAILURES, MOST_WAITING, Throttle
from kernel.errors import Unauthenticated
from tests.auth.test_authentication import ask, basic
from tests.sharing.taxii.world import World


@pytest.fixture
def guessed(small_world: World) -> World:
    """An installation whose refusals take no time."""
    small_world.with_settings(failed_delay_seconds=0.0)
    return small_world


def throttle_of(world: World) -> Throttle:
    found: Throttle = world.app.extensions["comity.throttle"]
    return found


def list_failures(world: World) -> list[Any]:
    with world.database.read() as connection:
        query = select(audit).where(audit.c.action == "authentication.failed")
        return list(connection.execute(query))


def test_a_thousand_guesses_are_refused_and_make_one_entry(guessed: World) -> None:
    name, _ = guessed.secrets["xaa"]
    refused = 0
    with guessed.app.test_request_context("/taxii2/"):
        for number in range(1000):
            with pytest.raises(Unauthenticated):
                authenticate(Presented("basic", name, f"comity_{number:064x}"))
            refused += 1
    assert refused == 1000
    assert ask(guessed, basic(*guessed.secrets["xaa"]))[0] == 200
    assert len(list_failures(guessed)) == 1


def test_an_owner_is_served_while_every_guess_waits(guessed: World) -> None:
    throttle, may_go_on = throttle_of(guessed), threading.Event()
    entered = threading.Semaphore(0)

    def wait(_seconds: float) -> None:
        entered.release()
        may_go_on.wait(30)

    name, secret = guessed.secrets["xaa"]
    for _ in range(FREE_FAILURES):
        assert ask(guessed, basic(name, "wrong"))[0] == 401
    throttle._sleep = wait
    guesses = [
        threading.Thread(target=ask, args=(guessed, basic(name, "wrong")))
        for _ in range(MOST_WAITING)
    ]
    for guess in guesses:
        guess.start()
    try:
        assert all(entered.acquire(timeout=30) for _ in guesses), "the guesses must be waiting"
        assert ask(guessed, basic(name, secret))[0] == 200
        full = guessed.get(None, "/taxii2/", headers={"Authorization": basic("someone", "else")})
        assert full.status_code == 429
        assert int(full.headers["Retry-After"]) >= 1
        assert full.get_json()["error_code"] == "auth.too-many-failures"
    finally:
        may_go_on.set()
        for guess in guesses:
            guess.join()


def test_too_many_guesses_at_the_token_endpoint_are_told_when_to_come_back(guessed: World) -> None:
    throttle = throttle_of(guessed)
    for _ in range(FREE_FAILURES):
        throttle.slow_failure("127.0.0.1", "")
    for _ in range(MOST_WAITING):
        throttle._waiting.acquire()
    form = {"grant_type": "client_credentials", "client_id": "guess", "client_secret": "guess"}
    answer = guessed.app.test_client().post("/oauth/token", data=form)
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers
    assert answer.get_json()["error"] == "temporarily_unavailable"


def test_a_secret_pasted_where_the_id_belongs_is_told_to_nobody(guessed: World) -> None:
    _, secret = guessed.secrets["xaa"]
    with structlog.testing.capture_logs() as lines:
        status, body = ask(guessed, basic(secret, secret))
    assert status == 401
    assert secret.encode() not in body
    assert secret not in str(lines)
    (entry,) = list_failures(guessed)
    assert secret not in str(entry)
    assert entry.subject == "credential:"
    assert "127.0.0.1" in entry.detail
