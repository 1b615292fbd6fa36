"""Secrets stay secret: no credential, token or key is in a database, its log, or what is logged.

Canaries are looked for in the bytes of every file, and of every row where the database is a
server, in all the forms in which they travel.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from sqlalchemy import MetaData, select, update

from auth.tables import credential
from kernel.db import Database
from kernel.logs import configure_logging
from tests.auth.tools.asking import make_desk
from tests.journeys.serving import serving
from tests.reliability.polling import Client
from tests.sharing.taxii.world import World


def forms(secret: str, credential_id: str = "") -> dict[str, bytes]:
    """A secret as it is written, and as it travels."""
    raw = secret.encode()
    pair = f"{credential_id}:{secret}".encode()
    return {
        "as it is": raw,
        "without its prefix": raw.rpartition(b"_")[2],
        "in base64": base64.b64encode(raw).rstrip(b"="),
        "as HTTP Basic": base64.b64encode(pair).rstrip(b"="),
        "in hexadecimal": raw.hex().encode(),
    }


def find_leaks(content: bytes, needles: dict[str, dict[str, bytes]]) -> list[str]:
    """Which secrets stand in `content`, and how."""
    lowered = content.lower()
    return [
        f"{name} {form}"
        for name, written in needles.items()
        for form, needle in written.items()
        if needle in content or needle.lower() in lowered
    ]


def kept(database: Database, folder: Path) -> bytes:
    """Every byte that the installation keeps, its key file apart, which is the secret's place."""
    parts = [
        path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "secret.key"
    ]
    if not database.is_sqlite:
        parts += _rows(database)
    return b"\n".join(parts)


def _rows(database: Database) -> Iterator[bytes]:
    metadata = MetaData()
    with database.content.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.tables.values():
            for row in connection.execute(select(table)):
                for value in row:
                    yield bytes(value) if isinstance(value, bytes | memoryview) else b""
                    yield str(value).encode()


Log = Callable[[], str]


@pytest.fixture
def logged(world: World, capsys: pytest.CaptureFixture[str]) -> Log:
    """What the product has logged, as an installation has it logged."""
    structlog.reset_defaults()  # whatever the other tests want quiet
    configure_logging(world.settings)
    return lambda: capsys.readouterr().err


def use_secrets(world: World) -> dict[str, dict[str, bytes]]:
    """Use credentials and tokens, rightly and wrongly, in every place where one may stand."""
    credential_id, secret = world.secrets["xaa"]
    client = world.app.test_client()
    pair = base64.b64encode(f"{credential_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    token = client.post(
        "/oauth/token", data=form, headers={"Authorization": f"Basic {pair}"}
    ).get_json()["access_token"]
    posted = {"client_id": credential_id, "client_secret": secret}
    assert client.post("/oauth/token", data=form | posted).status_code == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/taxii2/", headers=bearer).status_code == 200
    world.contribute(world.indicator())
    assert client.get(world.address(), headers=bearer).status_code == 200
    wrong = [
        {"Authorization": f"Basic {base64.b64encode(f'{secret}:'.encode()).decode()}"},
        {"Authorization": f"Basic {base64.b64encode(f'{secret}:{secret}'.encode()).decode()}"},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"Token {token}"},
        {"Authorization": f"Basic {pair}!"},
    ]
    for headers in wrong:
        assert client.get(world.address(), headers=headers).status_code in {401, 429}
    client.get(world.address() + f"?token={token}&added_after={secret}", headers=bearer)
    client.post("/oauth/token", data=form | posted | {"scope": token})
    client.post("/oauth/revoke", data=posted | {"token": token})
    return {"credential": forms(secret, credential_id), "token": forms(token)} | use_tool(world)


def use_tool(world: World) -> dict[str, dict[str, bytes]]:
    """A tool is let in, renews its tokens, and does both a second time; what it held."""
    desk = make_desk(world)
    code = desk.code()
    tokens = desk.exchange(code).get_json()
    newer = desk.renew(tokens["refresh_token"]).get_json()
    assert desk.use(newer["access_token"]) == 200
    assert desk.exchange(code).status_code == 400
    desk.renew(newer["refresh_token"], client_secret="comity_wrong")
    desk.post("/oauth/revoke", {"token": newer["refresh_token"]})
    return {
        "tool": forms(desk.tool.secret or "", desk.tool.id),
        "code": forms(code),
        "access token": forms(newer["access_token"]),
        "refresh token": forms(newer["refresh_token"]),
    }


