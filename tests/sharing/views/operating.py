"""An operator at a terminal of the world: real commands, then the world's clock goes on."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import select

from auth.tables import audit
from sharing.tables import ledger
from tests.sharing.cli.running import Installation
from tests.sharing.taxii.world import World


def operate(world: World, *command: str, given: Any = None) -> Any:
    """The document of a command that must succeed."""
    text = None if given is None else json.dumps(given)
    document = Installation(world.settings).done(*command, given=text)
    world.clock.now_us = max(world.clock.now_us, time.time_ns() // 1000)
    return document


def refused(world: World, *command: str, given: Any = None) -> str:
    """The one line of a command that must be refused."""
    text = None if given is None else json.dumps(given)
    return Installation(world.settings).refused(*command, given=text)


def list_audit(world: World, action: str) -> list[tuple[str, dict[str, Any]]]:
    """What the audit trail says of an action, oldest first: its subject and detail."""
    asked = select(audit).where(audit.c.action == action).order_by(audit.c.id)
    with world.database.read() as connection:
        return [(row.subject, json.loads(row.detail)) for row in connection.execute(asked)]


def list_ledger(world: World, kind: str) -> list[str]:
    """What the ledgers of the forums say of a kind of entry, oldest first: its subject."""
    asked = select(ledger.c.subject).where(ledger.c.kind == kind)
    with world.database.read() as connection:
        return list(connection.execute(asked.order_by(ledger.c.forum_id, ledger.c.seq)).scalars())
