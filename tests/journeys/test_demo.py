"""The demonstration as a new user meets it: a process, its printed lines pasted into a shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from taxii2client.v21 import Collection, Server

from sharing.demo.folder import MARKER
from tests.journeys.serving import ROOT

COMITY = [sys.executable, "-c", "from app import main; main()"]
SAMPLES = {code: ROOT / "sharing" / "demo" / f"{code.lower()}.json" for code in ("XAA", "XBB")}
TLP = {
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("COMITY_")}
    return inherited | {"COMITY_DATA_DIR": str(data_dir)} | more


def run_demo(data_dir: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMITY, "demo", *arguments],
        cwd=ROOT,
        env=environment(data_dir, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def demonstrating(data_dir: Path, **more: str) -> Iterator[dict[str, Any]]:
    """The document of a demonstration that is serving."""
    data_dir.mkdir(exist_ok=True)
    with (data_dir / "said.log").open("w") as log:
        process = subprocess.Popen(
            [*COMITY, "demo", "--json", "--port", "0"],
            cwd=ROOT,
            env=environment(data_dir, **more),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        wait_for_answer(process, document["url"])
        yield document
        process.terminate()
        assert process.stdout.read() == "", "one document, and nothing else"
        assert process.wait(timeout=20) in {0, -15}
        wait_for_silence(document["second"]["url"])
    finally:
        process.kill()
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


def wait_for_answer(process: subprocess.Popen[str], url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    patience = time.monotonic() + 30
    while time.monotonic() < patience and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the demonstration does not serve")


def wait_for_silence(url: str) -> None:
    """Nothing of a demonstration is left behind: nobody listens there any more."""
    port = int(url.rstrip("/").rpartition(":")[2])
    patience = time.monotonic() + 30
    while time.monotonic() < patience:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.05)
    raise AssertionError("the second installation serves on")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the demonstration that is asked here."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demonstration(folder: Path) -> Iterator[dict[str, Any]]:
    with demonstrating(folder) as document:
        yield document


def paste(line: str) -> str:
    """What a line prints when it is pasted into a shell in the repository's folder."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def find_line(document: dict[str, Any], member: str, client: str) -> str:
    found = [
        line["line"]
        for line in document["lines"]
        if (line["member"], line["client"]) == (member, client)
    ]
    assert len(found) == 1
    return str(found[0])


def list_sample(code: str) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = json.loads(SAMPLES[code].read_text("utf-8"))["objects"]
    return objects


def tlp_of(value: dict[str, Any]) -> str:
    levels = [TLP[ref] for ref in value.get("object_marking_refs", []) if ref in TLP]
    return levels[0] if levels else "amber+strict"


def is_granted(originator: str, value: dict[str, Any], kind: str) -> bool:
    """The two policies, read off by hand: what the other State gets of an object."""
    level = tlp_of(value)
    if value["type"] == "marking-definition":
        return True  # what carries it is granted
    if originator == "XAA":
        if "op-frost" in value.get("labels", []):
            return False
        return level != "red" or (
            kind == "individual" and value["type"] in {"threat-actor", "relationship"}
        )
    return level in {"clear", "green", "amber"} and value["type"] != "email-addr"


def expected_ids(code: str, kind: str) -> set[str]:
    other = "XBB" if code == "XAA" else "XAA"
    own = {value["id"] for value in list_sample(code)}
    return own | {v["id"] for v in list_sample(other) if is_granted(other, v, kind)}


def test_the_samples_hold_every_level_and_many_types() -> None:
    objects = [*list_sample("XAA"), *list_sample("XBB")]
    assert {tlp_of(value) for value in objects} == set(TLP.values())
    assert len({value["type"] for value in objects}) >= 25


def test_each_state_gets_something_and_not_everything() -> None:
    for code, other in (("XAA", "XBB"), ("XBB", "XAA")):
        theirs = {value["id"] for value in list_sample(other)}
        got = expected_ids(code, "individual") & theirs
        assert got
        assert got < theirs
    assert expected_ids("XBB", "machine") < expected_ids("XBB", "individual")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("code", ["XAA", "XBB"])
