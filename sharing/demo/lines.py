"""Lines to paste into a shell that read the example forum as each State, with two clients."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from sharing.demo.making import FORUM, Key, Made

_READ_ALL = (
    "from taxii2client.v21 import Collection, as_pages; "
    'c = Collection("{address}", user="{id}", password="{secret}"); '
    '[print(o["id"]) for page in as_pages(c.get_objects) for o in page.get("objects", [])]'
)


@dataclass(frozen=True, slots=True)
class Line:
    """What to paste: as which State, through which kind of credential, with which client."""

    member: str
    kind: str
    client: str
    line: str


def list_lines(url: str, made: Made) -> list[Line]:
    """For each machine a line with curl, for each person one with taxii2-client.

    `url` is the server's address and ends in a slash.
    """
    address = f"{url}taxii2/{FORUM}/collections/{made.collection_uuid}/"
    return [
        Line(key.member, key.kind, client, write(address, key))
        for key in made.keys
        for client, write in [_CLIENTS[key.kind]]
    ]


def _curl(address: str, key: Key) -> str:
    return f"curl -sS -u {key.id}:{key.secret} {shlex.quote(f'{address}objects/')}"


def _taxii2_client(address: str, key: Key) -> str:
    program = _READ_ALL.format(address=address, id=key.id, secret=key.secret)
    return f"{shlex.quote(_python())} -c {shlex.quote(program)}"


def _python() -> str:
    """This interpreter, as it is named from the folder that the command was started in."""
    # Not resolved: a virtual environment's interpreter is a link out of it.
    here, python = Path.cwd(), Path(sys.executable)
    return str(python.relative_to(here) if python.is_relative_to(here) else python)


_CLIENTS = {"machine": ("curl", _curl), "individual": ("taxii2-client", _taxii2_client)}
