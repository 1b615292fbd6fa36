"""OpenTAXII as a partner; runs in its own virtual environment and imports nothing of Comity.

It stands on the bench's `peer`, which mends its JSON. As released it serves each object's type as
its `spec_version`, which no reader of STIX takes: `PEER_AS_RELEASED` leaves that so.
`application:app` is the WSGI application; it makes a root, a collection and the account of
`PEER_ACCOUNT` (user:password), which reads and writes it, and leaves their ids in `PEER_IDS`.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import peer
from opentaxii.auth.sqldb import models
from opentaxii.entities import Account
from opentaxii.taxii2.entities import STIXObject
from werkzeug.security import generate_password_hash

# Each request brings the password: a hash that takes half a second would be most of a test.
models.generate_password_hash = functools.partial(
    generate_password_hash, method="pbkdf2:sha256:1000"
)
app = peer.app
_begin = STIXObject.__init__


def _begin_with_version(self, *rest, serialized_data, spec_version, **more) -> None:
    whole = {"spec_version": spec_version, **serialized_data}
    _begin(self, *rest, serialized_data=whole, spec_version=spec_version, **more)


if not os.environ.get("PEER_AS_RELEASED"):
    STIXObject.__init__ = _begin_with_version


def _set_up(place: Path) -> None:
    user, password = os.environ["PEER_ACCOUNT"].split(":")
    with app.app_context():
        api = peer.server.servers.taxii2.persistence.api
        root = api.add_api_root(title="Forum", default=True, is_public=False)
        reports = api.add_collection(str(root.id), "Reports", alias="reports")
        # As released, an account can be given no right that its TAXII 2.1 asks for, but this one.
        account = Account(id=None, username=user, permissions={}, is_admin=True)
        peer.server.auth.api.update_account(account, password)
    place.write_text(json.dumps({"root": str(root.id), "collection": str(reports.id)}))


_set_up(Path(os.environ["PEER_IDS"]))
