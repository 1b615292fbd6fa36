"""Whom a rule names and what it is about (sharing policy §3), and what a recipient declines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.sharing.oracle.objects import LEVELS
from tests.sharing.oracle.record import Commitment, Contribution, Recipient

Rule = dict[str, Any]


def terms_of(to: Recipient) -> set[str]:
    """Every term that names the recipient whatever the instant."""
    if to.is_partner:
        return {"partners", f"partner:{to.name}"}
    terms = {"forum", f"role:{to.role}", f"member:{to.name}"}
    terms |= {f"bloc:{bloc}" for bloc in to.blocs}
    if to.jurisdiction:
        terms.add(f"jurisdiction:{to.jurisdiction}")
    return terms


def names(rule: Rule, to: Recipient, commitments: Iterable[Commitment], at_us: int) -> bool:
    """Whether the rule's audience names the recipient at this instant."""
    audience = rule.get("audience", {})
    terms = terms_of(to)
    if not to.is_partner:
        terms |= {
            f"committed:{each.provision}"
            for each in commitments
            if each.code == to.name and each.is_in_effect(at_us)
        }
    return not terms.isdisjoint(audience.get("any", ())) and terms.isdisjoint(
        audience.get("except", ())
    )


def is_about(rule: Rule, given: Contribution) -> bool:
    """Whether what the rule asks of an object, its level apart, is so."""
    when = rule.get("when", {})
    labels = given.value.get("labels", [])
    return (
        ("types" not in when or given.value["type"] in when["types"])
        and ("labels" not in when or not set(labels).isdisjoint(when["labels"]))
        and ("collections" not in when or given.place.uuid in when["collections"])
        and ("originators" not in when or given.originator in when["originators"])
    )


def refuses(accepts: dict[str, Any], given: Contribution) -> bool:
    """Step 7: what the recipient has said it does not accept."""
    return (
        ("types" in accepts and given.value["type"] not in accepts["types"])
        or given.level > LEVELS[accepts.get("tlp_at_most", "red")]
        or given.originator in accepts.get("except_originators", ())
    )
