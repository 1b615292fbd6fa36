"""A forum of 200 fictional States, each with its own policy, and what they contributed to it.

The same in every run: names, policies and objects come of one seed, and everything enters through
the door, an envelope at a time. Three States contribute nothing: one is shown everything, one
about a hundredth, one nothing at all.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import func, select

import migrations
from app import create_app
from auth import services as auth
from auth.queries import find_forum, find_member
from bench.corpus import objects
from bench.measure import TAXII
from kernel.clock import now_us
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import open_signer
from sharing.services.collections import NewCollection, add_collection
from sharing.services.policies import Setter, set_policy
from sharing.services.seating import open_forum_for_sharing, seat_member
from sharing.tables import audience, release, variant

STATES: Final = 200
FORUM: Final = "assembly"
RARE: Final = "tool"
_SEED: Final = 2026
_BATCH: Final = 500
_LABELS: Final = ("phishing", "ransomware", "espionage", "botnet", "op-frost", "op-gale")
_BLOCS: Final = ("north", "south", "east", "west", "isles", "plains", "delta", "coast")
_ONE_IN: Final = 100
_RARE_ONE_IN: Final = 5000


@dataclass(frozen=True, slots=True)
class Mixed:
    """How to enter what was made: the collection, and each reader's credential."""

    objects: int
    collection: str
    seconds: float
    audiences: int
    variants: int
    releases: int
    entries: dict[str, tuple[str, str]]

    @property
    def path(self) -> str:
        """Where its objects are."""
        return f"/taxii2/{FORUM}/collections/{self.collection}/objects/"


