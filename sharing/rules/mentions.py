"""What an object mentions, as somebody would ask for it: values, names, outside identifiers. Pure.

Both sides are brought into one spelling: small letters, no defanging. What does not live here:
who is told that an object mentions something (visibility).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

CITATION: Final = "comity-register"
"""`source_name` of an external reference that cites a provision of the register by its id."""

CITED: Final = f"{CITATION}:"
"""What a mention begins with that is a citation; the provision's id follows."""

MOST_MENTIONS: Final = 200
MOST_CHARACTERS: Final = 400
_STEPS_DEEP: Final = 3
_TEXTS: Final = frozenset(
    {
        *("value", "name", "aliases", "key", "user_id", "account_login", "display_name"),
        *("serial_number", "subject", "url", "external_id"),
    }
)
_LITERAL: Final = re.compile(r"'((?:[^'\\]|\\.)*)'")
_ESCAPED: Final = re.compile(r"\\(.)")
_DOTS: Final = re.compile(r"\s*(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\})\s*")
_ATS: Final = re.compile(r"\s*(?:\[@\]|\(@\)|\[at\]|\(at\))\s*")
_COLONS: Final = re.compile(r"\[:(?://)?\]")
_SCHEMES: Final = re.compile(r"^h(?:xx|\*\*|__)p(s?)(?=:|\[)")
_ODD: Final = frozenset("[({*_\0")
_AROUND: Final = "\"'<>`,;" + string.whitespace


def list_mentions(value: Mapping[str, Any]) -> list[str]:
    """What a STIX object mentions in itself, in the spelling of `spell`, sorted, each once.

    At most MOST_MENTIONS, citations before all else; what is longer than MOST_CHARACTERS is left
    out. A citation of a provision is `comity-register:` and the provision's id, and nothing else
    begins so.
    """
    cited = _spelt(_citations_of(value))
    others = [text for text in _spelt(_texts_of(value)) if not text.startswith(CITED)]
    return sorted([*cited, *others[: max(0, MOST_MENTIONS - len(cited))]][:MOST_MENTIONS])


def _spelt(texts: Iterable[str]) -> list[str]:
    spelt = {spell(text) for text in texts} - {""}
    return sorted(each for each in spelt if len(each) <= MOST_CHARACTERS)


def spell(text: str) -> str:
    """One spelling for what is the same indicator: refanged, in small letters, bare."""
    spelt = text.strip(_AROUND).lower()
    if _ODD.isdisjoint(spelt) and not spelt.startswith("hxx"):
        return spelt  # as nearly always: nothing to be undone
    spelt = _DOTS.sub(".", spelt)
    spelt = _ATS.sub("@", spelt)
    spelt = _COLONS.sub(lambda match: match[0].strip("[]"), spelt)
    spelt = _SCHEMES.sub(r"http\1", spelt)
    return spelt.replace("\0", "").strip(_AROUND)


def cites(provision: str) -> str:
    """What an object mentions that cites a provision."""
    return spell(CITED + provision)


def _texts_of(value: Mapping[str, Any]) -> Iterator[str]:
    yield str(value.get("id", ""))
    pattern = value.get("pattern")
    if value.get("pattern_type") == "stix" and isinstance(pattern, str):
        yield from (_ESCAPED.sub(r"\1", match) for match in _LITERAL.findall(pattern))
    if value.get("type") == "autonomous-system":
        yield f"as{value.get('number')}"
    yield from _walk(value, 0)


def _citations_of(value: Mapping[str, Any]) -> Iterator[str]:
    for reference in _list(value.get("external_references")):
        if isinstance(reference, dict) and reference.get("source_name") == CITATION:
            cited = reference.get("external_id")
            if isinstance(cited, str) and spell(cited):
                yield CITED + cited


def _walk(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, one in value.items():
        if name == "hashes" and isinstance(one, dict):
            yield from (text for text in one.values() if isinstance(text, str))
        elif name in _TEXTS:
            yield from (text for text in _list(one) if isinstance(text, str))
        elif isinstance(one, dict | list) and depth < _STEPS_DEEP and name != "granular_markings":
            for part in _list(one):
                if isinstance(part, dict):
                    yield from _walk(part, depth + 1)


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)
