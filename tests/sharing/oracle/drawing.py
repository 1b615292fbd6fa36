"""Objects, rules and accepts for the state machine to draw: few names, so that they meet."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from hypothesis import strategies as st

from auth.services import MemberChange
from kernel.clock import format_instant
from tests.sharing.oracle.objects import MARKINGS, RELEASE, Object
from tests.sharing.oracle.record import Commitment

MEMBERS = ("XAA", "XBB", "XCC", "XDD")
STATES = st.sampled_from(MEMBERS)
WRITERS = st.sampled_from(["XAA", "XAA", "XBB", "XBB", "XDD"])
KINDS = st.sampled_from(("machine", "individual"))
HOUR_US = 3_600_000_000
PROVISIONS = ("pact:1", "pact:2")
EXTENSION = f"extension-definition--{uuid.UUID(int=9, version=4)}"
BOUND = {code: f"identity--{uuid.UUID(int=100 + n, version=4)}" for n, code in enumerate(MEMBERS)}
STATEMENTS = [f"marking-definition--{uuid.UUID(int=n, version=4)}" for n in (77, 78)]
_OWN = {
    "campaign": 3, "identity": 1, "relationship": 2, "report": 2, "note": 1, "sighting": 1,
    "domain-name": 1, "file": 1, "directory": 1, "language-content": 1, "observed-data": 1,
}  # fmt: skip
IDS = [
    f"{kind}--{uuid.UUID(int=number, version=4)}"
    for kind, many in _OWN.items()
    for number in range(1, many + 1)
]
NEVER = f"malware--{uuid.UUID(int=1, version=4)}"
VERSIONS = [f"2025-01-0{day}T00:00:00.000Z" for day in range(1, 5)]
TLPS = sorted(MARKINGS, key=lambda marking: (MARKINGS[marking], marking))
NAMED = st.sampled_from([*IDS, *BOUND.values(), NEVER])
OBSERVED = ("domain-name", "file", "directory")
PROPERTIES = [
    "description", "labels", "created_by_ref", "x_victim", "x_links", "object_refs", "name",
    f"extensions.{EXTENSION}", "resolves_to_refs", "where_sighted_refs", "confidence",
]  # fmt: skip
_numbers = itertools.count()


def _of(*kinds: str) -> st.SearchStrategy[str]:
    return st.sampled_from([each for each in IDS if each.split("--")[0] in kinds])


def _refs(named: st.SearchStrategy[str] = NAMED) -> st.SearchStrategy[list[str]]:
    return st.lists(named, min_size=1, max_size=3, unique=True)


_WORDS = st.sampled_from(["one", "two"])
_STAMP = st.just("2025-01-01T00:00:00Z")
_SEEN = {"first_observed": _STAMP, "last_observed": _STAMP, "number_observed": st.just(1)}


def _made(
    needed: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries(needed, optional=optional)


ESSENCE = {
    "campaign": _made({"name": _WORDS}, description=_WORDS),
    "identity": _made({"name": _WORDS}, description=_WORDS),
    "relationship": _made(
        {"relationship_type": st.just("related-to"), "source_ref": NAMED, "target_ref": NAMED}
    ),
    "report": _made(
        {"name": _WORDS, "published": _STAMP, "object_refs": _refs()}, description=_WORDS
    ),
    "note": _made({"content": _WORDS, "object_refs": _refs()}),
    "sighting": _made(
        {"sighting_of_ref": _of("campaign")},
        where_sighted_refs=_refs(st.sampled_from([*BOUND.values(), IDS[3]])),
    ),
    "language-content": _made(
        {"object_ref": NAMED, "contents": st.just({"fr": {"name": "un"}})},
    ),
    "observed-data": _made({**_SEEN, "object_refs": _refs(_of(*OBSERVED))}),
    "domain-name": _made(
        {"value": st.sampled_from(["one.example", "two.example"])},
        resolves_to_refs=_refs(_of("domain-name")),
    ),
    "directory": _made({"path": st.sampled_from(["/one", "/two"])}),
    "file": _made({"name": _WORDS}, parent_directory_ref=_of("directory")),
}
"""What an object of each type has beyond what all have."""


_links = st.recursive(
    st.one_of(NAMED, NAMED, st.just("plain"), st.just(7)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, min_size=1, max_size=2),
    ),
    max_leaves=4,
)
_common = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.sampled_from([["frost"], ["thaw", "frost"], ["thaw"]]),
        "created_by_ref": st.sampled_from([BOUND["XAA"], BOUND["XBB"], IDS[3], NEVER]),
        "confidence": st.just(50),
    },
)
_custom = st.fixed_dictionaries(
    {}, optional={"x_victim": st.one_of(st.just("A ministry"), NAMED), "x_links": _links}
)


@st.composite
def objects(draw: st.DrawFn, stix_id: str = "") -> Object:
    """One object, from a small pool of ids and versions."""
    stix_id = stix_id or draw(st.sampled_from(IDS))
    if stix_id in STATEMENTS:
        return statement(stix_id)
    kind = stix_id.split("--")[0]
    found: Object = {"type": kind, "spec_version": "2.1", "id": stix_id}
    if kind not in OBSERVED:
        found |= {"created": VERSIONS[0], "modified": draw(st.sampled_from(VERSIONS))}
        found |= draw(_common)
    found |= draw(ESSENCE[kind])
    found |= draw(_custom)
    extensions = draw(_extensions())
    if extensions:
        found["extensions"] = extensions
    marks = [draw(st.sampled_from(TLPS))] if draw(st.integers(0, 2)) else []
    marks += [draw(st.sampled_from(STATEMENTS))] if draw(st.integers(0, 4)) == 0 else []
    if marks:
        found["object_marking_refs"] = marks
    if draw(st.integers(0, 2)) == 0:
        found["granular_markings"] = draw(_granular(found))
    return found


@st.composite
def _extensions(draw: st.DrawFn) -> Object:
    found: Object = {}
    if draw(st.integers(0, 3)) == 0:
        found[EXTENSION] = {"extension_type": "property-extension", "seen_with": draw(_links)}
    if draw(st.integers(0, 5)) == 0:
        terms = ["member:XBB", "member:XCC", "jurisdiction:XBB", "member:XZZ"]
        found[RELEASE] = {
            "extension_type": "property-extension",
            "releasable_to": draw(st.lists(st.sampled_from(terms), max_size=2, unique=True)),
        }
    return found


@st.composite
def _granular(draw: st.DrawFn, value: Object) -> list[Object]:
    possible = ["id", "type"]
    for name, held in value.items():
        if name in ("description", "x_victim", "name", "labels", "created_by_ref", "object_refs"):
            possible.append(name)
        if isinstance(held, list) and name != "object_marking_refs":
            possible += [f"{name}.[{place}]" for place in range(len(held))]
        if name == "x_links" and isinstance(held, dict):
            possible += [f"x_links.{key}" for key in held]
        if name == "extensions":
            possible += ["extensions", *(f"extensions.{key}" for key in held)]
    usual = [each for each in possible if each not in ("id", "type")] or possible
    marking = st.sampled_from([*TLPS, *STATEMENTS])
    selectors = st.lists(st.sampled_from(usual), min_size=1, max_size=2, unique=True)
    return draw(
        st.lists(
            st.fixed_dictionaries({"marking_ref": marking, "selectors": selectors}),
            min_size=1,
            max_size=2,
        )
    )


def statement(stix_id: str) -> Object:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": stix_id,
        "created": VERSIONS[0],
        "definition_type": "statement",
        "definition": {"statement": "Name the source."},
    }


@st.composite
def rules(
    draw: st.DrawFn, now_us: int, places: list[str], partners: list[str], *, of_forum: bool = False
) -> dict[str, Any]:
    """One rule, of any key that the grammar has and this forum allows."""
    is_share = not of_forum and draw(st.integers(0, 9)) < 7
    terms = st.sampled_from(
        ["forum", "forum", "member:XAA", "member:XBB", "member:XCC", "member:XDD", "partners"]
        + ["role:observer", "role:member", "bloc:north", "jurisdiction:XBB"]
        + [f"committed:{provision}" for provision in PROVISIONS]
        + [f"partner:{name}" for name in partners]
    )
    included = draw(st.lists(terms, min_size=1, max_size=3, unique=True))
    excepted = draw(st.lists(terms, max_size=1)) if draw(st.integers(0, 3)) == 0 else []
    found: dict[str, Any] = {
        "id": f"rule-{next(_numbers)}",
        "effect": "share" if is_share else "withhold",
        "audience": {"any": included, "except": excepted},
    }
    when = draw(_when(places, is_share=is_share))
    if of_forum and draw(st.booleans()):
        when["originators"] = draw(st.lists(STATES, min_size=1, max_size=2, unique=True))
    if when:
        found["when"] = when
    if draw(st.integers(0, 2)) == 0:
        lost = st.lists(st.sampled_from(PROPERTIES), min_size=1, max_size=3, unique=True)
        found["omit" if is_share else "only"] = draw(lost)
    found |= draw(_times(now_us))
    if is_share and draw(st.integers(0, 4)) == 0:
        found["conditions"] = draw(_conditions)
    return found


@st.composite
def _when(draw: st.DrawFn, places: list[str], *, is_share: bool) -> dict[str, Any]:
    when: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        when["labels"] = draw(st.sampled_from([["frost"], ["thaw", "other"]]))
    if draw(st.integers(0, 3)) == 0:
        kinds = st.sampled_from(["campaign", "report", "relationship", "file", "identity"])
        when["types"] = draw(st.lists(kinds, min_size=1, max_size=3, unique=True))
    if draw(st.integers(0, 5)) == 0:
        when["collections"] = [draw(st.sampled_from(places))]
    if draw(st.integers(0, 2)) == 0:
        level = draw(st.sampled_from(["clear", "green", "amber", "amber+strict", "red"]))
        when["tlp_at_most" if is_share else "tlp_at_least"] = level
    return when


@st.composite
def _times(draw: st.DrawFn, now_us: int) -> dict[str, str]:
    found: dict[str, str] = {}
    chance = draw(st.integers(0, 9))
    if chance in (0, 1):
        found["from"] = format_instant(now_us + draw(st.sampled_from([-1, 1, 5])) * HOUR_US)
    if chance in (1, 2):
        found["until"] = format_instant(now_us + draw(st.sampled_from([2, 8, 30])) * HOUR_US)
        if found.get("from", "") >= found["until"]:
            del found["from"]
    if chance in (3, 4):
        found["delay"] = draw(st.sampled_from(["PT1H", "P1D"]))
    if chance in (4, 5):
        found["expire_after"] = draw(st.sampled_from(["PT30H", "P2D"]))
    return found


_reciprocity = st.fixed_dictionaries(
    {"min_contributions": st.integers(1, 2), "window_days": st.integers(1, 2)}
)
_conditions = st.one_of(
    st.just({"residency": ["XEU"]}),
    st.fixed_dictionaries({"reciprocity": _reciprocity}),
    st.fixed_dictionaries({"reciprocity": _reciprocity, "residency": st.just(["XEU", "XAS"])}),
)


@st.composite
def commitments(draw: st.DrawFn, now_us: int) -> Commitment:
    """A member's to one of few provisions, of now, or one that begins or ends later."""
    begins = now_us + draw(st.sampled_from([0, 0, 0, 3])) * HOUR_US
    ends = draw(st.sampled_from([None, None, 4, 30]))
    return Commitment(
        draw(STATES),
        draw(st.sampled_from(PROVISIONS)),
        begins,
        None if ends is None else now_us + ends * HOUR_US,
    )


