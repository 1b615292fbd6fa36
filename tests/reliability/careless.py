"""`comity` with the fault that once lost what it had acknowledged, for the control.

Each new connection to the embedded database first opens and closes its file: with that a process
gives up the locks of all its connections (POSIX). Run as `python -m tests.reliability.careless`.
"""

from __future__ import annotations

import os

from sqlalchemy import Engine, event

from app import main


def close_it_once(_dialect: object, _record: object, arguments: list[str], _more: object) -> None:
    """What no process may do to a file that it has open through SQLite."""
    os.close(os.open(arguments[0], os.O_RDWR))


if __name__ == "__main__":
    event.listen(Engine, "do_connect", close_it_once)
    main()
