"""Who is committed to what, as the norms half knows it: a port that `app` connects.

The two halves never import each other. Until a register is connected nobody's commitments are
known, and a policy that names `committed:` is refused. Commitments are public facts, the same
for every asker, which is why these questions take no reader.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy import Connection


class Register(Protocol):
    """What sharing asks of the register of norms. Provisions are called by their ids."""

    def exists_provision(self, connection: Connection, provision: str) -> bool:
        """Whether the register holds the provision."""
        ...

    def list_committed(
        self, connection: Connection, provisions: Collection[str], at_us: int
    ) -> Mapping[str, frozenset[str]]:
        """For each provision the codes of the parties whose commitment is in effect then."""
        ...

    def find_next_change(
        self, connection: Connection, provisions: Collection[str], after_us: int
    ) -> int | None:
        """The earliest later instant, in µs, at which that changes by what is known today."""
        ...


class KnownProvisions:
    """The provisions that the register holds, looked up one by one."""

    def __init__(self, connection: Connection, register: Register) -> None:
        self._connection = connection
        self._register = register

    def __contains__(self, provision: object) -> bool:
        return isinstance(provision, str) and self._register.exists_provision(
            self._connection, provision
        )


_connected: list[Register] = []


def connect_register(register: Register) -> None:
    """Make `register` the one that this process asks; once, where the rooms meet."""
    _connected[:] = [register]


def find_register() -> Register | None:
    """The register that is connected; None while there is none."""
    return _connected[0] if _connected else None


def find_provisions(connection: Connection) -> KnownProvisions | None:
    """What a policy may name after `committed:`; None while no register is connected."""
    register = find_register()
    return None if register is None else KnownProvisions(connection, register)