def codes() -> list[str]:
    """Fictional States, XAA to XHR."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [f"X{letters[n // 26]}{letters[n % 26]}" for n in range(STATES)]


WHOLE, FEW, NONE = codes()[-3:]
"""The States that are shown everything, a hundredth, and nothing."""


def make_mixed(settings: Settings, folder: Path, count: int) -> Mixed:
    """The forum with `count` objects in it, made unless `folder` holds it from an earlier run."""
    kept = folder / "mixed.json"
    begun_us = now_us()
    database = Database.open(settings)
    try:
        migrations.upgrade(database)
        if kept.exists():
            return Mixed(**json.loads(kept.read_text(encoding="utf-8")))
        place, entries = _seat(settings, database)
        _contribute(settings, database, place, entries, count)
        with database.read() as connection:
            audiences, variants, releases = (
                int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in (audience, variant, release)
            )
    finally:
        database.close()
    made = Mixed(
        objects=count,
        collection=place,
        seconds=(now_us() - begun_us) / 1e6,
        audiences=audiences,
        variants=variants,
        releases=releases,
        entries={code: entries[code] for code in (codes()[0], WHOLE, FEW, NONE)},
    )
    kept.write_text(json.dumps(asdict(made)), encoding="utf-8")
    return made


def policy(number: int) -> dict[str, Any]:
    """The policy of one State, unlike that of any other."""
    dice = random.Random(_SEED * 1000 + number)
    others = [code for code in codes()[:-3] if code != codes()[number]]
    hidden = [f"member:{FEW}", f"member:{NONE}"]
    green: dict[str, Any] = {
        "id": "forum",
        "effect": "share",
        "audience": {
            "any": ["forum"],
            "except": hidden
            + [f"member:{code}" for code in dice.sample(others, dice.randrange(6))],
        },
        "when": {"tlp_at_most": "green"},
    }
    if number % 4 == 0:
        green["omit"] = ["x_source"]
    blocs = dice.sample(_BLOCS, 1 + dice.randrange(3))
    friends = dice.sample(others, 5 + dice.randrange(30))
    return {
        "rules": [
            {"id": "all", "effect": "share", "audience": {"any": [f"member:{WHOLE}"]}},
            {
                "id": "few",
                "effect": "share",
                "audience": {"any": [f"member:{FEW}"]},
                "when": {"labels": ["one-in-a-hundred"]},
            },
            green,
            {
                "id": "blocs",
                "effect": "share",
                "audience": {"any": [f"bloc:{name}" for name in blocs], "except": hidden},
                "when": {"tlp_at_most": "amber"},
            },
            {
                "id": "friends",
                "effect": "share",
                "audience": {"any": [f"member:{code}" for code in friends]},
                "when": {"labels": dice.sample(_LABELS, 2)},
            },
            {
                "id": "not-them",
                "effect": "withhold",
                "audience": {"any": [f"member:{code}" for code in dice.sample(others, 3)]},
                "when": {"types": ["malware"], "labels": dice.sample(_LABELS, 3)},
            },
        ]
    }


def envelopes(count: int) -> Iterator[tuple[int, bytes]]:
    """Who contributes (by number) and the envelope, one contributor after the other."""
    for turn, first in enumerate(range(0, count, _BATCH)):
        contributor = turn % (STATES - 3)
        some = objects(min(_BATCH, count - first), seed=_SEED + turn)
        made = [_told(stix, first + place, turn) for place, stix in enumerate(some)]
        yield contributor, orjson.dumps({"objects": made})


def _told(stix: dict[str, Any], number: int, turn: int) -> dict[str, Any]:
    """An object with labels and the property that some policies leave out."""
    if number % _RARE_ONE_IN == _RARE_ONE_IN // 2:
        stix = {
            **{key: stix[key] for key in ("spec_version", "created", "modified")},
            "type": RARE,
            "id": f"{RARE}--{stix['id'].partition('--')[2]}",
            "object_marking_refs": stix["object_marking_refs"],
            "name": f"tool {number}",
        }
    labels = [_LABELS[(number * 7 + turn) % len(_LABELS)]]
    if number % _ONE_IN == _ONE_IN // 2:
        labels.append("one-in-a-hundred")
    return {**stix, "labels": labels, "x_source": f"sensor {number % 50} of desk {turn}"}


def _seat(settings: Settings, database: Database) -> tuple[str, dict[str, tuple[str, str]]]:
    """The States with their seats, policies and credentials, and one collection."""
    signer = open_signer(settings)
    entries: dict[str, tuple[str, str]] = {}
    with database.write() as connection:
        auth.add_forum(
            connection, FORUM, "Assembly", tlp_ceiling=4, actor=auth.OPERATOR, now_us=now_us()
        )
        for number, code in enumerate(codes()):
            bloc = _BLOCS[number % len(_BLOCS)]
            new = auth.NewMember(code, f"State {code}", blocs=(bloc,))
            auth.add_member(connection, new, actor=auth.OPERATOR, now_us=now_us())
            issued = auth.add_credential(
                connection,
                signer,
                auth.NewCredential("bench", member_code=code),
                actor=auth.OPERATOR,
                now_us=now_us(),
            )
            entries[code] = (issued.id, issued.secret)
        open_forum_for_sharing(connection, auth.OPERATOR, FORUM, now_us=now_us())
    for code in codes():
        seat_member(database, auth.OPERATOR, FORUM, code, "member", now_us=now_us())
    place = add_collection(database, auth.OPERATOR, FORUM, NewCollection("Bench"), now_us=now_us())
    for number, code in enumerate(codes()):
        with database.read() as connection:
            forum, member = find_forum(connection, FORUM), find_member(connection, code)
        if forum is None or member is None:
            raise RuntimeError(f"{code} was not seated")
        setter = Setter(auth.OPERATOR, member.id)
        document = orjson.dumps(policy(number))
        set_policy(database, setter, forum.id, member.id, document, now_us=now_us())
    return place, entries


def _contribute(
    settings: Settings,
    database: Database,
    place: str,
    entries: dict[str, tuple[str, str]],
    count: int,
) -> None:
    door = create_app(settings, database=database).test_client()
    for number, body in envelopes(count):
        token = base64.b64encode(":".join(entries[codes()[number]]).encode()).decode()
        answer = door.post(
            f"/taxii2/{FORUM}/collections/{place}/objects/",
            data=body,
            headers={"Authorization": f"Basic {token}", "Accept": TAXII, "Content-Type": TAXII},
        )
        if answer.status_code != 202 or answer.json["failure_count"]:
            raise RuntimeError(f"refused: {answer.get_data(as_text=True)[:2000]}")
