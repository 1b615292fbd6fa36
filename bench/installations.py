"""The peers, set up from nothing in a folder and served while a block runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Peer
from bench.servers import free_port, gunicorn, running, this_python

_HERE = Path(__file__).parent
ROOT = _HERE.parent
_OPENTAXII = ROOT / ".venv-opentaxii" / "bin" / "python"
_SHARE_ALL = '{"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}'
_OPENTAXII_CONFIG = """\
domain: "127.0.0.1"
support_basic_auth: yes
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters: {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: bench}}
taxii1:
taxii2:
  title: bench
  max_content_length: 100000000
  public_discovery: true
  allow_custom_properties: true
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "{database}", create_tables: yes}}
logging: {{opentaxii: warning, root: warning}}
"""


@contextmanager
def comity(folder: Path, database_url: str) -> Iterator[tuple[Peer, Peer]]:
    """Comity with two States, the first sharing all: the contributor's entry, the reader's."""
    folder.mkdir()
    settings = {"COMITY_DATA_DIR": str(folder), "COMITY_DATABASE_URL": database_url}
    run = commands(settings)
    run("db", "upgrade")
    run("forum", "add", "bench", "--title", "Bench")
    entries = []
    for code in ("XAA", "XAB"):
        run("member", "add", code, "--name", code)
        run("seat", "add", "bench", code)
        entries.append(run("credential", "add", code, "--name", "bench"))
    place = run("collection", "add", "bench", "--title", "Bench")["id"]
    document = folder / "policy.json"
    document.write_text(_SHARE_ALL, encoding="utf-8")
    run("policy", "set", "XAA", "bench", str(document))
    port = free_port()
    command = [this_python(), "-m", "app", "serve", "--port", str(port), "--workers", "1"]
    with running(command, port, environment=settings, log=folder / "serve.log") as server:
        path = f"/taxii2/bench/collections/{place}/objects/"
        yield tuple(  # type: ignore[misc]  # two entries, as many as States
            Peer("Comity", "127.0.0.1", port, entry["id"], entry["secret"], path, server.pid)
            for entry in entries
        )


@contextmanager
def opentaxii(folder: Path, database_url: str) -> Iterator[Peer]:
    """OpenTAXII with one public collection: it authenticates nobody, which costs it nothing."""
    folder.mkdir()
    config = folder / "opentaxii.yml"
    database = database_url or f"sqlite:///{folder}/data.db"
    config.write_text(_OPENTAXII_CONFIG.format(folder=folder, database=database), encoding="utf-8")
    settings = {
        "OPENTAXII_CONFIG": str(config),
        "PYTHONPATH": str(_HERE / "opentaxii"),
        "PYTHONWARNINGS": "ignore",
    }
    made = subprocess.run(
        [str(_OPENTAXII), str(_HERE / "opentaxii" / "peer.py")],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    ids = json.loads(made.stdout.splitlines()[-1])
    port = free_port()
    command = gunicorn(str(_OPENTAXII), "peer:app", port)
    with running(command, port, environment=settings, log=folder / "serve.log"):
        path = f"/taxii2/{ids['root']}/collections/{ids['collection']}/objects/"
        yield Peer("OpenTAXII", "127.0.0.1", port, "", "", path)


@contextmanager
def prebuilt(folder: Path, bodies: Mapping[str, bytes]) -> Iterator[Peer]:
    """A bare Flask view that returns these bodies, by the value of `limit`."""
    folder.mkdir()
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    port = free_port()
    command = gunicorn(this_python(), "bench.prebuilt:app", port)
    settings = {"BENCH_BODIES": str(folder)}
    log = folder.with_suffix(".log")
    with running(command, port, environment=settings, log=log) as server:
        yield Peer("Flask, prebuilt", "127.0.0.1", port, "", "", "/objects/", server.pid)


def surroundings() -> dict[str, str]:
    """The environment of what is started here."""
    return dict(os.environ)


def commands(settings: Mapping[str, str]):  # noqa: ANN201 - a function that runs commands
    """`comity` with these settings: from its words to what it answers as JSON."""

    def run(*words: str) -> dict[str, str]:
        done = subprocess.run(
            [this_python(), "-m", "app", *words, "--json"],
            env={**os.environ, **settings},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        told: dict[str, str] = json.loads(done.stdout or "{}")
        return told

    return run