def test_a_state_reads_with_curl_what_the_policies_grant(
    demonstration: dict[str, Any], code: str
) -> None:
    envelope = json.loads(paste(find_line(demonstration, code, "curl")))
    received = envelope["objects"]
    assert not envelope.get("more")
    assert {value["id"] for value in received} == expected_ids(code, "machine")
    sent = {v["id"]: v for v in [*list_sample("XAA"), *list_sample("XBB")]}
    assert all(sent[value["id"]] == value for value in received)


@pytest.mark.parametrize("code", ["XAA", "XBB"])
def test_a_state_s_person_reads_with_taxii2_client_what_the_policies_grant(
    demonstration: dict[str, Any], code: str
) -> None:
    printed = paste(find_line(demonstration, code, "taxii2-client")).split()
    assert len(printed) == len(set(printed))
    assert set(printed) == expected_ids(code, "individual")


def test_every_printed_credential_finds_the_forum_by_discovery(
    demonstration: dict[str, Any],
) -> None:
    assert [(key["member"], key["kind"]) for key in demonstration["credentials"]] == [
        ("XAA", "machine"),
        ("XAA", "individual"),
        ("XBB", "machine"),
        ("XBB", "individual"),
    ]
    for key in demonstration["credentials"]:
        assert {"member", "name", "id", "secret"} <= key.keys()
        with Server(
            f"{demonstration['url']}taxii2/", user=key["id"], password=key["secret"]
        ) as server:
            assert [root.url for root in server.api_roots] == [demonstration["api_root"]]
            ids = [collection.id for collection in server.default.collections]
        assert ids == [place["id"] for place in demonstration["collections"]]


def test_a_state_shares_something_new_with_the_other(demonstration: dict[str, Any]) -> None:
    keys = {key["member"]: key for key in demonstration["credentials"] if key["kind"] == "machine"}
    place = demonstration["collections"][0]["id"]
    address = f"{demonstration['api_root']}collections/{place}/"
    opened = {
        code: Collection(address, user=key["id"], password=key["secret"])
        for code, key in keys.items()
    }
    new = {
        "type": "url",
        "spec_version": "2.1",
        "id": "url--f2b1a9de-7f1c-5d6a-9f0e-3f6a0a1c2b3d",
        "value": "https://new.frostbite.example/",
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    }
    status = opened["XAA"].add_objects({"objects": [new]})
    assert (status.success_count, status.failure_count) == (1, 0)
    assert opened["XBB"].get_object(new["id"])["objects"] == [new]
    opened["XAA"].delete_object(new["id"])
    assert new["id"] not in {one["id"] for one in opened["XBB"].get_objects()["objects"]}


def test_a_second_demo_leaves_a_running_one_alone(
    demonstration: dict[str, Any], folder: Path
) -> None:
    refused = run_demo(folder, "--no-serve")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "a demo is running" in refused.stderr
    key = demonstration["credentials"][0]
    address = f"{demonstration['url']}taxii2/"
    with Server(address, user=key["id"], password=key["secret"]) as server:
        assert server.title


def test_a_port_that_is_taken_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run_demo(tmp_path, "--port", str(port))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"port {port}" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_none_is_refused(tmp_path: Path) -> None:
    refused = run_demo(tmp_path, "--host", "no.such.host.invalid")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "no.such.host.invalid" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture(scope="module")
