"""Bundles that one State imports are read back by another, equal object for object.

Real bundles come from the folder beside the repository where there is one; the project's own
hold what those lack. Imported with `comity import`, read through a server process with
taxii2-client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from taxii2client.v21 import Collection, as_pages

from kernel.settings import Settings
from tests.journeys.serving import ROOT, serving
from tests.sharing.cli.running import FORUM, SHARES_WITH_XBB, Installation, make_harbour

OWN = sorted((ROOT / "tests" / "vectors" / "bundles").glob("*.json"))
REAL = sorted((ROOT.parent / "shared" / "data" / "stix").glob("*"))
RED = {
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}


@dataclass
class Harbour:
    """An installation in which XAA shares everything with XBB, and XBB's two credentials."""

    installation: Installation
    keys: dict[str, tuple[str, str]]

    def add_place(self, file: Path) -> str:
        """A collection for one bundle's objects alone."""
        added = self.installation.done("collection", "add", FORUM, "--title", file.name)
        return str(added["id"])

    def open(self, base: str, place: str, kind: str) -> Collection:
        user, password = self.keys[kind]
        address = f"{base}/taxii2/{FORUM}/collections/{place}/"
        return Collection(address, user=user, password=password)


@pytest.fixture
def harbour(settings: Settings) -> Harbour:
    installation = make_harbour(settings)
    installation.set_policy("XAA", SHARES_WITH_XBB)
    analyst = ("--person", "analyst@xbb.example")
    installation.done("person", "add", "XBB", "--email", analyst[1], "--role", "reader")
    keys = {}
    for kind, more in (("machine", ()), ("individual", analyst)):
        key = installation.done("credential", "add", "XBB", "--name", kind, "--kind", kind, *more)
        keys[kind] = (key["id"], key["secret"])
    return Harbour(installation, keys)


@pytest.fixture
def secret_key(harbour: Harbour) -> bytes:
    """The key that the commands made, and that the server reads too."""
    file = Path(harbour.installation.settings.data_dir) / "secret.key"
    return bytes.fromhex(file.read_text("ascii"))


def read_bundle(file: Path) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["objects"]
    return objects


def is_marked_red(value: dict[str, Any]) -> bool:
    """Whether the object, or some part of it, is for persons only; what defines RED is not."""
    if value["type"] == "marking-definition":
        return False
    return not RED.isdisjoint(re.findall(r"marking-definition--[0-9a-f-]{36}", json.dumps(value)))


def list_received(collection: Collection) -> Iterator[dict[str, Any]]:
    for page in as_pages(collection.get_objects, per_request=100, version="all"):
        yield from page.get("objects", [])


def in_order(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(objects, key=lambda one: (one["id"], one.get("modified", "")))


def check_round_trip(harbour: Harbour, files: list[Path], secret_key: bytes) -> None:
    imported = {file: harbour.add_place(file) for file in files}
    reports = {
        file: harbour.installation.done("import", str(file), "--member", "XAA", "--collection", at)
        for file, at in imported.items()
    }
    with serving(harbour.installation.settings, secret_key) as base:
        for file, place in imported.items():
            check_import(reports[file], read_bundle(file))
            sent = read_bundle(file)
            received = list(list_received(harbour.open(base, place, "individual")))
            assert in_order(received) == in_order(sent), file.name
            by_machine = list(list_received(harbour.open(base, place, "machine")))
            if not any(is_marked_red(one) for one in sent):
                assert in_order(by_machine) == in_order(sent), file.name
            else:
                check_less_than(sent, by_machine)


def check_less_than(sent: list[dict[str, Any]], received: list[dict[str, Any]]) -> None:
    """What a machine gets holds nothing red, and nothing that was not sent."""
    assert received
    assert not any(is_marked_red(one) for one in received)
    whole = {(one["id"], one.get("modified", "")): one for one in sent}
    for one in received:
        original = whole[one["id"], one.get("modified", "")]
        changed = {name for name, value in one.items() if original.get(name) != value}
        assert changed <= {"granular_markings", "object_refs"}, one["id"]


def check_import(report: dict[str, Any], objects: list[dict[str, Any]]) -> None:
    """Everything was taken, and everything is granted."""
    assert report["failures"] == []
    assert report["contributed"] == len(objects)
    assert report["notes"] == []


def test_the_project_s_own_bundles_come_back_as_they_were(
    harbour: Harbour, secret_key: bytes
) -> None:
    assert len(OWN) >= 6
    check_round_trip(harbour, OWN, secret_key)


@pytest.mark.skipif(not REAL, reason="there is no ../shared/data/stix beside the repository")
def test_real_bundles_come_back_as_they_were(harbour: Harbour, secret_key: bytes) -> None:
    check_round_trip(harbour, REAL, secret_key)
