"""Settings of one installation: from `COMITY_*` environment variables or `comity.toml`.

A variable wins over the file. Unknown keys are refused, so that a misspelt setting never
silently keeps its default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, TypeAlias

from kernel.errors import Misconfigured

Network: TypeAlias = IPv4Network | IPv6Network
PREFIX = "COMITY_"
MEBIBYTE = 1024 * 1024
# Read by the test suite, or where the file is.
_NOT_SETTINGS = frozenset({"audit", "bench", "config"})
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "trusted_proxies": (0, 16),
    "page_default": (1, 100_000),
    "page_limit": (1, 100_000),
    "max_content_length": (1, 1024 * MEBIBYTE),
    "max_import_length": (1, 64 * 1024 * MEBIBYTE),
    "token_seconds": (1, 366 * 24 * 3600),
    "failed_delay_seconds": (0, 60),
    "threads": (1, 256),
}
_CHOICES: Final = {"log_format": ("json", "console")}
_SAID: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; names are the variables' in lower case.

    `public_url` is the base of every absolute address the server gives out; empty means the
    address of the request. `trusted_proxies` counts the proxies whose `X-Forwarded-*` are
    believed; `embedded_worker` is whether a server does due work too. `max_import_length` is of
    files that are contributed as long work. `egress_allow` lists the networks beside the public
    internet that requests may go to. Sizes are bytes, times seconds.
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
    max_import_length: int = 512 * MEBIBYTE
    token_seconds: int = 3600
    failed_delay_seconds: float = 0.25
    threads: int = 8
    log_format: str = "json"
    embedded_worker: bool = True
    egress_allow: str = ""
    sealing_keys: str = ""

    @property
    def egress_networks(self) -> tuple[Network, ...]:
        """What `egress_allow` lists. Raises ValueError for what is no network."""
        return tuple(map(ip_network, _listed(self.egress_allow)))

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
    settings, refused = read_settings(environment, file)
    if refused:
        raise refused[0]
    return settings


def read_settings(
    environment: Mapping[str, str] | None = None, file: Path | None = None
) -> tuple[Settings, list[Misconfigured]]:
    """Settings as far as they can be taken, and a refusal for each that cannot."""
    environment = os.environ if environment is None else environment
    path = file or Path(environment.get("COMITY_CONFIG", "comity.toml"))
    values: dict[str, Any] = {}
    taken: dict[str, Any] = {}
    refused: list[Misconfigured] = []
    try:
        values.update(_from_file(path) if path.exists() else {})
    except Misconfigured as fault:
        refused.append(fault)
    values.update(_from_environment(environment))
    for key, value in values.items():
        try:
            taken[key] = _typed(key, value)
        except Misconfigured as fault:
            refused.append(fault)
    return Settings(**taken), refused


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
    if key in _RANGES:
        return _number(key, value, kinds[key])
    if kinds[key] is bool:
        return _yes_or_no(key, value)
    if not isinstance(value, str) or not _is_text(value):
        raise _bad_setting(key, "a text")
    if key in _CHOICES and value not in _CHOICES[key]:
        raise _bad_setting(key, " or ".join(_CHOICES[key]))
    if key == "data_dir" and not value:
        raise _bad_setting(key, "the path of a folder")
    if key == "egress_allow":
        _check_networks(key, value)
    return value


def _listed(value: str) -> list[str]:
    return [text.strip() for text in value.split(",") if text.strip()]


def _check_networks(key: str, value: str) -> None:
    for text in _listed(value):
        try:
            ip_network(text)
        except ValueError:
            raise _bad_setting(
                key,
                f"networks with commas between them, as in 10.20.0.0/16,fd00:1::/64; {text!r} is "
                "none, or has bits beyond its prefix",
            ) from None


def _number(key: str, value: object, kind: type[int | float]) -> float:
    least, most = _RANGES[key]
    wanted = f"a {'whole ' if kind is int else ''}number from {least} to {most}"
    number: float | None = None
    # Of a file's values a boolean is no number, nor a fraction a whole one.
    if isinstance(value, int | str | kind) and not isinstance(value, bool):
        with suppress(ValueError):
            number = kind(value)
    if number is None or not least <= number <= most:
        raise _bad_setting(key, wanted)
    return number


def _yes_or_no(key: str, value: object) -> bool:
    said = _SAID.get(str(value).lower()) if isinstance(value, bool | str) else None
    if said is None:
        raise _bad_setting(key, "true or false")
    return said


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _bad_setting(key: str, wanted: str) -> Misconfigured:
    return Misconfigured("kernel.bad-setting", f"{key} must be {wanted}")
