"""Tables of long work: what a person has asked for, what came in for it, and what came of it.

The rows are the queue (ADR 12). Instants are microseconds (UTC), sizes bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from kernel.db import content_metadata

_UNENDED = text("ended_us IS NULL")

# One piece of long work. `asked_by` is an actor of the audit trail: in whose name it is done, with
# the rights that it has when it is done. It is `arriving` until all of its input is here.
job = Table(
    "job",
    content_metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("forum_id", ForeignKey("forum.id"), nullable=False),
    Column("member_id", ForeignKey("member.id"), nullable=False),
    Column("asked_by", Text, nullable=False),
    # Into which collection, or of which; None where it is about a policy.
    Column("collection_id", ForeignKey("collection.id")),
    # The name of the file that came in, or of the one that goes out.
    Column("name", Text, nullable=False),
    # The largest object taken, of an import.
    Column("most_object_bytes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # How far it is, in objects; `total` is None until it is known.
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    # Each worker that begins it counts one up: whoever holds an older number has lost it.
    Column("attempt", Integer, nullable=False),
    # How often it was begun since it last got further.
    Column("stalled", Integer, nullable=False),
    # JSON: what came of it so far.
    Column("result", Text, nullable=False),
    # What a trial became; or what a policy is set by, '' where nothing was tried out before.
    Column("simulation_id", Text),
    # Why it failed.
    Column("code", Text),
    Column("reason", Text),
    Column("asked_us", BigInteger, nullable=False),
    Column("begun_us", BigInteger),
    Column("ended_us", BigInteger),
    CheckConstraint("kind IN ('import', 'simulation', 'export', 'policy')", name="kind"),
    CheckConstraint(
        "state IN ('arriving', 'waiting', 'running', 'done', 'failed', 'cancelled')", name="state"
    ),
    Index("ix_job_asked_by", "asked_by", "asked_us", "id"),
    Index("ix_job_asked_us", "asked_us", info={"where": _UNENDED}),
    Index("ix_job_ended_us", "ended_us"),
    Index("ix_job_simulation_id", "simulation_id"),
)

# The file that came in for a job (`side` is 'in') or that it made ('out'), piece by piece.
job_part = Table(
    "job_part",
    content_metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("side", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    CheckConstraint("side IN ('in', 'out')", name="side"),
)

# An object of an imported file that was not taken, and why; `number` counts them from 1.
job_refusal = Table(
    "job_refusal",
    content_metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # `line 3`, or `index 2` of a list.
    Column("place", Text, nullable=False),
    Column("stix_id", Text),
    Column("version", Text),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
