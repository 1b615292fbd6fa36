"""Persona x page x record: what each person is answered, kept in docs/page-matrix.csv to review.

`COMITY_WRITE_MATRIX=1` with this file rewrites the page; read the difference before you commit it.
A cell is the HTTP status, with `sign-in` where it leads there. The records are those of the
matrix of the other doors. Forms are sent empty: the matrix is about who may enter.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auth import services as auth_services
from auth.doors import find_sign
from kernel.db import Database
from kernel.settings import Settings
from tests.access.test_matrix import NEVER, ROLES, Scene
from tests.browsing import Browser, add_person
from tests.sharing.jobs.asking import ask_to_export, run
from tests.sharing.taxii.world import make_world

PAGE = Path(__file__).parents[2] / "docs" / "page-matrix.csv"
PERSONAS = (
    *("visitor", "signed-out", "disabled", "suspended-member"),
    *(f"xbb-{role}" for role in ROLES),
    *("xcc-everything", "secretariat", "operator"),
)
"""XBB is granted what XAA shares, XCC is not; the secretariat is that of the quay."""
OUTSIDE = ("visitor", "signed-out", "disabled", "suspended-member")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_LEFT = re.compile(r"<(?:(\w+):)?\w+>")
# What the other doors do not name: nothing of that id was ever there.
_NOTHING = {"int": "0", "uuid": NEVER}


class Visits:
    """The scene of the other doors, with a browser for each person."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.world = scene, scene.world
        self.emails = {
            f"xbb-{role}": add_person(self.world, f"{role}@pages.example", "XBB", role)
            for role in ROLES
        }
        self.emails |= {
            "secretariat": "ann@people.example",
            "operator": add_person(self.world, "op@comity.example", None, "operator"),
            "xcc-everything": add_person(self.world, "xcc@xcc.example", "XCC", *ROLES),
        }
        self.tokens: dict[str, str] = {}
        self.job = ask_to_export(self.world, self.emails["xbb-contributor"])
        run(self.world, self.job)
        self.browsers = {name: self._open(name) for name in PERSONAS}

    def _open(self, name: str) -> Browser:
        said = {"actor": "operator", "now_us": self.world.clock()}
        if name == "visitor":
            return Browser(self.world)
        if name == "disabled":
            email = add_person(self.world, "gone@xbb.example", "XBB", *ROLES)
            browser = Browser(self.world, email)
            with self.world.database.write() as connection:
                auth_services.disable_person(connection, email, **said)
            return browser
        if name == "suspended-member":
            return Browser(self.world, add_person(self.world, "x@xff.example", "XFF", *ROLES))
        if name == "signed-out":
            browser = Browser(self.world, self.emails["xcc-everything"])
            browser.get("/account")
            cookie = browser.client.get_cookie("comity-session")
            assert cookie is not None
            browser.post("/sign-out")
            browser.client.set_cookie("comity-session", cookie.value)
            return browser
        return Browser(self.world, self.emails[name])

    def askings(self) -> Iterator[tuple[str, str, str, str]]:
        """(method, route, record, address) of every page; each record that it can name."""
        app = self.world.app
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                sign = find_sign(app, rule.endpoint, method)
                if sign is None or not sign.is_of_page:
                    continue
                for record, names in self.records(rule.rule):
                    address = rule.rule
                    for name, value in names.items():
                        address = address.replace(f"<{name}>", value)
                    address = _LEFT.sub(lambda left: _NOTHING.get(left[1], NEVER), address)
                    yield method, rule.rule, record, address

    def records(self, rule: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Those of the other doors; and long work, that of XBB's contributor and none at all."""
        name = "uuid:job_id"
        if f"<{name}>" in rule:
            yield "of xbb-contributor", {name: self.job}
            yield "absent", {name: NEVER}
            return
        yield from self.scene.records(rule)

    def ask(self, who: str, method: str, address: str) -> str:
        browser = self.browsers[who]
        if method == "GET":
            answer = browser.client.get(address)
        else:
            sent = {"csrf_token": self._token(who)}
            answer = browser.client.open(address, method=method, data=sent)
            if address == "/sign-out" and who not in OUTSIDE:
                browser.sign_in(self.emails[who])
                self.tokens.pop(who)
        leads = answer.headers.get("Location", "").startswith("/sign-in")
        return f"{answer.status_code} sign-in" if leads else str(answer.status_code)

    def _token(self, who: str) -> str:
        if who not in self.tokens:
            found = _TOKEN.search(self.browsers[who].get("/sign-in").text)
            assert found is not None
            self.tokens[who] = found[1]
        return self.tokens[who]


def tabulate(visits: Visits) -> list[list[str]]:
    rows = [["method", "page", "record", *PERSONAS]]
    for method, route, record, address in visits.askings():
        cells = [visits.ask(who, method, address) for who in PERSONAS]
        rows.append([method, route, record, *cells])
    return rows


@pytest.fixture
def visits(sqlite_database: Database, sqlite_settings: Settings) -> Visits:
    """On the embedded database: no database has a part in who may enter."""
    world = make_world(sqlite_database, replace(sqlite_settings, failed_delay_seconds=0.0))
    return Visits(Scene(world))


def test_every_person_is_answered_at_every_page_as_the_matrix_says(visits: Visits) -> None:
    rows = tabulate(visits)
    if os.environ.get("COMITY_WRITE_MATRIX"):
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(rows)
        PAGE.write_text(written.getvalue(), encoding="utf-8")
    with PAGE.open(encoding="utf-8", newline="") as page:
        known = list(csv.reader(page))
    assert rows[0] == known[0]
    assert {tuple(row) for row in rows} ^ {tuple(row) for row in known} == set()


def test_in_the_matrix_hidden_is_absent_and_who_is_outside_learns_nothing() -> None:
    with PAGE.open(encoding="utf-8", newline="") as page:
        rows = list(csv.DictReader(page))
    assert len(rows) > 10
    by_record = {(row["method"], row["page"], row["record"]): row for row in rows}
    for row in rows:
        assert all(not cell.startswith("5") for cell in row.values()), row
        answers = {row[who] for who in OUTSIDE}
        assert len(answers) == 1, row
        absent = by_record.get((row["method"], row["page"], "absent"))
        if row["record"].startswith(("hidden", "waiting")) and absent is not None:
            for who in PERSONAS:
                assert row[who] == absent[who], (row["method"], row["page"], who)
        if row["record"] == "of xbb-contributor" and absent is not None:
            for who in set(PERSONAS) - {"xbb-contributor"}:
                assert row[who] == absent[who], (row["method"], row["page"], who)
