"""Long work in the two worlds: XCC's own in both, others' in the second alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.sharing.jobs.asking import ask_to_simulate

if TYPE_CHECKING:
    from tests.access.pairs import Side

OTHERS = "o@xbb.example"
HIDDEN_WORK = str(uuid.UUID(int=4711, version=4))
"""The id of what is there in the second world alone."""


def hide_work(side: Side, _number: int) -> None:
    """Another's long work, under an id that XCC asks for."""
    if side.has_hidden_work:
        return
    side.has_hidden_work = True
    job_id = ask_to_simulate(side.world, {"rules": []}, OTHERS)
    with side.world.database.write() as connection:
        # Its file is of the old id, and nobody asks for it.
        connection.exec_driver_sql("DELETE FROM job_part")
        connection.exec_driver_sql(f"UPDATE job SET id = '{HIDDEN_WORK}' WHERE id = '{job_id}'")


def list_work_askings(side: Side) -> Iterator[tuple[str, str, str, Any]]:
    """The list, what is XCC's, what is another's, what never was."""
    for query in ("", "?kind=simulation", "?limit=1"):
        yield ("/api/v1/jobs", "GET", f"/api/v1/jobs{query}", None)
    route = "/api/v1/jobs/<job_id>"
    for job_id in (side.own_work, HIDDEN_WORK, str(uuid.UUID(int=9999, version=4))):
        for path in ("", "/refusals"):
            yield (f"{route}{path}", "GET", f"/api/v1/jobs/{job_id}{path}", None)
        if job_id != side.own_work:
            address = f"/api/v1/jobs/{job_id}/cancellation"
            yield (f"{route}/cancellation", "POST", address, None)
