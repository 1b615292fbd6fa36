"""The commands of members, forums, seats, partners, persons and credentials, as typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import main
from kernel.settings import Settings

TYPED = [
    ["member", "add", "XAA", "--name", "Aurelia", "--bloc", "north", "--accredited-to", "amber"],
    ["member", "add", "XBB", "--name", "Borealia"],
    ["member", "list"],
    ["member", "show", "XAA"],
    ["forum", "add", "harbour", "--title", "Harbour", "--tlp-ceiling", "amber"],
    ["forum", "list"],
    ["seat", "add", "harbour", "XAA"],
    ["seat", "add", "harbour", "XBB", "--role", "observer"],
    ["seat", "suspend", "harbour", "XBB"],
    ["seat", "reinstate", "harbour", "XBB"],
    ["seat", "end", "harbour", "XBB"],
    ["partner", "add", "harbour", "mirror"],
    ["partner", "list", "harbour"],
    ["person", "add", "XAA", "--email", "a@xaa.example", "--role", "reader"],
    [
        "person",
        "add",
        "--forum",
        "harbour",
        "--email",
        "s@harbour.example",
        "--role",
        "secretariat",
    ],
    ["person", "list"],
    ["member", "suspend", "XAA"],
    ["member", "reinstate", "XAA"],
    ["db", "current"],
    ["db", "upgrade"],
]
WRONG = [
    (["member", "add", "xaa", "--name", "Lower"], 1),
    (["member", "add", "XAA", "--name", "Again"], 1),
    (["member", "show", "XZZ"], 1),
    (["member", "add", "XCC"], 2),
    (["member", "nonsense"], 2),
    (["seat", "add", "nowhere", "XAA"], 1),
    (["seat", "add", "harbour", "XZZ"], 1),
    (["seat", "add", "harbour", "XAA"], 1),
    (["forum", "add", "Bad Slug", "--title", "T"], 1),
    (["forum", "open", "nowhere"], 1),
    (["credential", "add", "XAA", "--name", "n", "--kind", "individual"], 1),
    (["credential", "add", "XAA", "--name", "n", "--expires", "yesterday"], 1),
    (["credential", "revoke", "unknown"], 1),
    (["person", "add", "XAA", "--email", "no address", "--role", "reader"], 1),
    (["db", "downgrade", "9999"], 1),
]


@pytest.fixture
def typed(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A person at a terminal of this installation."""
    monkeypatch.setenv("COMITY_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("COMITY_DATA_DIR", settings.data_dir)
    monkeypatch.setenv("COMITY_SECRET_KEY", "ab" * 32)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return run


def test_every_command_answers_with_one_document(typed: Any) -> None:
    for words in TYPED:
        result = typed(*words, "--json")
        assert result.exit_code == 0, (words, result.output)
        json.loads(result.stdout)
    assert json.loads(typed("member", "show", "XAA", "--json").stdout)["accredited_to"] == "amber"


def test_what_is_wrong_is_told_in_one_line_and_no_traceback(typed: Any) -> None:
    for words in TYPED:
        assert typed(*words).exit_code == 0, words
    for words, code in WRONG:
        result = typed(*words, "--json")
        assert result.exit_code == code, (words, result.output)
        assert result.stdout == "", words
        assert "Traceback" not in result.stderr
        if code == 1:
            assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_a_credential_is_added_listed_rotated_and_revoked(typed: Any) -> None:
    for words in TYPED:
        typed(*words)
    added = json.loads(typed("credential", "add", "XAA", "--name", "feed", "--json").stdout)
    assert set(added) >= {"id", "secret", "member", "kind"}
    assert (added["member"], added["kind"]) == ("XAA", "machine")
    listed = typed("credential", "list", "XAA", "--json").stdout
    assert added["id"] in listed
    assert added["secret"] not in listed
    rotated = json.loads(typed("credential", "rotate", added["id"], "--json").stdout)
    assert rotated["secret"] != added["secret"]
    assert typed("credential", "revoke", added["id"]).exit_code == 0
    assert typed("credential", "rotate", added["id"]).exit_code == 1
    of_partner = typed("credential", "add", "--partner", "harbour/mirror", "--name", "f", "--json")
    assert json.loads(of_partner.stdout)["member"] is None
    person = ["--kind", "individual", "--person", "a@xaa.example"]
    assert typed("credential", "add", "XAA", "--name", "desk", *person).exit_code == 0
