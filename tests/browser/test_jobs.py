"""Long work at a real browser and a real worker: followed, left alone, and found again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Site, Watched
from tests.browser.places import ANALYST, FORUM, Look
from tests.browser.test_every_page import find_faults
from tests.browser.test_liaison import indicator
from tests.journeys.test_demo import demonstrating

COUNT = 1500
# The machine may be busy with other tests.
_PATIENCE_MS = 180_000


@pytest.fixture(scope="module")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A demonstration of its own: with so much in its forum, others would wait for long work."""
    with demonstrating(tmp_path_factory.mktemp("crowded")) as document:
        yield Site(document, chromium)


@pytest.mark.parametrize("javascript", [False, True], ids=["without-javascript", "with"])
def test_a_large_file_is_followed_to_its_end(
    site: Site, open_page: Callable[..., Watched], *, javascript: bool
) -> None:
    base = 100_000 if javascript else 200_000
    host = "many-with.example" if javascript else "many-without.example"
    objects = [indicator(base + number, f"{number}.{host}") for number in range(COUNT)]
    lines = [json.dumps(one) for one in objects] + ["{", '{"type": "indicator"}']
    watched = open_page(ANALYST, java_script_enabled=javascript)
    page = watched.page
    page.goto(f"{FORUM}/contribute")
    content = "\n".join(lines).encode()
    page.set_input_files(
        "#long_file", {"name": "many.jsonl", "mimeType": "application/json", "buffer": content}
    )
    page.click("button:has-text('Contribute all of it')")
    page.wait_for_url("**/sharing/jobs/*")
    where = page.url
    assert page.is_visible("progress")
    assert page.is_visible("button:has-text('Cancel it')")
    # It goes on without us.
    page.goto("/sharing")
    page.click("text=Long work")
    page.wait_for_selector("caption:has-text('the newest first')")
    page.click(f"a[href='{where.removeprefix(site.base)}']")
    page.wait_for_selector(f"text={COUNT} objects were taken", timeout=_PATIENCE_MS)
    assert page.inner_text("#job-state") == "done"
    assert page.is_visible("caption:has-text('What was refused, and why')")
    assert page.is_visible(f"text=line {COUNT + 1}")
    assert not page.is_visible("progress")
    if javascript:
        assert find_faults(watched, Look("job", ANALYST, where), "ltr") == []
    page.fill("#site-search", f"7.{host}")
    page.click(".search button")
    page.wait_for_selector("text=yes, in Example Forum")
    assert watched.faults == []


def test_a_collection_is_fetched_as_a_file(site: Site, open_page: Callable[..., Watched]) -> None:
    watched = open_page(ANALYST, accept_downloads=True)
    page = watched.page
    page.goto(f"{FORUM}/collections/{site.collection}")
    page.click("button:has-text('as a STIX file')")
    page.wait_for_selector("a:has-text('Fetch the file')", timeout=_PATIENCE_MS)
    with page.expect_download() as fetching:
        page.click("a:has-text('Fetch the file')")
    told = json.loads(fetching.value.path().read_bytes())
    assert told["type"] == "bundle"
    assert len(told["objects"]) > 10
    assert watched.faults == []
