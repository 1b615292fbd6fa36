"""What a running application was made with: settings, database, signer, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from flask import Flask, current_app, request

from kernel import clock
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import Signer

_KEY: Final = "comity"


@dataclass(frozen=True, slots=True)
class Installation:
    """One application's surroundings; `clock` gives the instant in microseconds."""

    settings: Settings
    database: Database
    signer: Signer
    clock: Callable[[], int] = clock.now_us


def init_installation(app: Flask, installation: Installation) -> None:
    """Give `app` its surroundings; once, before anything else is put into it."""
    app.extensions[_KEY] = installation


def installation_of(app: Flask) -> Installation:
    """The surroundings of this application."""
    return cast("Installation", app.extensions[_KEY])


def current_settings() -> Settings:
    """The settings of the application that answers this request."""
    return installation_of(current_app).settings


def current_database() -> Database:
    """The database of the application that answers this request."""
    return installation_of(current_app).database


def current_signer() -> Signer:
    """The signer of the application that answers this request."""
    return installation_of(current_app).signer


def current_instant_us() -> int:
    """Now, by the application's clock."""
    return installation_of(current_app).clock()


def public_base() -> str:
    """The base of every absolute address given out, without a slash at its end.

    `public_url` when it is set, else the address of the request.
    """
    return (current_settings().public_url or request.url_root).rstrip("/")
