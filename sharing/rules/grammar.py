"""The policy language: a JSON document in, a typed Policy out, or a refusal with its path.

Implements the table and every refusal of sharing policy §3. What does not live here: what
the rules mean (`rule`, `decide`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kernel.clock import parse_instant
from kernel.errors import BadInput
from sharing.rules.conditions import read_conditions, read_statements
from sharing.rules.durations import read_duration
from sharing.rules.node import Node, PolicyRefused, quote
from sharing.rules.properties import read_properties
from sharing.rules.rule import Audience, Effect, Policy, Rule, When
from sharing.rules.terms import Term
from sharing.rules.vocabulary import Names, read_member, read_term

__all__ = [
    "MAX_BYTES",
    "MAX_RULES",
    "Names",
    "PolicyRefused",
    "check_size",
    "parse_policy",
]

MAX_RULES: Final = 200
MAX_BYTES: Final = 64 * 1024
MAX_ID_CHARACTERS: Final = 200

RULE_KEYS: Final = frozenset(
    {"id", "effect", "audience", "when", "from", "until", "delay", "expire_after"}
    | {"omit", "conditions", "terms", "only"}
)
WHEN_KEYS: Final = frozenset({"types", "labels", "collections", "tlp_at_most", "tlp_at_least"})
FORUM_WHEN_KEYS: Final = WHEN_KEYS | {"originators"}

# Keys that one effect has and the other has not: what to do about them there.
_SHARE_ONLY: Final = {
    "omit": "only share rules omit properties; a withhold rule names them in `only`",
    "conditions": "only share rules have conditions; remove it",
    "terms": "only share rules have terms; remove it",
}
_WITHHOLD_ONLY: Final = {
    "only": "only withhold rules have `only`; a share rule names in `omit` what it leaves out",
}
_SHARE_ONLY_WHEN: Final = {
    "tlp_at_most": "only share rules have it; a withhold rule uses `tlp_at_least`",
}
_WITHHOLD_ONLY_WHEN: Final = {
    "tlp_at_least": "only withhold rules have it; a share rule uses `tlp_at_most`",
}
_FORUM_ONLY_WHEN: Final = {
    "originators": "only a forum's policy has it; a member's is about what that member contributed",
}
_FORUM_ONLY_WITHHOLDS: Final = "a forum's policy holds withhold rules only; write `withhold`"


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a rule is read against: what exists, and whose policy it is."""

    names: Names
    is_forum_policy: bool


def check_size(document: bytes) -> None:
    """Refuses a policy document of more than 64 KiB, before it is parsed."""
    if len(document) > MAX_BYTES:
        raise PolicyRefused(
            "policy", f"it has {len(document)} bytes; shorten it to at most {MAX_BYTES} (64 KiB)"
        )


def parse_policy(document: object, *, names: Names, forum_policy: bool = False) -> Policy:
    """The policy that a parsed JSON document holds (sharing policy §3).

    `names` says what exists. A forum's own policy holds withhold rules only. Raises
    PolicyRefused for anything the grammar does not allow, and nothing else on any JSON value.
    """
    root = Node(document)
    fields = root.fields({"rules"})
    if "rules" not in fields:
        raise root.refused('write {"rules": [...]}; an empty list shares nothing')
    nodes = fields["rules"].items()
    if len(nodes) > MAX_RULES:
        reason = f"there are {len(nodes)} rules; at most {MAX_RULES} are allowed"
        raise fields["rules"].refused(reason)
    setting = _Setting(names, forum_policy)
    rules = tuple(_read_rule(node, setting) for node in nodes)
    _refuse_repeated_ids(nodes, rules)
    return Policy(rules)


def _refuse_repeated_ids(nodes: Sequence[Node], rules: Sequence[Rule]) -> None:
    first: dict[str, str] = {}
    for node, rule in zip(nodes, rules, strict=True):
        if rule.id in first:
            reason = f"{first[rule.id]} has this id already; give each rule its own"
            raise node.child("id").refused(reason)
        first[rule.id] = node.path


def _read_rule(node: Node, setting: _Setting) -> Rule:
    fields = node.fields(RULE_KEYS)
    effect = _read_effect(_required(node, fields, "effect"), setting)
    _refuse_keys(fields, _WITHHOLD_ONLY if effect == "share" else _SHARE_ONLY)
    from_us, until_us = _read_interval(node, fields)
    delay_us, expire_after_us = _read_lifetime(fields)
    return Rule(
        id=_read_id(_required(node, fields, "id")),
        effect=effect,
        audience=_read_audience(node, fields, effect, setting.names),
        when=_read_when(fields, effect, setting),
        omit=read_properties(fields["omit"]) if "omit" in fields else frozenset(),
        only=_read_only(fields),
        from_us=from_us,
        until_us=until_us,
        delay_us=delay_us,
        expire_after_us=expire_after_us,
        conditions=read_conditions(fields["conditions"]) if "conditions" in fields else None,
        terms=read_statements(fields["terms"]) if "terms" in fields else (),
    )


