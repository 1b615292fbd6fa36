"""The tree holds what belongs in it: short files, and no address or place of one machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, list_sources, list_tracked

# A lock is as long as its packages need, a catalogue as there are texts, a vendored file as its
# author made it.
_UNCOUNTED = frozenset({".lock", ".po", ".mo", ".png"})
_VENDORED = ROOT / "web" / "static" / "vendor"
_REGISTRIES = re.compile(
    r"(?:pypi|pythonhosted|npmjs|debian|crates|rubygems)\.(?:org|com|net|io)"
    r"|registry\.[a-z-]+\.[a-z]+"
)
# Folders in which people and machines keep checkouts; fictional ones are under /srv or /var.
_WORKPLACES = re.compile(r"(?<![\w.])/(?:work|root|home|Users|workspaces?|builds)/\w")


@pytest.mark.parametrize(
    "line",
    ["see https://files.pythonhosted.org/x", "open /home/someone/comity", "cd /work/main"],
)
def test_a_line_that_gives_a_machine_away_is_found(line: str) -> None:
    assert _REGISTRIES.search(line) or _WORKPLACES.search(line)


def test_no_file_names_a_registry_or_a_place_of_one_machine() -> None:
    for path in list_tracked():
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        assert _REGISTRIES.search(text) is None, path
        assert _WORKPLACES.search(text) is None, path


def test_no_file_grows_past_five_hundred_lines() -> None:
    for path in list_tracked():
        if path.suffix not in _UNCOUNTED and _VENDORED not in path.parents:
            assert path.read_bytes().count(b"\n") <= 500, path


def test_rooms_never_import_the_place_where_they_meet() -> None:
    for path in list_sources():
        if path != ROOT / "app.py":
            text = path.read_text(encoding="utf-8")
            found = re.search(r"^\s*(?:from app import|import app\b)", text, re.MULTILINE)
            assert found is None, path
