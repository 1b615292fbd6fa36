"""Whatever JSON a partner answers, at whichever of its addresses, is read or refused by name."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kernel.outbound.errors import OutboundError
from sharing.feeds.remote.checking import STEPS, check
from tests.sharing.feeds.remote.scripted import BASE, ID, ROOT, Scripted

# The names that TAXII 2.1 gives to properties, and some that Python gives.
WORDS = """
title api_roots default versions max_content_length collections id can_read can_write media_types
alias objects more next status total_count success_count failure_count pending_count failures
successes message version date_added media_type self conn url kwargs
"""
NAMES = st.sampled_from(WORDS.split())
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", ID, ROOT, "/forum/", "complete", "2026-01-01T00:00:00Z", "\ud7ff"]),
)
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=20,
)
PLACES = ("/taxii2/", "/forum/", "/forum/collections/", f"/forum/collections/{ID}/objects/")


@given(st.sampled_from(PLACES), st.dictionaries(NAMES, DOCUMENTS, max_size=8))
def test_a_connection_test_ends_with_a_step_whatever_is_answered(
    place: str, document: dict[str, Any]
) -> None:
    partner = Scripted.whole(**{PLACES[-1]: b"{}"})
    partner.said[place] = document
    steps = check(partner.outbound(), BASE)
    assert all(step.name in STEPS and step.sentence for step in steps)
    assert steps[-1].name == STEPS[-1] or not steps[-1].is_passed


@given(st.dictionaries(NAMES, DOCUMENTS, max_size=8), DOCUMENTS)
def test_pages_manifests_and_statuses_are_read_or_refused_whatever_is_answered(
    document: dict[str, Any], objects: Any
) -> None:
    for answer in (document, document | {"objects": objects}, objects):
        content = json.dumps(answer).encode()
        partner = Scripted({PLACES[-1]: content, f"/forum/collections/{ID}/manifest/": content})
        with suppress(OutboundError):
            partner.place().objects_page()
        with suppress(OutboundError):
            partner.place().manifest_page()
        with suppress(OutboundError):
            partner.place().post(b"{}", wait_seconds=1)
