"""`comity release` at the terminal: what is held, and a release in an approver's name."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sharing.cli.running import FORUM, SHARES_WITH_XBB, TLP_GREEN, Installation, indicator

TLP_AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
APPROVER = "approver@xaa.example"


def hold(harbour: Installation, folder: Path) -> None:
    """XAA's version that is held: the mirror's share rule takes what is green."""
    harbour.done("partner", "add", FORUM, "mirror")
    mirror = {
        "id": "mirror",
        "effect": "share",
        "audience": {"any": ["partners"]},
        "when": {"tlp_at_most": "green"},
    }
    harbour.set_policy("XAA", {"rules": [*SHARES_WITH_XBB["rules"], mirror]})
    for marking, day in ((TLP_AMBER, 1), (TLP_GREEN, 2)):
        value = indicator(
            1, object_marking_refs=[marking], modified=f"2026-01-0{day}T00:00:00.000Z"
        )
        file = folder / f"{day}.json"
        file.write_text(json.dumps(value))
        harbour.done("import", str(file), "--member", "XAA", "--collection", "reports")


def test_an_operator_releases_in_the_name_of_an_approver(
    harbour: Installation, tmp_path: Path
) -> None:
    hold(harbour, tmp_path)
    harbour.done("person", "add", "XAA", "--email", APPROVER, "--role", "release-approver")
    [row] = harbour.done("release", "list", "XAA", FORUM)["held"]
    assert row["object_id"] == indicator(1)["id"]
    assert row["modified"] == "2026-01-02T00:00:00.000Z"
    assert row["would_reach"] == ["XBB", "partner:mirror"]
    assert harbour.done("release", "confirm", row["id"], "--as", APPROVER)["id"] == row["id"]
    assert harbour.done("release", "list", "XAA", FORUM) == {"held": []}
    assert "no such version" in harbour.refused("release", "confirm", row["id"], "--as", APPROVER)


def test_nobody_else_releases_it(embedded_harbour: Installation, tmp_path: Path) -> None:
    harbour = embedded_harbour
    hold(harbour, tmp_path)
    people = {
        "reader@xaa.example": ("XAA", "contributor"),
        "approver@xbb.example": ("XBB", "release-approver"),
    }
    for email, (code, role) in people.items():
        harbour.done("person", "add", code, "--email", email, "--role", role)
    [row] = harbour.done("release", "list", "XAA", FORUM)["held"]
    for email in (*people, "nobody@xaa.example"):
        assert harbour.refused("release", "confirm", row["id"], "--as", email)
    harbour.done("person", "add", "XAA", "--email", APPROVER, "--role", "release-approver")
    harbour.done("person", "disable", APPROVER)
    assert harbour.refused("release", "confirm", row["id"], "--as", APPROVER)
    assert harbour.done("release", "list", "XAA", FORUM)["held"] == [row]
    assert harbour.done("release", "list", "XBB", FORUM) == {"held": []}
