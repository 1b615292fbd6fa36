"""OpenTAXII as a peer; runs in its own virtual environment and imports nothing of Comity.

As released, it answers 500 where its JSON encoder meets a UUID; the lines below give the one
`json.dumps` of its answers `default=str`. `python peer.py` makes an API root and a public
collection and prints their ids; `peer:app` is the WSGI application.
"""

from __future__ import annotations

import functools
import json
import sys
import types

import opentaxii.taxii2.http
from opentaxii.config import ServerConfig
from opentaxii.middleware import create_app
from opentaxii.server import TAXIIServer

opentaxii.taxii2.http.json = types.SimpleNamespace(dumps=functools.partial(json.dumps, default=str))
server = TAXIIServer(ServerConfig())
app = create_app(server)


def _main() -> None:
    with app.app_context():
        api = server.servers.taxii2.persistence.api
        root = api.add_api_root(title="Bench", default=True, is_public=True)
        place = api.add_collection(str(root.id), "Bench", is_public=True, is_public_write=True)
    json.dump({"root": str(root.id), "collection": str(place.id)}, sys.stdout)


if __name__ == "__main__":
    _main()
