"""Settings of one installation: from `COMITY_*` environment variables or `comity.toml`.

A variable wins over the file. Unknown keys are refused, so that a misspelt setting never
silently keeps its default.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kernel.errors import Misconfigured

PREFIX = "COMITY_"
MEBIBYTE = 1024 * 1024
# Read by the test suite, or by what comes later (the networks that feeds may reach).
_NOT_SETTINGS = frozenset({"audit", "bench", "config", "egress_allow"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; names are the variables' in lower case.

    `public_url` is the base of every absolute address the server gives out; empty means the
    address of the request. `trusted_proxies` counts the proxies whose `X-Forwarded-*` are
    believed. Sizes are bytes, times seconds.
    """

    database_url: str = ""
    data_dir: str = "var"
    secret_key: str = ""
    public_url: str = ""
    trusted_proxies: int = 0
    title: str = "Comity"
    contact: str = ""
    page_default: int = 100
    page_limit: int = 1000
    max_content_length: int = 32 * MEBIBYTE
    token_seconds: int = 3600
    failed_delay_seconds: float = 0.25
    threads: int = 8
    log_format: str = "json"

    @property
    def data_path(self) -> Path:
        """The folder of the embedded database, its delivery log and the secret key."""
        return Path(self.data_dir)

    @property
    def effective_database_url(self) -> str:
        """The database: `database_url`, or SQLite in `data_dir`."""
        url = self.database_url or "sqlite:///comity.db"
        name = url.removeprefix("sqlite:///")
        if name == url or name.startswith("/") or name == ":memory:":
            return url
        return f"sqlite:///{(self.data_path / name).absolute()}"

    @property
    def is_embedded(self) -> bool:
        """Whether the database is SQLite."""
        return self.effective_database_url.startswith("sqlite:")


def load_settings(
    environment: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """Settings from `file` (or `COMITY_CONFIG`, or `./comity.toml`) and the environment.

    Raises Misconfigured (`kernel.bad-setting`) naming the key and what it wants.
    """
    environment = os.environ if environment is None else environment
    path = file or Path(environment.get("COMITY_CONFIG", "comity.toml"))
    values: dict[str, Any] = _from_file(path) if path.exists() else {}
    values.update(_from_environment(environment))
    return Settings(**{key: _typed(key, value) for key, value in values.items()})


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as fault:
        raise Misconfigured("kernel.bad-setting", f"{path} cannot be read: {fault}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    named = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(PREFIX)
    }
    return {
        key: value
        for key, value in named.items()
        if key not in _NOT_SETTINGS and not key.startswith("test_")
    }


def _typed(key: str, value: object) -> Any:  # noqa: ANN401 - the type is the setting's own
    kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(Settings)}
    if key not in kinds:
        known = ", ".join(sorted(kinds))
        raise Misconfigured("kernel.bad-setting", f"unknown setting {key!r}; known: {known}")
    try:
        # A boolean is no number here, though Python takes it for one.
        typed = kinds[key](str(value) if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        wanted = {int: "a whole number", float: "a number", str: "a text"}[kinds[key]]
        raise Misconfigured("kernel.bad-setting", f"{key} must be {wanted}") from None
    if isinstance(typed, float) and not math.isfinite(typed):
        raise Misconfigured("kernel.bad-setting", f"{key} must be a number")
    if not isinstance(typed, str) and typed < 0:
        raise Misconfigured("kernel.bad-setting", f"{key} must not be negative")
    return typed
