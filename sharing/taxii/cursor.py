"""`next`: where a walk goes on, sealed. Stateless, replayable, and it never expires.

A cursor holds the position and every filter of the walk, so that it is enough by itself. It is
bound to the recipient, the credential kind, the collection and the endpoint by the purpose it
is sealed for, none of which it spells out (TAXII 2.1 §3.5; IANA considerations, `next`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from auth.reader import Seated
from kernel.errors import BadInput
from kernel.signing import Signer
from sharing.queries.matching import Match, VersionFilter
from sharing.taxii.filters import Asked


@dataclass(frozen=True, slots=True)
class Walk:
    """One page of a walk: what matches, after which `date_added`, at most how many.

    `limit` is the one asked for, None for the server's own.
    """

    match: Match
    after_us: int | None
    limit: int | None

    def going_on_after(self, last_us: int) -> Walk:
        """The rest of the walk, behind the page that ended at `last_us`."""
        return replace(self, after_us=last_us)


def purpose_of(seated: Seated, collection_uuid: str, door: str, stix_id: str | None) -> str:
    """What a cursor is sealed for: it opens nowhere else, and for nobody else."""
    recipient = seated.reader.member_code or f"partner:{seated.recipient_id}"
    parts = (
        seated.forum_slug,
        recipient,
        seated.reader.kind,
        collection_uuid,
        door,
        stix_id or "",
    )
    return "taxii-next\0" + "\0".join(parts)


def filters_of(walk: Walk) -> dict[str, Any]:
    """The walk in plain values, absent ones left out; `after` in microseconds."""
    versions = walk.match.versions
    words = [word for word in ("all", "first", "last") if getattr(versions, word)]
    content = {
        "after": walk.after_us,
        "limit": walk.limit,
        "id": _listed(walk.match.ids),
        "type": _listed(walk.match.types),
        "version": [*words, *sorted(versions.exact)],
        "spec_version": _listed(walk.match.spec_versions),
    }
    return {key: value for key, value in content.items() if value is not None}


def seal_walk(signer: Signer, purpose: str, walk: Walk) -> str:
    """The walk as the text of `next`."""
    return signer.seal(purpose, orjson.dumps(filters_of(walk)))


def walk_of(signer: Signer, purpose: str, asked: Asked, default: VersionFilter) -> Walk:
    """The walk that a request begins, or goes on with when it brings a `next`.

    Beside a `next`, `added_after` says nothing new (the cursor is further on, or the client
    moved it and would lose objects), another `limit` holds for this page on, and a match
    filter must be the walk's own. Raises BadInput (`sharing.bad-next`, `sharing.next-conflict`).
    """
    if asked.next is None:
        match = Match(asked.ids, asked.types, asked.versions or default, asked.spec_versions)
        return Walk(match, asked.added_after_us, asked.limit)
    walk = _unsealed(signer, purpose, asked.next)
    pairs = (
        ("id", asked.ids, walk.match.ids),
        ("type", asked.types, walk.match.types),
        ("version", asked.versions, walk.match.versions),
        ("spec_version", asked.spec_versions, walk.match.spec_versions),
    )
    for field, said, begun in pairs:
        if said is not None and said != begun:
            raise BadInput(
                "sharing.next-conflict",
                f"match[{field}] is not that of the walk this next belongs to; "
                "leave it out, or begin a new walk without next",
            )
    return replace(walk, limit=asked.limit or walk.limit)


def _unsealed(signer: Signer, purpose: str, token: str) -> Walk:
    try:
        content: dict[str, Any] = orjson.loads(signer.unseal(purpose, token))
    except BadInput:
        raise BadInput(
            "sharing.bad-next",
            "this next was not given to you for this address; begin again without it",
        ) from None
    versions = content["version"]
    return Walk(
        match=Match(
            ids=_unlisted(content.get("id")),
            types=_unlisted(content.get("type")),
            versions=VersionFilter(
                all="all" in versions,
                first="first" in versions,
                last="last" in versions,
                exact=frozenset(value for value in versions if isinstance(value, int)),
            ),
            spec_versions=_unlisted(content.get("spec_version")),
        ),
        after_us=content["after"],
        limit=content.get("limit"),
    )


def _listed(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _unlisted(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
