"""An application with the TAXII server and nothing else in it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from auth.doors import init_doors
from kernel.db import Database
from kernel.settings import Settings
from kernel.signing import Signer
from sharing.taxii.routes import init_taxii
from web.errors import init_errors
from web.headers import init_headers
from web.installation import Installation, init_installation


def make_app(
    settings: Settings, database: Database, signer: Signer, clock: Callable[[], int]
) -> Flask:
    """The application, its clock given."""
    app = Flask("comity")
    init_installation(app, Installation(settings, database, signer, clock))
    init_doors(app)
    init_headers(app)
    init_taxii(app)
    init_errors(app)
    return app
