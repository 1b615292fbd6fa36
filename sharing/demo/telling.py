"""What a demonstration says when it is ready: as text for a person, as JSON for a program."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sharing.demo.explaining import Account, Own, Reach
from sharing.demo.lines import Line
from sharing.demo.making import ALIAS, FORUM, Made, Visitor
from sharing.demo.second import FEED, Second
from sharing.demo.second import FORUM as SECOND_FORUM

_SENTENCES = {
    Reach.EVERY_CREDENTIAL: "{} receives, through every credential",
    Reach.PERSONS_ONLY: "{} receives, as a person only",
    Reach.NOBODY: "{} does not receive",
}


def demo_document(url: str, made: Made, lines: Sequence[Line], second: Second) -> dict[str, Any]:
    """The demonstration as JSON; each credential with its secret, this once."""
    return {
        "url": url,
        "credentials": [asdict(key) for key in made.keys],
        "people": _people(url, made.people),
        "forum": FORUM,
        "api_root": f"{url}taxii2/{FORUM}/",
        "collections": [{"id": made.collection_uuid, "alias": ALIAS}],
        "lines": [asdict(line) for line in lines],
        "second": {
            "url": second.url,
            "data_dir": second.settings.data_dir,
            "feed": FEED,
            "forum": SECOND_FORUM,
            "api_root": f"{second.url}taxii2/{SECOND_FORUM}/",
            "collections": [{"id": second.collection_uuid, "alias": "received"}],
            "credentials": [asdict(key) for key in second.keys],
            "people": _people(second.url, second.people),
        },
    }


def demo_text(
    url: str, made: Made, lines: Sequence[Line], accounts: Iterable[Account], second: Second
) -> str:
    """The same for a person, after what each State sees and why."""
    told = [part for account in accounts for part in _account(account)]
    told += ["Addresses", "", f"  discovery   {url}taxii2/", f"  API root    {url}taxii2/{FORUM}/"]
    told += [f"  collection  {made.collection_uuid} (alias {ALIAS})", ""]
    told += ["The register of agreed norms, for whoever reads the API or signs in", ""]
    told += [f"  status      {url}api/v1/norms/forums/un-ga/status", ""]
    told += ["Credentials of this run, shown once", ""]
    told += [
        f"  {key.member}  {key.kind:11} {key.name:17} id {key.id}  secret {key.secret}"
        for key in made.keys
    ]
    told += ["", "People at the pages; each link signs in once", ""]
    for one in made.people:
        told += [
            f"  {one.member or one.forum or 'operator':13}  {one.email}  {', '.join(one.roles)}",
            f"    {_link(url, one)}",
        ]
    told += ["", *_second(second), "Lines to paste into another terminal, in this folder", ""]
    for line in lines:
        told += [
            f"  # {line.member}, its {line.kind} credential, with {line.client}",
            line.line,
            "",
        ]
    return "\n".join(told)


def _second(second: Second) -> list[str]:
    """What is said of the installation that feeds from this one."""
    title = "Borealia's own installation feeds from this one, every half minute"
    told = [title, "", f"  folder      {second.settings.data_dir}"]
    if second.url:
        told += [f"  API root    {second.url}taxii2/{SECOND_FORUM}/"]
    told += [
        f"  {key.member}  {key.kind:11} {key.name:17} id {key.id}  secret {key.secret}"
        for key in second.keys
    ]
    if second.url:
        for one in second.people:
            told += [f"  {one.member}  {', '.join(one.roles)}", f"    {_link(second.url, one)}"]
    told += [
        "  what Borealia receives here it has there, second-hand; Cassia (XCC) sees what is green",
        f"  COMITY_DATA_DIR={shlex.quote(second.settings.data_dir)} comity feed status {FEED}",
        "",
    ]
    return told


def _people(url: str, people: Iterable[Visitor]) -> list[dict[str, Any]]:
    return [
        {
            "member": one.member,
            "forum": one.forum,
            "email": one.email,
            "roles": list(one.roles),
            "sign_in": _link(url, one),
        }
        for one in people
    ]


def _link(url: str, visitor: Visitor) -> str:
    return f"{url}sign-in/link?token={visitor.token}"


def _account(account: Account) -> list[str]:
    state, other = account.state, account.other
    title = f"{state.name} ({state.code})"
    told = [title, "=" * len(title), ""]
    told += [f"contributed {len(account.own)} objects:"]
    for (reach, why), members in _grouped(account.own).items():
        told += ["", f"  {_SENTENCES[reach].format(other.code)}: {why}"]
        told += [f"    {own.tlp:13} {own.title}" for own in members]
    told += ["", f"sees {len(account.received)} objects of {other.code} as a person:", ""]
    told += [f"    {received.tlp:13} {received.title}" for received in account.received]
    return [*told, "", ""]


def _grouped(owns: Iterable[Own]) -> dict[tuple[Reach, str], list[Own]]:
    """What goes equally far for the same reasons, together; the widest first."""
    groups: dict[tuple[Reach, str], list[Own]] = {}
    for own in sorted(owns, key=lambda own: own.reach):
        groups.setdefault((own.reach, own.why), []).append(own)
    return groups
