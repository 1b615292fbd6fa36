"""What is misconfigured in the surroundings: settings, folder, secret key, database server.

What does not live here: what the rooms know about their own records.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from kernel.db import Database
from kernel.errors import ComityError
from kernel.settings import MEBIBYTE, Settings
from kernel.signing import KEY_FILE, open_signer

_LITTLE_ROOM: Final = 256 * MEBIBYTE
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

# Settings of PostgreSQL under which it acknowledges what a power cut takes back.
_LOSING: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: a stable code, what is wrong in a sentence, and what to do."""

    code: str
    problem: str
    mend: str


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Settings that contradict each other or serve nobody."""
    if settings.trusted_proxies and not settings.public_url:
        yield Finding(
            "public-url-unset",
            "the server is behind proxies, but COMITY_PUBLIC_URL is not set",
            "set it to the address that clients use, say https://comity.example",
        )
    if settings.public_url and not _is_web_address(settings.public_url):
        yield Finding(
            "public-url-malformed",
            f"COMITY_PUBLIC_URL {settings.public_url!r} is no address",
            "write it like https://comity.example",
        )
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        yield Finding(
            "proxies-uncounted",
            "clients come by https, so through a proxy, but COMITY_TRUSTED_PROXIES is 0: "
            "all failed sign-ins seem to come from one address",
            "set it to how many proxies stand before the server, usually 1",
        )


def is_made(settings: Settings) -> bool:
    """Whether there may be a database to look at: an embedded one is a file."""
    try:
        return not settings.is_embedded or _embedded_files(settings)[0].exists()
    except (SQLAlchemyError, ValueError, OSError):
        return True  # at an address that opening it will tell more about


def is_own_file(settings: Settings, file: Path) -> bool:
    """Whether a name that was given leads to the embedded database, its log or the secret key."""
    own = [settings.data_path / KEY_FILE]
    if settings.is_embedded:
        for kept in _embedded_files(settings):
            own += [kept, *(kept.with_name(kept.name + end) for end in ("-wal", "-shm"))]
    return file.resolve() in {each.resolve() for each in own}


def check_folder(settings: Settings) -> Iterator[Finding]:
    """The data folder: there, ours alone, with room to write."""
    folder = settings.data_path
    if not settings.is_embedded and settings.secret_key:
        return  # nothing is kept there
    if not folder.is_dir():
        yield Finding(
            "folder-missing",
            f"the data folder {folder} does not exist",
            "correct COMITY_DATA_DIR; the first command makes that of a new installation",
        )
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            "folder-read-only",
            f"the data folder {folder} cannot be written to by this user",
            "run as the user that owns it, or give it to this one with chown",
        )
    if settings.is_embedded and shutil.disk_usage(folder).free < _LITTLE_ROOM:
        yield Finding(
            "disk-nearly-full",
            f"less than {_LITTLE_ROOM // MEBIBYTE} MiB are left where {folder} is",
            "make room before writes are refused",
        )


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """The secret key: usable, and readable by its owner alone; so are the embedded files."""
    file = settings.data_path / KEY_FILE
    if file.parent.is_dir() and not os.access(file.parent, os.X_OK):
        return  # said of the folder
    if settings.secret_key or file.exists():
        yield from _check_key(settings)
    if settings.secret_key and os.environ.get("COMITY_SECRET_KEY") != settings.secret_key:
        yield from _check_private("secret-key-exposed", _settings_file())
    yield from _check_private("secret-key-exposed", file)
    if settings.is_embedded and settings.data_path.is_dir() and not _is_private(settings.data_path):
        for path in _embedded_files(settings):
            yield from _check_private("database-exposed", path)


def _check_key(settings: Settings) -> Iterator[Finding]:
    try:
        open_signer(settings)
    except ComityError as fault:
        yield Finding("secret-key-unusable", fault.message, "give a good key, or remove the file")
    except (OSError, ValueError) as fault:
        yield Finding(
            "secret-key-unusable",
            f"the secret key in {settings.data_path} cannot be read ({fault})",
            "run as the user that owns the data folder, or remove the file",
        )


def check_database(database: Database) -> Iterator[Finding]:
    """The database answers, and keeps what it has acknowledged."""
    try:
        found = list(_check_sqlite(database) if database.is_sqlite else _check_postgresql(database))
    except ComityError as fault:
        yield Finding(
            "database-unreachable",
            f"the database does not answer: {fault.message}",
            "start it, or correct COMITY_DATABASE_URL",
        )
        return
    yield from found


def _check_sqlite(database: Database) -> Iterator[Finding]:
    with database.read() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode != "wal":
        yield Finding(
            "sqlite-not-wal",
            f"the embedded database is in the journal mode {mode}: readers wait for writers",
            "move the data folder to a local file system, which can do WAL",
        )


def _check_postgresql(database: Database) -> Iterator[Finding]:
    with database.read() as connection:
        for name, losing in _LOSING.items():
            if connection.exec_driver_sql(f"SHOW {name}").scalar_one() == losing:
                yield Finding(
                    "postgresql-loses-commits",
                    f"PostgreSQL runs with {name} = {losing}: it loses what it acknowledged",
                    f"set {name} = on in postgresql.conf and reload",
                )
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        yield Finding(
            "postgresql-encoding",
            f"the database's encoding is {encoding}; STIX needs UTF-8",
            "make a new database with ENCODING 'UTF8' and move there",
        )


def _check_private(code: str, path: Path) -> Iterator[Finding]:
    if path.exists() and not _is_private(path):
        yield Finding(code, f"{path} can be read by others than its owner", f"chmod go= {path}")


def _is_private(path: Path) -> bool:
    return not path.stat().st_mode & _OTHERS


def _settings_file() -> Path:
    return Path(os.environ.get("COMITY_CONFIG", "comity.toml"))


def _embedded_files(settings: Settings) -> list[Path]:
    content = Path(make_url(settings.effective_database_url).database or "")
    return [content, content.with_name(f"{content.stem}-deliveries{content.suffix}")]


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
