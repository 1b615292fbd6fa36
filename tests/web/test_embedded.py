"""The embedded worker of `comity serve`: one process more, which comes back, and ends with it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.web.servers import Served, Start

PATIENCE_SECONDS = 40


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def holders(served: Served) -> list[int]:
    """The process ids of the embedded workers that have started, in order."""
    return [int(entry["holder"].split(":")[-2]) for entry in told(served, "worker-started")]


def told(served: Served, event: str) -> list[dict[str, Any]]:
    lines = [line for line in served.said.read_text().splitlines() if line.startswith("{")]
    entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if entry.get("event") == event]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def opened(pid: int) -> set[str]:
    return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.exists()}


def test_a_server_has_one_embedded_worker_that_listens_on_nothing(start: Start) -> None:
    served = start("--port", "0", "--workers", "2")
    assert served.ask().status == 200
    until(lambda: holders(served) and len(served.workers()) == 3)
    (pid,) = holders(served)
    assert pid in served.workers()
    (inode,) = {
        fields[9]
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[1].endswith(f":{served.port:04X}")
    }
    assert f"socket:[{inode}]" not in opened(pid)
    assert f"socket:[{inode}]" in opened(served.process.pid)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=20) == 0
    assert len(told(served, "worker-stopped")) == 1


def test_an_operator_can_do_without_it(start: Start) -> None:
    served = start(COMITY_EMBEDDED_WORKER="false")
    assert served.ask().status == 200
    time.sleep(1.5)
    assert len(served.workers()) == 1
    assert holders(served) == []


def test_an_embedded_worker_that_dies_is_replaced_while_the_others_answer(start: Start) -> None:
    served = start()
    until(lambda: holders(served))
    (dead,) = holders(served)
    os.kill(dead, signal.SIGKILL)
    assert served.ask().status == 200
    until(lambda: len(holders(served)) == 2)
    assert len(served.workers()) == 2
    assert holders(served)[-1] in served.workers()


def test_an_embedded_worker_does_not_outlive_a_master_that_is_killed(start: Start) -> None:
    served = start()
    until(lambda: holders(served))
    (pid,) = holders(served)
    served.process.kill()
    until(lambda: not is_alive(pid))
    assert [entry["holder"] for entry in told(served, "worker-stopped")]


def test_a_reload_and_fewer_workers_leave_one_that_answers_and_one_embedded(start: Start) -> None:
    served = start()
    until(lambda: holders(served))
    (before,) = holders(served)
    served.process.send_signal(signal.SIGHUP)
    until(lambda: len(holders(served)) == 2 and not is_alive(before))
    for number in (signal.SIGTTOU, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTTOU):
        served.process.send_signal(number)
        time.sleep(1.2)
    until(lambda: len(served.workers()) == 2)
    assert served.ask().status == 200
    until(lambda: holders(served)[-1] in served.workers())
