"""Rows of the register as JSON: for doors of every kind. Reads nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kernel.clock import format_instant
from norms.queries.provisions import Instrument, Link, Pin, Provision
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
