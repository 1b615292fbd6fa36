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
_CONTAINERS: Final = (dict, list)
_LITERAL: Final = re.compile(r"'((?:[^'\\]|\\.)*)'")
_ESCAPED: Final = re.compile(r"\\(.)")
_DOTS: Final = re.compile(r"\s*(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\})\s*")
_ATS: Final = re.compile(r"\s*(?:\[@\]|\(@\)|\[at\]|\(at\))\s*")
_COLONS: Final = re.compile(r"\[:(?://)?\]")
_SCHEMES: Final = re.compile(r"^h(?:xx|\*\*|__)p(s?)(?=:|\[)")
_ODD: Final = re.compile(r"[\[({*_\0]|\Ahxx")
_AROUND: Final = "\"'<>`,;" + string.whitespace


def list_mentions(value: Mapping[str, Any]) -> list[str]:
    """What a STIX object mentions in itself, in the spelling of `spell`, sorted, each once.

    At most MOST_MENTIONS, citations before all else; what is longer than MOST_CHARACTERS is left
    out. A citation of a provision is `comity-register:` and the provision's id, and nothing else
    begins so.
    """
    cited = _spelt(_citations_of(value)) if "external_references" in value else []
    others = [text for text in _spelt(_texts_of(value)) if not text.startswith(CITED)]
    if not cited:
        return others[:MOST_MENTIONS]
    return sorted([*cited, *others[: max(0, MOST_MENTIONS - len(cited))]][:MOST_MENTIONS])


def _spelt(texts: Iterable[str]) -> list[str]:
    return sorted(each for each in set(map(spell, texts)) if 0 < len(each) <= MOST_CHARACTERS)


def spell(text: str) -> str:
    """One spelling for what is the same indicator: refanged, in small letters, bare."""
    spelt = text.strip(_AROUND).lower()
    if _ODD.search(spelt) is None:
        return spelt  # as nearly always: nothing to be undone
    spelt = _DOTS.sub(".", spelt)
    spelt = _ATS.sub("@", spelt)
    spelt = _COLONS.sub(lambda match: match[0].strip("[]"), spelt)
    spelt = _SCHEMES.sub(r"http\1", spelt)
    return spelt.replace("\0", "").strip(_AROUND)


def cites(provision: str) -> str:
    """What an object mentions that cites a provision."""
    return spell(CITED + provision)


def _texts_of(value: Mapping[str, Any]) -> list[str]:
    texts = [str(value.get("id", ""))]
    pattern = value.get("pattern")
    if value.get("pattern_type") == "stix" and isinstance(pattern, str):
        literals = _LITERAL.findall(pattern)
        texts += (_ESCAPED.sub(r"\1", each) if "\\" in each else each for each in literals)
    if value.get("type") == "autonomous-system":
        texts.append(f"as{value.get('number')}")
    _walk(value, 0, texts)
    return texts


def _citations_of(value: Mapping[str, Any]) -> Iterator[str]:
    for reference in _list(value.get("external_references")):
        if isinstance(reference, dict) and reference.get("source_name") == CITATION:
            cited = reference.get("external_id")
            if isinstance(cited, str) and spell(cited):
                yield CITED + cited


def _walk(value: Mapping[str, Any], depth: int, texts: list[str]) -> None:
    for name, one in value.items():
        if isinstance(one, str):
            if name in _TEXTS:
                texts.append(one)
        elif name == "hashes" and isinstance(one, dict):
            texts += (text for text in one.values() if isinstance(text, str))
        elif name in _TEXTS:
            texts += (text for text in _list(one) if isinstance(text, str))
        elif isinstance(one, _CONTAINERS) and depth < _STEPS_DEEP and name != "granular_markings":
            for part in _list(one):
                if isinstance(part, dict):
                    _walk(part, depth + 1, texts)


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)
