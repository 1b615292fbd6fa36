"""The commands of members, forums, seats, partners, persons and credentials, as typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import main
from kernel.settings import Settings

TOOL = ["--redirect", "http://127.0.0.1/back", "--scope", "api:read"]
TYPED = [
    ["member", "add", "XAA", "--name", "Aurelia", "--bloc", "north", "--accredited-to", "amber"],
    ["member", "add", "XBB", "--name", "Borealia"],
    ["member", "list"],
    ["member", "show", "XAA"],
    ["forum", "add", "harbour", "--title", "Harbour", "--tlp-ceiling", "amber"],
    ["forum", "open", "harbour"],
    ["forum", "list"],
    ["seat", "add", "harbour", "XAA"],
    ["seat", "add", "harbour", "XBB", "--role", "observer"],
    ["seat", "suspend", "harbour", "XBB"],
    ["seat", "reinstate", "harbour", "XBB"],
    ["seat", "end", "harbour", "XBB"],
    ["partner", "add", "harbour", "mirror"],
    ["partner", "suspend", "harbour", "mirror"],
    ["partner", "reinstate", "harbour", "mirror"],
    ["partner", "end", "harbour", "mirror"],
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
    ["person", "add", "--operator", "--email", "o@hub.example", "--role", "operator"],
    ["person", "list"],
    ["person", "list", "XAA"],
    ["credential", "list", "XAA"],
    ["credential", "list", "--partner", "harbour/mirror"],
    [
        "tool",
        "add",
        "XAA",
        "--name",
        "N",
        "--redirect",
        "https://n.example/",
        "--scope",
        "api:read",
    ],
    ["tool", "add", "--for-all", "--name", "N", "--public", *TOOL],
    ["tool", "list"],
    ["tool", "list", "XAA"],
    ["member", "suspend", "XAA"],
    ["member", "set", "XAA", "--bloc", "south", "--no-bloc", "north", "--residency", "XAA"],
    ["member", "depart", "XAA"],
    ["member", "reinstate", "XAA"],
    ["db", "current"],
    ["db", "upgrade"],
]
WRITES = ["--scope", "api:write"]
WRONG = [
    (["member", "add", "xaa", "--name", "Lower"], 1),
    (["member", "add", "XAA", "--name", "Again"], 1),
    (["member", "show", "XZZ"], 1),
    (["member", "depart", "XZZ"], 1),
    (["member", "set", "XAA"], 2),
    (["member", "set", "XZZ", "--name", "Z"], 1),
    (["member", "set", "XAA", "--no-bloc", "north"], 1),
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
    (["person", "add", "XAA", "--operator", "--email", "x@xaa.example", "--role", "reader"], 1),
    (["person", "add", "--email", "x@xaa.example", "--role", "reader"], 1),
    (["person", "add", "XAA", "--email", "x@xaa.example", "--role", "operator"], 1),
    (["person", "add", "XAA", "--email", "x@xaa.example"], 1),
    (["person", "add", "XZZ", "--email", "x@xaa.example", "--role", "reader"], 1),
    (["person", "add", "XAA", "--email", "a@xaa.example", "--role", "reader"], 1),
    (["person", "list", "XZZ"], 1),
    (["person", "disable", "nobody@xaa.example"], 1),
    (["person", "add", "XAA", "--role", "reader"], 2),
    (["partner", "add", "harbour", "mirror"], 1),
    (["partner", "add", "harbour", "no/slash"], 1),
    (["partner", "list", "nowhere"], 1),
    (["partner", "suspend", "harbour", "nobody"], 1),
    (["partner", "end", "nowhere", "mirror"], 1),
    (["partner", "reinstate", "harbour"], 2),
    (["credential", "add", "XAA", "--partner", "harbour/mirror", "--name", "n"], 1),
    (["credential", "add", "--name", "n"], 1),
    (["credential", "add", "XAA"], 2),
    (["credential", "add", "XAA", "--name", "n", "--scope", "everything"], 1),
    (["credential", "add", "XAA", "--name", "n", "--person", "a@xaa.example"], 1),
    (["credential", "add", "--partner", "harbour/nobody", "--name", "n"], 1),
    (["credential", "add", "--partner", "harbour/mirror", "--name", "n", *WRITES], 1),
    (["credential", "list"], 2),
    (["credential", "list", "XZZ"], 1),
    (["credential", "list", "--partner", "harbour/nobody"], 1),
    (["member", "add", "XCC", "--name", "C", "--accredited-to", "purple"], 1),
    (["member", "add", "XCC", "--name", "C", "--identity", "identity--1"], 1),
    (["forum", "add", "taxii2", "--title", "T"], 1),
    (["seat", "reinstate", "harbour", "XBB"], 1),
    (["seat", "add", "harbour"], 2),
    (["tool", "add", "--name", "N", *TOOL], 2),
    (["tool", "add", "XAA", "--for-all", "--name", "N", *TOOL], 2),
    (["tool", "add", "XZZ", "--name", "N", *TOOL], 1),
    (["tool", "add", "XAA", "--name", "N", "--scope", "api:read"], 1),
    (["tool", "add", "XAA", "--name", "N", "--redirect", "https://n.example/"], 1),
    (["tool", "add", "XAA", "--name", "N", "--redirect", "http://n.example/", *TOOL], 1),
    (["tool", "list", "XZZ"], 1),
    (["tool", "revoke", "tool-aaaaaaaaaaaaaaaa"], 1),
    (["tool", "revoke", "unknown"], 1),
    (["db", "downgrade", "9999"], 1),
]


class Terminal:
    """A person at a terminal of an installation."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {
            "COMITY_DATABASE_URL": settings.database_url,
            "COMITY_DATA_DIR": settings.data_dir,
            "COMITY_SECRET_KEY": "ab" * 32,
        }

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(main, list(words), env=self.environment)


