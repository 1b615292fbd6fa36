"""A treaty's standing, and each party's to it, from dated treaty actions.

Statuses of a party (domain brief §3.2): none -> signatory -> contracting (consented, not yet in
force) -> party -> former-party; suspended; invited. What does not live here: the arithmetic of
entry into force (`force`), provisions (`commitments`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from norms.rules import words
from norms.rules.dates import PartialDate, format_day
from norms.rules.events import Event
from norms.rules.force import Consent, Delay, ForceRule, Group, find_effect, find_entry, nobody
from norms.rules.spans import Span, sweep


@dataclass(frozen=True, slots=True)
class Treaty:
    """What is fixed about an instrument that parties sign and consent to.

    `in_force` is what the depositary says; else it is computed from `rule`.
    """

    id: str
    adopted: PartialDate | None = None
    opens: PartialDate | None = None
    closes: PartialDate | None = None
    in_force: PartialDate | None = None
    rule: ForceRule | None = None


@dataclass(frozen=True, slots=True)
class PartyStanding:
    """A party's standing to a treaty, since when (as given), and by which event."""

    status: str
    since: str
    event: int


@dataclass(slots=True)
class _History:
    """One party's actions on one treaty, by day; of its ends, `effects` by when each counts."""

    consents: list[Event] = field(default_factory=list)
    signatures: list[Event] = field(default_factory=list)
    invitations: list[Event] = field(default_factory=list)
    ends: list[Event] = field(default_factory=list)
    suspensions: list[Event] = field(default_factory=list)
    resumptions: list[Event] = field(default_factory=list)
    effects: dict[int, PartialDate] = field(default_factory=dict)

    def last_begun(self, events: Sequence[Event], day: int) -> Event | None:
        """The last of these that has surely happened by a day."""
        return next((one for one in reversed(events) if one.date.last_day <= day), None)

    def last_ended(self, events: Sequence[Event], day: int) -> Event | None:
        """The last of these that may have taken effect by a day."""
        return next((one for one in reversed(events) if self.ends_on(one).first_day <= day), None)

    def ends_on(self, event: Event) -> PartialDate:
        """When an end takes effect: as dated, or after its notice."""
        return self.effects.get(event.id, event.date)


def find_force(
    treaty: Treaty,
    events: Iterable[Event],
    *,
    group: Group = nobody,
    reio: frozenset[str] = frozenset(),
) -> int | None:
    """The day on which the treaty enters into force, as recorded or as computed."""
    history = list(events)
    recorded = [one.date.last_day for one in history if one.kind == words.ENTRY_INTO_FORCE]
    if recorded:
        return max(recorded)
    if treaty.in_force is not None:
        return treaty.in_force.last_day
    if treaty.rule is None:
        return None
    return find_entry(treaty.rule, list_consents(treaty, history), group=group, reio=reio)


def list_consents(treaty: Treaty, events: Iterable[Event]) -> list[Consent]:
    """Each consent to be bound, with the day on which the party's withdrawal took effect."""
    consents = []
    for party, history in _histories(treaty, events).items():
        for consent in history.consents:
            day = consent.date.last_day
            ended = [
                history.ends_on(one).first_day
                for one in history.ends
                if not one.date.is_before(consent.date)
            ]
            consents.append(Consent(party, day, min(ended, default=None)))
    return consents


def list_party_spans(
    treaty: Treaty, events: Iterable[Event], entry: int | None
) -> dict[str, list[Span[PartyStanding]]]:
    """Each party's standing over time; a party that has done nothing is not in it."""
    return {
        party: list(_sweep_party(treaty, history, entry))
        for party, history in sorted(_histories(treaty, events).items())
    }


