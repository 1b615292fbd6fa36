"""Audience terms (`forum`, `bloc:NAME`, ...): what they are called and whom they name.

What does not live here: reading terms out of a policy document (`grammar`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sharing.rules.model import Recipient

TermKind = Literal[
    "forum", "role", "member", "bloc", "jurisdiction", "partner", "partners", "committed"
]

BARE_KINDS: Final[frozenset[str]] = frozenset({"forum", "partners"})
"""Terms that stand alone; every other kind is followed by `:` and a value."""


@dataclass(frozen=True, slots=True)
class Term:
    """One audience term; `value` is empty for `forum` and `partners`."""

    kind: TermKind
    value: str = ""

    @property
    def text(self) -> str:
        """The term as a policy writes it."""
        return f"{self.kind}:{self.value}" if self.value else self.kind


Committed = Callable[[str], frozenset[str]]
"""From a provision's id to the codes of the members whose commitment to it is in effect."""

FORUM: Final = Term("forum")
PARTNERS: Final = Term("partners")


def terms_naming(recipient: Recipient) -> frozenset[Term]:
    """Every term that names this recipient by what it is (sharing policy §3, `audience`).

    `forum` is all seats of the forum, so a partner is named by `partners` and by its own
    name only. Whom `committed:` names changes with time: `is_committed`.
    """
    if recipient.is_partner:
        return frozenset({PARTNERS, Term("partner", recipient.name)})
    terms = {FORUM, Term("role", recipient.role), Term("member", recipient.name)}
    terms.update(Term("bloc", bloc) for bloc in recipient.blocs)
    if recipient.jurisdiction is not None:
        terms.add(Term("jurisdiction", recipient.jurisdiction))
    return frozenset(terms)


def is_committed(recipient: Recipient, asked: Iterable[Term], committed: Committed) -> bool:
    """Whether a `committed:` among these terms names the recipient; it never names a partner."""
    return not recipient.is_partner and any(
        recipient.name in committed(term.value) for term in asked if term.kind == "committed"
    )


def releasable_terms(releasable_to: Iterable[str]) -> frozenset[Term]:
    """The terms of an object's `releasable_to` (sharing policy §7); what is neither names nobody.

    A `jurisdiction:` names by the recipient's jurisdiction; partners are named by neither.
    """
    terms = set()
    for text in releasable_to:
        kind, _, value = text.partition(":")
        if kind == "member":
            terms.add(Term("member", value))
        elif kind == "jurisdiction":
            terms.add(Term("jurisdiction", value))
    return frozenset(terms)
