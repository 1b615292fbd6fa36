"""`comity export`: a member's view of a collection, as a file."""

from __future__ import annotations

import uuid
from pathlib import Path

import click

from kernel.commands import Answer, Workplace, showing_progress, working
from sharing.cli.named import expect_place
from sharing.services.exporting import export_view


@click.command("export")
@click.option("--as", "code", required=True, metavar="CODE", help="Whose view.")
@click.option("--collection", "ref", required=True, metavar="ID", help="Its id or alias.")
@click.option("--out", required=True, metavar="FILE", help="Written whole or not at all.")
@click.option("--format", "form", default="stix", type=click.Choice(["stix"]), show_default=True)
@working
def export(workplace: Workplace, code: str, ref: str, out: str, form: str) -> Answer:
    """Write everything a member sees in a collection, every version, to a file.

    What is marked TLP:RED stays out. The delivery is recorded before the file appears.
    """
    with workplace.database.read() as connection:
        seated, place = expect_place(connection, code, ref)
    with showing_progress(Path(out).name) as progress:
        exported = export_view(
            workplace.database,
            seated,
            place,
            Path(out),
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
    text = f"{exported.count} versions of objects to {out}"
    if exported.left_out:
        text += f"; {exported.left_out} marked TLP:RED stayed out"
    return Answer(document, text)
