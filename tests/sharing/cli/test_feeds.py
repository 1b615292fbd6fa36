"""`comity feed`: real partners over sockets, from a file with a password to what arrived."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.peers.servers import PeerServer
from tests.sharing.cli.running import Installation, Ran

HERE = {"COMITY_EGRESS_ALLOW": "127.0.0.0/8"}
NOWHERE = "http://127.0.0.1:9/taxii2/"
SECRET = "a-canary-of-a-password"


@pytest.fixture(params=["medallion_server", "opentaxii_server"])
def peer(request: pytest.FixtureRequest) -> PeerServer:
    found: PeerServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def password(tmp_path: Path, peer: PeerServer) -> str:
    file = tmp_path / "password.txt"
    file.write_text(peer.password + "\n")
    return str(file)


@pytest.fixture
def canary(tmp_path: Path) -> str:
    file = tmp_path / "canary.txt"
    file.write_text(SECRET)
    return str(file)


def indicator(**members: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "wörk",
        "pattern": "[domain-name:value = 'host.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    } | members


def add(harbour: Installation, name: str, url: str, remote: str, *more: str) -> Ran:
    return harbour.run(
        *("feed", "add", name, "--url", url, "--collection", remote),
        *("--into", "reports", "--member", "XAA", *more, "--json"),
    )


def exported(harbour: Installation, code: str, folder: Path) -> set[str]:
    out = folder / f"{uuid.uuid4()}.json"
    harbour.done("export", "--as", code, "--collection", "reports", "--out", str(out))
    import json  # noqa: PLC0415 - one use

    return {one["id"] for one in json.loads(out.read_text()).get("objects", [])}


def test_an_operator_feeds_from_a_real_server_and_runs_it_again(
    harbour: Installation, peer: PeerServer, password: str, tmp_path: Path
) -> None:
    objects = [indicator() for _ in range(5)]
    peer.add(*objects)
    made = add(
        *(harbour, "north", peer.url, peer.title, "--user", peer.user),
        *("--secret-file", password, "--every", "15m", "--min-tlp", "green"),
    )
    assert (made.code, made.err) == (0, ""), made
    assert (made.document["every"], made.document["min_tlp"]) == (900, "green")
    tested = harbour.run("feed", "test", "north", "--json", **HERE)
    assert tested.code == 0, tested
    assert all(step["passed"] for step in tested.document)
    ran = harbour.run("feed", "run", "north", "--json", **HERE)
    assert (ran.code, ran.err) == (0, ""), ran
    assert ran.document["run"]["state"] == "done"
    assert {one["id"] for one in objects} <= exported(harbour, "XAA", tmp_path)
    peer.add(later := indicator())
    again = harbour.run("feed", "run", "north", "--json", **HERE).document
    assert again["run"]["contributed"] == 1, again
    assert later["id"] in exported(harbour, "XAA", tmp_path)
    assert harbour.run("feed", "run", "north", "--json", **HERE).document["run"]["contributed"] == 0
    status = harbour.done("feed", "status", "north")
    assert status["cursor"]["added_after"]
    assert [run["state"] for run in status["runs"]] == ["done"] * 3


def test_an_operator_goes_back_and_nothing_is_doubled(
    harbour: Installation, peer: PeerServer, password: str, tmp_path: Path
) -> None:
    peer.add(*(indicator() for _ in range(3)))
    add(harbour, "north", peer.url, peer.title, "--user", peer.user, "--secret-file", password)
    first = harbour.run("feed", "run", "north", "--json", **HERE).document["run"]
    before = exported(harbour, "XAA", tmp_path)
    harbour.done("feed", "replay", "north")
    run = harbour.run("feed", "run", "north", "--json", **HERE).document["run"]
    assert (run["contributed"], run["known"]) == (0, first["contributed"] + first["known"]), run
    assert exported(harbour, "XAA", tmp_path) == before


def test_a_push_arrives_at_a_real_server(
    harbour: Installation, peer: PeerServer, password: str, tmp_path: Path
) -> None:
    sent = [indicator() for _ in range(4)]
    import json  # noqa: PLC0415 - one use

    file = tmp_path / "objects.json"
    file.write_text(json.dumps(sent))
    harbour.set_policy(
        "XAA", {"rules": [{"id": "a", "effect": "share", "audience": {"any": ["member:XBB"]}}]}
    )
    harbour.done("import", str(file), "--member", "XAA", "--collection", "reports")
    made = add(
        *(harbour, "out", peer.url, peer.title, "--user", peer.user, "--secret-file", password),
        *("--direction", "push", "--as-recipient", "XBB"),
    )
    assert made.code == 0, made
    run = harbour.run("feed", "run", "out", "--json", **HERE)
    assert run.code == 0, run
    assert run.document["run"]["contributed"] == 4
    assert {one["id"] for one in sent} <= {one["id"] for one in peer.objects()}


def test_a_wrong_password_is_told_by_its_step(
    harbour: Installation, peer: PeerServer, canary: str
) -> None:
    add(harbour, "north", peer.url, peer.title, "--user", peer.user, "--secret-file", canary)
    ran = harbour.run("feed", "run", "north", **HERE)
    assert ran.code == 1
    assert "failed at authenticate" in ran.err
    tested = harbour.run("feed", "test", "north", **HERE)
    assert tested.code == 1
    assert tested.err.startswith("comity: authenticate")
    status = harbour.done("feed", "status", "north")
    assert (status["failures"], status["runs"][0]["step"]) == (1, "authenticate")
    assert SECRET not in ran.err + ran.out + tested.out + tested.err + str(status)


def test_a_partner_that_is_not_there_is_tried_later(embedded_harbour: Installation) -> None:
    add(embedded_harbour, "gone", NOWHERE, "Reports")
    ran = embedded_harbour.run("feed", "run", "gone", **HERE)
    assert ran.code == 1
    assert "failed at connect" in ran.err
    # Without the operator's word no feed leads inside.
    refused = embedded_harbour.run("feed", "run", "gone")
    assert "failed at address" in refused.err


def test_the_doctor_names_a_feed_in_trouble(embedded_harbour: Installation) -> None:
    add(embedded_harbour, "gone", NOWHERE, "Reports")
    for _ in range(5):
        embedded_harbour.run("feed", "run", "gone", **HERE)
    found = {one["code"]: one for one in embedded_harbour.done("doctor")}
    assert found["feed-in-trouble"]["mend"] == "comity feed test gone"


def test_a_feed_that_is_paused_does_not_run(embedded_harbour: Installation) -> None:
    add(embedded_harbour, "gone", NOWHERE, "Reports")
    paused = embedded_harbour.done("feed", "pause", "gone")
    assert (paused["state"], paused["next_try"]) == ("paused", None)
    assert "paused" in embedded_harbour.refused("feed", "run", "gone")
    assert embedded_harbour.done("feed", "resume", "gone")["state"] == "active"


def test_a_feed_whose_member_lost_its_seat_says_so_and_is_paused(
    embedded_harbour: Installation,
) -> None:
    add(embedded_harbour, "gone", NOWHERE, "Reports")
    embedded_harbour.done("seat", "suspend", "harbour", "XAA")
    ran = embedded_harbour.run("feed", "run", "gone", **HERE)
    assert "no active seat" in ran.err
    assert embedded_harbour.done("feed", "status", "gone")["failures"] == 1
    assert embedded_harbour.done("feed", "pause", "gone")["state"] == "paused"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--url", "ftp://taxii.example/"), "an https address"),
        (("--url", "https://u:p@taxii.example/"), "without a user in it"),
        (("--url", "https://taxii.example/taxii2/?key=k"), "without a ? or # part"),
        (("--every", "1s"), "10 seconds"),
        (("--every", "P1Y"), "years and months"),
        (("--min-tlp", "puce"), "TLP"),
        (("--as-recipient", "XBB"), "only of a push"),
        (("--direction", "push", "--as-recipient", "XZZ"), "XZZ"),
        (("--collection", ""), "its id, its alias or its title"),
        (("--member", "XZZ"), "XZZ"),
        (("--into", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_set_up_is_refused_in_one_line(
    embedded_harbour: Installation, options: tuple[str, ...], words: str
) -> None:
    given = {
        "--url": "https://taxii.example/",
        "--collection": "Reports",
        "--into": "reports",
        "--member": "XAA",
    } | dict(zip(options[::2], options[1::2], strict=True))
    line = embedded_harbour.refused("feed", "add", "north", *(w for p in given.items() for w in p))
    assert words in line


def test_a_name_that_is_taken_is_refused(embedded_harbour: Installation) -> None:
    add(embedded_harbour, "north", NOWHERE, "Reports")
    assert "already" in add(embedded_harbour, "north", NOWHERE, "Reports").err
    assert "feed list" in embedded_harbour.refused("feed", "status", "south")


def test_bad_usage_exits_with_two(embedded_harbour: Installation, canary: str) -> None:
    for more in (
        ("--user", "u"),
        ("--secret-file", canary),
        ("--token-file", canary, *("--user", "u", "--secret-file", canary)),
    ):
        assert add(embedded_harbour, "north", NOWHERE, "Reports", *more).code == 2


def test_secrets_are_kept_sealed_and_move_to_a_new_key(
    harbour: Installation, canary: str, tmp_path: Path
) -> None:
    from cryptography.fernet import Fernet  # noqa: PLC0415 - one use

    add(harbour, "north", NOWHERE, "Reports", "--user", "u", "--secret-file", canary)
    key = Fernet.generate_key().decode()
    done = harbour.run("feed", "reseal", "--json", COMITY_SEALING_KEYS=key)
    assert done.document == {"secrets": 1}
    # Under the old key alone it cannot be read any more, and the run says so.
    lost = harbour.run("feed", "run", "north", **HERE)
    assert (lost.code, "COMITY_SEALING_KEYS" in lost.err) == (1, True), lost
    found = harbour.run("feed", "run", "north", COMITY_SEALING_KEYS=key, **HERE)
    assert "failed at connect" in found.err
    for file in Path(harbour.settings.data_dir).rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
