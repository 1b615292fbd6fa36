"""Media types: which requests are understood, and the one type of every answer.

TAXII 2.1 §1.6.8 and §3.1. Clients in the field send `*/*`, `application/json`, no header at
all, spaces and q-values; what they can read, they get. Only an explicit wish for something
else is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernel.errors import NotAcceptable, UnsupportedMedia

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"

_VERSION = "2.1"
_TAXII_TYPE = "application/taxii+json"
_STIX_TYPE = "application/stix+json"
# What an answer can be taken for, from the vaguest range to the most precise.
_RANGES = ("*/*", "application/*", "application/json", _TAXII_TYPE)
# Commas and semicolons inside a quoted parameter separate nothing.
_ELEMENT = re.compile(r'(?:[^,"]|"[^"]*+"|")++')
_PART = re.compile(r'(?:[^;"]|"[^"]*+"|")++')


@dataclass(frozen=True, slots=True)
class _MediaType:
    name: str
    version: str | None
    quality: float


def check_accept(header: str | None) -> None:
    """Raise NotAcceptable when no media range of `Accept` covers TAXII 2.1.

    The most precise range that covers it decides, so `q=0` on it refuses (RFC 7231 §5.3.2).
    """
    if header is None or not header.strip():
        return
    best: dict[int, float] = {}
    for text in _ELEMENT.findall(header):
        media = _parsed(text)
        precision = _precision(media)
        if precision is not None:
            best[precision] = max(best.get(precision, 0.0), media.quality)
    if best and best[max(best)] > 0:
        return
    raise NotAcceptable("sharing.not-acceptable", f"this server answers in {TAXII} only")


def _precision(media: _MediaType) -> int | None:
    """How precisely a range covers TAXII 2.1; None when it does not."""
    if media.name not in _RANGES or (media.name == _TAXII_TYPE and not _is_ours(media)):
        return None
    return _RANGES.index(media.name) * 2 + (media.version is not None)


def check_content_type(header: str | None, content_encoding: str | None) -> None:
    """Raise UnsupportedMedia unless a posted body is TAXII, or a courtesy STIX body, of 2.1."""
    media = _parsed(header or "")
    encoded = (content_encoding or "identity").strip().lower() != "identity"
    if media.name in (_TAXII_TYPE, _STIX_TYPE) and _is_ours(media) and not encoded:
        return
    raise UnsupportedMedia(
        "sharing.unsupported-media",
        f"send an envelope as Content-Type {TAXII}, without Content-Encoding",
    )


def _is_ours(media: _MediaType) -> bool:
    return media.version in (None, _VERSION)


def _parsed(text: str) -> _MediaType:
    """One media type or range; what cannot be read covers nothing."""
    name, *parts = _PART.findall(text) or [""]
    version, quality = None, 1.0
    for part in parts:
        key, _, value = part.partition("=")
        key, value = key.strip().lower(), value.strip().strip('"').strip()
        if key == "version":
            version = value
        elif key == "q":
            quality = _quality(value)
    return _MediaType(name.strip().lower(), version, quality)


def _quality(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text, re.ASCII) else 0.0
