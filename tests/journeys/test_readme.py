"""An operator types what the README prints, line by line, in a checkout of her own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import orjson
import pytest

from sharing.rules.grammar import Names, parse_policy
from tests.architecture.tree import ROOT, list_tracked

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The tree as it stands, with the virtual environment that runs these tests."""
    folder = tmp_path / "comity"
    for path in list_tracked():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return folder


def test_an_operator_sets_up_a_forum_by_the_readme_alone(checkout: Path) -> None:
    (block,) = blocks("bash")
    # The environment that runs this test is the set-up: the line is tried by `make test` itself.
    lines = [line for line in block.splitlines() if line != "make setup"]
    assert len(lines) == len(block.splitlines()) - 1
    script = "set -eux\n" + "\n".join(lines) + "\ncomity policy show XAA northern-forum --json\n"
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"forum"' in done.stdout.splitlines()[-1]
    assert (checkout / "var" / "comity.db").is_file()


def test_an_operator_serves_what_she_has_set_up(checkout: Path) -> None:
    assert "comity serve" in README
    process = subprocess.Popen(
        [str(checkout / ".venv" / "bin" / "comity"), "serve", "--port", "0"],
        cwd=checkout,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = process.stderr.readline().strip()
        assert said.startswith("listening on http://127.0.0.1:")
        with urllib.request.urlopen(said.removeprefix("listening on ") + "/healthz") as answer:
            assert answer.status == 200
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stderr.close()


def test_the_policy_that_liaisons_are_shown_can_be_saved() -> None:
    (block,) = blocks("json")
    names = Names(
        members=frozenset({"XAC"}),
        partners=frozenset(),
        roles=frozenset({"member"}),
        blocs=frozenset({"north"}),
        jurisdictions=frozenset(),
        collections={},
    )
    assert len(parse_policy(orjson.loads(block), names=names).rules) == 2


def test_the_readme_stays_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= 150
    for page in re.findall(r"`(docs/[a-z-]+\.md)`", README):
        assert (ROOT / page).is_file(), page
