"""Cursors of the API's lists: sealed, bound to the caller, the list and its filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from auth.reader import Seated
from kernel.errors import BadInput
from kernel.signing import Signer
from sharing.queries.own import Key

_NOT_FILTERS = frozenset({"limit", "next", "format"})


def purpose_of(seated: Seated, name: str, query: Mapping[str, Any]) -> str:
    """What a cursor is good for: this caller, this list, these filters."""
    filters = {key: value for key, value in sorted(query.items()) if key not in _NOT_FILTERS}
    return f"api {name} {seated.element} {seated.forum_slug} {orjson.dumps(filters).decode()}"


def read_next(signer: Signer, purpose: str, token: str | None) -> Key | None:
    """The key after which a page begins. Raises BadInput (`sharing.bad-next`)."""
    if token is None:
        return None
    try:
        return tuple(orjson.loads(signer.unseal(purpose, token)))
    except BadInput:
        raise BadInput(
            "sharing.bad-next", "this `next` belongs to another list; start again without it"
        ) from None


def write_next(signer: Signer, purpose: str, key: Key) -> str:
    """The cursor that goes on after `key`."""
    return signer.seal(purpose, orjson.dumps(list(key)))
