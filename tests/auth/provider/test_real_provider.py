"""Signing in at a real OpenID provider: npm's `oidc-provider`, certified, in a process of its own.

Its package is looked for where COMITY_TEST_OIDC_PROVIDER says (a folder with node_modules), and
installed into a folder of this run otherwise.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

from tests.auth.provider.test_lying_provider import ANA, OWN, come_back, leave, put
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World

PACKAGE = "oidc-provider@9.13.3"
BACK = "http://localhost/sign-in/provider/return"
_ACTION = re.compile(r'<form[^>]* action="([^"]+)"')
_LINK = re.compile(r'class="button" href="(http://127[^"]+)"')

pytestmark = pytest.mark.audit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node here: the provider is a program for it")
    given = os.environ.get("COMITY_TEST_OIDC_PROVIDER")
    if given:
        return Path(given)
    made = tmp_path_factory.mktemp("provider")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm could not install {PACKAGE}: {done.stderr[-300:]}")
    return made


@pytest.fixture
def issuer(folder: Path) -> Iterator[str]:
    """The provider, serving."""
    script = Path(__file__).with_name("provider.mjs")
    process = subprocess.Popen(
        ["node", str(script), str(folder), BACK],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


def visit(address: str, name: str) -> dict[str, str]:
    """Sign in there as `name` and agree to everything, as a person would; what one returns with."""
    with requests.Session() as browser:
        answer = browser.get(address, allow_redirects=False, timeout=10)
        for _ in range(20):
            leads = answer.headers.get("Location")
            if leads is not None and leads.startswith(BACK):
                return dict(parse_qsl(urlsplit(leads).query))
            if leads is not None:
                there = urljoin(answer.url, leads)
                answer = browser.get(there, allow_redirects=False, timeout=10)
                continue
            form = _ACTION.search(answer.text)
            assert form is not None, answer.text
            is_login = 'name="login"' in answer.text
            sent = {"prompt": "login", "login": name, "password": "x"}
            answer = browser.post(
                urljoin(answer.url, form[1]),
                data=sent if is_login else {"prompt": "consent"},
                allow_redirects=False,
                timeout=10,
            )
    raise AssertionError("the provider led nowhere")


def test_a_person_is_bound_and_signs_in_at_a_real_provider(world: World, issuer: str) -> None:
    world.clock.now_us = time.time_ns() // 1000
    put(world, issuer)
    bound = Browser(world, add_person(world, ANA, "XAA", "reader"))
    bound.get(OWN)
    link = _LINK.search(bound.post(OWN).text)
    assert link is not None
    come_back(bound, visit(link[1].replace("&amp;", "&"), "ana-there"))
    assert "ana-there" in bound.get(OWN).text
    visitor = Browser(world)
    told = visit(leave(visitor), "ana-there")
    come_back(visitor, told)
    assert ANA in visitor.get("/account").text
    stranger = Browser(world)
    come_back(stranger, visit(leave(stranger), "eva-there"))
    assert stranger.client.get("/account").status_code == 303
    # The provider itself gives nothing for a code that was used.
    thief = Browser(world)
    leave(thief)
    assert come_back(thief, told).status_code == 403
