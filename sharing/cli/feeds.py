"""`comity feed`: partner feeds, set up, run and looked at; secrets come from files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Connection

from auth.reader import Reader
from auth.services import OPERATOR, operator_reader
from kernel.clock import parse_instant
from kernel.commands import Answer, Workplace, showing_progress, working
from kernel.errors import BadInput, Conflict, NotFound
from kernel.leases import Leases, holding, make_holder
from kernel.sealing import Sealer
from sharing.cli.named import expect_place, unreadable
from sharing.feeds.running import Runner, open_runner
from sharing.queries.feed_lists import (
    RunFilter,
    VersionFilter,
    page_refusals,
    page_runs,
    page_sent,
)
from sharing.queries.feeds import (
    Feed,
    FeedRun,
    count_feed,
    list_operated,
)
from sharing.rules.durations import read_duration
from sharing.rules.node import Node
from sharing.rules.tlp import Tlp
from sharing.services.feeds.keeping import (
    SEALED_FOR,
    NewFeed,
    add_feed,
    check_stands,
    pause_feed,
    replay_feed,
    reseal_feeds,
    resume_feed,
    set_secrets,
)
from sharing.services.feeds.removing import remove_feed
from sharing.services.feeds.runs import Tally

_SHOWN: Final = 10
_SECRETS: Final = ("user", "secret_file", "token_file", "client_cert", "ca")
_MOST_SECRET_BYTES: Final = 64 * 1024
_COUNTS: Final = ("contributed", "replaced", "known", "returned", "refused", "withdrawn")
_SHORT: Final = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNSEATED: Final = (
    "  the recipient has no active seat there, or is a partner that is suspended or has ended, so "
    "it sees nothing: the partner is asked to delete all that it was sent, and is sent it again "
    "once the recipient is back; pause the feed where that should not be"
)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.group("feed")
def feed_() -> None:
    """Partner feeds: pull from any TAXII 2.1 server, push to any.

    What a pull brings is its member's, second-hand, under that member's policy; a push sends
    exactly what its recipient sees here.
    """


def _secrets(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--ca", type=click.Path(), metavar="F", help="PEM of the CA to believe."),
        click.option(
            "--client-cert", type=click.Path(), metavar="F", help="PEM: certificate and key."
        ),
        click.option("--token-file", type=click.Path(), metavar="F", help="A Bearer token."),
        click.option("--secret-file", type=click.Path(), metavar="F", help="The password."),
        click.option("--user", metavar="U", help="The user there (HTTP Basic)."),
    ):
        command = option(command)
    return command


@feed_.command("add")
@click.argument("name", metavar="NAME")
@click.option("--url", required=True, metavar="U", help="The server, API root or collection.")
@click.option("--collection", "remote", required=True, metavar="REMOTE", help="The one there.")
@click.option("--into", "ref", required=True, metavar="ID", help="The one here: id or alias.")
@click.option("--member", "code", required=True, metavar="CODE", help="Who answers for it.")
@click.option("--direction", type=click.Choice(["pull", "push"]), default="pull", show_default=True)
@click.option("--as-recipient", metavar="CODE|PARTNER", help="Whose view a push sends.")
@click.option("--every", default="1h", metavar="D", show_default=True, help="30s, 15m, PT1H, ...")
@click.option("--min-tlp", metavar="TLP", help="What it brings is decided at this level at least.")
@click.option("--manifest-first", is_flag=True, help="Fetch only what the manifest has new.")
@_secrets
@working
def add(
    workplace: Workplace,
    name: str,
    *,
    ref: str,
    code: str,
    every: str,
    min_tlp: str | None,
    **given: Any,  # noqa: ANN401 - as the options above name them
) -> Answer:
    """Set up a feed; a worker, or `comity feed run NAME`, runs it."""
    secrets = {name: given.pop(name) for name in _SECRETS}
    new = NewFeed(
        name,
        every_s=_seconds(every),
        min_tlp=None if min_tlp is None else Tlp.parse(min_tlp),
        **given,
        **_read_secrets(secrets),
    )
    with workplace.database.read() as connection:
        seated, place = expect_place(connection, code, ref)
    with workplace.database.write() as connection:
        made = add_feed(connection, _sealer(workplace), seated, place, new, now_us=workplace.now_us)
    return Answer(made.document(), _line(made))


@feed_.command("list")
@click.option("--removed", is_flag=True, help="Those that were removed.")
@working
def list_(workplace: Workplace, *, removed: bool) -> Answer:
    """List every feed of this installation."""
    with workplace.database.read() as connection:
        found = list_operated(connection, are_removed=removed)
    text = "\n".join(_line(one) for one in found) or "no feeds; add one with `comity feed add`"
    return Answer([one.document() for one in found], text)


@feed_.command("run")
@click.argument("name", metavar="NAME")
@working
def run(workplace: Workplace, name: str) -> Answer:
    """Run a feed now, to its end or its budget's; exits with 1 when it fails."""
    found, _ = _expect(workplace, name)
    check_stands(found)
    if found.state != "active":
        raise BadInput("sharing.feed-paused", f"{name} is paused; resume it first")
    with _held(workplace, found), showing_progress(name) as progress:

        def told(tally: Tally) -> None:
            progress(tally.objects, 0)

        runner = _runner(workplace, told)
        ending = runner.run(found.id)
        while ending is not None and ending.state == "more":
            ending = runner.run(found.id)
    found, reader = _expect(workplace, name)
    with workplace.database.read() as connection:
        last = page_runs(connection, reader, found.id, RunFilter(), limit=1)[0]
    refusal = f"{name} failed at {last.step}: {last.reason}" if last.state == "failed" else ""
    return Answer(found.document() | {"run": last.document()}, _run_line(last), refusal)


