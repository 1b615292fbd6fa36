"""What is sent as a body: policies, what a member accepts, envelopes; as JSON Schema, by example.

For the OpenAPI document. A body is checked by the rules and the gate, which say more than a
schema can: that what a policy names exists, that an object is STIX.
"""

from __future__ import annotations

from typing import Any, Final

from sharing.rules.conditions import (
    MAX_MIN_CONTRIBUTIONS,
    MAX_STATEMENT_CHARACTERS,
    MAX_WINDOW_DAYS,
    STATEMENTS,
)
from sharing.rules.grammar import MAX_ID_CHARACTERS, MAX_RULES
from sharing.rules.tlp import Tlp
from sharing.services.feeds.keeping import LEAST_EVERY_S, MOST_EVERY_S
from sharing.services.recall import REASON_CHARACTERS

Document = dict[str, Any]

_TEXT: Final[Document] = {"type": "string", "minLength": 1}
_TEXTS: Final[Document] = {"type": "array", "items": _TEXT}
_LEVEL: Final[Document] = {"type": "string", "enum": [level.text for level in Tlp]}
_INSTANT: Final[Document] = {"type": "string", "format": "date-time"}
_DURATION: Final[Document] = {
    "type": "string",
    "pattern": "^P",
    "description": "ISO 8601 in weeks, days, hours, minutes and seconds, such as P7D.",
}


def _closed(properties: Document, *required: str) -> Document:
    shape: Document = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return shape | {"required": list(required)} if required else shape


def _at_most(most: int) -> Document:
    return {"type": "integer", "minimum": 1, "maximum": most}


_STATEMENT: Final[Document] = {"type": "string", "maxLength": MAX_STATEMENT_CHARACTERS}

_RULE: Final = _closed(
    {
        "id": {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS},
        "effect": {"type": "string", "enum": ["share", "withhold"]},
        "audience": _closed({"any": _TEXTS, "except": _TEXTS}),
        "when": _closed(
            {
                "types": _TEXTS,
                "labels": _TEXTS,
                "collections": _TEXTS,
                "tlp_at_most": _LEVEL,
                "tlp_at_least": _LEVEL,
            }
        ),
        "omit": _TEXTS,
        "only": _TEXTS,
        "from": _INSTANT,
        "until": _INSTANT,
        "delay": _DURATION,
        "expire_after": _DURATION,
        "conditions": _closed(
            {
                "residency": _TEXTS,
                "reciprocity": _closed(
                    {
                        "min_contributions": _at_most(MAX_MIN_CONTRIBUTIONS),
                        "window_days": _at_most(MAX_WINDOW_DAYS),
                    },
                    "min_contributions",
                    "window_days",
                ),
            }
        ),
        "terms": _closed(dict.fromkeys(sorted(STATEMENTS), _STATEMENT)),
    },
    "id",
    "effect",
)

POLICY: Final = _closed(
    {"rules": {"type": "array", "items": _RULE, "maxItems": MAX_RULES}}, "rules"
)
POLICY_EXAMPLE: Final[Document] = {
    "rules": [
        {
            "id": "neighbours",
            "effect": "share",
            "audience": {"any": ["member:XAB", "member:XAC"]},
            "when": {"types": ["indicator", "malware"], "tlp_at_most": "amber"},
        },
        {
            "id": "never",
            "effect": "withhold",
            "audience": {"any": ["forum"]},
            "when": {"labels": ["op-frost"]},
        },
    ]
}

ACCEPTS: Final = _closed({"types": _TEXTS, "tlp_at_most": _LEVEL, "except_originators": _TEXTS})
ACCEPTS_EXAMPLE: Final[Document] = {"types": ["indicator", "malware"], "tlp_at_most": "amber"}

OBJECT_EXAMPLE: Final[Document] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--7c3f1a52-9d0e-4c55-8a0b-3f6e2b9d4e11",
    "created": "2026-05-04T08:30:00.000Z",
    "modified": "2026-05-04T08:30:00.000Z",
    "pattern": "[domain-name:value = 'harbour-update.example']",
    "pattern_type": "stix",
    "valid_from": "2026-05-04T08:30:00Z",
    "labels": ["phishing"],
}

# Open: a bundle has a type and an id, an envelope may have `more` and `next`.
ENVELOPE: Final[Document] = {
    "type": "object",
    "properties": {"objects": {"type": "array", "items": {"type": "object"}}},
}
ENVELOPE_EXAMPLE: Final[Document] = {"objects": [OBJECT_EXAMPLE]}

RECALL: Final = _closed(
    {
        "collection": _TEXT,
        "id": _TEXT,
        "reason": _TEXT | {"maxLength": REASON_CHARACTERS},
        "versions": {"type": "array", "items": _INSTANT, "minItems": 1},
        "never_return": {"type": "boolean"},
        "keep": {"type": "boolean"},
    },
    "collection",
    "id",
    "reason",
)
RECALL_EXAMPLE: Final[Document] = {
    "collection": "reports",
    "id": OBJECT_EXAMPLE["id"],
    "reason": "The host belongs to somebody else.",
    "never_return": True,
}

_PEM: Final[Document] = {"type": "string", "pattern": "^\\s*-----BEGIN "}
_SECRETS: Final[Document] = {
    "user": _TEXT | {"description": "Of HTTP Basic, with `password`."},
    "password": _TEXT,
    "token": _TEXT | {"description": "A Bearer token, instead of a user and a password."},
    "client_cert": _PEM | {"description": "PEM of a client certificate and its key."},
    "ca": _PEM | {"description": "PEM of the CA to believe, instead of the public ones."},
}
_FEED: Final[Document] = {
    "name": _TEXT | {"maxLength": 64},
    "direction": {"type": "string", "enum": ["pull", "push"]},
    "forum": _TEXT,
    "collection": _TEXT | {"description": "The one here: its id or alias."},
    "url": _TEXT | {"description": "Of the partner's server, API root or collection."},
    "remote": _TEXT | {"description": "The collection there: its id, alias or title."},
    "every": {
        "type": "integer",
        "minimum": LEAST_EVERY_S,
        "maximum": MOST_EVERY_S,
        "description": "In seconds; 3,600 unless said.",
    },
    "min_tlp": _LEVEL,
    "manifest_first": {"type": "boolean"},
    **_SECRETS,
}
FEED: Final = _closed(_FEED, "name", "forum", "collection", "url", "remote")
FEED_EXAMPLE: Final[Document] = {
    "name": "quay",
    "direction": "pull",
    "forum": "harbour",
    "collection": "reports",
    "url": "https://taxii.quay.example/taxii2/",
    "remote": "Reports",
    "every": 900,
    "min_tlp": "green",
    "user": "k3v7q2m9x4b8",
    "password": "of-the-account-there",
}
FEED_TEST: Final = _closed(
    {name: _FEED[name] for name in ("direction", "url", "remote", *_SECRETS)}, "url"
)
FEED_TEST_EXAMPLE: Final[Document] = {
    name: FEED_EXAMPLE[name] for name in ("direction", "url", "user", "password")
}
FEED_SECRETS: Final = _closed(_SECRETS)
FEED_SECRETS_EXAMPLE: Final[Document] = {"token": "of-the-account-there"}
FEED_REPLAY: Final = _closed({"after": _INSTANT})
FEED_REPLAY_EXAMPLE: Final[Document] = {"after": "2026-11-01T00:00:00.000000Z"}
