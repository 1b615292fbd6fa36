"""What is tried again, for how long, and what a run may cost: by a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from kernel.outbound.budgets import Budget, Limits
from kernel.outbound.errors import (
    AnswerBroken,
    BudgetSpent,
    ConnectFailed,
    CredentialRefused,
    IdentityRefused,
    OutboundError,
    StatusRefused,
    TlsFailed,
)
from kernel.outbound.session import Outbound, Surroundings
from kernel.outbound.transport import Answer
from kernel.outbound.trust import Credential

URL = "https://partner.example/taxii2/"
Outcome = Answer | OutboundError


@dataclass
class Partner:
    """A transport that has these outcomes in turn; `pauses` is how long was slept between."""

    outcomes: list[Outcome]
    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str], bytes | None]] = field(default_factory=list)

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        self.asked.append((method, url, headers, body))
        self.now += 0.125
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, OutboundError):
            raise outcome
        return outcome

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def outbound(self, uniform: Callable[[], float] = lambda: 0.5, **more: object) -> Outbound:
        around = Surroundings(
            clock=lambda: self.now,
            wall=lambda: 1_790_000_000.0,
            sleep=self.sleep,
            uniform=uniform,
        )
        return Outbound(URL, surroundings=around, transport=self, **more)  # type: ignore[arg-type]


def status(code: int, **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(code, told, b"said")


@pytest.mark.parametrize(
    "fault",
    [ConnectFailed("x"), AnswerBroken("x"), status(502), status(503), status(504), status(429)],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_fails_in_passing_is_tried_again_with_growing_pauses(
    method: str, fault: Outcome
) -> None:
    partner = Partner([fault, fault, fault, status(200)])
    assert partner.outbound().request(method, URL).status == 200
    assert partner.pauses == [0.5, 1.0, 2.0]


def test_a_pause_is_as_random_as_the_number_drawn() -> None:
    drawn = iter([0.0, 0.25, 0.999])
    partner = Partner([status(503)] * 3 + [status(200)])
    partner.outbound(uniform=lambda: next(drawn)).request("GET", URL)
    assert partner.pauses == [0.0, 0.5, 3.996]


def test_it_ends_after_so_many_tries() -> None:
    partner = Partner([status(503)] * 9)
    with pytest.raises(StatusRefused) as refusal:
        partner.outbound().request("GET", URL)
    assert (len(partner.asked), refusal.value.answered, refusal.value.body) == (4, 503, b"said")


@pytest.mark.parametrize(
    "outcome", [TlsFailed("x"), status(500), status(400), status(404), status(401)]
)
def test_what_stays_as_it_is_is_not_tried_again(outcome: Outcome) -> None:
    partner = Partner([outcome])
    with pytest.raises(OutboundError):
        partner.outbound().request("GET", URL)
    assert partner.pauses == []


def test_a_post_is_sent_again_only_where_the_caller_says_that_it_may_be() -> None:
    partner = Partner([status(503), status(202)])
    with pytest.raises(StatusRefused):
        partner.outbound().request("POST", URL, body=b"{}")
    assert len(partner.asked) == 1
    partner = Partner([ConnectFailed("x"), status(202)])
    answer = partner.outbound().request("POST", URL, body=b"{}", is_repeatable=True)
    assert (answer.status, [asked[3] for asked in partner.asked]) == (202, [b"{}", b"{}"])


@pytest.mark.parametrize("asked", ["7", "Mon, 21 Sep 2026 14:13:27 GMT"])
def test_a_server_that_asks_for_time_gets_it(asked: str) -> None:
    partner = Partner([status(429, retry_after=asked), status(200)])
    partner.outbound().request("GET", URL)
    assert partner.pauses == [7.5]


def test_a_server_that_asks_for_too_much_ends_the_run_and_says_how_long() -> None:
    partner = Partner([status(429, retry_after="3600")])
    with pytest.raises(StatusRefused, match="left alone") as refusal:
        partner.outbound().request("GET", URL)
    assert (refusal.value.retry_after_seconds, partner.pauses) == (3600, [])


def test_no_pause_goes_past_the_end_of_the_run() -> None:
    partner = Partner([status(503, retry_after="7")] * 2)
    with pytest.raises(StatusRefused):
        partner.outbound(budget=Budget(seconds=10)).request("GET", URL)
    assert partner.pauses == [7.5]


def test_a_run_has_so_many_requests_bytes_and_seconds_in_all() -> None:
    budget = Budget(requests=3)
    partner = Partner([status(503), status(200), status(200)])
    outbound = partner.outbound(budget=budget)
    outbound.request("GET", URL)
    outbound.request("GET", URL)
    with pytest.raises(BudgetSpent, match="requests"):
        outbound.request("GET", URL)
    big = Answer(200, {}, bytes(600))
    outbound = Partner([big, big]).outbound(budget=Budget(bytes=1000))
    outbound.request("GET", URL)
    with pytest.raises(BudgetSpent, match="bytes"):
        outbound.request("GET", URL)
    partner = Partner([status(200)] * 2)
    outbound = partner.outbound(budget=Budget(seconds=5))
    outbound.request("GET", URL)
    partner.now += 5
    with pytest.raises(BudgetSpent, match="time"):
        outbound.request("GET", URL)


def test_pages_are_counted_by_whoever_reads_them() -> None:
    budget = Budget(pages=1)
    budget.spend_page()
    with pytest.raises(BudgetSpent, match="pages"):
        budget.spend_page()


def test_a_refusal_of_the_credential_is_a_step_of_its_own() -> None:
    for code in (401, 403):
        with pytest.raises(CredentialRefused) as refusal:
            Partner([status(code)]).outbound().request("GET", URL)
        assert (refusal.value.step, refusal.value.answered) == ("authenticate", code)


def test_no_secret_is_in_any_text_of_a_failure() -> None:
    credential = Credential(user="ada", password="s3cret-password")
    outcomes: list[Outcome] = [ConnectFailed("x"), status(401), status(500)]
    for outcome in outcomes:
        partner = Partner([outcome])
        outbound = partner.outbound(credential=credential, limits=Limits(tries=1))
        with pytest.raises(OutboundError) as fault:
            outbound.request("GET", URL)
        assert partner.asked[0][2]["Authorization"] == "Basic YWRhOnMzY3JldC1wYXNzd29yZA=="
        text = f"{fault.value!r} {fault.value} {credential!r} {credential}"
        assert "s3cret" not in text
        assert "YWRhOnMz" not in text


@pytest.mark.parametrize(
    "credential",
    [
        Credential(token="two words"),
        Credential(token="line\r\nX-More: 1"),
        Credential(token="ü"),
        Credential(user="a:b", password="c"),
        Credential(user="a", password="b", token="c"),
    ],
)
def test_a_credential_that_no_header_carries_is_refused(credential: Credential) -> None:
    partner = Partner([])
    with pytest.raises(IdentityRefused):
        partner.outbound(credential=credential).request("GET", URL)
    assert partner.asked == []


def test_a_credential_is_sent_in_its_header() -> None:
    for credential, header in [
        (Credential(token="abc"), "Bearer abc"),
        (Credential(user="ü", password="ß"), "Basic w7w6w58="),
        (Credential(), None),
    ]:
        partner = Partner([status(200)])
        partner.outbound(credential=credential).request("GET", URL)
        assert partner.asked[0][2].get("Authorization") == header