@feed_.command("pause")
@click.argument("name", metavar="NAME")
@working
def pause(workplace: Workplace, name: str) -> Answer:
    """Run it no more until it is resumed."""
    found, reader = _expect(workplace, name)
    with workplace.database.write() as connection:
        pause_feed(connection, reader, found, now_us=workplace.now_us)
    return _told(workplace, name)


@feed_.command("resume")
@click.argument("name", metavar="NAME")
@working
def resume(workplace: Workplace, name: str) -> Answer:
    """Let it run again, at once."""
    found, reader = _expect(workplace, name)
    with workplace.database.write() as connection:
        resume_feed(connection, reader, found, now_us=workplace.now_us)
    return _told(workplace, name)


@feed_.command("replay")
@click.argument("name", metavar="NAME")
@click.option("--after", metavar="INSTANT", help="From here on; from the beginning without it.")
@working
def replay(workplace: Workplace, name: str, after: str | None) -> Answer:
    """Go back: ask for (or send) again what was added since an instant. Does no harm."""
    found, reader = _expect(workplace, name)
    after_us = None if after is None else parse_instant(after)
    with workplace.database.write() as connection:
        replay_feed(connection, reader, found, after_us, now_us=workplace.now_us)
    return _told(workplace, name)


@feed_.command("status")
@click.argument("name", metavar="NAME")
@working
def status(workplace: Workplace, name: str) -> Answer:
    """Tell how a feed stands: its cursor, last runs, refusals and next try."""
    found, reader = _expect(workplace, name)
    with workplace.database.read() as connection:
        runs = page_runs(connection, reader, found.id, RunFilter(), limit=_SHOWN)
        refused = page_refusals(connection, reader, found.id, VersionFilter(), limit=_SHOWN)
        recalled = page_sent(
            connection, reader, found.id, VersionFilter(state="recalled"), limit=_SHOWN
        )
        counts = count_feed(connection, reader, found.id)
    document = found.document() | {
        "runs": [one.document() for one in runs],
        "refusals": [one.document() for one in refused],
        "recalled": [one.document() for one in recalled],
        "counts": counts,
    }
    lines = [_line(found), *_seat_lines(found), *(_run_line(one) for one in runs)]
    lines += [f"  refused {one.stix_id} {one.version}: {one.reason}" for one in refused]
    lines += [f"  kept by the partner: {one.stix_id}: {one.reason}" for one in recalled]
    return Answer(document, "\n".join(lines))


@feed_.command("test")
@click.argument("name", metavar="NAME")
@working
def test(workplace: Workplace, name: str) -> Answer:
    """Try the way to the partner step by step; the first that fails is named. Moves nothing."""
    found, _ = _expect(workplace, name)
    check_stands(found)
    steps = _runner(workplace).test(found).steps
    document = [
        {"step": one.name, "passed": one.is_passed, "sentence": one.sentence} for one in steps
    ]
    text = "\n".join(
        f"{'ok  ' if one.is_passed else 'FAIL'} {one.name}: {one.sentence}" for one in steps
    )
    failed = [one for one in steps if not one.is_passed]
    refusal = f"{failed[0].name}: {failed[0].sentence}" if failed else ""
    return Answer(document, text, refusal)


@feed_.command("secrets")
@click.argument("name", metavar="NAME")
@_secrets
@working
def secrets_(workplace: Workplace, name: str, **secrets: str | None) -> Answer:
    """Give a feed other credentials; what is left out it has no more."""
    found, reader = _expect(workplace, name)
    new = NewFeed(found.name, found.url, found.remote, **_read_secrets(secrets))
    with workplace.database.write() as connection:
        set_secrets(connection, _sealer(workplace), reader, found, new, now_us=workplace.now_us)
    return _told(workplace, name)


@feed_.command("remove")
@click.argument("name", metavar="NAME")
@working
def remove(workplace: Workplace, name: str) -> Answer:
    """Run it never again, and erase its secrets; its name is free.

    What it brought stays its member's; runs, refusals and what it sent can be looked at. What it
    sent stays at the partner, and nothing takes it back.
    """
    found, reader = _expect(workplace, name)
    with workplace.database.write() as connection:
        kept = remove_feed(connection, reader, found, now_us=workplace.now_us)
    gone, _ = _expect(workplace, found.uuid)
    text = f"{found.name} is removed; look at it as {found.uuid}"
    if kept:
        text += f"; the partner keeps what it was sent ({kept} versions, listed as recalled)"
    return Answer(gone.document() | {"kept_by_partner": kept}, text)


