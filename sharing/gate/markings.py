"""Data markings on the way in: their form, which are well known, which resolve.

Sharing policy §2 and §4.1; STIX 2.1 §7.2. What does not live here: what a level allows
(rules), and which markings a member has contributed (queries).
"""

from __future__ import annotations

from collections.abc import Container
from functools import cache

from kernel.strictjson import JsonValue, content_digest
from sharing.gate.ids import check_id
from sharing.gate.releasable import RELEASE_EXTENSION
from sharing.gate.selectors import check_selector
from sharing.gate.verdicts import Checked, Refused, refusal
from sharing.rules.tlp import PUBLISHED, WELL_KNOWN

GranularMarkings = tuple[tuple[str | None, tuple[str, ...]], ...]


def refuse_unresolved(checked: Checked, contributed: Container[str]) -> Refused | None:
    """The refusal of an object with a marking that does not resolve (sharing policy §4.1).

    `contributed` holds the marking-definitions that the same originator contributed no later
    than the object, its envelope's good ones included. Refused (`sharing.unresolved-marking`)
    is a marking, a granular one too, that is neither there nor well known.
    """
    refs = (*checked.object_marking_refs, *(ref for ref, _ in checked.granular_markings if ref))
    for ref in refs:
        if ref not in WELL_KNOWN and ref not in contributed:
            reason = (
                f"{ref} is neither a well-known TLP marking nor one that you contributed; "
                "send its marking-definition first or in the same envelope"
            )
            return Refused(
                checked.index,
                checked.stix_id,
                checked.version,
                "sharing.unresolved-marking",
                reason,
            )
    return None


def check_object_markings(value: dict[str, JsonValue]) -> tuple[str, ...]:
    """The object's `object_marking_refs`. Raises BadInput (`sharing.bad-id`, `.self-marking`)."""
    refs = value.get("object_marking_refs", [])
    return tuple(
        _check_marking_ref(ref, value["id"], f"$.object_marking_refs[{index}]")
        for index, ref in enumerate(refs)
    )


def check_granular_markings(value: dict[str, JsonValue]) -> GranularMarkings:
    """The object's granular markings, each selector of which points at something.

    Raises BadInput (`sharing.bad-selector`, `sharing.bad-id`, `sharing.self-marking`).
    """
    checked = []
    for index, marking in enumerate(value.get("granular_markings", [])):
        path = f"$.granular_markings[{index}]"
        ref = marking.get("marking_ref")
        if ref is not None:
            _check_marking_ref(ref, value["id"], f"{path}.marking_ref")
        for place, selector in enumerate(marking["selectors"]):
            check_selector(selector, value, f"{path}.selectors[{place}]")
        checked.append((ref, tuple(marking["selectors"])))
    return tuple(checked)


def _check_marking_ref(ref: JsonValue, own_id: str, path: str) -> str:
    if ref == own_id:
        raise refusal("sharing.self-marking", path, "a marking-definition cannot mark itself")
    return check_id(ref, path, "marking-definition")


def check_marking_definition(value: dict[str, JsonValue]) -> tuple[bool, bool]:
    """(is a statement, its scheme is understood) of a marking-definition.

    Understood are the well-known TLP markings and plain statements. A TLP level under an id
    of somebody's own, and whatever an extension may add to a statement, is not.
    Raises BadInput (`sharing.altered-tlp`) for a well-known id on any other content.
    """
    stix_id = value["id"]
    if stix_id in WELL_KNOWN:
        if content_digest(value) != _published_digests()[stix_id]:
            raise refusal(
                "sharing.altered-tlp",
                "$",
                f"{stix_id} is TLP:{WELL_KNOWN[stix_id].text.upper()} and differs from the "
                "published definition; leave it out, Comity knows it",
            )
        return False, True
    foreign = value.get("extensions", {}).keys() - {RELEASE_EXTENSION}
    statement = value.get("definition_type") == "statement" and not foreign
    return statement, statement


@cache
def _published_digests() -> dict[str, bytes]:
    return {stix_id: content_digest(dict(marking)) for stix_id, marking in PUBLISHED.items()}
