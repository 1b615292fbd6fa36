"""`comity recall` at the terminal: sent, listed on both sides, acknowledged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sharing.cli.running import FORUM, SHARES_WITH_XBB, Installation, indicator

SEND = ("--collection", "reports", "--as", "XAA", "--reason", "Wrong host.")


def exchange(harbour: Installation, folder: Path, *readers: str) -> str:
    """The id of XAA's object that these members have exported."""
    harbour.set_policy("XAA", SHARES_WITH_XBB)
    file = folder / "given.json"
    file.write_text(json.dumps(indicator(1)))
    harbour.done("import", str(file), "--member", "XAA", "--collection", "reports")
    for code in readers:
        out = str(folder / f"{code}.json")
        harbour.done("export", "--as", code, "--collection", "reports", "--out", out)
    return str(indicator(1)["id"])


def test_an_originator_recalls_and_sees_the_receipt(harbour: Installation, tmp_path: Path) -> None:
    stix_id = exchange(harbour, tmp_path, "XBB")
    [served] = harbour.done("recall", "served", stix_id, "--collection", "reports", "--as", "XAA")[
        "served"
    ]
    assert (served["recipient"], served["content"], served["less"]) == ("XBB", True, [])
    sent = harbour.done("recall", stix_id, *SEND)
    assert [one["recipient"] for one in sent["notices"]] == ["XBB"]
    [received] = harbour.done("recall", "list", "--as", "XBB")["received"]
    assert (received["id"], received["reason"]) == (sent["id"], "Wrong host.")
    assert "XAA" not in json.dumps(received)
    taken = harbour.done("recall", "acknowledge", sent["id"], "--as", "XBB")
    assert taken["acknowledged"] is not None
    listed = harbour.done("recall", "list", "--as", "XAA", "--forum", FORUM)
    assert (listed["received"], listed["sent"][0]["acknowledged"]) == ([], 1)
    assert listed["sent"][0]["notices"][0]["acknowledged"] == taken["acknowledged"]


def test_what_never_returns_is_refused_at_the_terminal(
    harbour: Installation, tmp_path: Path
) -> None:
    stix_id = exchange(harbour, tmp_path)
    sent = harbour.done("recall", stix_id, *SEND, "--never-return")
    assert (sent["told"], sent["never_return"], sent["notices"]) == (0, True, [])
    file = tmp_path / "given.json"
    ran = harbour.run("import", str(file), "--member", "XAA", "--collection", "reports")
    assert ran.code == 1
    assert "recalled this version for good" in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("recall", "indicator--none", *SEND), "no such object"),
        (("recall", "list", "--as", "XZZ"), "no member"),
        (("recall", "list", "--as", "XCC", "--forum", FORUM), "no active seat"),
        (("recall", "acknowledge", "never", "--as", "XBB"), "no notice"),
        (("recall", "served", "indicator--none", "--collection", "reports", "--as", "XBB"), "no"),
    ],
)
def test_what_is_unknown_is_refused_in_one_line(
    embedded_harbour: Installation, arguments: tuple[str, ...], said: str
) -> None:
    assert said in embedded_harbour.refused(*arguments)


def test_options_may_stand_before_the_id_and_what_is_missing_is_bad_usage(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    stix_id = exchange(embedded_harbour, tmp_path, "XBB")
    assert embedded_harbour.run("recall").code == 2
    assert embedded_harbour.run("recall", stix_id).code == 2
    assert "OBJECT_ID" in embedded_harbour.run("recall", "--help").out
    versions = ("--version", str(indicator(1)["modified"]))
    sent = embedded_harbour.done("recall", *SEND, "--keep", *versions, stix_id)
    assert (sent["keep"], sent["told"]) == (True, 1)
