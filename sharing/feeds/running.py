"""Run a feed once: open its partner's server, walk or send, and write down how it ended.

One way for the worker, the command and the tests; every end is recorded with its step and a
sentence, and none but the feed's own is touched.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from kernel import clock
from kernel.db import Database
from kernel.errors import ComityError
from kernel.logs import get_logger
from kernel.outbound.budgets import MEBIBYTE, Budget, Limits
from kernel.outbound.errors import BudgetSpent, OutboundError, StatusRefused
from kernel.outbound.session import Outbound, Surroundings
from kernel.outbound.transport import Transport
from kernel.outbound.trust import Credential
from kernel.sealing import Sealer
from kernel.settings import Settings
from kernel.signing import Signer
from sharing.feeds.pull import Pull
from sharing.feeds.push import Push
from sharing.feeds.remote.checking import STEPS, Checked, Step, look
from sharing.feeds.remote.server import Remote
from sharing.queries.feeds import TROUBLED_AFTER, Feed, load_feed
from sharing.rules.walking import lost
from sharing.services.feeds.keeping import SEALED_FOR, FeedSecrets, NewFeed, read_secrets
from sharing.services.feeds.pulling import Pulling, enter_as_feed
from sharing.services.feeds.pushing import Pushing, is_active
from sharing.services.feeds.runs import Ending, Tally, begin_run, end_run

log = get_logger(__name__)

RUN_SECONDS: Final = 60.0
"""The longest turn of one feed: then others have theirs, and it goes on at its next."""
_TRIAL_SECONDS: Final = 15.0
"""The longest turn of a feed that keeps failing: a sick partner keeps no worker waiting."""
_WHOLE_TURN_EVERY: Final = 3
_MOST_WAIT_SECONDS: Final = 10.0
_TOO_SLOW: Final = (
    "the partner's server took all that one turn may cost, and nothing was taken or sent by then"
)
_TEST_LIMITS: Final = Limits(
    connect_seconds=5.0,
    idle_seconds=8.0,
    deadline_seconds=10.0,
    most_wire_bytes=4 * MEBIBYTE,
    most_body_bytes=8 * MEBIBYTE,
    tries=1,
)
"""Of a connection test: somebody waits for it, at a server that has others to answer."""


@dataclass(frozen=True, slots=True)
class Runner:
    """What running feeds needs of an installation; tests give a transport and a clock.

    `goes_on` is asked between two pages, and `told` what the run has moved so far.
    """

    database: Database
    settings: Settings
    sealer: Sealer
    now_us: Callable[[], int] = clock.now_us
    transport: Transport | None = None
    surroundings: Surroundings = field(default_factory=Surroundings)
    goes_on: Callable[[], bool] = lambda: True
    told: Callable[[Tally], None] = lambda _tally: None
    page: int = 500
    run_seconds: float = RUN_SECONDS

    def run(self, feed_id: int) -> Ending | None:
        """Run a feed once, whether it is due or not; None when there is none, or it is paused.

        Never raises for what a partner does. Raises Unavailable when nothing can be recorded.
        """
        with self.database.read() as connection:
            found = load_feed(connection, feed_id)
        if found is None or found.state != "active":
            return None
        with self.database.write() as connection:
            run_id = begin_run(connection, found, found.position, now_us=self.now_us())
        turn = _Turn(self, found, run_id)
        ending = turn.take()
        with self.database.write() as connection:
            end_run(connection, found, run_id, turn.tally, ending, now_us=self.now_us())
        return ending

    def test(self, found: Feed) -> Checked:
        """The connection test of a feed, step by step; nothing is taken or sent."""
        with self.database.read() as connection:
            secret = read_secrets(connection, self.sealer, found.id)
        return self._check(found.url, found.remote, found.direction, found.user_name, secret)

    def test_new(self, new: NewFeed) -> Checked:
        """The same of one that is not set up, which may name no collection yet."""
        secret = FeedSecrets(new.secret, new.client_cert, new.ca)
        return self._check(new.url, new.remote, new.direction, new.user_name, secret)

    def _check(
        self, url: str, remote: str, direction: str, user: str | None, secret: FeedSecrets
    ) -> Checked:
        try:
            with self._open(url, user, secret, _TEST_LIMITS, _test_budget()) as outbound:
                pulls = direction == "pull"
                return look(outbound, url, remote, reads=pulls, writes=not pulls)
        except OutboundError as fault:  # what cannot even be opened: the address, a certificate
            step = fault.step if fault.step in STEPS else STEPS[0]
            return Checked((Step(step, False, fault.message),))  # noqa: FBT003

    def open(self, found: Feed, secret: FeedSecrets, budget: Budget) -> Outbound:
        """A session with a feed's partner; whoever opens it closes it."""
        return self._open(found.url, found.user_name, secret, self._limits(found), budget)

    def _open(
        self, url: str, user: str | None, secret: FeedSecrets, limits: Limits, budget: Budget
    ) -> Outbound:
        given = secret.secret or ""
        return Outbound(
            url,
            allow=self.settings.egress_networks,
            credential=Credential(
                user=user or "",
                password=given if user else "",
                token="" if user else given,
                client_pem=secret.client_cert or "",
            ),
            ca_pem=secret.ca or "",
            limits=limits,
            budget=budget,
            surroundings=self.surroundings,
            transport=self.transport,
        )

    def budget(self, found: Feed) -> Budget:
        """What one turn may cost."""
        # A partner that was only slow, and failed once, needs its whole turn now and then.
        is_trial = found.failures % _WHOLE_TURN_EVERY != 0
        seconds = _TRIAL_SECONDS if is_trial else self.run_seconds
        return Budget(bytes=512 * MEBIBYTE, seconds=seconds, pages=1000)

    def _limits(self, found: Feed) -> Limits:
        tries = 1 if found.failures >= TROUBLED_AFTER else 3
        return Limits(
            connect_seconds=5.0 if found.failures else 10.0,
            idle_seconds=15.0,
            deadline_seconds=45.0,
            tries=tries,
            most_wait_seconds=_MOST_WAIT_SECONDS,
        )