def told_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the demonstration that is told to a person."""
    return tmp_path_factory.mktemp("told")


@pytest.fixture(scope="module")
def told(told_in: Path) -> subprocess.CompletedProcess[str]:
    """What a demonstration prints for a person."""
    begun = time.monotonic()
    done = run_demo(told_in, "--no-serve", "--port", "8123")
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begun < 60
    return done


def test_a_new_user_is_told_what_each_state_sees_and_why(
    told: subprocess.CompletedProcess[str],
) -> None:
    aurelia, _, rest = told.stdout.partition("Borealia (XBB)")
    borealia, _, addresses = rest.partition("Addresses")
    assert "Aurelia (XAA)" in aurelia
    assert "op-frost-stays-home" in aurelia
    assert "TLP:red reaches persons only" in aurelia
    assert "mail-addresses-stay-home" in borealia
    assert "http://127.0.0.1:8123/taxii2/" in addresses
    # Two of each State, and two of the installation that feeds from this one.
    assert addresses.count(" secret ") == 6


def test_a_state_is_told_nothing_of_what_is_kept_from_it(
    told: subprocess.CompletedProcess[str],
) -> None:
    aurelia, _, rest = told.stdout.partition("Borealia (XBB)")
    borealia = rest.partition("Addresses")[0]
    assert "mail gateway" in aurelia
    assert "mail gateway" not in borealia
    assert "op-frost" not in borealia
    assert "ministry" in borealia
    assert "ministry" not in aurelia
    assert "billing@" not in aurelia


def test_a_demo_starts_afresh_and_touches_and_knows_nothing_else(
    told: subprocess.CompletedProcess[str], told_in: Path
) -> None:
    first = set(re.findall(r" id ([a-z0-9]+) +secret ", told.stdout))
    beside = told_in / "comity.db"
    beside.write_text("an installation's")
    left_over = told_in / "demo" / "left-over"
    left_over.mkdir()
    (left_over / "file").write_text("of an earlier release")
    # With the settings of an installation, which are none of its business.
    done = run_demo(
        told_in,
        *("--no-serve", "--json"),
        COMITY_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        COMITY_SECRET_KEY="ab" * 32,
        COMITY_PUBLIC_URL="https://comity.example",
    )
    assert done.returncode == 0
    second = json.loads(done.stdout)
    assert second["url"] == "http://127.0.0.1:8000/"
    assert (told_in / "demo" / "secret.key").read_text() != "ab" * 32
    assert not left_over.exists()
    assert len(first) == 6
    assert first.isdisjoint(key["id"] for key in second["credentials"])
    assert beside.read_text() == "an installation's"
    assert {entry.name for entry in told_in.iterdir()} == {"comity.db", "demo"}


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "demo" / "precious"
    precious.parent.mkdir()
    precious.write_text("not yours")
    refused = run_demo(tmp_path, "--no-serve")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "move it away" in refused.stderr
    assert precious.read_text() == "not yours"
    assert not (tmp_path / "demo" / MARKER).exists()


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / MARKER).write_text("")
    (elsewhere / "precious").write_text("not yours")
    (tmp_path / "demo").symlink_to(elsewhere)
    refused = run_demo(tmp_path, "--no-serve")
    assert refused.returncode == 1
    assert (elsewhere / "precious").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run_demo(tmp_path / "file", "--no-serve")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Traceback" not in refused.stderr


def test_the_other_state_s_own_installation_feeds_from_the_first(
    demonstration: dict[str, Any],
) -> None:
    """In a process of its own, under the policy there; and its guest sees what is green."""
    second = demonstration["second"]
    keys = {key["member"]: key for key in second["credentials"]}
    place = second["collections"][0]["id"]
    address = f"{second['api_root']}collections/{place}/"
    expected = expected_ids("XBB", "machine")
    patience = time.monotonic() + 60
    got: set[str] = set()
    while got != expected and time.monotonic() < patience:
        got = set(list_ids(address, keys["XBB"]))
        time.sleep(0.2)
    assert got == expected
    levels = {value["id"]: tlp_of(value) for code in SAMPLES for value in list_sample(code)}
    shown = set(list_ids(address, keys["XCC"]))
    assert {each for each in expected if levels[each] in {"clear", "green"}} <= shown < expected


def list_ids(address: str, key: dict[str, str]) -> Iterator[str]:
    try:
        with Collection(address, user=key["id"], password=key["secret"]) as opened:
            yield from (one["id"] for one in opened.get_objects(limit=1000).get("objects", []))
    except OSError:
        return  # it does not listen yet