def _required(node: Node, fields: Mapping[str, Node], key: str) -> Node:
    if key not in fields:
        raise node.child(key).refused("this key is missing; every rule has it")
    return fields[key]


def _read_effect(node: Node, setting: _Setting) -> Effect:
    if node.value == "withhold":
        return "withhold"
    if node.value != "share":
        raise node.refused("write `share` or `withhold`")
    if setting.is_forum_policy:
        raise node.refused(_FORUM_ONLY_WITHHOLDS)
    return "share"


def _refuse_keys(fields: Mapping[str, Node], refusals: Mapping[str, str]) -> None:
    for key, reason in refusals.items():
        if key in fields:
            raise fields[key].refused(reason)


def _read_id(node: Node) -> str:
    text = node.text()
    if len(text) > MAX_ID_CHARACTERS or not text.isprintable():
        raise node.refused(f"write at most {MAX_ID_CHARACTERS} characters that can be printed")
    return text


def _read_audience(
    rule: Node, fields: Mapping[str, Node], effect: Effect, names: Names
) -> Audience:
    node = fields.get("audience", rule.child("audience", {}))
    parts = node.fields({"any", "except"})
    included = _read_terms(parts["any"], names) if "any" in parts else frozenset()
    excepted = _read_terms(parts["except"], names) if "except" in parts else frozenset()
    if effect == "withhold" and not included:
        reason = "name whom to withhold from, or write `forum` and `partners` for everybody"
        raise node.child("any").refused(reason)
    return Audience(included, excepted)


def _read_terms(node: Node, names: Names) -> frozenset[Term]:
    return frozenset(read_term(item, names) for item in node.items())


def _read_when(fields: Mapping[str, Node], effect: Effect, setting: _Setting) -> When:
    if "when" not in fields:
        return When()
    parts = fields["when"].fields(FORUM_WHEN_KEYS)
    is_share, names = effect == "share", setting.names
    if not setting.is_forum_policy:
        _refuse_keys(parts, _FORUM_ONLY_WHEN)
    _refuse_keys(parts, _WITHHOLD_ONLY_WHEN if is_share else _SHARE_ONLY_WHEN)
    for key in ("types", "labels", "collections", "originators"):
        if key in parts:
            _refuse_idle_list(parts[key], effect)
    return When(
        types=parts["types"].texts() if "types" in parts else None,
        labels=parts["labels"].texts() if "labels" in parts else None,
        collections=_read_collections(parts, names),
        tlp_at_most=parts["tlp_at_most"].level() if "tlp_at_most" in parts else None,
        tlp_at_least=parts["tlp_at_least"].level() if "tlp_at_least" in parts else None,
        originators=_read_originators(parts, names),
    )


def _refuse_idle_list(node: Node, effect: Effect) -> None:
    """An empty list matches nothing: safe in a share rule, a false comfort in a withhold rule."""
    if effect == "withhold" and not node.items():
        raise node.refused("an empty list withholds nothing; name something or remove the key")


def _read_collections(parts: Mapping[str, Node], names: Names) -> frozenset[str] | None:
    if "collections" not in parts:
        return None
    return frozenset(_read_collection(item, names) for item in parts["collections"].items())


def _read_collection(node: Node, names: Names) -> str:
    uuid = names.collections.get(node.text())
    if uuid is None:
        raise node.refused(
            f"no collection of this forum has the id or alias {quote(node.text())}; "
            "name one of the forum's collections"
        )
    return uuid


def _read_originators(parts: Mapping[str, Node], names: Names) -> frozenset[str] | None:
    if "originators" not in parts:
        return None
    return frozenset(read_member(item, names) for item in parts["originators"].items())


def _read_only(fields: Mapping[str, Node]) -> frozenset[str]:
    if "only" not in fields:
        return frozenset()
    _refuse_idle_list(fields["only"], "withhold")
    return read_properties(fields["only"])


def _read_interval(rule: Node, fields: Mapping[str, Node]) -> tuple[int | None, int | None]:
    from_us = _read_instant(fields["from"]) if "from" in fields else None
    until_us = _read_instant(fields["until"]) if "until" in fields else None
    if from_us is not None and until_us is not None and from_us >= until_us:
        reason = "the rule would never hold; `until` must be later than `from`"
        raise rule.child("until").refused(reason)
    return from_us, until_us


def _read_instant(node: Node) -> int:
    text = node.text()
    if not text.endswith("Z"):
        raise node.refused(f"{quote(text)} is not in UTC; write it like 2026-11-27T08:30:00Z")
    try:
        return parse_instant(text)
    except BadInput as fault:
        raise node.refused(fault.message) from None


def _read_lifetime(fields: Mapping[str, Node]) -> tuple[int | None, int | None]:
    delay_us = read_duration(fields["delay"]) if "delay" in fields else None
    if "expire_after" not in fields:
        return delay_us, None
    expire_after_us = read_duration(fields["expire_after"])
    if expire_after_us <= (delay_us or 0):
        raise fields["expire_after"].refused(
            "the rule would never hold; both durations count from the contribution, "
            "so `expire_after` must be longer than `delay`"
        )
    return delay_us, expire_after_us
