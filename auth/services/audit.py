"""The audit trail: who did what to what, and whose record that is. Append-only.

What does not live here: the ledger of what is shared, the log of deliveries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, insert

from auth.tables import audit

OPERATOR: Final = "operator"
_NOTHING: Final[Mapping[str, Any]] = {}


def record_audit(
    connection: Connection,
    actor: str,
    action: str,
    subject: str,
    *,
    member_id: int | None = None,
    detail: Mapping[str, Any] = _NOTHING,
    now_us: int,
) -> None:
    """Append an entry, in the transaction of the change that it tells of.

    `actor` is `operator`, `credential:ID`, `person:EMAIL` or `unknown`; `member_id` the
    member whose auditors may read the entry. `detail` is JSON and holds no secret.
    """
    connection.execute(
        insert(audit).values(
            at_us=now_us,
            actor=actor,
            action=action,
            subject=subject,
            member_id=member_id,
            detail=json.dumps(dict(detail), sort_keys=True, ensure_ascii=False),
        )
    )
