"""An operator sets and shows what members share, what forums withhold, what members accept."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sharing.cli.running import FORUM, SHARES_WITH_XBB, Installation

NOBODY = {"rules": []}
NO_SIGHTINGS = {
    "rules": [
        {
            "id": "no-sightings",
            "effect": "withhold",
            "audience": {"any": ["forum"]},
            "when": {"types": ["sighting"]},
        }
    ]
}


def test_a_new_seat_starts_with_a_policy_that_shares_nothing(
    embedded_harbour: Installation,
) -> None:
    held = embedded_harbour.done("policy", "show", "XAA", FORUM)
    assert (held["version"], held["document"]) == (1, NOBODY)


def test_a_policy_that_is_set_holds_with_its_version_and_epoch(
    embedded_harbour: Installation,
) -> None:
    saved = embedded_harbour.set_policy("XAA", SHARES_WITH_XBB)
    assert (saved["member"], saved["forum"], saved["version"]) == ("XAA", FORUM, 2)
    assert saved["epoch"] > 0
    assert (saved["gained"], saved["lost"]) == (0, 0)
    held = embedded_harbour.done("policy", "show", "XAA", FORUM)
    assert held == {key: saved[key] for key in held}
    assert json.loads(embedded_harbour.run("policy", "show", "XAA", FORUM).out) == SHARES_WITH_XBB


def test_a_policy_is_read_from_a_file(embedded_harbour: Installation, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(SHARES_WITH_XBB), encoding="utf-8")
    ran = embedded_harbour.run("policy", "set", "XAA", FORUM, str(file))
    assert ran.code == 0
    assert "version 2, epoch " in ran.out


def test_a_policy_s_history_goes_from_the_newest_to_the_first(
    embedded_harbour: Installation,
) -> None:
    embedded_harbour.set_policy("XAA", SHARES_WITH_XBB)
    embedded_harbour.set_policy("XAA", NOBODY)
    history = embedded_harbour.done("policy", "history", "XAA", FORUM)
    assert [held["version"] for held in history] == [3, 2, 1]
    assert [held["document"] for held in history] == [NOBODY, SHARES_WITH_XBB, NOBODY]
    epochs = [held["epoch"] for held in history]
    assert epochs == sorted(epochs, reverse=True)
    lines = embedded_harbour.run("policy", "history", "XAA", FORUM).out.splitlines()
    assert len(lines) == 3


def test_a_policy_at_fault_is_refused_with_the_path_of_the_fault(
    embedded_harbour: Installation,
) -> None:
    bad = {"rules": [{"id": "a", "effect": "share", "audience": {"any": ["member:XQQ"]}}]}
    reason = embedded_harbour.refused(
        "policy", "set", "XAA", FORUM, "-", "--json", given=json.dumps(bad)
    )
    assert reason.startswith("comity: rules[0].audience.any[0]: ")
    assert embedded_harbour.done("policy", "show", "XAA", FORUM)["version"] == 1


def test_a_policy_that_is_no_json_is_refused(embedded_harbour: Installation) -> None:
    reason = embedded_harbour.refused("policy", "set", "XAA", FORUM, "-", given='{"rules": [')
    assert "line 1" in reason


def test_a_policy_that_is_too_long_is_refused(embedded_harbour: Installation) -> None:
    reason = embedded_harbour.refused("policy", "set", "XAA", FORUM, "-", given=" " * 70_000)
    assert "64 KiB" in reason


def test_a_policy_file_that_cannot_be_read_is_refused(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    for file in (tmp_path / "missing.json", tmp_path):
        reason = embedded_harbour.refused("policy", "set", "XAA", FORUM, str(file))
        assert str(file) in reason


def test_a_member_without_a_seat_has_no_policy_to_set(embedded_harbour: Installation) -> None:
    reason = embedded_harbour.refused("policy", "set", "XCC", FORUM, "-", given='{"rules": []}')
    assert f"comity seat add {FORUM} XCC" in reason
    assert "comity member list" in embedded_harbour.refused("policy", "show", "XQQ", FORUM)


def test_a_suspended_seat_s_policy_can_still_be_set(embedded_harbour: Installation) -> None:
    embedded_harbour.done("seat", "suspend", FORUM, "XAA")
    assert embedded_harbour.set_policy("XAA", SHARES_WITH_XBB)["version"] == 2


def test_a_forum_withholds_once_it_has_been_told_to(embedded_harbour: Installation) -> None:
    before = embedded_harbour.done("forum-policy", "show", FORUM)
    assert (before["version"], before["document"], before["set"]) == (0, NOBODY, None)
    saved = embedded_harbour.done("forum-policy", "set", FORUM, "-", given=json.dumps(NO_SIGHTINGS))
    assert (saved["version"], saved["document"], saved["gained"]) == (1, NO_SIGHTINGS, 0)
    after = embedded_harbour.done("forum-policy", "show", FORUM)
    assert after == {key: saved[key] for key in after}


def test_a_forum_never_shares(embedded_harbour: Installation) -> None:
    reason = embedded_harbour.refused(
        "forum-policy", "set", FORUM, "-", given=json.dumps(SHARES_WITH_XBB)
    )
    assert reason.startswith("comity: rules[0].effect: ")


def test_a_new_seat_starts_with_the_forum_s_template(embedded_harbour: Installation) -> None:
    saved = embedded_harbour.done(
        "forum-policy", "template", "set", FORUM, "-", given=json.dumps(SHARES_WITH_XBB)
    )
    assert (saved["version"], saved["document"]) == (1, SHARES_WITH_XBB)
    assert embedded_harbour.done("forum-policy", "template", "show", FORUM) == saved
    embedded_harbour.done("seat", "add", FORUM, "XCC")
    assert embedded_harbour.done("policy", "show", "XCC", FORUM)["document"] == SHARES_WITH_XBB
    assert embedded_harbour.done("policy", "show", "XAA", FORUM)["document"] == NOBODY


def test_a_member_accepts_everything_until_it_says_otherwise(
    embedded_harbour: Installation,
) -> None:
    before = embedded_harbour.done("accepts", "show", "XAA", FORUM)
    assert (before["version"], before["document"]) == (0, {})
    assert "accepts everything" in embedded_harbour.run("accepts", "show", "XAA", FORUM).out
    wanted = {"tlp_at_most": "amber", "except_originators": ["XBB"]}
    saved = embedded_harbour.done("accepts", "set", "XAA", FORUM, "-", given=json.dumps(wanted))
    assert (saved["version"], saved["document"]) == (1, wanted)
    assert embedded_harbour.done("accepts", "show", "XAA", FORUM) == saved


def test_what_a_member_accepts_is_refused_with_the_path_of_the_fault(
    embedded_harbour: Installation,
) -> None:
    reason = embedded_harbour.refused(
        "accepts", "set", "XAA", FORUM, "-", given='{"except_originators": ["XQQ"]}'
    )
    assert reason.startswith("comity: except_originators[0]: ")
