"""In which order a view brings things, and what is never between them (field notes 3 and 16)."""

from __future__ import annotations

import random
from typing import Any

from tests.sharing.taxii.world import SHARES_WITH_XBB, World

TIMES = {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}
TLP_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
NUMBER = "0a4dfb48-9b2c-4c5f-9e0e-6d6a5f3b5f0{}"


def named(type_: str, digit: int, **members: Any) -> dict[str, Any]:
    name = f"{type_}--{NUMBER.format(digit)}"
    return {"type": type_, "spec_version": "2.1", "id": name, **TIMES, **members}


STATEMENT = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": f"marking-definition--{NUMBER.format(1)}",
    "created": TIMES["created"],
    "definition_type": "statement",
    "definition": {"statement": "For the members of the forum."},
}
MARKED = {"object_marking_refs": [STATEMENT["id"], TLP_GREEN]}
IDENTITY = named("identity", 2, name="Team", identity_class="organization", **MARKED)
MALWARE = named("malware", 3, name="worm", is_family=False, **MARKED)
TOOL = named("tool", 4, name="pick", **MARKED)
RELATIONSHIP = named(
    "relationship",
    5,
    relationship_type="uses",
    source_ref=MALWARE["id"],
    target_ref=TOOL["id"],
    **MARKED,
)
SIGHTING = named("sighting", 6, sighting_of_ref=MALWARE["id"], **MARKED)
REPORT = named(
    "report",
    7,
    name="Worm",
    published=TIMES["created"],
    object_refs=[MALWARE["id"], RELATIONSHIP["id"]],
    **MARKED,
)
RANKS = {
    "marking-definition": 0,
    "identity": 1,
    "malware": 2,
    "tool": 2,
    "relationship": 3,
    "sighting": 3,
    "report": 3,
}


def test_field_note_16_what_is_named_comes_before_what_names_it(world: World) -> None:
    objects = [REPORT, SIGHTING, RELATIONSHIP, TOOL, MALWARE, IDENTITY, STATEMENT]
    world.contribute(*objects)
    for who in ("xbb", "mirror", "xaa"):
        served = world.get(who, world.address()).get_json()["objects"]
        assert len(served) == len(objects)
        ranks = [RANKS[one["type"]] for one in served]
        assert ranks == sorted(ranks), who


def test_field_note_16_a_statement_comes_with_what_carries_it_and_no_tlp_is_added(
    world: World,
) -> None:
    world.set_policy({"rules": []})
    world.contribute(STATEMENT)
    assert world.get("xbb", world.address()).data == b"{}"
    world.contribute(TOOL)
    assert world.get("xbb", world.address()).data == b"{}"
    world.set_policy(SHARES_WITH_XBB)
    served = world.get("xbb", world.address()).get_json()["objects"]
    assert served == [STATEMENT, TOOL]
    assert world.get("xbb", world.address(rest=f"objects/{TLP_GREEN}/")).status_code == 404


def test_field_note_3_no_page_is_empty_however_much_is_hidden_between(world: World) -> None:
    kept, hidden = {"labels": ["kept"]}, {"labels": ["hidden"]}
    rule = {"id": "kept", "effect": "share", "audience": {"any": ["member:XBB"]}}
    world.set_policy({"rules": [rule | {"when": kept}]})
    chance, wanted = random.Random(3), []
    for _ in range(12):
        batch = [world.indicator(**chance.choice([kept, hidden, hidden])) for _ in range(6)]
        wanted += [one["id"] for one in batch if one["labels"] == ["kept"]]
        world.contribute(*batch)
    for limit in (1, 4, len(wanted)):
        for rest in ("objects/", "manifest/"):
            got: list[str] = []
            address = f"{rest}?limit={limit}"
            while address:
                page = world.get("xbb", world.address(rest=address)).get_json()
                assert page["objects"], address
                got += [one["id"] for one in page["objects"]]
                assert page["more"] == (len(got) < len(wanted))
                address = f"{rest}?next={page['next']}" if page["more"] else ""
            assert got == wanted
