"""The rules of a policy read out as sentences, in the reader's language.

The document is one that was accepted. What does not live here: what a rule decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext


def sentences_of(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(id, effect, sentence) of each rule, in the order in which they were written."""
    return [
        (str(rule.get("id", "")), str(rule.get("effect", "")), _sentence(rule))
        for rule in document.get("rules", [])
    ]


def _sentence(rule: Mapping[str, Any]) -> str:
    who, about, *rest = _parts(rule)
    return ", ".join([f"{who} {about}", *rest]) + "."


def _parts(rule: Mapping[str, Any]) -> Iterator[str]:
    audience = rule.get("audience", {})
    who = _names(audience.get("any", [])) or _("nobody")
    if rule.get("effect") == "share":
        omitted = ", ".join(rule.get("omit", []))
        yield (
            _("%(who)s may see, less %(properties)s", who=who, properties=omitted)
            if omitted
            else _("%(who)s may see", who=who)
        )
    else:
        only = ", ".join(rule.get("only", []))
        yield (
            _(
                "from %(who)s are withheld the properties %(properties)s of",
                who=who,
                properties=only,
            )
            if only
            else _("from %(who)s is withheld", who=who)
        )
    yield _about(rule.get("when", {}))
    excepted = audience.get("except", [])
    if excepted:
        yield _("except for %(who)s", who=_names(excepted))
    yield from _times(rule)
    yield from _conditions(rule.get("conditions", {}))
    terms = rule.get("terms", {})
    if isinstance(terms, Mapping) and terms:
        told = "; ".join(f"{name} {value}" for name, value in terms.items())
        yield _("on the terms %(terms)s (recorded, not enforced)", terms=told)


def _about(when: Mapping[str, Any]) -> str:
    told = []
    if "types" in when:
        told.append(_("of the types %(types)s", types=", ".join(when["types"])))
    if "labels" in when:
        told.append(_("labelled %(labels)s", labels=", ".join(when["labels"])))
    if "collections" in when:
        told.append(_("in %(collections)s", collections=", ".join(when["collections"])))
    if "tlp_at_most" in when:
        told.append(_("marked at most TLP:%(level)s", level=str(when["tlp_at_most"]).upper()))
    if "tlp_at_least" in when:
        told.append(_("marked at least TLP:%(level)s", level=str(when["tlp_at_least"]).upper()))
    return " ".join([_("every object"), *told]) if told else _("every object")


def _times(rule: Mapping[str, Any]) -> Iterator[str]:
    if "from" in rule:
        yield _("from %(at)s on", at=rule["from"])
    if "until" in rule:
        yield _("until %(at)s", at=rule["until"])
    if "delay" in rule:
        yield _("%(time)s after it was contributed", time=rule["delay"])
    if "expire_after" in rule:
        yield _("for %(time)s", time=rule["expire_after"])


def _conditions(conditions: Mapping[str, Any]) -> Iterator[str]:
    if "residency" in conditions:
        yield _("if its data stay in %(where)s", where=", ".join(conditions["residency"]))
    if "reciprocity" in conditions:
        asked = conditions["reciprocity"]
        yield ngettext(
            "if it has contributed %(num)s object within %(days)s days",
            "if it has contributed %(num)s objects within %(days)s days",
            int(asked.get("min_contributions", 0)),
            days=asked.get("window_days", ""),
        )


def _names(terms: list[str]) -> str:
    return ", ".join(_name(term) for term in terms)


def _name(term: str) -> str:
    kind, _sep, name = term.partition(":")
    if kind == "member":
        return name
    said = {
        "forum": _("every member of this forum"),
        "partners": _("all partner systems"),
        "bloc": _("members of the bloc %(name)s", name=name),
        "role": _("members with the role %(name)s", name=name),
        "jurisdiction": _("members of the jurisdiction %(name)s", name=name),
        "partner": _("the partner system %(name)s", name=name),
        "committed": _("members committed to %(name)s", name=name),
    }
    return str(said.get(kind, term))
