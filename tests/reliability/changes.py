"""Changes of a forum other than contributing: each made by one act, which a fault may cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg

from kernel.clock import HOUR_US, SECOND_US
from kernel.db import Database, content_metadata, delivery_metadata
from kernel.errors import ComityError, StorageFull, Unavailable
from sharing.services import policies, seating
from tests.reliability.scenes import related
from tests.sharing.api.asking import FORUM, issue, read, send
from tests.sharing.taxii.snapshots import Snapshot, put
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share, withhold

OFFICER, APPROVER = "xaa-officer", "xaa-approver"
TLP_CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
WIDER = policy(share("member:XBB", "member:XCC"), withhold("member:XCC", only=["description"]))
Act = Callable[[], int]
"""Makes the change; 200 when it was made, 503 or 507 when it was refused for a fault."""


@dataclass(frozen=True, slots=True)
class Change:
    """`commits` is in how many pieces it is committed, one after the other."""

    act: Act
    commits: int = 1


def asking(world: World, who: str, method: str, address: str, document: Any = None) -> Act:
    """A request of the API."""

    def act() -> int:
        answer = send(world, who, method, address, document)
        if answer.status_code >= 500:
            assert answer.content_type == "application/problem+json"
            assert answer.get_json()["code"].startswith("kernel."), answer.text
        return 200 if answer.status_code == 201 else answer.status_code

    return act


def commanding(verb: Callable[[], object]) -> Act:
    """A verb that a command calls: the API has no address for it."""

    def act() -> int:
        try:
            verb()
        except StorageFull:
            return 507
        except Unavailable:
            return 503
        except ComityError as refusal:
            raise AssertionError(refusal.message) from refusal
        return 200

    return act


def setting_a_policy(world: World) -> Change:
    """XAA shares with more, and less than the whole."""
    return Change(asking(world, OFFICER, "PUT", f"{FORUM}/policy", WIDER))


def applying_a_simulation(world: World) -> Change:
    """XAA applies exactly what it has simulated."""
    made = send(world, OFFICER, "POST", f"{FORUM}/policy/simulations", WIDER).get_json()
    return Change(asking(world, OFFICER, "PUT", f"{FORUM}/policy?simulation={made['id']}", WIDER))


def settling(world: World) -> Change:
    """An embargo opens and a release expires, and the first reader comes."""
    soon = [
        share("member:XCC", delay="PT1H"),
        share("member:XBB", expire_after="PT1H"),
    ]
    world.set_policy(policy(*soon))
    world.contribute(*related(world))
    world.clock.now_us += HOUR_US
    address = world.address(rest="objects/?limit=1")

    def act() -> int:
        answer = world.get("xcc", address)
        if answer.status_code == 200:
            assert len(answer.get_json()["objects"]) == 1
        return answer.status_code

    # What was due, and the record of the page.
    return Change(act, commits=2)


def confirming(world: World) -> Change:
    """A version that was marked looser, and held, is confirmed."""
    one = world.indicator()
    world.contribute(one)
    world.set_policy(policy(share("member:XBB"), share("forum", when={"tlp_at_most": "clear"})))
    looser = {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [TLP_CLEAR]}
    world.contribute(one | looser)
    [held] = read(world, APPROVER, f"{FORUM}/held")["items"]
    return Change(asking(world, APPROVER, "POST", f"{FORUM}/held/{held['id']}/confirmation"))


def recalling(world: World) -> Change:
    """Both versions of what XBB has been served are recalled for good."""
    one = world.indicator()
    world.contribute(one)
    world.contribute(one | {"modified": "2026-01-02T00:00:00.000Z"})
    served = world.get("xbb", world.address(rest=f"objects/{one['id']}/?match[version]=all"))
    assert len(served.get_json()["objects"]) == 2
    body = {
        "id": one["id"],
        "collection": world.collections["reports"],
        "reason": "It was wrong.",
        "never_return": True,
    }
    # The recall, then its notices: who looks or works next writes those that are wanting.
    return Change(asking(world, OFFICER, "POST", f"{FORUM}/recalls", body), commits=2)


def changing_a_seat(status: str) -> Callable[[World], Change]:
    """XBB's seat is suspended, or one that was comes back."""

    def make(world: World) -> Change:
        if status == "active":
            _change_seat(world, "suspended")
        world.clock.now_us += SECOND_US
        return Change(commanding(lambda: _change_seat(world, status)))

    return make


def _change_seat(world: World, status: str) -> None:
    seating.change_seat(world.database, "operator", "harbour", "XBB", status, now_us=world.clock())


def setting_the_forums_rules(world: World) -> Change:
    """The forum takes a property of everything from everybody."""
    document = orjson.dumps(policy(withhold("forum", only=["description"])))
    return Change(
        commanding(
            lambda: policies.set_forum_policy(
                world.database,
                policies.Setter("operator"),
                world.forum_id,
                document,
                now_us=world.clock(),
            )
        )
    )


CHANGES: dict[str, Callable[[World], Change]] = {
    "a policy": setting_a_policy,
    "a simulation": applying_a_simulation,
    "what is due": settling,
    "a confirmation": confirming,
    "a recall": recalling,
    "a suspension": changing_a_seat("suspended"),
    "a reinstatement": changing_a_seat("active"),
    "the forum's rules": setting_the_forums_rules,
}


def prepare(world: World, name: str) -> Change:
    """A forum in which there is something to change, and the change."""
    issue(world, OFFICER, "XAA", "policy-officer", "contributor")
    issue(world, APPROVER, "XAA", "release-approver")
    world.contribute(*related(world), world.indicator(description="Said in confidence."))
    change = CHANGES[name](world)
    world.clock.now_us += SECOND_US
    return change


Picture = dict[str, list[str]]


def picture(database: Database) -> Picture:
    """Every row of every table."""
    found = {}
    for metadata, reading in (
        (content_metadata, database.read),
        (delivery_metadata, database.read_deliveries),
    ):
        with reading() as connection:
            for table in metadata.sorted_tables:
                found[table.name] = sorted(
                    str(tuple(row)) for row in connection.execute(table.select())
                )
    return found


def put_back(snapshot: Snapshot, world: World) -> None:
    """The database as it was when the snapshot was taken."""
    if not world.database.is_sqlite:
        tables = [*content_metadata.sorted_tables, *delivery_metadata.sorted_tables]
        names = ", ".join(f'"{table.name}"' for table in tables)
        url = world.settings.database_url
        # No trigger that keeps what is written may stand in the way.
        with psycopg.connect(url) as operator:
            operator.execute("SET LOCAL session_replication_role = replica")
            operator.execute(f"TRUNCATE {names} CASCADE")
    put(snapshot, world.database)
