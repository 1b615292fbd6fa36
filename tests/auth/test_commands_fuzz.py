"""Whatever is typed: an exit code of 0, 1 or 2, a reason on one line, never a traceback."""

from __future__ import annotations

import random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import main
from kernel.settings import Settings

WORDS = [
    "",
    " ",
    "-",
    "-1",
    "\0",
    "\n",
    "\udcff",
    "☂",
    "%s{}$(id)",
    "../../etc/passwd",
    "'; DROP TABLE member; --",
    "harbour/mirror",
    "harbour",
    "XAA",
    "a@xaa.example",
    "member:1",
    "9" * 40,
    "x" * 5000,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
]
# Each with the options that take a word.
COMMANDS: list[tuple[list[str], list[str]]] = [
    (["member", "add"], ["--name", "--jurisdiction", "--bloc", "--residency", "--identity"]),
    (
        ["member", "set"],
        ["--name", "--jurisdiction", "--bloc", "--no-bloc", "--residency", "--identity"],
    ),
    (["member", "show"], []),
    (["member", "suspend"], []),
    (["member", "depart"], []),
    (["member", "reinstate"], []),
    (["forum", "add"], ["--title", "--tlp-ceiling"]),
    (["forum", "open"], []),
    (["seat", "add"], ["--role"]),
    (["seat", "suspend"], []),
    (["seat", "reinstate"], []),
    (["seat", "end"], []),
    (["partner", "add"], []),
    (["partner", "list"], []),
    (["partner", "suspend"], []),
    (["partner", "reinstate"], []),
    (["partner", "end"], []),
    (["person", "add"], ["--email", "--role", "--forum"]),
    (["person", "list"], []),
    (["person", "disable"], []),
    (["credential", "add"], ["--name", "--kind", "--person", "--scope", "--expires", "--partner"]),
    (["credential", "list"], ["--partner"]),
    (["credential", "revoke"], []),
    (["credential", "rotate"], []),
    (["tool", "add"], ["--name", "--redirect", "--scope"]),
    (["tool", "list"], []),
    (["tool", "revoke"], []),
]
ROUNDS = 6


def invoke(settings: Settings, *words: str) -> Result:
    environment = {
        "COMITY_DATA_DIR": settings.data_dir,
        "COMITY_DATABASE_URL": settings.database_url,
        "COMITY_SECRET_KEY": "ab" * 32,
    }
    return CliRunner().invoke(main, list(words), env=environment)


def check_answer(words: list[str], result: Result) -> None:
    assert result.exit_code in {0, 1, 2}, (words, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), words
    assert "Traceback" not in result.stderr, words
    assert "incident" not in result.stderr, words
    if result.exit_code:
        assert result.stdout == "", words
    if result.exit_code == 1:
        assert result.stderr.startswith("comity: "), words
        assert result.stderr.count("\n") == 1, words


def type_something(command: list[str], options: list[str], chance: random.Random) -> list[str]:
    typed = [*command]
    for option in options:
        if chance.random() < 0.7:
            typed += [f"{option}={chance.choice(WORDS)}"]
    return [*typed, "--", *chance.choices(WORDS, k=chance.randrange(4))]


@pytest.mark.parametrize(
    ("command", "options"), COMMANDS, ids=[" ".join(command) for command, _ in COMMANDS]
)
def test_an_operator_who_types_nonsense_is_told_why(
    sqlite_settings: Settings, command: list[str], options: list[str]
) -> None:
    chance = random.Random(" ".join(command))
    invoke(sqlite_settings, "member", "add", "XAA", "--name", "Aurelia")
    invoke(sqlite_settings, "forum", "add", "harbour", "--title", "Harbour")
    for _ in range(ROUNDS):
        words = type_something(command, options, chance)
        check_answer(words, invoke(sqlite_settings, *words))
    # Whatever that was, the installation still answers.
    assert invoke(sqlite_settings, "member", "show", "XAA", "--json").exit_code == 0


def test_postgresql_refuses_the_same_words(settings: Settings) -> None:
    chance = random.Random(11)
    for command, options in COMMANDS:
        words = type_something(command, options, chance)
        check_answer(words, invoke(settings, *words))


@pytest.mark.parametrize(
    "revision", ["", " ", "@", "a@b", "-99", "+99", "0001:0002", "x" * 300, "\udcff", "9999", "%"]
)
def test_a_revision_that_does_not_exist_changes_nothing(
    sqlite_settings: Settings, revision: str
) -> None:
    before = invoke(sqlite_settings, "db", "current", "--json").stdout
    words = ["db", "downgrade", "--", revision]
    result = invoke(sqlite_settings, *words)
    assert result.exit_code == 1, result.output
    check_answer(words, result)
    assert invoke(sqlite_settings, "db", "current", "--json").stdout == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMITY_DATABASE_URL", "nonsense"),
        ("COMITY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
        ("COMITY_DATABASE_URL", "postgresql://host:port/none"),
        ("COMITY_DATABASE_URL", "sqlite:////proc/none/x.db"),
        ("COMITY_DATA_DIR", "/dev/null/folder"),
        ("COMITY_THREADS", "many"),
        ("COMITY_NONSENSE", "1"),
        ("COMITY_SECRET_KEY", "zz"),
    ],
)
def test_an_operator_with_a_wrong_setting_is_told_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for other in ("COMITY_DATABASE_URL", "COMITY_DATA_DIR", "COMITY_SECRET_KEY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    runner = CliRunner()
    if name == "COMITY_SECRET_KEY":
        runner.invoke(main, ["member", "add", "XAA", "--name", "Aurelia"])
    words = ["credential", "add", "XAA", "--name", "feed"]
    result = runner.invoke(main, words)
    assert result.exit_code == 1, result.output
    check_answer(words, result)
