"""Plain makers for tests of the sharing rules: recipients, facts, places, rules, names.

Each gives a harmless value and takes what the test is about. Fictional States only.
"""

from __future__ import annotations

from typing import Any

from sharing.rules.grammar import Names
from sharing.rules.model import Facts, Place, Recipient
from sharing.rules.moment import Moment
from sharing.rules.rule import Audience, Policy, Rule
from sharing.rules.terms import BARE_KINDS, Term
from sharing.rules.tlp import Tlp

ALPHA = "a1a1a1a1-1111-4111-8111-a1a1a1a1a1a1"
BETA = "b2b2b2b2-2222-4222-8222-b2b2b2b2b2b2"
EVERY_ROLE = frozenset({"member", "partner-state", "observer", "partner"})
REQUIRED = ("type", "id", "pattern")
OPTIONAL = ("created_by_ref", "description", "x_victim", "extensions.archive-ext")
AT_ZERO = Moment(0)

NAMES = Names(
    members=frozenset({"XAA", "XAB", "XAC", "XAD", "XAE", "XZZ"}),
    partners=frozenset({"relay", "archive"}),
    roles=frozenset({"member", "partner-state", "observer"}),
    blocs=frozenset({"north", "south"}),
    jurisdictions=frozenset({"XAB", "XAC"}),
    collections={ALPHA: ALPHA, BETA: BETA, "alpha": ALPHA},
)


def make_member(name: str = "XAB", **changed: Any) -> Recipient:
    """An active member with a full seat, accredited to red."""
    attributes: dict[str, Any] = {
        "bit": int(name.encode().hex(), 16) % 97,
        "name": name,
        "is_partner": False,
        "role": "member",
        "is_active": True,
        "jurisdiction": None,
        "blocs": frozenset(),
        "residency": None,
        "accredited_to": Tlp.RED,
    }
    return Recipient(**(attributes | changed))


def make_partner(name: str = "relay", **changed: Any) -> Recipient:
    """An active partner, accredited to red (which never lifts it above green)."""
    return make_member(name, **({"is_partner": True, "role": "partner"} | changed))


def make_facts(**changed: Any) -> Facts:
    """An indicator of XAA at TLP:green, without labels; contributed at instant 0.

    `properties` may be a list of names, which are then of the object's level.
    """
    attributes: dict[str, Any] = {
        "originator": "XAA",
        "stix_type": "indicator",
        "labels": frozenset(),
        "tlp": Tlp.GREEN,
        "blockers": (),
        "properties": REQUIRED + OPTIONAL,
        "releasable_to": None,
        "clauses": tuple(frozenset({unit}) for unit in REQUIRED),
        "ties": (),
        "contributed_us": 0,
    }
    attributes |= changed
    if not isinstance(attributes["properties"], dict):
        attributes["properties"] = dict.fromkeys(attributes["properties"], attributes["tlp"])
    return Facts(**attributes)


def make_place(**changed: Any) -> Place:
    """Collection ALPHA, open to every role and partner, all ceilings at red."""
    attributes: dict[str, Any] = {
        "collection": ALPHA,
        "read_roles": EVERY_ROLE,
        "collection_ceiling": Tlp.RED,
        "forum_ceiling": Tlp.RED,
    }
    return Place(**(attributes | changed))


def make_term(text: str) -> Term:
    """A term from its text, unchecked."""
    kind, _, value = text.partition(":")
    assert kind in BARE_KINDS or value
    return Term(kind, value)  # type: ignore[arg-type]


def make_audience(*named: str, excepted: tuple[str, ...] = ()) -> Audience:
    """An audience from its terms' texts."""
    return Audience(
        frozenset(make_term(text) for text in named),
        frozenset(make_term(text) for text in excepted),
    )


def share(*named: str, excepted: tuple[str, ...] = (), **changed: Any) -> Rule:
    """A share rule for those named."""
    changed = {"id": "shares"} | changed
    return Rule(effect="share", audience=make_audience(*named, excepted=excepted), **changed)


def withhold(*named: str, excepted: tuple[str, ...] = (), **changed: Any) -> Rule:
    """A withhold rule for those named."""
    changed = {"id": "withholds"} | changed
    return Rule(effect="withhold", audience=make_audience(*named, excepted=excepted), **changed)


def make_policy(*rules: Rule) -> Policy:
    """A policy of these rules."""
    return Policy(tuple(rules))


NOBODY = make_policy()
EVERYBODY = make_policy(share("forum", "partners"))


def make_share_document(**keys: Any) -> dict[str, Any]:
    """A policy document of one share rule, `keys` added; a key set to None is left out."""
    return _document({"id": "one", "effect": "share", "audience": {"any": ["forum"]}} | keys)


def make_withhold_document(**keys: Any) -> dict[str, Any]:
    """A policy document of one withhold rule, `keys` added; a key set to None is left out."""
    return _document({"id": "one", "effect": "withhold", "audience": {"any": ["forum"]}} | keys)


def _document(rule: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{key: value for key, value in rule.items() if value is not None}]}