def test_no_secret_is_kept_anywhere(world: World) -> None:
    needles = use_secrets(world)
    needles["key"] = forms((b"s" * 32).decode())
    folder = Path(world.settings.data_dir)
    # First with what SQLite has not moved out of its write-ahead log, then with what it has.
    assert find_leaks(kept(world.database, folder), needles) == []
    world.database.close()
    assert find_leaks(kept(world.database, folder), needles) == []


def test_no_secret_is_logged_even_when_things_go_wrong(
    world: World, logged: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    needles = use_secrets(world)

    def broken(*_given: object, **_named: object) -> None:
        held = world.authorization("xaa")  # as a traceback's local variable
        raise RuntimeError(f"unforeseen, beside {len(held)} characters")

    monkeypatch.setattr("sharing.taxii.changes.contribute", broken)
    assert world.post("xaa", world.address(), {"objects": []}).status_code == 500
    text = logged()
    assert "incident" in text
    assert "credential-refused" in text
    assert find_leaks(text.encode(), needles) == []


def test_no_secret_is_logged_by_the_server_itself(small_world: World) -> None:
    """What never reaches the application is answered, and perhaps logged, by gunicorn."""
    world = small_world
    credential_id, secret = world.secrets["xaa"]
    token = base64.b64encode(f"{credential_id}:{secret}".encode()).decode()
    odd = [
        f"GET /taxii2/?secret={secret} HTTP/1.1\r\nHost: x\r\nAuthorization : {token}\r\n\r\n",
        f"GET /taxii2/{secret} HTTP/9.9\r\nAuthorization: Basic {token}\r\n\r\n",
        f"{secret} {token}\r\n\r\n",
        f"POST /taxii2/ HTTP/1.1\r\nAuthorization: {token}\r\nContent-Length: {secret}\r\n\r\n",
        f"GET /taxii2/ HTTP/1.1\r\nHost: x\r\nX-{'y' * 9000}: {secret}\r\n\r\n",
    ]
    world.database.close()
    with serving(world.settings, b"s" * 32) as base:
        client = Client(base, world.secrets["xaa"])
        assert client.get(f"{world.address()}?added_after={secret}").status == 400
        answers = [send_raw(base, text.encode()) for text in odd]
    text = (Path(world.settings.data_dir) / "serving.log").read_bytes()
    needles = {"credential": forms(secret, credential_id)}
    assert b'"status": 400' in text
    assert find_leaks(text, needles) == []
    # Nor is it given back, to whoever reads answers on their way.
    assert find_leaks(b"".join(answers), needles) == []
    assert b"".join(answers).count(b"HTTP/1.1 4") >= 4


def send_raw(base: str, content: bytes) -> bytes:
    """Whatever the server says to these bytes before it hangs up."""
    place = urlsplit(base)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(content)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_control_a_secret_that_is_kept_is_found_in_the_database_and_its_log(world: World) -> None:
    credential_id, secret = world.secrets["xaa"]
    needles = {"credential": forms(secret, credential_id)}
    with world.database.write() as connection:
        connection.execute(
            update(credential).where(credential.c.id == credential_id).values(name=secret)
        )
    folder = Path(world.settings.data_dir)
    assert find_leaks(kept(world.database, folder), needles) != []
    if world.database.is_sqlite:
        (log,) = folder.glob("comity.db-wal")
        assert find_leaks(log.read_bytes(), needles) != []
    world.database.close()
    assert find_leaks(kept(world.database, folder), needles) != []


def test_control_a_secret_that_is_logged_is_found(world: World, logged: Log) -> None:
    credential_id, secret = world.secrets["xaa"]
    needles = {"credential": forms(secret, credential_id)}
    structlog.get_logger("control").error("seen", header=world.authorization("xaa"))
    assert find_leaks(logged().encode(), needles) == ["credential as HTTP Basic"]