@feed_.command("reseal")
@working
def reseal(workplace: Workplace) -> Answer:
    """Encrypt all feeds' secrets under the newest of COMITY_SEALING_KEYS."""
    with workplace.database.write() as connection:
        count = reseal_feeds(
            connection, _sealer(workplace), actor=OPERATOR, now_us=workplace.now_us
        )
    return Answer({"secrets": count}, f"{count} secrets are encrypted under the newest key")


def _expect(workplace: Workplace, name: str) -> tuple[Feed, Reader]:
    """A feed, and the operator acting for its member, seated or not. Raises NotFound."""
    with workplace.database.read() as connection:
        named = [one for one in _list_all(connection) if name in (one.name, one.uuid)]
        if len(named) > 1:
            ids = ", ".join(f"{one.uuid} of {one.member_code}" for one in named)
            raise BadInput(
                "sharing.ambiguous-feed",
                f"several members have a feed {name!r}; give its id: {ids}",
            )
        if not named:
            raise NotFound(
                "sharing.unknown-feed", f"there is no feed {name!r}; see `comity feed list`"
            )
        found = named[0]
        return found, operator_reader(connection, found.member_code)


def _list_all(connection: Connection) -> list[Feed]:
    return list_operated(connection, are_removed=None)


def _told(workplace: Workplace, name: str) -> Answer:
    found, _ = _expect(workplace, name)
    return Answer(found.document(), _line(found))


def _sealer(workplace: Workplace) -> Sealer:
    return Sealer(workplace.settings, workplace.signer, SEALED_FOR)


def _runner(workplace: Workplace, told: Callable[[Tally], None] = lambda _tally: None) -> Runner:
    made = open_runner(workplace.database, workplace.settings, workplace.signer)
    return replace(made, told=told)


@contextmanager
def _held(workplace: Workplace, found: Feed) -> Iterator[None]:
    """Hold the lease that a worker would, so that none runs it beside us."""
    leases = Leases(workplace.database, make_holder())
    names = [f"{task}/{found.id}" for task in ("feeds", "failing-feeds")]
    with holding(leases, names) as is_held:
        if not is_held:
            raise Conflict(
                "sharing.feed-running", f"{found.name} is being run now; see `comity feed status`"
            )
        yield


def _read_secrets(given: dict[str, str | None]) -> dict[str, Any]:
    password, token = _read(given["secret_file"]), _read(given["token_file"])
    if password is not None and token is not None:
        raise click.UsageError("give --secret-file or --token-file, not both")
    if (given["user"] is None) != (password is None):
        raise click.UsageError("--user and --secret-file go together")
    return {
        "user_name": given["user"],
        "secret": password if password is not None else token,
        "client_cert": _read(given["client_cert"], is_whole=True),
        "ca": _read(given["ca"], is_whole=True),
    }


def _read(name: str | None, *, is_whole: bool = False) -> str | None:
    """What a file holds, without the newline at its end; never more than a secret may be long."""
    if name is None:
        return None
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MOST_SECRET_BYTES + 1)
        text = content.decode()
    except OSError as fault:
        raise unreadable(name, fault) from None
    except UnicodeDecodeError:
        raise BadInput("sharing.unreadable-file", f"{name}: it is not UTF-8 text") from None
    return text if is_whole else text.rstrip("\r\n")


def _seconds(text: str) -> int:
    """`30s`, `15m`, `2h`, `1d`, or an ISO 8601 duration, in seconds."""
    short = _SHORT.fullmatch(text)
    if short is not None:
        return int(short[1]) * _SECONDS[short[2]]
    return read_duration(Node(text, "--every")) // 1_000_000


def _line(one: Feed) -> str:
    way = "from" if one.direction == "pull" else "to"
    state = "in trouble" if one.is_troubled and one.state == "active" else one.state
    return (
        f"{one.name}: {one.direction} of {one.member_code} {way} {one.url} ({one.remote}), "
        f"{one.collection_title} of {one.forum_slug}, every {one.every_s} s, {state}"
    )


def _seat_lines(one: Feed) -> list[str]:
    if one.is_seated or one.removed_us is not None:
        return []
    if one.direction == "pull":
        return [f"  {one.member_code} has no active seat there: nothing is fetched until it has"]
    return [_UNSEATED]


def _run_line(one: FeedRun) -> str:
    document = one.document()
    parts = [f"  {document['started']} {one.state}: {one.objects} objects in {one.pages} pages"]
    parts += [f"{document[name]} {name}" for name in _COUNTS if document[name]]
    if one.reason:
        parts.append(f"{one.step}: {one.reason}")
    parts += [f"note: {each['meaning']}" for each in document["oddities"]]
    return "; ".join(parts)
