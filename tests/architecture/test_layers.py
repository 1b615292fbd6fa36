"""The rooms look only down: the contracts in `.importlinter`, run as a test too."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

COMMAND = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_rooms_keep_every_contract() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_a_kernel_that_looks_up_is_found_out(tmp_path: Path) -> None:
    for name in (".importlinter", "auth", "kernel", "migrations", "norms", "sharing", "web"):
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / name, ignore=ignore)
        else:
            shutil.copy(source, tmp_path / name)
    clock = tmp_path / "kernel" / "clock.py"
    clock.write_text(clock.read_text(encoding="utf-8") + "\nimport auth.reader\n", encoding="utf-8")
    assert lint(tmp_path).returncode != 0
