"""How the tests of explanations ask, and what they ask about."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sharing.rules.tlp import WELL_KNOWN
from sharing.services import policies
from tests.sharing.api.asking import FORUM
from tests.sharing.taxii.world import World

TLP = {level: marking for marking, level in WELL_KNOWN.items()}
LATER = "2026-01-02T00:00:00.000Z"


def relationship(source: str, target: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": source,
        "target_ref": target,
    } | members


def ask(world: World, who: str, stix_id: str, recipient: str = "XBB", **query: str) -> Any:
    asked = {"recipient": recipient} | query
    answer = world.get(
        who,
        f"{FORUM}/contributions/{stix_id}/explanation",
        query_string=asked,
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def sentences(told: Any) -> str:
    return " ".join(line["sentence"] for line in told["trace"])


def set_accepts(world: World, code: str, document: dict[str, Any]) -> None:
    policies.set_accepts(
        world.database,
        policies.Setter("operator"),
        world.forum_id,
        world.member_id(code),
        json.dumps(document).encode(),
        now_us=world.clock(),
    )


def set_forum_policy(world: World, document: dict[str, Any]) -> None:
    world.clock.now_us += 1_000_000
    policies.set_forum_policy(
        world.database,
        policies.Setter("operator"),
        world.forum_id,
        json.dumps(document).encode(),
        now_us=world.clock(),
    )
