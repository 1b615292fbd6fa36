"""Addresses that are built once for many rows, and for all pages: the same as one by one."""

from __future__ import annotations

import pytest
from flask import Flask, url_for

from web.addresses import address_of, addresses_of, init_addresses

ODD = ("plain", "a b", "a/b", "x:1(a)", "ü", "100%", "a?b#c", "~~", "", '"><b>')


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    init_addresses(app)
    app.add_url_rule("/home", "home", str)
    app.add_url_rule("/forums/<forum>/things/<thing>", "thing", str)
    return app


@pytest.mark.parametrize("root", ["", "/below"])
def test_addresses_of_rows_are_those_that_are_built_one_by_one(app: Flask, root: str) -> None:
    for forum in ("harbour", "a b"):
        with app.test_request_context(environ_overrides={"SCRIPT_NAME": root}):
            address = addresses_of("thing", "thing", forum=forum)
            for value in ODD:
                assert address(value) == url_for("thing", forum=forum, thing=value)


def test_an_address_that_is_kept_is_that_of_where_the_application_is(app: Flask) -> None:
    for root in ("", "/below", ""):
        with app.test_request_context(environ_overrides={"SCRIPT_NAME": root}):
            assert address_of("home") == url_for("home") == f"{root}/home"


def test_two_applications_have_each_their_own_addresses(app: Flask) -> None:
    other = Flask(__name__)
    init_addresses(other)
    other.add_url_rule("/elsewhere", "home", str)
    for one, address in ((app, "/home"), (other, "/elsewhere")):
        with one.test_request_context():
            assert address_of("home") == address
