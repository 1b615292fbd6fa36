"""The tree as it is committed: what the tests of this folder look at."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("app.py", "auth", "kernel", "migrations", "norms", "sharing", "web")
REQUIREMENTS = tuple(sorted(ROOT.glob("requirements*.in")))
LOCKS = tuple(sorted(ROOT.glob("requirements*.lock")))


def list_tracked() -> list[Path]:
    """Every file under version control that is in the work tree too."""
    # A checkout that belongs to another user is still the one to look at.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def list_sources() -> list[Path]:
    """The Python files of the product, without its tests and measurements."""
    return [
        path
        for path in list_tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS
    ]
