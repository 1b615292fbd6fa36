"""Rows of the register as JSON: for doors of every kind. Reads nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kernel.clock import format_instant
from norms.queries.due import Due
from norms.queries.events import RecordedEvent
from norms.queries.forums import ForumProfile
from norms.queries.parties import Party
from norms.queries.provisions import Instrument, Link, Pin, Provision
from norms.queries.recordings import Recording
from norms.queries.silences import Silence
from norms.queries.states_own import Action, ActionEvent, Position
from norms.queries.verified import Provenance
from norms.rules.dates import format_day


def provenance_document(found: Provenance) -> dict[str, Any]:
    """Source, its class, confidence, whether it is verified, and by whom."""
    confirmed = found.confirmed
    return {
        "source": found.source,
        "source_class": found.source_class,
        "confidence": found.confidence,
        "verified": found.is_verified,
        "confirmed_by": confirmed.by if confirmed else None,
        "confirmed": format_instant(confirmed.at_us) if confirmed else None,
        "note": found.note,
        "recorded_by": found.recorded_by,
    }


def due_document(found: Due) -> dict[str, Any]:
    """Something with a date."""
    return {
        "kind": found.kind,
        "id": found.id,
        "day": format_day(found.day),
        "last_day": format_day(found.last_day),
        "at": None if found.at_us is None else format_instant(found.at_us),
        "title": found.title,
        "forum": found.forum,
        "party": found.party,
    }


def due_key(found: Due) -> tuple[Any, ...]:
    """Its place in lists of what is due."""
    return (found.day, found.kind, found.id)


def forum_document(found: ForumProfile) -> dict[str, Any]:
    """A forum as a public fact."""
    return {
        "slug": found.slug,
        "title": found.title,
        "kind": found.kind,
        "parent": found.parent,
        "members_of": found.members_of,
        "decision_rule": found.decision_rule,
        "languages": list(found.languages),
        "member_label": found.member_label,
        "begun": found.begun,
        "ended": found.ended,
        "basis": found.basis,
        "rules": found.rules,
        "cycle_years": found.cycle_years,
        **provenance_document(found.provenance),
    }


def party_document(found: Party) -> dict[str, Any]:
    """A State, a regional organization, or another that can be party."""
    return {
        "code": found.code,
        "name": found.name,
        "kind": found.kind,
        **provenance_document(found.provenance),
    }


def provision_document(found: Provision) -> dict[str, Any]:
    """A provision without its links and pins."""
    return {
        "id": found.id,
        "instrument": found.instrument,
        "symbol": found.symbol,
        "path": found.path,
        "short": found.short,
        "paraphrase": found.paraphrase,
        "polarity": found.polarity,
        "introduced_by": found.introduced_by,
        "from": format_day(found.from_day) if found.from_day else None,
        **provenance_document(found.provenance),
    }


def whole_provision_document(
    found: Provision, links: Iterable[Link], pins: Iterable[Pin]
) -> dict[str, Any]:
    """A provision with its links and pins."""
    return {
        **provision_document(found),
        "links": [link_document(link) for link in links],
        "pins": [pin_document(pin) for pin in pins],
    }


def link_document(link: Link) -> dict[str, Any]:
    """A link; `back` tells that the other provision makes it."""
    return {
        "kind": link.kind,
        "to": link.to,
        "to_instrument": link.to_instrument,
        "to_paragraphs": link.to_paragraphs,
        "back": link.is_back,
        **provenance_document(link.provenance),
    }


def pin_document(pin: Pin) -> dict[str, Any]:
    """A text pin: where the words are; never the words."""
    return {
        "language": pin.language,
        "version": pin.version,
        "standing": pin.standing,
        "symbol": pin.symbol,
        "link": pin.link,
        "digest": pin.digest,
        **provenance_document(pin.provenance),
    }


def instrument_document(found: Instrument) -> dict[str, Any]:
    """An instrument with its status as of the day that was asked about."""
    return {
        "id": found.id,
        "symbol": found.symbol,
        "title": found.title,
        "kind": found.kind,
        "legal_character": found.legal_character,
        "forum": found.forum,
        "adopted": found.adopted,
        "opens_for_signature": found.opens,
        "closes_for_signature": found.closes,
        "in_force": found.in_force,
        "entry_into_force_rule": found.force_rule,
        "welcomed_by": found.welcomed_by,
        "supersedes": found.supersedes,
        "binds_later_members": found.binds_later_members,
        "lapses_on_leaving": found.lapses_on_leaving,
        "status": found.status,
        "status_since": found.status_since,
        **provenance_document(found.provenance),
    }


def position_document(found: Position) -> dict[str, Any]:
    """A position; `parties` for its own State alone."""
    return {
        "id": found.id,
        "party": found.party,
        "kind": found.kind,
        "title": found.title,
        "body": found.body,
        "language": found.language,
        "date": found.date,
        "forum": found.forum,
        "instrument": found.instrument,
        "provisions": list(found.provisions),
        "pins": list(found.pins),
        "supersedes": found.supersedes,
        "superseded": found.is_superseded,
        "state": found.state,
        "audience": found.audience,
        "parties": None if found.parties is None else list(found.parties),
        **provenance_document(found.provenance),
    }


def action_document(found: Action) -> dict[str, Any]:
    """An action with its events, as of the day that was asked about."""
    return {
        "id": found.id,
        "party": found.party,
        **found.columns,
        "provisions": list(found.provisions),
        "pins": list(found.pins),
        "due": found.progress.due,
        "status": found.progress.status,
        "since": found.progress.since,
        "evidence": found.progress.evidence,
        "state": found.state,
        "audience": found.audience,
        "parties": None if found.parties is None else list(found.parties),
        "events": [_action_event_document(one) for one in found.events],
        **provenance_document(found.provenance),
    }


def _action_event_document(found: ActionEvent) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "date": found.date,
        "body": found.body,
        "link": found.link,
        "digest": found.digest,
        "due": found.due,
        **provenance_document(found.provenance),
    }


def silence_document(found: Silence) -> dict[str, Any]:
    """A silence procedure and what it is now."""
    return {
        "id": found.id,
        "forum": found.forum,
        "title": found.title,
        "symbol": found.symbol,
        "circulated": format_instant(found.circulated_us),
        "deadline": format_instant(found.state.deadline_us),
        "zone": found.state.zone,
        "state": found.state.status,
        "since": format_instant(found.state.since_us),
        "broken_by": None if found.broken_by is None else list(found.broken_by),
        **provenance_document(found.provenance),
    }


def event_document(found: RecordedEvent) -> dict[str, Any]:
    """An event as recorded."""
    return {
        "id": found.id,
        "key": found.key,
        "kind": found.kind,
        "date": found.date,
        "instrument": found.instrument,
        "forum": found.forum,
        "party": found.party,
        "provisions": list(found.provisions),
        "parties": list(found.parties),
        "basis": found.basis,
        "symbol": found.symbol,
        "refers_to": found.refers_to,
        "corrects": found.corrects,
        "corrected_by": found.corrected_by,
        "body": found.body,
        "detail": found.detail,
        "on_behalf_of": found.on_behalf_of,
        "objections_until": found.objections_until,
        "in_time": found.in_time,
        "permitted": found.is_permitted,
        "recorded": format_instant(found.recorded_us),
        **provenance_document(found.provenance),
    }


def recording_document(found: Recording) -> dict[str, Any]:
    """What one person of a secretariat recorded, and what became of it."""
    decided_us = found.decided_us
    return {
        "id": found.id,
        "state": found.state,
        "events": list(found.events),
        "recorded_by": found.recorded_by,
        "recorded": format_instant(found.recorded_us),
        "decided_by": found.decided_by,
        "decided": None if decided_us is None else format_instant(decided_us),
        "reason": found.reason,
        "became": list(found.became),
    }
