"""Markings resolve to what is well known or was contributed by the same originator."""

from __future__ import annotations

import pytest

from sharing.gate.markings import refuse_unresolved
from sharing.gate.verdicts import Refused
from sharing.rules.tlp import PUBLISHED, WELL_KNOWN
from tests.sharing.gate.makers import AMBER_STRICT, RED, checked, make_indicator, refused

STATEMENT = "marking-definition--0b2f9c62-3b5c-4d42-8a7b-1f5f9f2f5c11"
FOREIGN = "marking-definition--9d2ec2a2-6a3a-4d3e-9b2d-51d0b0a6a8f2"


def test_object_with_well_known_markings_alone_needs_nothing_contributed() -> None:
    granular = [
        {"marking_ref": RED, "selectors": ["pattern"]},
        {"lang": "fr", "selectors": ["pattern"]},
    ]
    verdict = checked(
        make_indicator(object_marking_refs=[AMBER_STRICT], granular_markings=granular)
    )
    assert refuse_unresolved(verdict, ()) is None
    assert refuse_unresolved(checked(make_indicator()), ()) is None


def test_marking_of_the_originator_resolves_of_whatever_scheme_it_is() -> None:
    granular = [{"marking_ref": STATEMENT, "selectors": ["pattern"]}]
    verdict = checked(
        make_indicator(object_marking_refs=[FOREIGN, RED], granular_markings=granular)
    )
    assert refuse_unresolved(verdict, {STATEMENT, FOREIGN}) is None


@pytest.mark.parametrize("where", ["object_marking_refs", "granular_markings"])
def test_marking_of_somebody_else_is_refused_wherever_it_is(where: str) -> None:
    value = {
        "object_marking_refs": [FOREIGN],
        "granular_markings": [{"marking_ref": FOREIGN, "selectors": ["pattern"]}],
    }[where]
    refusal = refuse_unresolved(checked(make_indicator(**{where: value})), {STATEMENT})
    assert isinstance(refusal, Refused)
    assert refusal.code == "sharing.unresolved-marking"
    assert FOREIGN in refusal.reason
    assert refusal.stix_id == make_indicator()["id"]


@pytest.mark.parametrize("stix_id", sorted(WELL_KNOWN))
def test_published_tlp_marking_passes_and_any_other_under_its_id_does_not(stix_id: str) -> None:
    verdict = checked(dict(PUBLISHED[stix_id]))
    assert (verdict.marking_statement, verdict.marking_scheme_understood) == (False, True)
    for name in PUBLISHED[stix_id]:
        if name in ("type", "id", "spec_version"):
            continue
        altered = dict(PUBLISHED[stix_id])
        del altered[name]
        assert refused(altered).stix_id == stix_id