@st.composite
def changes(draw: st.DrawFn, code: str, blocs: frozenset[str], is_bound: bool) -> MemberChange:
    """What a State that belongs to these blocs may become; one thing or two change."""
    bloc = draw(st.sampled_from(["north", "south"]))
    possible: dict[str, Any] = {
        "accredited_to": draw(st.integers(1, 4)),
        "residency": draw(st.sampled_from(["XEU", "XAS", ""])),
        "jurisdiction": draw(st.sampled_from(["XAA", "XBB", ""])),
        "leaves" if bloc in blocs else "joins": [bloc],
        "unbinds" if is_bound else "binds": [BOUND[code]],
    }
    chosen = draw(st.lists(st.sampled_from(sorted(possible)), min_size=1, max_size=2, unique=True))
    return MemberChange(**{name: possible[name] for name in chosen})


@st.composite
def accepts(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        kinds = st.sampled_from(["campaign", "report", "relationship", "identity", "file", "note"])
        found["types"] = draw(st.lists(kinds, max_size=5, unique=True))
    if draw(st.booleans()):
        found["tlp_at_most"] = draw(st.sampled_from(["green", "amber", "red"]))
    if draw(st.booleans()):
        found["except_originators"] = draw(st.lists(STATES, max_size=1))
    return found
