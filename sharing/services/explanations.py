"""An explanation: to whom a version goes through which credential, and why; its shape as JSON.

What does not live here: working it out (explaining).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.clock import format_instant, format_version
from sharing.queries.collections import Collection
from sharing.queries.contributions import Stored
from sharing.rules.decide import Outcome
from sharing.rules.model import CredentialKind, Recipient
from sharing.rules.rule import Policy

NOT_DELIVERABLE: Final = "not deliverable"
"""What becomes of an object, or of a part, in whose way something stands that is not told."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence; `clause` is that of the sharing policy, `rule` the id it is about if any.

    `rule_of` tells whose the rule is: `member` or `forum`. `taken` are the properties that
    the line is a reason to leave out; `grants` that the rule shares.
    """

    clause: str
    sentence: str
    rule: str | None = None
    rule_of: str | None = None
    taken: frozenset[str] = frozenset()
    grants: bool = False

    def document(self) -> dict[str, Any]:
        """The line as JSON."""
        return {
            "clause": self.clause,
            "rule": self.rule,
            "rule_of": self.rule_of,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a version goes to a recipient through a kind of credential, and why.

    `omitted` maps each property left out to the lines that say why; `dropped` are the ids
    taken out of lists. `terms` are the IEP statements of the rules that share it;
    `changes_us` when a rule about the object next begins or ceases to hold.
    """

    recipient: Recipient
    kind: CredentialKind
    decision: Outcome
    trace: tuple[Line, ...]
    is_own: bool = False
    omitted: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changes_us: int | None = None

    @property
    def unless(self) -> str | None:
        """`not deliverable` wherever others' secrets might stand in the way; it never tells."""
        return None if self.decision == "hidden" or self.is_own else NOT_DELIVERABLE

    def summary(self) -> dict[str, Any]:
        """The outcome as JSON, with the ids of the rules that it rests on."""
        rules = dict.fromkeys(line.rule for line in self.trace if line.rule is not None)
        return {
            "recipient": self.recipient.name,
            "is_partner": self.recipient.is_partner,
            "kind": self.kind,
            "decision": self.decision,
            "unless": self.unless,
            "omitted_properties": sorted(self.omitted),
            "rules": list(rules),
        }


def widest_kind(recipient: Recipient) -> CredentialKind:
    """The kind of credential through which most may reach a recipient."""
    return "machine" if recipient.is_partner else "individual"


def explanation_document(place: Collection, stored: Stored, told: Explanation) -> dict[str, Any]:
    """One version's explanation as JSON."""
    changes_us = told.changes_us
    return {
        "id": stored.stix_id,
        "collection": place.uuid,
        "version": format_version(stored.version_us),
        "tlp": stored.tlp.text,
        **told.summary(),
        "omitted": [
            {
                "property": unit,
                "rules": list(dict.fromkeys(line.rule for line in because if line.rule)),
                "because": [line.sentence for line in because],
            }
            for unit, because in told.omitted.items()
        ],
        "dropped_ids": list(told.dropped),
        "terms": {statement: list(values) for statement, values in told.terms.items()},
        "changes_at": None if changes_us is None else format_instant(changes_us),
        "trace": [line.document() for line in told.trace],
    }


def merge_terms(policy: Policy, rule_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The IEP statements of some of a policy's rules: each with all that the rules say of it."""
    wanted = frozenset(rule_ids)
    merged: dict[str, set[str]] = {}
    for rule in policy.list_shares():
        for statement, value in rule.terms if rule.id in wanted else ():
            merged.setdefault(statement, set()).add(value)
    return {statement: tuple(sorted(merged[statement])) for statement in sorted(merged)}
