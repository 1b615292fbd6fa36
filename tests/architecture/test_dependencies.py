"""What is installed is what is locked, and what is locked is explained."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.architecture.tree import LOCKS, REQUIREMENTS, ROOT

_PINNED = re.compile(r"([a-z0-9][a-z0-9._-]*)==([^ ]+)(?: ; [^\\]+)? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def named(path: Path) -> str:
    return path.name


def list_wanted(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        re.split(r"[=<>~!\[;\s]", line)[0].lower()
        for line in lines
        if line and not line.startswith(("#", "-"))
    ]


def read_lock(path: Path) -> dict[str, str]:
    matches = map(_PINNED.fullmatch, path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in matches if match}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=named)
def test_an_operator_finds_a_reason_for_every_dependency(path: Path) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("|")]
    explained = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert set(list_wanted(path)) <= explained


@pytest.mark.parametrize("path", REQUIREMENTS, ids=named)
def test_everything_wanted_is_locked(path: Path) -> None:
    assert set(list_wanted(path)) <= set(read_lock(path.with_suffix(".lock")))


@pytest.mark.parametrize("path", LOCKS, ids=named)
def test_a_lock_holds_names_versions_and_hashes_only(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert _PINNED.fullmatch(line) or _HASH.fullmatch(line), line
        # A name without a hash would let any file pass.
        assert not _PINNED.fullmatch(line) or _HASH.fullmatch(following), line


def test_tests_run_on_the_versions_that_users_get() -> None:
    users = read_lock(ROOT / "requirements.lock")
    testers = read_lock(ROOT / "requirements-test.lock")
    shared = users.keys() & testers.keys()
    assert shared
    assert {name: users[name] for name in shared} == {name: testers[name] for name in shared}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_what_is_installed_here_is_what_is_locked(name: str) -> None:
    locked = read_lock(ROOT / name)
    assert {package: version(package) for package in locked} == locked
