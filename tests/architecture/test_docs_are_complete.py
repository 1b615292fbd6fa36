"""What is written about the product is true and whole: error codes and decisions."""

from __future__ import annotations

import re
from pathlib import Path

from app import list_tasks
from kernel.settings import Settings
from tests.architecture.tree import ROOT, list_sources

# The first argument of a refusal, wherever it is raised or kept as a constant or a keyword.
_CODE = re.compile(r'"((?:auth|kernel|migrations|sharing|web)\.[a-z]+(?:-[a-z]+)*)"')
# Actions of the audit trail look like codes and are none.
_ACTIONS = frozenset({"sharing.demo"})


def test_a_reader_finds_every_error_code_and_no_other_in_the_page_of_errors() -> None:
    raised = {
        code for path in list_sources() for code in _CODE.findall(path.read_text(encoding="utf-8"))
    }
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in list_sources()}
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    written = set(re.findall(r"`((?:auth|kernel|migrations|sharing|web)\.[a-z-]+)`", page))
    assert raised - modules - _ACTIONS == written


def test_an_engineer_finds_every_decision_in_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for part in ("**Context.**", "**Decision.**", "**Status.**", "**Consequences.**"):
            assert part in text, f"{page.name} lacks {part}"


def test_an_operator_finds_every_task_in_the_page_of_operations(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.split("| task | what | without a worker |")[1].split("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    written = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    tasks = list_tasks(Settings(data_dir=str(tmp_path)))
    assert written == {task.name for task in tasks}


def test_a_section_that_a_page_sends_to_is_there() -> None:
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        headings = set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))
        assert set(re.findall(r"see \*([A-Z][^*]+)\*", text)) <= headings, page.name
