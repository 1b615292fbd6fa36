"""A briefing printed: A4, and its marking at the head and the foot of every sheet."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from tests.browser.conftest import Site, Watched
from tests.browser.places import BRIEFING, DIPLOMAT

A4 = (595, 842)


def test_a_briefing_prints_on_a4_with_its_marking_on_every_sheet(
    site: Site, open_page: Callable[..., Watched]
) -> None:
    assert site
    watched = open_page(DIPLOMAT)
    watched.page.goto(BRIEFING)
    sheets = read_sheets(watched.page.pdf(prefer_css_page_size=True))
    assert len(sheets) > 1, "one sheet tells nothing of the next"
    for size, fonts in sheets:
        assert size == A4
        # The chip is all that is bold and monospaced here.
        assert sum("Mono" in font for font in fonts) >= 2, fonts
        assert "Mono" in fonts[0]
    assert watched.faults == []


def read_sheets(pdf: bytes) -> list[tuple[tuple[int, int], list[str]]]:
    """Of each sheet, its size in points and the fonts in the order of their use."""
    objects = {
        int(found[1]): found[2] for found in re.finditer(rb"(\d+) 0 obj(.*?)endobj", pdf, re.DOTALL)
    }
    sheets = []
    for value in objects.values():
        if not re.search(rb"/Type\s*/Page\b(?!s)", value):
            continue
        box = re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", value)
        content = re.search(rb"/Contents (\d+)", value)
        assert box is not None
        assert content is not None
        raw = objects[int(content[1])].partition(b"stream")[2].lstrip(b"\r\n")
        drawn = zlib.decompressobj().decompress(raw)
        names = {
            found[1]: re.search(rb"/BaseFont\s*/(\S+)", objects[int(found[2])])
            for found in re.finditer(rb"/(F\d+) (\d+) 0 R", value)
        }
        used = [names[one] for one in re.findall(rb"/(F\d+) [\d.]+ Tf", drawn)]
        fonts = [one[1].decode() for one in used if one is not None]
        sheets.append(((round(float(box[1])), round(float(box[2]))), fonts))
    return sheets
