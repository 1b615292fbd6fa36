"""Where the schemas that stix2-validator ships refuse what the field sends, and why we differ.

The schemas are the OASIS TC's with known faults: patterns that lost a backslash, choices that
forgot a property, rules of an older draft. Each amendment replaces, adds or drops one thing.
What does not live here: loading and compiling (schemas).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Amendment:
    """Sets what stands at `path` in `document` to `new`; drops it when `new` is None."""

    document: str
    path: tuple[str | int, ...]
    new: Any
    reason: str


_TIMESTAMP: Final = {"$ref": "../common/timestamp.json"}
_TEXT: Final = {"type": "string"}
_ANY_KEY: Final = {"type": "object"}
_ANYTHING: Final[dict[str, Any]] = {}
_NAME: Final = "^[a-zA-Z0-9_-]{1,250}$"
_SHIPPED_NAME: Final = "^([a-z][a-z0-9_]{2,249})|id$"
_OCTET: Final = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4_TAIL: Final = rf"{_OCTET}(\.{_OCTET}){{3}}"
_GROUP: Final = "[0-9A-Fa-f]{1,4}"
_KNOWN_OBSERVABLE: Final = (
    "^(artifact|directory|file|mutex|process|software|user-account|windows-registry-key|"
    "x509-certificate|autonomous-system|domain-name|email-addr|email-message|ipv4-addr|"
    "ipv6-addr|mac-addr|network-traffic|url)$"
)
_PROPERTY_VALUE: Final = {
    "anyOf": [
        {"type": "array", "minItems": 1},
        {"type": ["string", "integer", "boolean", "number", "object"]},
    ]
}


def _ipv6_pattern() -> str:
    """All the ways to write an IPv6 address, its last 32 bits as IPv4 too, with zone and prefix."""
    forms = [f"({_GROUP}:){{7}}{_GROUP}", f"({_GROUP}:){{6}}{_IPV4_TAIL}"]
    for before in range(8):
        head = f"({_GROUP}:){{0,{before - 1}}}{_GROUP}::" if before else "::"
        after = 7 - before
        forms.append(f"{head}(({_GROUP}:){{0,{after - 1}}}{_GROUP})?" if after else head)
        if after > 1:
            forms.append(f"{head}({_GROUP}:){{0,{after - 2}}}{_IPV4_TAIL}")
    return f"^({'|'.join(forms)})(%[^/]+)?(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$"


_BOTH_CORES: Final = tuple(
    amendment
    for core in ("common/core.json", "common/cyber-observable-core.json")
    for amendment in (
        Amendment(core, ("not",), None, "custom properties may be called severity or action"),
        Amendment(
            core,
            ("properties", "extensions", "additionalProperties"),
            _ANY_KEY,
            "an extension may be known by a name of its maker's",
        ),
    )
)
_CUSTOM_CONTENT: Final = (
    Amendment(
        "common/marking-definition.json",
        ("properties", "extensions", "additionalProperties"),
        _ANY_KEY,
        "an extension may be known by a name of its maker's",
    ),
    Amendment(
        "common/properties.json",
        ("patternProperties", _SHIPPED_NAME),
        None,
        "custom properties have short, mixed-case and hyphenated names in the field",
    ),
    Amendment(
        "common/properties.json",
        ("patternProperties", _NAME),
        _PROPERTY_VALUE,
        "custom properties have short, mixed-case and hyphenated names in the field",
    ),
)

_COMMON: Final = (
    Amendment(
        "common/core.json",
        ("properties", "created"),
        _TIMESTAMP,
        "MISP and others write timestamps without a fraction",
    ),
    Amendment(
        "common/core.json",
        ("properties", "modified"),
        _TIMESTAMP,
        "MISP and others write timestamps without a fraction",
    ),
    Amendment(
        "common/granular-marking.json",
        ("required",),
        ["selectors"],
        "a granular marking has marking_ref or lang (STIX 2.1 §7.2.3.1)",
    ),
    Amendment(
        "common/granular-marking.json",
        ("anyOf",),
        [{"required": ["marking_ref"]}, {"required": ["lang"]}],
        "a granular marking has marking_ref or lang (STIX 2.1 §7.2.3.1)",
    ),
    Amendment(
        "common/granular-marking.json",
        ("properties", "selectors", "items"),
        _TEXT,
        "the gate resolves selectors itself; keys such as SHA-256 are upper case",
    ),
    Amendment(
        "common/external-reference.json",
        ("oneOf",),
        [
            {
                "properties": {"source_name": _TEXT, "external_id": _TEXT},
                "required": ["source_name"],
                "anyOf": [
                    {"required": ["external_id"]},
                    {"required": ["description"]},
                    {"required": ["url"]},
                ],
            }
        ],
        "sources other than cve cite CVE ids too",
    ),
    Amendment(
        "common/external-reference.json",
        ("properties", "hashes", "allOf", 1),
        _ANYTHING,
        "the vocabulary of hash algorithms is open (STIX 2.1 §10.8)",
    ),
    Amendment(
        "common/hashes-type.json",
        ("patternProperties", "^TLSH$", "pattern"),
        "^[a-zA-Z0-9]{70,72}$",
        "TLSH digests of today begin with T1",
    ),
)

_MARKING: Final = (
    Amendment(
        "common/marking-definition.json",
        ("oneOf",),
        None,
        "the gate itself compares TLP markings; a foreign scheme is hidden, not refused",
    ),
    Amendment(
        "common/marking-definition.json",
        ("allOf",),
        [
            {
                "properties": {"definition_type": _TEXT, "definition": {"type": "object"}},
                "required": ["type", "spec_version", "id", "created"],
            },
            {
                "anyOf": [
                    {"required": ["extensions"]},
                    {"required": ["definition_type", "definition"]},
                ]
            },
            {
                "if": {
                    "properties": {"definition_type": {"const": "statement"}},
                    "required": ["definition_type"],
                },
                "then": {
                    "properties": {"definition": {"$ref": "#/definitions/statement"}},
                    "required": ["definition"],
                },
            },
        ],
        "what the branch that was dropped asked of every marking (STIX 2.1 §7.2.1)",
    ),
)

_OBSERVABLES: Final = (
    Amendment(
        "observables/ipv6-addr.json",
        ("allOf", 1, "properties", "value", "pattern"),
        _ipv6_pattern(),
        "the shipped pattern lost its backslashes and refuses ::ffff:192.0.2.1",
    ),
    Amendment(
        "observables/software.json",
        ("allOf", 1, "properties", "languages", "items"),
        _TEXT,
        "languages are RFC 5646 codes in STIX 2.1 §6.14, such as en",
    ),
    Amendment(
        "observables/windows-registry-key.json",
        ("allOf", 1, "properties", "key", "not"),
        None,
        "MISP abbreviates hives, and the shipped pattern looks for HKU anywhere in the key",
    ),
    Amendment(
        "observables/windows-registry-key.json",
        ("anyOf", 2, "required"),
        ["modified_time"],
        "the property's name in STIX 2.1 §6.17",
    ),
    Amendment(
        "observables/process.json",
        ("anyOf", 4, "required"),
        ["created_time"],
        "the property's name in STIX 2.1 §6.13",
    ),
    Amendment(
        "observables/file.json",
        (
            *("definitions", "file-extensions-dictionary", "patternProperties"),
            *("^windows-pebinary-ext$", "properties", "time_date_stamp", "allOf", 1),
        ),
        _ANYTHING,
        "a fraction of .000 is what most libraries write",
    ),
    Amendment(
        "observables/email-message.json",
        (
            *("definitions", "email-additional-header-fields", "patternProperties"),
            *("^[a-zA-Z0-9_-]{0,250}$", "oneOf", 0, "minItems"),
        ),
        1,
        "libraries write a list for a header that came once",
    ),
    Amendment(
        "sdos/observed-data.json",
        (
            *("allOf", 1, "properties", "objects", "patternProperties", "^.*$", "oneOf", 0),
            *("allOf", 1, "not", "properties", "type", "pattern"),
        ),
        _KNOWN_OBSERVABLE,
        "the shipped pattern takes x-profile for a file",
    ),
)

AMENDMENTS: Final = _BOTH_CORES + _CUSTOM_CONTENT + _COMMON + _MARKING + _OBSERVABLES
