"""`comity explain`: why an object goes where it goes, as the asker may know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import click
from sqlalchemy import Connection

from auth.cli import acting
from auth.reader import Seated
from kernel.clock import format_version, parse_instant
from kernel.commands import Answer, Workplace
from kernel.errors import BadInput, NotFound
from sharing.cli.named import expect_place
from sharing.queries.collections import Collection
from sharing.queries.contributions import Stored
from sharing.queries.own import has_contributed
from sharing.queries.releases import find_head
from sharing.rules.model import KINDS, CredentialKind
from sharing.services.deliver import Served, record_delivery
from sharing.services.explaining import Explainer
from sharing.services.explanations import Explanation, Line, explanation_document, widest_kind
from sharing.services.reasons import find_recipient_reasons
from sharing.services.settling import settled_read


def _read_version(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> int | None:
    """A version as microseconds."""
    try:
        return None if text is None else parse_instant(text)
    except BadInput as fault:
        raise click.BadParameter(fault.message) from None


@click.command("explain")
@click.argument("object_id")
@click.option("--collection", "ref", required=True, metavar="ID", help="Its id or alias.")
@click.option("--recipient", metavar="CODE", help="About whom: a member, or a partner by name.")
@click.option("--kind", type=click.Choice(KINDS), help="Through which kind of credential.")
@click.option(
    "--version", "version_us", callback=_read_version, metavar="INSTANT", help="Not the last."
)
@acting.for_member("Who asks.")
def explain(
    workplace: Workplace,
    object_id: str,
    ref: str,
    code: str,
    recipient: str | None,
    kind: CredentialKind | None,
    version_us: int | None,
) -> Answer:
    """Say who gets an object that CODE contributed, or why CODE sees another's, and why.

    Only what CODE itself may know: of its own objects its rules and the forum's, of others'
    that it sees general reasons. Everything else is an object that does not exist.
    """
    with workplace.database.read() as connection:
        seated, place = expect_place(connection, code, ref)
    with settled_read(workplace.database, now_us=workplace.now_us) as connection:
        asked = _Asked(connection, seated, place, object_id, version_us, workplace.now_us)
        answer = asked.own(recipient, kind)
        received = None
        if answer is None and recipient in (None, code):
            received = asked.received(kind)
    if received is not None:
        # As the API does: what it tells of another's object, a recall finds.
        record_delivery(
            workplace.database, received.seated, received.served, now_us=workplace.now_us
        )
        return received.answer
    if answer is None:
        raise NotFound("sharing.unknown-object", "no such object in this collection")
    return answer


@dataclass(frozen=True, slots=True)
class _Received:
    """What is told of another's object, to whom, and what of it that is."""

    answer: Answer
    seated: Seated
    served: Served


class _Asked:
    """One question: who asks, about which version of which object where."""

    def __init__(
        self,
        connection: Connection,
        seated: Seated,
        place: Collection,
        stix_id: str,
        version_us: int | None,
        now_us: int,
    ) -> None:
        self._connection = connection
        self._seated = seated
        self._place = place
        self._stix_id = stix_id
        self._version_us = version_us
        self._now_us = now_us

    def own(self, recipient: str | None, kind: CredentialKind | None) -> Answer | None:
        """Of what the asker contributed here; None when it did not."""
        if not has_contributed(self._connection, self._seated, self._stix_id):
            return None
        explainer = Explainer(self._connection, self._seated, [self._stix_id], now_us=self._now_us)
        stored = explainer.find_version(self._place.id, self._stix_id, self._version_us)
        if stored is None:
            return None
        if recipient is not None:
            about = explainer.find_recipient(recipient)
            told = explainer.explain(stored, about, kind or widest_kind(about))
            return Answer(explanation_document(self._place, stored, told), _text(stored, [told]))
        all_told = [told for told in explainer.explain_to_all(stored) if kind in (None, told.kind)]
        documents = [explanation_document(self._place, stored, told) for told in all_told]
        document = {
            "id": stored.stix_id,
            "collection": self._place.uuid,
            "version": format_version(stored.version_us),
            "recipients": documents,
        }
        return Answer(document, _text(stored, all_told))

    def received(self, kind: CredentialKind | None) -> _Received | None:
        """Of what the asker sees, by default as a person; None when it does not."""
        reader = replace(self._seated.reader, kind=kind or self._seated.reader.kind)
        seated = replace(self._seated, reader=reader)
        reasons = find_recipient_reasons(
            self._connection,
            seated,
            self._place,
            self._stix_id,
            self._version_us,
            now_us=self._now_us,
        )
        if reasons is None:
            return None
        document = reasons.document(self._place, self._stix_id)
        head = f"{self._stix_id} {document['version']} TLP:{document['tlp']}, seen"
        text = "\n".join([head, *_lines(reasons.trace), *_terms(reasons.terms)])
        seq = find_head(self._connection, seated, self._place.id).seq
        return _Received(
            Answer(document, text), seated, reasons.served(self._stix_id, seq, door="api")
        )


def _text(stored: Stored, told: Iterable[Explanation]) -> str:
    lines = [f"{stored.stix_id} {format_version(stored.version_us)} TLP:{stored.tlp.text}"]
    for one in told:
        unless = f", unless it is {one.unless}" if one.unless else ""
        lines += ["", f"{one.recipient.name} ({one.kind}): {one.decision}{unless}"]
        lines += [f"  left out: {unit}" for unit in one.omitted]
        lines += [f"  dropped: {stix_id}" for stix_id in one.dropped]
        lines += [*_lines(one.trace), *_terms(one.terms)]
    return "\n".join(lines)


def _lines(trace: Iterable[Line]) -> list[str]:
    return [
        f"  {line.clause:<4} {f'[{line.rule}] ' if line.rule else ''}{line.sentence}"
        for line in trace
    ]


def _terms(terms: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"  term {statement}: {' | '.join(values)}" for statement, values in terms.items()]
