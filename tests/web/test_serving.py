"""`comity serve` as a process: it starts, stops, replaces workers, and says why it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import migrations
from app import create_app
from kernel.db import Database
from kernel.settings import Settings
from tests.web.servers import Start, read_answer
from web.installation import installation_of


def test_an_operator_starts_a_new_installation_and_stops_it_at_a_terminal(start: Start) -> None:
    served = start()
    assert served.ask("/taxii2/").status == 401
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=20) == 0
    assert "Traceback" not in served.said.read_text()


def test_what_workers_share_has_connected_to_nothing(settings: Settings) -> None:
    # Two processes on one connection would lose what they acknowledge.
    app = create_app(settings)
    opened = installation_of(app).database
    pools: list[Any] = [opened.content.pool, opened.deliveries.pool]
    assert [pool.checkedin() + pool.checkedout() for pool in pools] == [0, 0]
    app.test_client().get("/taxii2/", auth=("nobody", "at all"))
    assert pools[0].checkedin() == 1
    opened.close()


def test_what_was_begun_before_a_stop_is_answered(start: Start) -> None:
    served = start()
    assert served.ask().status == 200
    half = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
    with served.open() as begun, served.open() as kept:
        begun.sendall(half)
        kept.sendall(half + b"\r\n")
        assert b"200 OK" in kept.recv(4096)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        begun.sendall(b"\r\n")
        answer = read_answer(begun)
        assert b" 200 OK" in answer
        assert b"Connection: close" in answer
    assert served.process.wait(timeout=20) == 0


def test_a_server_that_is_told_to_stop_has_logged_nothing_but_json(start: Start) -> None:
    served = start()
    assert served.ask("/taxii2/").status == 401
    with served.open() as client:
        client.sendall(b"BAD secret\r\n\r\n")
        assert b" 400 " in read_answer(client)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=20) == 0
    first, *logged = served.said.read_text().splitlines()
    assert first.startswith("listening on ")
    events = [json.loads(line)["event"] for line in logged]
    assert any("InvalidRequestLine" in event for event in events), events
    assert "secret" not in served.said.read_text()
    assert "Traceback" not in served.said.read_text()


def test_servers_that_start_together_make_one_database(start: Start) -> None:
    servers = [start(), start(), start("--port", "0", "--workers", "2")]
    assert [served.ask("/taxii2/").status for served in servers] == [401, 401, 401]


def test_a_worker_that_dies_is_replaced(start: Start) -> None:
    served = start("--port", "0", "--workers", "2")
    assert served.ask().status == 200
    before = served.workers()
    os.kill(before[0], signal.SIGKILL)
    end = time.monotonic() + 20
    while len(after := served.workers()) < len(before) or after == before:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert served.ask().status == 200


def test_a_database_that_is_behind_is_refused_with_its_mend(start: Start, tmp_path: Path) -> None:
    database = Database.open(Settings(data_dir=str(tmp_path / "var")))
    migrations.upgrade(database)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    served = start()
    assert served.process.wait(timeout=30) == 1
    said = served.said.read_text().strip().splitlines()
    assert len(said) == 1
    assert "comity db upgrade" in said[0]


def test_an_address_in_use_is_told_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = start("--port", str(taken.getsockname()[1]))
        assert served.process.wait(timeout=30) == 1
    said = served.said.read_text().strip().splitlines()
    assert len(said) == 1
    assert "--port" in said[0]


def test_a_neighbour_on_this_host_cannot_pretend_to_be_the_proxy(start: Start) -> None:
    served = start()
    answer = served.ask("/", **{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert answer.getheader("Strict-Transport-Security") is None
    behind = start("--port", "0", COMITY_TRUSTED_PROXIES="1")
    told = behind.ask("/", **{"X-Forwarded-Proto": "https"})
    assert told.getheader("Strict-Transport-Security") is not None
