"""What every command does: one document, one line, one exit code, and never a traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from kernel.commands import Answer, LazyGroup, Workplace, answering, showing_progress, working
from kernel.errors import Conflict
from kernel.settings import Settings


def invoke(command: Any, *words: str) -> Result:
    return CliRunner().invoke(click.command()(answering(command)), list(words))


def invoke_with_word(*words: str) -> Result:
    @click.command()
    @click.argument("word", nargs=-1)
    @click.option("--named", default="", show_default=True)
    @answering
    def command(word: tuple[str, ...], named: str) -> Answer:
        return Answer([*word, named], "done")

    return CliRunner().invoke(command, list(words))


def test_a_script_reads_one_document_in_any_alphabet() -> None:
    answer = Answer({"name": "Škoda ☂"}, "text for a person")
    result = invoke(lambda: answer, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"name": "Škoda ☂"}
    assert invoke(lambda: answer).stdout == "text for a person\n"


def test_a_refusal_is_one_line_and_nothing_on_standard_output() -> None:
    def refuse() -> Answer:
        raise Conflict("x.y", "there is one\nalready;\tadd another")

    result = invoke(refuse, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "comity: there is one already; add another\n"


def test_an_answer_with_a_refusal_tells_both() -> None:
    result = invoke(lambda: Answer([1], "one", "two of three failed"), "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, [1])
    assert result.stderr == "comity: two of three failed\n"


def test_what_others_wrote_does_not_steer_a_terminal() -> None:
    answer = Answer("\x1b[2J", "a\tb\n\x1b[2J\x9b1m", "no \x1b]0;x\x07")
    result = invoke(lambda: answer)
    assert (result.stdout, result.stderr) == (
        "a\tb\n\ufffd[2J\ufffd1m\n",
        "comity: no \ufffd]0;x\ufffd\n",
    )
    assert json.loads(invoke(lambda: answer, "--json").stdout) == "\x1b[2J"


def test_a_fault_nobody_foresaw_is_told_by_its_number() -> None:
    def fail() -> Answer:
        raise RuntimeError("a secret of the inside")

    result = invoke(fail)
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("comity: something went wrong here; report incident ")
    assert "secret" not in last


def test_a_reader_that_went_away_is_no_fault() -> None:
    def break_pipe() -> Answer:
        raise BrokenPipeError

    result = invoke(break_pipe)
    assert (result.exit_code, result.stderr) == (1, "")


def test_bad_usage_found_late_is_still_bad_usage() -> None:
    def misuse() -> Answer:
        raise click.UsageError("name one of them")

    result = invoke(misuse)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("word", ["\udcff", "a\0b", "x" * 500 + "\ud800"])
def test_what_is_typed_in_another_encoding_is_refused(word: str) -> None:
    for words in ((word,), ("--named", word), ("good", word)):
        result = invoke_with_word(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.endswith("is not UTF-8 text\n")
        assert result.stderr.count("\n") == 1
    assert invoke_with_word("Škoda", "☂").exit_code == 0


def test_settings_that_are_wrong_are_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @click.command()
    @working
    def command(workplace: Workplace) -> Answer:
        return Answer(workplace.settings.title, workplace.settings.title)

    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(command, [], env={"COMITY_TITLE": "Here"}).stdout == "Here\n"
    result = CliRunner().invoke(command, [], env={"COMITY_TITEL": "Here"})
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def test_a_database_is_made_fit_before_a_command_works_with_it(sqlite_settings: Settings) -> None:
    seen: list[bool] = []

    @click.command()
    @working
    def command(workplace: Workplace) -> Answer:
        assert workplace.signer.hash("a", "b")
        return Answer(workplace.now_us, "done")

    result = CliRunner().invoke(
        command,
        ["--json"],
        env={"COMITY_DATA_DIR": sqlite_settings.data_dir},
        obj=lambda _settings, database: seen.append(database.is_sqlite),
    )
    assert (result.exit_code, seen) == (0, [True])
    assert json.loads(result.stdout) > 1_700_000_000_000_000


def test_a_group_lists_what_it_has_not_imported() -> None:
    group = LazyGroup(
        "g", lazy={"far": ("no.such.module:x", "Far away."), "wrong": ("json:dumps", "No.")}
    )
    result = CliRunner().invoke(group, ["--help"])
    assert "  far    Far away.\n  wrong  No.\n" in result.stdout
    assert CliRunner().invoke(group, ["nothing"]).exit_code == 2
    assert isinstance(CliRunner().invoke(group, ["wrong"]).exception, TypeError)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_on_a_terminal_and_none_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shows in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with showing_progress("Walking [red] \x1b[2J") as progress:
            progress(1, 2)
            progress(2, 2)
        shown = stream.getvalue()
        assert ("Walking [red]" in shown) is shows
        assert ("2/2" in shown) is shows
        assert "\x1b[2J" not in shown


def test_an_answer_that_cannot_be_written_is_told_in_one_line() -> None:
    for words in (["--help"], ["db", "--help"]):
        with Path("/dev/full").open("wb") as full:
            ran = subprocess.run(
                [sys.executable, "-m", "app", *words],
                stdout=full,
                stderr=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                check=False,
            )
        assert ran.returncode == 1
        assert ran.stderr.decode() == (
            "comity: the answer cannot be written: No space left on device\n"
        )


def test_a_command_on_the_embedded_database_imports_nothing_of_the_other(
    sqlite_settings: Settings,
) -> None:
    """Nor what it would log with, nor threads for due work: a start is for what is asked."""
    code = (
        "import sys; from app import main; main(['feed', 'list'], standalone_mode=False);"
        "slow = {'huey', 'psycopg', 'rich', 'sqlalchemy.dialects.postgresql', 'structlog'};"
        "sys.exit(' '.join(sorted(slow & sys.modules.keys())) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"COMITY_DATA_DIR": sqlite_settings.data_dir},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done


def test_what_is_logged_first_is_logged_as_was_asked() -> None:
    code = (
        "from kernel.logs import configure_logging, get_logger; from kernel.settings import *;"
        "log = get_logger('any'); configure_logging(Settings(log_format='json'));"
        "import structlog; log.info('said', secret='hush')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = json.loads(done.stderr)
    assert (told["event"], told["secret"]) == ("said", "[redacted]")
