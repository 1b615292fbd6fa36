"""One object through the gate: every check in turn, and the facts that come of it."""

from __future__ import annotations

import logging
from typing import Final

from kernel.errors import BadInput
from kernel.strictjson import JsonValue, content_digest
from sharing.gate.ids import check_id, is_stix_id, is_stix_type
from sharing.gate.markings import (
    check_granular_markings,
    check_marking_definition,
    check_object_markings,
)
from sharing.gate.needs import find_needs, list_units
from sharing.gate.patterns import check_pattern
from sharing.gate.references import find_named
from sharing.gate.releasable import check_releasable_to, without_release_extension
from sharing.gate.schemas import (
    check_schema,
    known_types,
    observable_types,
    timestamp_names,
)
from sharing.gate.times import Version, check_timestamps, check_version
from sharing.gate.verdicts import Checked, RawObject, Refused, refusal, shown

SPEC_VERSION: Final = "2.1"
_MARKING: Final = "marking-definition"
# Consumers stall on an edge whose ends come later (TAXII field note 16).

log = logging.getLogger(__name__)


def check_object(raw: RawObject, *, now_us: int) -> Checked | Refused:
    """The object with its facts, or the reason it is refused. Never raises.

    Checks form alone: STIX 2.1 schema, ids, times, pattern, markings, release extension.
    `now_us` bounds how far ahead its version may be. What depends on what is stored
    (`refuse_unresolved`, conflicts, bound identities) is not decided here.
    """
    try:
        return _checked(raw, now_us)
    except BadInput as fault:
        return _refused(raw, fault.code, fault.message)
    except Exception as fault:  # one object must never poison the rest of its envelope
        log.exception("the gate failed on an object of type %s", type(raw.value).__name__)
        reason = f"the gate could not check this object ({type(fault).__name__}); tell the operator"
        return _refused(raw, "sharing.gate-failed", reason)


def _checked(raw: RawObject, now_us: int) -> Checked:
    if raw.fault is not None:
        raise refusal("sharing.bad-json", "$", raw.fault)
    value = raw.value
    if not isinstance(value, dict):
        raise refusal("sharing.not-an-object", "$", "expected a STIX object in braces")
    stix_type = _check_type(value)
    stix_id = check_id(value.get("id"), "$.id", stix_type)
    _check_spec_version(value, stix_type)
    version = check_version(value, now_us=now_us)
    releasable_to = check_releasable_to(value)
    check_schema(without_release_extension(value), stix_type)
    check_timestamps(value, timestamp_names(stix_type))
    _check_indicator_pattern(value, stix_type)
    return _with_facts(raw, value, stix_id, version, releasable_to)


def _with_facts(
    raw: RawObject,
    value: dict[str, JsonValue],
    stix_id: str,
    version: Version,
    releasable_to: tuple[str, ...] | None,
) -> Checked:
    is_marking = value["type"] == _MARKING
    statement, understood = check_marking_definition(value) if is_marking else (False, False)
    return Checked(
        index=raw.index,
        raw=raw.raw,
        value=value,
        stix_id=stix_id,
        stix_type=value["type"],
        version_us=version.instant_us,
        version=version.text,
        created_by_ref=_check_creator(value),
        labels=_check_labels(value),
        object_marking_refs=check_object_markings(value),
        granular_markings=check_granular_markings(value),
        releasable_to=releasable_to,
        named=find_named(value),
        needs=find_needs(value),
        properties=list_units(value),
        digest=content_digest(value),
        marking_statement=statement,
        marking_scheme_understood=understood,
    )


def _check_type(value: dict[str, JsonValue]) -> str:
    stix_type = value.get("type")
    if not isinstance(stix_type, str) or not is_stix_type(stix_type):
        written = ascii(shown(stix_type)) if isinstance(stix_type, str) else "this"
        raise refusal(
            "sharing.bad-type",
            "$.type",
            f"{written} is not a type; write 3 to 250 of a-z, 0-9 and -",
        )
    if stix_type == "bundle":
        raise refusal("sharing.bad-type", "$.type", "a bundle is not an object; send what it holds")
    return stix_type


def _check_spec_version(value: dict[str, JsonValue], stix_type: str) -> None:
    """Observables may leave it out, and so may a custom type that is built like one."""
    may_leave_out = stix_type in observable_types() or (
        stix_type not in known_types() and not value.keys() & {"created", "modified"}
    )
    if "spec_version" not in value and may_leave_out:
        return
    if value.get("spec_version") == SPEC_VERSION:
        return
    raise refusal(
        "sharing.bad-spec-version",
        "$.spec_version",
        f"only STIX {SPEC_VERSION} is taken; convert it first",
    )


def _check_creator(value: dict[str, JsonValue]) -> str | None:
    if "created_by_ref" not in value:
        return None
    return check_id(value["created_by_ref"], "$.created_by_ref")


def _check_labels(value: dict[str, JsonValue]) -> frozenset[str]:
    labels = value.get("labels", [])
    if not isinstance(labels, list):
        raise refusal("sharing.bad-property", "$.labels", "expected a list of strings")
    for index, label in enumerate(labels):
        if not isinstance(label, str) or "\0" in label:
            raise refusal(
                "sharing.bad-property", f"$.labels[{index}]", "expected a string without NUL"
            )
    return frozenset(labels)


def _check_indicator_pattern(value: dict[str, JsonValue], stix_type: str) -> None:
    if stix_type == "indicator" and value["pattern_type"] == "stix":
        check_pattern(value["pattern"], "$.pattern")


def _refused(raw: RawObject, code: str, reason: str) -> Refused:
    """Names the object by what it says of itself, as far as that can be shown."""
    value = raw.value if isinstance(raw.value, dict) else {}
    stix_id = value.get("id")
    version = value.get("modified", value.get("created"))
    return Refused(
        index=raw.index,
        stix_id=stix_id if isinstance(stix_id, str) and is_stix_id(stix_id) else None,
        version=shown(version, 40) if isinstance(version, str) and version.isascii() else None,
        code=code,
        reason=reason,
    )
