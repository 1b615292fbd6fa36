"""`comity export`: a member's view of a collection, as a file."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import BinaryIO, Final

import click

from auth.cli import acting
from kernel.checkup import is_own_file
from kernel.commands import Answer, Workplace, showing_progress
from kernel.errors import BadInput
from sharing.cli.named import expect_place
from sharing.services.exporting import export_view

_STANDARD_OUTPUT: Final = "-"


@click.command("export")
@click.option("--collection", "ref", required=True, metavar="ID", help="Its id or alias.")
@click.option(
    "--out", required=True, metavar="FILE", help="Whole or not at all; - is standard output."
)
@click.option("--format", "form", default="stix", type=click.Choice(["stix"]), show_default=True)
@acting.for_member("Whose view.")
def export(workplace: Workplace, code: str, ref: str, out: str, form: str) -> Answer:
    """Write everything a member sees in a collection, every version, to a file.

    What is marked TLP:RED stays out. The delivery is recorded before the file appears. Where
    the bundle goes to standard output, the counts go to standard error.
    """
    where = _standard_output() if out == _STANDARD_OUTPUT else Path(out)
    if isinstance(where, Path) and is_own_file(workplace.settings, where):
        raise BadInput(
            "sharing.unwritable-file", f"{out} is this installation's own; name another file"
        )
    with workplace.database.read() as connection:
        seated, place = expect_place(connection, code, ref)
    with showing_progress(f"view of {code}") as progress:
        exported = export_view(
            workplace.database,
            seated,
            place,
            where,
            bundle_id=f"bundle--{uuid.uuid4()}",
            now_us=workplace.now_us,
            progress=progress,
        )
    document = {
        "member": code,
        "forum": seated.forum_slug,
        "collection": place.uuid,
        "file": out,
        "format": form,
        "count": exported.count,
        "types": dict(sorted(exported.types.items())),
        "left_out": {"tlp_red": exported.left_out},
    }
    text = f"{exported.count} versions of objects"
    if isinstance(where, Path):
        text += f" to {out}"
    if exported.left_out:
        text += f"; {exported.left_out} marked TLP:RED stayed out"
    if isinstance(where, Path):
        return Answer(document, text)
    click.echo(text, err=True)
    return Answer(document, "")


def _standard_output() -> BinaryIO:
    """Standard output, where it is free for the bundle and shows nothing of it to a terminal."""
    if click.get_current_context().params.get("as_json"):
        raise click.UsageError(
            "standard output cannot hold both the bundle and the counts: "
            "name a file, or leave --json out"
        )
    if sys.stdout.isatty():
        raise click.UsageError(
            "standard output is a terminal, which what others wrote could steer: "
            "name a file, or send it on by a pipe"
        )
    return sys.stdout.buffer
