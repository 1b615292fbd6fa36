"""The recipients of one forum as int masks: by term, by role, by level, by residency.

Bit `element(recipient.bit, kind)` of a mask is one recipient through one kind of
credential. What does not live here: what the rules say (`compiled`, `audiences`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

from sharing.rules import reach
from sharing.rules.model import KINDS, Facts, Place, Recipient, element
from sharing.rules.terms import FORUM, Term, releasable_terms, terms_naming
from sharing.rules.tlp import Tlp

Key = TypeVar("Key", bound=Hashable)


class Electorate:
    """The recipients of one forum, as masks. Immutable.

    Raises ValueError when two recipients share a bit, or two of a kind a name: one would be
    shown what the other may see.
    """

    def __init__(self, recipients: Iterable[Recipient]) -> None:
        self.recipients = tuple(recipients)
        self.everyone = 0
        self._by_term: dict[Term, int] = {}
        self._by_role: dict[str, int] = {}
        self._by_residency: dict[str, int] = {}
        self._by_level = dict.fromkeys(Tlp, 0)
        _refuse_twins(self.recipients)
        for recipient in self.recipients:
            if recipient.is_active:
                self._enrol(recipient)

    def _enrol(self, recipient: Recipient) -> None:
        both = sum(1 << element(recipient.bit, kind) for kind in KINDS)
        self.everyone |= both
        _add(self._by_role, recipient.role, both)
        for term in terms_naming(recipient):
            _add(self._by_term, term, both)
        if recipient.residency is not None and not recipient.is_partner:
            _add(self._by_residency, recipient.residency, both)
        for level in Tlp:
            if reach.is_accredited(recipient, level):
                self._by_level[level] |= _through(recipient, level)

    @property
    def members(self) -> int:
        """The active members, that is everyone but partners."""
        return self.named_by(FORUM)

    def named_by(self, term: Term) -> int:
        """The active recipients that a term names, through either kind of credential."""
        return self._by_term.get(term, 0)

    def owner_of(self, facts: Facts) -> int:
        """The originator, if it is active, through either kind of credential."""
        return self.named_by(Term("member", facts.originator))

    def members_of(self, codes: Iterable[str]) -> int:
        """The active members with these codes."""
        mask = 0
        for code in codes:
            mask |= self.named_by(Term("member", code))
        return mask

    def residents_of(self, residencies: Iterable[str]) -> int:
        """The active members that store their data in one of these; never a partner."""
        mask = 0
        for residency in residencies:
            mask |= self._by_residency.get(residency, 0)
        return mask

    def releasable_to(self, texts: Iterable[str] | None) -> int:
        """Step 4: those whom an object's `releasable_to` leaves; without one, everyone."""
        if texts is None:
            return self.everyone
        mask = 0
        for term in releasable_terms(texts):
            mask |= self.named_by(term)
        return mask

    def within_reach(self, facts: Facts, place: Place, level: Tlp | None = None) -> int:
        """Step 1: the active recipients that nothing but the rules keeps the object from.

        At `level` if given, instead of the object's own.
        """
        at = facts.tlp if level is None else level
        if facts.blockers or not reach.is_within_place(at, place):
            return 0
        readers = 0
        for role in place.read_roles:
            readers |= self._by_role.get(role, 0)
        return readers & self._by_level[at]


def _add(masks: dict[Key, int], key: Key, mask: int) -> None:
    masks[key] = masks.get(key, 0) | mask


def _through(recipient: Recipient, level: Tlp) -> int:
    """The recipient through the kinds of credential that the level may pass."""
    return sum(
        1 << element(recipient.bit, kind)
        for kind in KINDS
        if reach.may_reach(level, recipient, kind)
    )


def _refuse_twins(recipients: tuple[Recipient, ...]) -> None:
    bits = {recipient.bit for recipient in recipients}
    names = {(recipient.is_partner, recipient.name) for recipient in recipients}
    if len(bits) < len(recipients) or len(names) < len(recipients):
        raise ValueError("two recipients of the forum share a bit or a name")