def open_runner(database: Database, settings: Settings, signer: Signer) -> Runner:
    """The runner of an installation. Raises Misconfigured for keys that are none."""
    return Runner(database, settings, Sealer(settings, signer, SEALED_FOR))


@dataclass(slots=True)
class _Turn:
    runner: Runner
    feed: Feed
    run_id: int
    tally: Tally = field(default_factory=Tally)
    _work: Pull | Push | None = None
    _is_stopped: bool = False

    def take(self) -> Ending:
        try:
            reached = self._go()
        except BudgetSpent:
            reached = False
        except OutboundError as fault:
            wait = fault.retry_after_seconds if isinstance(fault, StatusRefused) else None
            return Ending("failed", fault.step, fault.code, fault.message, wait)
        except ComityError as refusal:
            return Ending("failed", "here", refusal.code, refusal.message)
        except Exception:  # one feed must not end the others
            incident = secrets.token_hex(8)
            log.exception("feed-unforeseen", feed=self.feed.name, incident=incident)
            return Ending("failed", "here", "sharing.feed-unforeseen", _unforeseen(incident))
        finally:
            if self._work is not None:
                self.tally = self._work.tally
        if reached:
            return Ending("done")
        if self._is_stopped or self._has_moved():
            return Ending("more")
        # It would be the same at once: a partner that is this slow is tried later.
        return Ending("failed", BudgetSpent.step, BudgetSpent.named, _TOO_SLOW)

    def _has_moved(self) -> bool:
        return bool(self.tally.pages or self.tally.objects or self.tally.withdrawn)

    def _go(self) -> bool:
        runner, found = self.runner, self.feed
        if found.is_lost:
            raise lost()
        with runner.database.read() as connection:
            secret = read_secrets(connection, runner.sealer, found.id)
            if found.direction == "pull":
                seated, place = enter_as_feed(connection, found)
        budget = runner.budget(found)
        with runner.open(found, secret, budget) as outbound:
            remote = Remote(outbound)
            info = remote.find(found.url, found.remote)
            if found.direction == "pull":
                self._work = pull = Pull(
                    runner.database,
                    Pulling(found, self.run_id, seated, place),
                    remote.collection(info),
                    self.tally,
                    runner.now_us,
                    self._goes_on,
                    budget,
                    runner.page,
                )
                return pull.run(found.position)
            self._work = push = Push(
                runner.database,
                Pushing(found, self.run_id),
                remote.collection(info),
                remote.api_root(info.root_url).max_content_length,
                self.tally,
                runner.now_us,
                self._goes_on,
            )
            return push.run(found.position)

    def _goes_on(self) -> bool:
        if self._work is not None:
            self.runner.told(self._work.tally)
        if not self.runner.goes_on():
            self._is_stopped = True
            return False
        with self.runner.database.read() as connection:
            self._is_stopped = not is_active(connection, self.feed.id)
        return not self._is_stopped


def _test_budget() -> Budget:
    return Budget(requests=20, bytes=16 * MEBIBYTE, seconds=20.0)


def _unforeseen(incident: str) -> str:
    return f"something went wrong here; the log tells of it under incident {incident}"
