"""What pages are made of besides themselves: one style sheet, a little script, vendored files.

Their address carries what they are, so that a browser keeps them until they change.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from flask import Flask, Response, request, send_from_directory, url_for

FOLDER: Final = Path(__file__).parent / "static"
_A_YEAR_SECONDS: Final = 365 * 24 * 3600


def init_assets(app: Flask) -> None:
    """Put the files into `app`, at `/static/`; `app` signs them."""
    app.add_url_rule("/static/<path:name>", "static", show_asset, methods=["GET"])


def show_asset(name: str) -> Response:
    """GET /static/NAME: a file; kept by browsers when it is asked for as what it is now."""
    response = send_from_directory(FOLDER, name, conditional=True, etag=True)
    # By names of files only: there are many other ways to write one, and each would be kept.
    if name in _names() and request.args.get("v") == _version_of(name):
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response


def asset_address(name: str) -> str:
    """The address of a file as it is now."""
    return url_for("static", name=name, v=_version_of(name))


@cache
def _names() -> frozenset[str]:
    return frozenset(
        path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()
    )


@cache
def _version_of(name: str) -> str:
    path = FOLDER / name
    if not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
