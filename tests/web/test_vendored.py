"""Files of others are those that are on record, and nothing comes from another host."""

from __future__ import annotations

import hashlib
import re

from tests.architecture.tree import ROOT

STATIC = ROOT / "web" / "static"
_ROW = re.compile(r"\| `([^`]+)` \| (\S+) \| (\S+) \| (\S+) \| `([0-9a-f]{64})` \|")


def test_every_vendored_file_is_on_record_with_its_hash_and_licence() -> None:
    page = (STATIC / "vendor" / "VENDORED.md").read_text(encoding="utf-8")
    rows = {row[0]: row for row in _ROW.findall(page)}
    found = {path.name for path in (STATIC / "vendor").iterdir()}
    licences = {f"LICENSE-{row[1]}" for row in rows.values()}
    assert found == rows.keys() | licences | {"VENDORED.md"}
    for name, row in rows.items():
        content = (STATIC / "vendor" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row[4], name


def test_the_style_sheet_reads_the_same_from_either_side() -> None:
    text = (STATIC / "comity.css").read_text(encoding="utf-8")
    sided = re.compile(
        r"(?:margin|padding|border)-(?:left|right|top|bottom)|(?<![-\w])(?:left|right)\s*:"
        r"|float\s*:|text-align\s*:\s*(?:left|right)|(?<![-\w])(?:width|height)\s*:"
    )
    found = [line for line in text.splitlines() if sided.search(line)]
    assert found == []


def test_control_a_sided_rule_is_found() -> None:
    assert re.search(r"(?<![-\w])(?:left|right)\s*:", "p { left: 0 }")