@pytest.fixture
def typed(settings: Settings) -> Terminal:
    """On each database in turn."""
    return Terminal(settings)


@pytest.fixture
def typed_embedded(sqlite_settings: Settings) -> Terminal:
    """On the embedded database alone, for what no database has a part in."""
    return Terminal(sqlite_settings)


def test_every_command_answers_with_one_document(typed: Any) -> None:
    for words in TYPED:
        result = typed(*words, "--json")
        assert result.exit_code == 0, (words, result.output)
        json.loads(result.stdout)
    assert json.loads(typed("member", "show", "XAA", "--json").stdout)["accredited_to"] == "amber"


def test_what_is_wrong_is_told_in_one_line_and_no_traceback(typed_embedded: Any) -> None:
    for words in TYPED:
        assert typed_embedded(*words).exit_code == 0, words
    for words, code in WRONG:
        result = typed_embedded(*words, "--json")
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


def test_a_tool_is_registered_listed_and_revoked(typed: Any) -> None:
    for words in TYPED:
        typed(*words)
    options = ["--name", "Workbench", "--scope", "api:read", "--scope", "taxii:read", "--json"]
    redirect = ["--redirect", "https://n.example/b", "--redirect", "https://n.example/a"]
    added = json.loads(typed("tool", "add", "XAA", *options, *redirect).stdout)
    assert (added["member"], added["public"]) == ("XAA", False)
    assert added["scopes"] == ["taxii:read", "api:read"]
    assert added["redirects"] == ["https://n.example/a", "https://n.example/b"]
    listed = typed("tool", "list", "XAA", "--json").stdout
    assert added["id"] in listed
    assert added["secret"] not in listed
    assert added["id"] not in typed("tool", "list", "XBB").stdout
    public = json.loads(typed("tool", "add", "--for-all", "--public", *options, *TOOL).stdout)
    assert (public["member"], public["secret"]) == (None, None)
    assert public["id"] in typed("tool", "list", "XBB").stdout
    for _ in range(2):
        revoked = json.loads(typed("tool", "revoke", added["id"], "--json").stdout)
        assert revoked["state"] == "revoked"


def test_a_persons_credential_ends_with_the_person(typed_embedded: Any) -> None:
    for words in TYPED:
        typed_embedded(*words)
    person = ["--kind", "individual", "--person", "a@xaa.example"]
    assert typed_embedded("credential", "add", "XAA", "--name", "desk", *person).exit_code == 0
    (listed,) = json.loads(typed_embedded("credential", "list", "XAA", "--json").stdout)
    assert (listed["person"], listed["status"]) == ("a@xaa.example", "active")
    disabled = json.loads(typed_embedded("person", "disable", "A@xaa.example", "--json").stdout)
    assert (disabled["email"], disabled["status"]) == ("a@xaa.example", "disabled")
    assert typed_embedded("credential", "add", "XAA", "--name", "again", *person).exit_code == 1


def test_documents_have_the_members_that_scripts_rely_on(typed_embedded: Any) -> None:
    documents = [json.loads(typed_embedded(*words, "--json").stdout) for words in TYPED]
    told = {" ".join(words[:2]): document for words, document in zip(TYPED, documents, strict=True)}
    assert told["forum open"]["api_root"] == "/taxii2/harbour/"
    assert told["forum open"]["tlp_ceiling"] == "amber"
    assert told["seat end"]["status"] == "ended"
    assert told["partner add"]["name"] == "mirror"
    assert [one["code"] for one in told["member list"]] == ["XAA", "XBB"]
    assert told["member reinstate"]["status"] == "active"
    assert told["person add"]["operator"] is True
    assert told["db current"]["up_to_date"] is True


def test_an_operator_takes_the_schema_down_and_up_again(typed: Any) -> None:
    assert typed("db", "downgrade", "base").exit_code == 0
    shown = json.loads(typed("db", "current", "--json").stdout)
    assert set(shown["current"].values()) == {None}
    assert json.loads(typed("db", "upgrade", "--json").stdout)["up_to_date"] is True
    assert typed("member", "list", "--json").stdout.strip() == "[]"
