"""A person at a browser without JavaScript, in process: follows forms, keeps cookies.

What does not live here: a real browser (tests/browser).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from auth import services as auth_services
from auth.queries.persons import find_person
from auth.services.sessions import begin_session
from tests.sharing.taxii.world import World

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def add_person(world: World, email: str, code: str | None, *roles: str) -> str:
    """A person of a member (of nobody: an operator), who has not signed in yet."""
    body = auth_services.PersonsBody(member_code=code, is_operator=code is None)
    with world.database.write() as connection:
        auth_services.add_person(
            connection, body, email, roles, actor="operator", now_us=world.clock()
        )
    return email


class Browser:
    """One person's browser; `email` None is a visitor."""

    def __init__(self, world: World, email: str | None = None) -> None:
        self.world = world
        self.client = world.app.test_client()
        self.last: Any = None
        if email is not None:
            self.sign_in(email)

    def sign_in(self, email: str) -> None:
        """Begin a session as if a password had been given."""
        with self.world.database.write() as connection:
            found = find_person(connection, email)
            assert found is not None
            token = begin_session(
                connection,
                self.world.signer,
                found,
                "password",
                agent="a test",
                now_us=self.world.clock(),
            )
        self.client.set_cookie("comity-session", token)

    def get(self, address: str, **rest: Any) -> Any:
        """The page at an address, redirects followed."""
        self.last = self.client.get(address, follow_redirects=True, **rest)
        return self.last

    def post(self, address: str, data: Any = None, *, token: str | None = None, **rest: Any) -> Any:
        """A form sent from the page that was looked at last, redirects followed."""
        if token is None:
            found = _TOKEN.search(self.last.text if self.last is not None else "")
            if found is None:
                found = _TOKEN.search(self.client.get("/sign-in", follow_redirects=True).text)
            assert found is not None, "the page has no form"
            token = found[1]
        sent = {**(data or {}), "csrf_token": token}
        self.last = self.client.post(address, data=sent, follow_redirects=True, **rest)
        return self.last

    def address(self) -> str:
        """Where the browser is now."""
        parts = urlsplit(urljoin("http://localhost/", self.last.request.full_path))
        return parts.path
