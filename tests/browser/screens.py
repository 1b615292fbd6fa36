"""Pictures of every page of the demonstration: `python -m tests.browser.screens FOLDER [NAME...]`.

Made at a fresh demonstration in a folder of its own; with names, only of those pages.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, Site, find_chromium
from tests.browser.places import list_looks
from tests.journeys.test_demo import demonstrating

SIZE = {"width": 1200, "height": 800}


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        demonstrating(Path(data)) as document,
        sync_playwright() as made,
    ):
        chromium = made.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        site = Site(document, chromium)
        for look in list_looks(site):
            if names and look.name not in names:
                continue
            context = site.context(look.who, base_url=site.base, viewport=SIZE)
            page = context.new_page()
            page.goto(look.address)
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{look.name}.png", full_page=not names)
            context.close()
            print(folder / f"{look.name}.png")
        chromium.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