def list_instrument_spans(
    treaty: Treaty, events: Iterable[Event], entry: int | None
) -> list[Span[tuple[str, str]]]:
    """The instrument's own status over time, each with its date as given."""
    ends = [
        one
        for one in events
        if one.party is None and one.kind in {words.TERMINATION, words.SUPERSESSION}
    ]
    days = [one.date.first_day for one in ends]
    for begins in (treaty.adopted, treaty.opens):
        days += [begins.last_day] if begins else []
    days += [treaty.closes.first_day + 1] if treaty.closes else []
    days += [] if entry is None else [entry]

    def holds_on(day: int) -> tuple[str, str] | None:
        for one in ends:
            if one.date.first_day <= day:
                name = "terminated" if one.kind == words.TERMINATION else "superseded"
                return name, one.date.text
        if entry is not None and entry <= day:
            return "in-force", treaty.in_force.text if treaty.in_force else format_day(entry)
        return _before_force(treaty, day)

    return list(sweep(days, holds_on))


def _before_force(treaty: Treaty, day: int) -> tuple[str, str] | None:
    if treaty.closes and treaty.closes.first_day < day:
        return "closed-for-signature", treaty.closes.text
    if treaty.opens and treaty.opens.last_day <= day:
        return "open-for-signature", treaty.opens.text
    return ("adopted", treaty.adopted.text) if treaty.adopted else None


def _sweep_party(
    treaty: Treaty, history: _History, entry: int | None
) -> Iterable[Span[PartyStanding]]:
    effects: Mapping[int, int | None] = {
        one.id: find_effect(treaty.rule, entry, one.date.last_day) for one in history.consents
    }
    begun = (*history.consents, *history.signatures, *history.invitations)
    days = [one.date.last_day for one in begun]
    days += [day for day in effects.values() if day is not None]
    days += [history.ends_on(one).first_day for one in (*history.ends, *history.suspensions)]
    days += [one.date.last_day for one in history.resumptions]

    def holds_on(day: int) -> PartyStanding | None:
        consent = history.last_begun(history.consents, day)
        ended = history.last_ended(history.ends, day)
        if consent is None:
            return _before_consent(history, day)
        if ended is not None and not ended.date.is_before(consent.date):
            return PartyStanding("former-party", history.ends_on(ended).text, ended.id)
        effect = effects[consent.id]
        if effect is None or day < effect:
            return PartyStanding("contracting", consent.date.text, consent.id)
        suspended = history.last_ended(history.suspensions, day)
        resumed = history.last_begun(history.resumptions, day)
        if suspended is not None and (
            resumed is None or resumed.date.last_day < suspended.date.first_day
        ):
            return PartyStanding("suspended", suspended.date.text, suspended.id)
        since = consent.date.text if effect <= consent.date.last_day else format_day(effect)
        return PartyStanding("party", since, consent.id)

    return sweep(days, holds_on)


def _before_consent(history: _History, day: int) -> PartyStanding | None:
    signed = history.last_begun(history.signatures, day)
    if signed is not None:
        return PartyStanding("signatory", signed.date.text, signed.id)
    invited = history.last_begun(history.invitations, day)
    if invited is not None:
        return PartyStanding("invited", invited.date.text, invited.id)
    return None


def _histories(treaty: Treaty, events: Iterable[Event]) -> dict[str, _History]:
    notice = treaty.rule.notice if treaty.rule else Delay()
    found: defaultdict[str, _History] = defaultdict(_History)
    ordered = sorted(events, key=lambda one: (one.date.last_day, one.id))
    for event in ordered:
        if event.party is None:
            continue
        history = found[event.party]
        if event.kind in words.CONSENTS:
            history.consents.append(event)
        elif event.kind in words.SIGNATURES:
            history.signatures.append(event)
        elif event.kind == words.INVITATION:
            history.invitations.append(event)
        elif event.kind in words.TREATY_ENDS and not event.provisions:
            history.ends.append(event)
            if notice != Delay():
                first, last = notice.after(event.date.first_day), notice.after(event.date.last_day)
                history.effects[event.id] = PartialDate(format_day(first), first, last)
        elif event.kind == "suspension" and not event.provisions:
            history.suspensions.append(event)
        elif event.kind == "resumption" and not event.provisions:
            history.resumptions.append(event)
    return {party: one for party, one in found.items() if _is_any(one)}


def _is_any(history: _History) -> bool:
    return bool(history.consents or history.signatures or history.invitations)
