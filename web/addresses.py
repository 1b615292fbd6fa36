"""Addresses on pages: what is the same on every page, or in every row of one, is built once.

Building an address takes longer than writing the row that it stands in. What does not live here:
which addresses there are (the rooms' routes), absolute ones (`web.installation.public_base`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from flask import Flask, current_app, request, url_for

_KEPT: Final = "comity.addresses"
_MOST_KEPT: Final = 512
# As werkzeug writes a part of a path (`routing.converters.BaseConverter.to_url`).
_SAFE: Final = "!$&'()*+,/:;=@"
# No forum's name has it.
_MARK: Final = "~~"


def init_addresses(app: Flask) -> None:
    """Let templates of `app` ask for addresses."""
    # One for each application: its routes are its own.
    app.extensions[_KEPT] = lru_cache(maxsize=_MOST_KEPT)(lambda endpoint, _root: url_for(endpoint))
    app.jinja_env.globals.update(address_of=address_of, addresses_of=addresses_of)


def address_of(endpoint: str) -> str:
    """The address of a page that there is once; kept, for every page leads to it."""
    address: str = current_app.extensions[_KEPT](endpoint, request.root_path)
    return address


def addresses_of(endpoint: str, name: str, **rest: Any) -> Callable[[str], str]:  # noqa: ANN401
    """The addresses of rows that differ by the last part of the path, which is called `name`."""
    values: dict[str, Any] = {**rest, name: _MARK}
    before, _, after = url_for(endpoint, **values).rpartition(_MARK)
    return lambda value: f"{before}{quote(value, safe=_SAFE)}{after}"
