"""Answers: every one, errors too, is exactly `application/taxii+json;version=2.1`.

Objects go out as the bytes that came in: nothing is parsed or serialised on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response

from kernel.clock import format_instant, format_version
from kernel.errors import ComityError
from sharing.queries.releases import Page, Record
from sharing.taxii.media import STIX, TAXII
from web.problems import phrase_of


def answer(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in the one media type; of TAXII 2.1 §3.2's headers, those that are given."""
    response = Response(content, status, headers)
    response.headers["Content-Type"] = TAXII
    return response


def resource(document: Mapping[str, Any], status: int = 200) -> Response:
    """A TAXII resource."""
    return answer(orjson.dumps(document), status)


def envelope(page: Page[bytes], next_: str | None) -> Response:
    """A page of objects as an envelope (TAXII 2.1 §3.7); `{}` when there are none."""
    return _paged("objects", page.items, page, next_)


def manifest(page: Page[Record], next_: str | None) -> Response:
    """A page of manifest records (TAXII 2.1 §5.3.1), with `next` whenever `more` is true."""
    records = [
        orjson.dumps(
            {
                "id": item.stix_id,
                "date_added": format_instant(item.date_added_us),
                "version": format_version(item.version_us),
                "media_type": STIX,
            }
        )
        for item in page.items
    ]
    return _paged("objects", records, page, next_)


def versions(page: Page[Record], next_: str | None) -> Response:
    """A page of one object's versions (TAXII 2.1 §5.8.1)."""
    texts = [orjson.dumps(format_version(item.version_us)) for item in page.items]
    return _paged("versions", texts, page, next_)


def _paged(
    key: str,
    items: Sequence[bytes],
    page: Page[bytes] | Page[Record],
    next_: str | None,
) -> Response:
    if not page.items:
        return answer(b"{}")
    more = b'{"more":true,"next":%b,' % orjson.dumps(next_) if next_ else b'{"more":false,'
    content = b'%b"%b":[%b]}' % (more, key.encode(), b",".join(items))
    return answer(
        content,
        headers={
            "X-TAXII-Date-Added-First": format_instant(page.stamps_us[0]),
            "X-TAXII-Date-Added-Last": format_instant(page.stamps_us[-1]),
        },
    )


def render_error(error: ComityError, _headers: Mapping[str, str]) -> Response:
    """A refusal as a TAXII error resource (TAXII 2.1 §3.6.1).

    What it says depends on the kind of refusal alone, never on what is hidden.
    """
    return resource(
        {
            "title": phrase_of(error.status),
            "description": error.message,
            "error_code": error.code,
            "http_status": str(error.status),
        },
        error.status,
    )
