"""An export takes the memory of one large object, however much it writes.

In the short version by what Python holds; in the long one by the command itself, which may take no
more, of half a gigabyte.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tracemalloc
import uuid
from pathlib import Path

import orjson
import pytest

from sharing.services import exporting
from sharing.services.exporting import export_view
from tests.journeys.serving import ROOT
from tests.sharing.taxii.world import World

MEGABYTE = 1_000_000
BUNDLE = f"bundle--{uuid.UUID(int=1, version=4)}"
AFTERWARDS = """
import atexit, pathlib, sys
from app import main
atexit.register(lambda: sys.stderr.write(pathlib.Path("/proc/self/status").read_text()))
main()
"""


def fill(world: World, envelopes: int, *, large: int, small: int = 0) -> int:
    """Contribute envelopes of so many objects of a megabyte and of ten kilobytes; how many."""
    for _ in range(envelopes):
        world.contribute(
            *world.indicators(large, x_padding="x" * MEGABYTE),
            *world.indicators(small, x_padding="y" * (MEGABYTE // 100)),
        )
    return envelopes * (large + small)


def peak_of_export(world: World, out: Path) -> int:
    """The most bytes that Python held at any moment of the export of XAA's view."""
    seated, place = world.seated("XAA"), world.collection()
    tracemalloc.start()
    try:
        export_view(world.database, seated, place, out, bundle_id=BUNDLE, now_us=world.clock())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_view_is_exported_in_the_memory_of_a_few_of_its_objects(
    world: World, tmp_path: Path
) -> None:
    count = fill(world, 1, large=24, small=100)
    out = tmp_path / "view.json"
    assert peak_of_export(world, out) < 5 * MEGABYTE
    assert len(orjson.loads(out.read_bytes())["objects"]) == count


def test_control_pages_that_know_no_bytes_hold_it_all(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(small_world, 1, large=24, small=100)
    monkeypatch.setattr(exporting, "_PAGE_BYTES", 1 << 40)
    assert peak_of_export(small_world, tmp_path / "view.json") > 24 * MEGABYTE


def run_command(world: World, code: str, out: Path, limit: int | None) -> dict[str, int]:
    """Export a view by the command, under a limit of memory; what it had at most, in kB."""

    def forbid() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    words = ["--as", code, "--collection", world.collections["reports"], "--out", str(out)]
    ran = subprocess.run(
        [sys.executable, "-c", AFTERWARDS, "export", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        preexec_fn=forbid,
        env=os.environ
        | {
            "COMITY_DATABASE_URL": world.settings.database_url,
            "COMITY_DATA_DIR": world.settings.data_dir,
        },
    )
    assert ran.returncode == 0, ran.stderr
    told = dict(line.split(":", 1) for line in ran.stderr.splitlines() if line.startswith("Vm"))
    return {name: int(told[name].split()[0]) for name in ("VmPeak", "VmHWM")}


@pytest.mark.audit
def test_half_a_gigabyte_is_exported_in_the_memory_of_its_largest_envelope(
    world: World, tmp_path: Path
) -> None:
    count = fill(world, 18, large=8, small=2000)
    out = tmp_path / "view.json"
    before = run_command(world, "XCC", out, None)
    limit = before["VmPeak"] * 1024 + world.settings.max_content_length
    after = run_command(world, "XAA", out, limit)
    assert out.stat().st_size > 500 * MEGABYTE
    with out.open("rb") as lines:
        assert sum(line.startswith(b'{"type"') for line in lines) >= count
    assert after["VmHWM"] - before["VmHWM"] < world.settings.max_content_length // 1024
