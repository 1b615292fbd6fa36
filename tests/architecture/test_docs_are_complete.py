"""What is written about the product is true and whole: error codes and decisions."""

from __future__ import annotations

import re

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
