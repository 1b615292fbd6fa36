"""How a simulation is told at a terminal: by `policy`, `forum-policy`, `member` and `seat`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from kernel.commands import Answer
from sharing.queries.simulations import Simulation


def refuse_both(simulation: str | None, *, is_trial: bool) -> None:
    """Raises UsageError where a change is to be tried out and applied at once."""
    if is_trial and simulation is not None:
        raise click.UsageError("give --simulate to try it out, or --simulation ID to apply it")


def simulation_answer(made: Simulation, applying: str) -> Answer:
    """A simulation as JSON and as text; `applying` is the command that applies it.

    A terminal on this host may be told the ledger position too.
    """
    document = made.document() | {"epoch": made.epoch}
    lines = [
        f"simulation {made.id}, epoch {made.epoch}: nothing is changed yet",
        *_list_lines(made.result),
        f"apply within seven days: {applying} --simulation {made.id}",
    ]
    return Answer(document, "\n".join(lines))


def _list_lines(result: dict[str, Any]) -> Iterator[str]:
    told = (
        (result["gains"], "gains"),
        (result["loses"], "loses"),
        (result["already_served"], "had been served, of what it loses,"),
        (result["later"]["opens"], "gains later"),
        (result["later"]["closes"], "loses later"),
    )
    if not any(rows for rows, _ in told):
        yield "nobody gains or loses anything"
    for rows, does in told:
        for row in rows:
            yield _line(row, does)
    yield from result["notes"]


def _line(row: dict[str, Any], does: str) -> str:
    types = ", ".join(f"{name} {count}" for name, count in row["types"].items())
    parts = [f"{row['recipient']} in {row['forum']} {does} {row['versions']} versions ({types})"]
    if row.get("depends_on_reciprocity"):
        parts.append(f"{row['depends_on_reciprocity']} depend on reciprocity")
    for what, word in (("properties", "properties"), ("without", "without")):
        if what in row:
            counted = ", ".join(f"{name} {count}" for name, count in row[what].items())
            parts.append(f"{word} {counted}")
    if "first_at" in row:
        first, last = row["first_at"], row["last_at"]
        parts.append(f"at {first}" if first == last else f"from {first} to {last}")
    return "; ".join(parts)
