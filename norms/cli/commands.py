"""`comity norms`: the catalogue, provisions, who is committed to what, and recording events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from auth.cli import acting
from auth.queries import count_of_secretariat, find_forum, find_person
from auth.services import OPERATOR, installation_reader, secretariat_reader
from kernel.commands import Answer, Workplace, working
from kernel.errors import BadInput, NotFound
from kernel.strictjson import Limits, loads
from norms.documents import provision_document, whole_provision_document
from norms.queries.provisions import find_provision, list_links, list_pins, list_provisions
from norms.queries.status import StatusRow, list_status
from norms.rules.dates import day_of, format_day, parse_day
from norms.rules.four_eyes import asks_for_second
from norms.rules.words import NO_STATEMENT
from norms.services.catalogue import Counts, load_catalogue, read_packaged, record_document
from norms.services.confirming import NOUNS, confirm_row
from norms.services.declaring import declare
from norms.services.provenance import Scribe
from norms.services.recordings import find_setting, set_four_eyes

_LIMITS: Final = Limits(max_bytes=64 * 1024 * 1024, max_nodes=2_000_000)


@click.group()
def norms() -> None:
    """What was agreed, by whom, since when."""


@norms.command("load")
@click.argument("file", required=False, metavar="[FILE]")
@working
def load(workplace: Workplace, file: str | None) -> Answer:
    """Load the catalogue that comes with Comity, or FILE. Twice changes nothing.

    It opens no forum for sharing and seats nobody; what a person has confirmed stays.
    """
    document = read_packaged() if file is None else _read(file)
    with workplace.database.write() as connection:
        counts = load_catalogue(connection, document, actor=OPERATOR, now_us=workplace.now_us)
    return _counted("catalogue", counts)


@norms.command("record")
@click.argument("file", metavar="FILE")
@click.option("--source-class", default="secretariat-recorded", show_default=True)
@acting.for_person("In this person's name: a secretariat's.", required=False)
def record(workplace: Workplace, file: str, source_class: str, email: str | None) -> Answer:
    """Record what FILE holds (- for standard input): rows as a catalogue has them, and events.

    With --as, events alone, as that person of a secretariat records them over the API.
    """
    document = _read(file)
    if email is not None:
        return _record_as(workplace, document, email)
    scribe = Scribe(OPERATOR, workplace.now_us, source_class)
    with workplace.database.write() as connection:
        counts = record_document(connection, document, scribe)
    return _counted("recorded", counts)


def _record_as(workplace: Workplace, document: dict[str, Any], email: str) -> Answer:
    with workplace.database.write() as connection:
        reader = secretariat_reader(connection, email)
        declared = declare(connection, reader, document, now_us=workplace.now_us)
    told = {"events": list(declared.events), "recording": declared.waits}
    if declared.waits is not None:
        return Answer(told, f"recording {declared.waits} waits for a second person")
    return Answer(told, f"{len(declared.events)} events recorded by {email}")


@norms.command("four-eyes")
@click.argument("forum", metavar="FORUM")
@click.argument("setting", required=False, metavar="[SETTING]")
@working
def four_eyes(workplace: Workplace, forum: str, setting: str | None) -> Answer:
    """Show or set when a second person confirms what the secretariat of FORUM records.

    SETTING is `always`, `never`, or `automatic`: where the secretariat has two persons or more.
    """
    with workplace.database.write() as connection:
        if setting is not None:
            set_four_eyes(connection, forum, setting, actor=OPERATOR, now_us=workplace.now_us)
        found = find_forum(connection, forum)
        if found is None:
            raise NotFound(
                "norms.unknown-forum", f"there is no forum {forum!r}; see `comity forum list`"
            )
        persons = count_of_secretariat(connection, found.id)
        setting = find_setting(connection, found.id)
    asks = asks_for_second(setting, persons)
    told = {"forum": forum, "setting": setting, "persons": persons, "asks": asks}
    text = f"{forum}: {setting}; its secretariat has {persons} active, so a second person is "
    return Answer(told, text + ("asked for" if asks else "not asked for"))


@norms.command("show")
@click.argument("provision", metavar="PROVISION")
@working
def show(workplace: Workplace, provision: str) -> Answer:
    """Show a provision (un-a-70-174:13(k)) with its links, and where its words are."""
    reader = installation_reader()
    with workplace.database.read() as connection:
        found = find_provision(connection, reader, provision)
        if found is None:
            raise NotFound(
                "norms.unknown-provision",
                f"the register has no provision {provision!r}; see `comity norms list`",
            )
        links = list_links(connection, reader, provision)
        pins = list_pins(connection, reader, provision)
    document = whole_provision_document(found, links, pins)
    return Answer(document, _told(document))


@norms.command("list")
@click.option("--forum", metavar="F", help="Of the instruments of this forum.")
@click.option("--instrument", metavar="ID", help="Of this instrument.")
@working
def list_(workplace: Workplace, forum: str | None, instrument: str | None) -> Answer:
    """List provisions with our short titles."""
    with workplace.database.read() as connection:
        found = list_provisions(
            connection, installation_reader(), instrument_id=instrument, forum_slug=forum
        )
    text = "\n".join(
        f"{one.id}  {one.short}{'' if one.provenance.is_verified else '  (unverified)'}"
        for one in found
    )
    return Answer([provision_document(one) for one in found], text)


@norms.command("status")
@click.option("--forum", required=True, metavar="F", help="Whose members, and provisions.")
@click.option("--as-of", metavar="DATE", help="2017-01-01; today unless said.")
@click.option("--provision", metavar="ID", help="This provision alone.")
@click.option("--member", metavar="CODE", help="This party alone.")
@working
def status(
    workplace: Workplace, forum: str, as_of: str | None, provision: str | None, member: str | None
) -> Answer:
    """Who is committed to what in a forum, as of a date. Silence is `no-statement`."""
    day = day_of(workplace.now_us) if as_of is None else parse_day(as_of)
    with workplace.database.read() as connection:
        found = find_forum(connection, forum)
        if found is None:
            raise NotFound(
                "norms.unknown-forum", f"there is no forum {forum!r}; see `comity forum list`"
            )
        rows = list_status(
            connection,
            installation_reader(),
            found.id,
            found.slug,
            day=day,
            provision_id=provision,
            party=member,
        )
    document = {
        "forum": forum,
        "as_of": format_day(day),
        "rows": [row.document() for row in rows],
    }
    return Answer(document, "\n".join(_line(row) for row in rows) or "nothing is on record")


@norms.command("confirm")
@click.argument("noun", metavar="NOUN")
@click.argument("key", metavar="KEY")
@click.option("--against", required=True, metavar="SOURCE", help="With what.")
@acting.for_person("Who compared it.")
def confirm(workplace: Workplace, noun: str, key: str, email: str, against: str) -> Answer:
    """Put on record that a person has compared a row with its source."""
    with workplace.database.write() as connection:
        person = find_person(connection, email)
        if person is None or person.status != "active":
            raise BadInput(
                "norms.bad-confirmation",
                f"{email!r} is no active person here; see `comity person list`",
            )
        confirm_row(
            connection,
            noun,
            key,
            person=person.email,
            against=against,
            actor=f"person:{person.email}",
            now_us=workplace.now_us,
        )
    document = {"kind": noun, "key": key, "confirmed_by": email, "against": against}
    return Answer(document, f"{noun} {key} confirmed by {email} against {against}")


confirm.help = f"{confirm.help}\n\nNOUN is one of: {', '.join(NOUNS)}."


def _read(file: str) -> dict[str, Any]:
    if file == "-":
        content = sys.stdin.buffer.read()
    else:
        try:
            content = Path(file).read_bytes()
        except (OSError, ValueError) as fault:
            reason = getattr(fault, "strerror", None) or "no such file"
            raise BadInput("norms.unreadable-file", f"{file!r} cannot be read: {reason}") from None
    document = loads(content, limits=_LIMITS)
    if not isinstance(document, dict):
        raise BadInput("norms.bad-document", "the document: write an object")
    return document


def _counted(what: str, counts: Counts) -> Answer:
    lines = [
        f"{noun}: " + ", ".join(f"{count} {word}" for word, count in each.items() if count)
        for noun, each in counts.items()
    ]
    return Answer({what: counts}, "\n".join(lines) or "nothing to do")


def _line(row: StatusRow) -> str:
    if row.status == NO_STATEMENT or row.provenance is None:
        return f"{row.member}  {row.provision}  no statement"
    mark = "" if row.provenance.is_verified else "  (unverified)"
    contested = "  contested" if row.is_contested else ""
    return (
        f"{row.member}  {row.provision}  {row.status} since {row.since} by {row.basis} "
        f"({row.provenance.source}){mark}{contested}"
    )


def _told(document: dict[str, Any]) -> str:
    lines = [
        f"{document['id']}: {document['short']}",
        document["paraphrase"],
        f"{document['symbol']} {document['path']}; {document['confidence']}"
        + ("" if document["verified"] else " (unverified)"),
    ]
    for link in document["links"]:
        arrow = "from" if link["back"] else "to"
        target = link["to"] or f"{link['to_instrument']} {link['to_paragraphs'] or ''}".strip()
        mark = "" if link["verified"] else " (unverified)"
        lines.append(f"{link['kind']} {arrow} {target}{mark}")
    lines += [
        f"text [{pin['language']}] {pin['symbol']} {pin['link'] or ''}".rstrip()
        for pin in document["pins"]
    ]
    return "\n".join(line for line in lines if line)
