"""What a policy may name: the members, partners, blocs ... that exist, and terms that name them.

What does not live here: whom a term names at decision time (`terms`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Final

from sharing.rules.model import PARTNER_ROLE
from sharing.rules.node import Node, quote
from sharing.rules.terms import BARE_KINDS, Term, TermKind


@dataclass(frozen=True, slots=True)
class Names:
    """What exists when a policy is saved.

    `members` are the codes of all members of the installation, seated in this forum or not;
    `partners` are this forum's; `collections` maps each collection's UUID and alias to its
    UUID; `provisions` is None while no register of norms is connected.
    """

    members: frozenset[str]
    partners: frozenset[str]
    roles: frozenset[str]
    blocs: frozenset[str]
    jurisdictions: frozenset[str]
    collections: Mapping[str, str]
    provisions: Container[str] | None = None


def read_term(node: Node, names: Names) -> Term:
    """The audience term that a text holds. Refuses unknown terms and what does not exist."""
    text = node.text()
    if text in BARE_KINDS:
        return Term("partners") if text == "partners" else Term("forum")
    kind, _, value = text.partition(":")
    reading = _READINGS.get(kind)
    if reading is None or not value:
        raise node.refused(f"{quote(text)} is no audience term; use one of: {_FORMS}")
    objection = reading.find_objection(value, names)
    if objection is not None:
        raise node.refused(objection)
    return Term(reading.kind, value)


def read_member(node: Node, names: Names) -> str:
    """The code of a member, bare as `originators` write it. Refuses one that does not exist."""
    code = node.text()
    objection = _find_member_objection(code, names)
    if objection is not None:
        raise node.refused(objection)
    return code


def _find_role_objection(value: str, names: Names) -> str | None:
    if value == PARTNER_ROLE:
        return "seats have roles, partners have none; use `partners` or `partner:NAME`"
    if value in names.roles:
        return None
    return f"no seat has the role {quote(value)}; use one of: {', '.join(sorted(names.roles))}"


def _find_member_objection(value: str, names: Names) -> str | None:
    if value in names.members:
        return None
    return f"no member has the code {quote(value)}; use a code of this installation's members"


def _find_bloc_objection(value: str, names: Names) -> str | None:
    if value in names.blocs:
        return None
    return f"no member belongs to the bloc {quote(value)}; use a bloc that one belongs to"


def _find_jurisdiction_objection(value: str, names: Names) -> str | None:
    if value in names.jurisdictions:
        return None
    return f"no member has the jurisdiction {quote(value)}; use one that a member has"


def _find_partner_objection(value: str, names: Names) -> str | None:
    if value in names.partners:
        return None
    return f"this forum has no partner {quote(value)}; use the name of one of its partners"


def _find_provision_objection(value: str, names: Names) -> str | None:
    if names.provisions is None:
        return (
            "no register of norms is connected, so nobody's commitments are known; "
            "name members instead"
        )
    if value in names.provisions:
        return None
    return f"the register has no provision {quote(value)}; use the id of one it holds"


@dataclass(frozen=True, slots=True)
class _Reading:
    kind: TermKind
    find_objection: Callable[[str, Names], str | None]


_READINGS: Final[dict[str, _Reading]] = {
    reading.kind: reading
    for reading in (
        _Reading("role", _find_role_objection),
        _Reading("member", _find_member_objection),
        _Reading("bloc", _find_bloc_objection),
        _Reading("jurisdiction", _find_jurisdiction_objection),
        _Reading("partner", _find_partner_objection),
        _Reading("committed", _find_provision_objection),
    )
}
_FORMS: Final = (
    "forum, role:R, member:CODE, bloc:NAME, jurisdiction:CODE, partner:NAME, partners, "
    "committed:PROVISION"
)
