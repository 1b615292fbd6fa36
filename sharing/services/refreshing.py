"""Find again, in the bytes of what an earlier release stored, the facts that it did not look for.

After an upgrade everything is due; what still has its bytes is read once more before it is
decided. What was deleted keeps the facts it has, and is whole or hidden by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from kernel.strictjson import loads
from sharing.facts import load_facts
from sharing.gate.needs import find_needs
from sharing.gate.references import find_named
from sharing.queries.contributions import in_batches
from sharing.tables import body, contribution, reference

# A key that every release before this one left out.
_MARK = '%"clauses"%'


def refresh_facts(connection: Connection, collection_id: int, stix_ids: Iterable[str]) -> None:
    """Bring the facts of these ids' contributions up to what this release decides by."""
    for batch in in_batches(stix_ids):
        rows = connection.execute(
            select(contribution.c.id, contribution.c.facts, body.c.content)
            .join(body, body.c.id == contribution.c.body_id)
            .where(
                contribution.c.collection_id == collection_id,
                contribution.c.stix_id.in_(batch),
                contribution.c.facts.not_like(_MARK),
            )
        ).all()
        if not rows:
            continue
        written, named = [], []
        for row in rows:
            value = loads(bytes(row.content))
            found, needs = find_named(value), find_needs(value)
            facts = replace(
                load_facts(row.facts),
                references=found.references,
                hard_references=found.hard,
                vanishing=found.vanishing,
                entangled=found.entangled,
                clauses=needs.clauses,
                ties=needs.ties,
            )
            written.append({"key": row.id, "found": facts.dump()})
            named += [{"contribution_id": row.id, "stix_id": name} for name in found.references]
        connection.execute(
            update(contribution)
            .where(contribution.c.id == bindparam("key"))
            .values(facts=bindparam("found")),
            written,
        )
        ids = [row.id for row in rows]
        connection.execute(delete(reference).where(reference.c.contribution_id.in_(ids)))
        if named:
            connection.execute(insert(reference), named)
