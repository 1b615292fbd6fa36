"""Where what is written comes from: who writes, and how sure the row says it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from norms.rules.words import CONFIDENCES, SOURCE_CLASSES
from norms.services.documents import Row

_ALIASES: Final = {"verified": "checked"}


@dataclass(frozen=True, slots=True)
class Scribe:
    """Who writes: `actor` as in the audit, the class of what it writes, and when.

    `is_catalogue` marks rows that a newer catalogue may change while nobody confirmed them;
    `confirmed_by` is the second person, where there had to be one.
    """

    actor: str
    now_us: int
    source_class: str = "secretariat-recorded"
    is_catalogue: bool = False
    confirmed_by: str | None = None


def provenance_of(row: Row, scribe: Scribe, *, source: str) -> dict[str, Any]:
    """The columns that say where a row comes from; `source` where the row names none."""
    confidence, remark = _read_confidence(row)
    note = row.find_text("note")
    return {
        "source": row.find_text("source") or source,
        "source_class": row.word("source_class", SOURCE_CLASSES, scribe.source_class),
        "confidence": confidence,
        "note": "; ".join(part for part in (note, remark) if part) or None,
        "recorded_by": scribe.actor,
        "recorded_us": scribe.now_us,
    }


def digest_of(values: Mapping[str, Any]) -> str:
    """A digest of what a row says, whoever says it when."""
    said = {
        name: value for name, value in values.items() if name not in ("recorded_by", "recorded_us")
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _read_confidence(row: Row) -> tuple[str, str | None]:
    """The first known word of what is written, and the rest as a remark; else unconfirmed."""
    said = row.find_text("confidence")
    if said is None:
        return "unconfirmed", None
    first = said.split()[0].rstrip(";,:.")
    word = _ALIASES.get(first, first)
    if word not in CONFIDENCES:
        return "unconfirmed", said
    return word, said if said != first else None
