"""Starting medallion and OpenTAXII, each with a root, a collection and a user who may all of it.

`make test` makes their virtual environments from `requirements-medallion.lock` and
`requirements-opentaxii.lock`. What each does otherwise than TAXII 2.1 says is in the documents
(`docs/dependencies.md`) and, where the tests meet it, in `tests/peers/test_peers.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bench.servers import free_port, running
from kernel.outbound.trust import Credential

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_TAXII = "application/taxii+json;version=2.1"
_USER, _PASSWORD = "feed", "a password of the feed"
_COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
_OPENTAXII = """\
domain: "127.0.0.1:{port}"
support_basic_auth: yes
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters: {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: peer}}
taxii1:
taxii2:
  title: OpenTAXII
  max_content_length: 10485760
  public_discovery: false
  allow_custom_properties: true
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "sqlite:///{folder}/data.db", create_tables: yes}}
logging: {{opentaxii: warning, root: warning}}
"""


@dataclass(frozen=True)
class PeerServer:
    """A running server: `url` is its discovery, `root_url` the root of the collection `collection`.

    `title` is the collection's.
    """

    name: str
    url: str
    root_url: str
    collection: str
    title: str = "Reports"
    user: str = _USER
    password: str = _PASSWORD

    @property
    def credential(self) -> Credential:
        return Credential(self.user, self.password)

    @property
    def collection_url(self) -> str:
        return f"{self.root_url}collections/{self.collection}/"

    def add(self, *objects: Mapping[str, Any]) -> dict[str, Any]:
        """Add objects as the user; the status resource that the server answers with."""
        answer = self._ask("POST", "objects/", {"objects": list(objects)})
        told: dict[str, Any] = answer.json()
        return told

    def remove(self, object_id: str) -> None:
        """Remove every version of an object; OpenTAXII says that it did, and keeps it."""
        self._ask("DELETE", f"objects/{object_id}/?match[version]=all")

    def objects(self) -> list[dict[str, Any]]:
        """What is there, every version of it, in one page."""
        answer = self._ask("GET", "objects/?limit=1000&match[version]=all")
        found: list[dict[str, Any]] = answer.json().get("objects", [])
        return found

    def _ask(self, method: str, place: str, body: object = None) -> requests.Response:
        answer = requests.request(
            method,
            self.collection_url + place,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Accept": _TAXII, "Content-Type": _TAXII},
            auth=(self.user, self.password),
            timeout=30,
        )
        answer.raise_for_status()
        return answer


@contextmanager
def medallion(folder: Path, *, page: int = 100) -> Iterator[PeerServer]:
    """medallion, which keeps all in memory and serves `page` objects at most."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    data, config = folder / "data.json", folder / "medallion.json"
    data.write_text(json.dumps(_medallion_data(f"{base}/forum/")), encoding="utf-8")
    backend = {
        "module": "medallion.backends.memory_backend",
        "module_class": "MemoryBackend",
        "filename": str(data),
    }
    users, taxii = {_USER: _PASSWORD}, {"max_page_size": page}
    config.write_text(json.dumps({"backend": backend, "users": users, "taxii": taxii}))
    command = [
        _python("medallion"),
        "-m",
        "medallion.scripts.run",
        "--port",
        str(port),
        str(config),
    ]
    with running(command, port, environment={}, log=folder / "medallion.log"):
        yield PeerServer("medallion", f"{base}/taxii2/", f"{base}/forum/", _COLLECTION)


@contextmanager
def opentaxii(folder: Path, *, as_released: bool = False) -> Iterator[PeerServer]:
    """OpenTAXII on SQLite; `as_released` leaves its `spec_version` as wrong as it is."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "opentaxii.yml"
    config.write_text(_OPENTAXII.format(folder=folder, port=port), encoding="utf-8")
    places = (_HERE / "opentaxii", ROOT / "bench" / "opentaxii")
    environment = {
        "OPENTAXII_CONFIG": str(config),
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PYTHONWARNINGS": "ignore",
        "PEER_ACCOUNT": f"{_USER}:{_PASSWORD}",
        "PEER_AS_RELEASED": "1" if as_released else "",
        "PEER_IDS": str(folder / "ids.json"),
    }
    command = [
        *(
            _python("opentaxii"),
            "-m",
            "gunicorn",
            "--worker-class=gthread",
            "--threads=4",
            "--workers=1",
        ),
        *(f"--bind=127.0.0.1:{port}", "application:app"),
    ]
    base = f"http://127.0.0.1:{port}/taxii2/"
    log = folder / "opentaxii.log"
    with running(command, port, environment=environment, log=log) as process:
        ids = _read_when_there(folder / "ids.json", process, log)
        yield PeerServer("OpenTAXII", base, f"{base}{ids['root']}/", ids["collection"])


def _read_when_there(path: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    """What the server has written when it is ready: it listens before."""
    for _ in range(600):
        if path.exists() and path.stat().st_size:
            found: dict[str, str] = json.loads(path.read_text())
            return found
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def _python(name: str) -> str:
    python = ROOT / f".venv-{name}" / "bin" / "python"
    assert python.exists(), f"{name} is not installed: `make .venv-{name}/.ready`"
    return str(python)


def _medallion_data(root_url: str) -> dict[str, Any]:
    place = {
        "id": _COLLECTION,
        "title": "Reports",
        "can_read": True,
        "can_write": True,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": [],
        "manifest": [],
    }
    information = {"title": "Forum", "versions": [_TAXII], "max_content_length": 10 * 1024 * 1024}
    return {
        "/discovery": {"title": "medallion", "default": root_url, "api_roots": [root_url]},
        "forum": {"information": information, "status": [], "collections": [place]},
    }
