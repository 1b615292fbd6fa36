"""Bodies of requests to the JSON API: read whole or refused, of a type that no form can send.

A form on another site can send a browser's credentials along, but never as JSON without the
browser asking first; that is why the API reads nothing else.
"""

from __future__ import annotations

from typing import Final

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from kernel.errors import UnsupportedMedia

JSON: Final = "application/json"


def read_json_body(most: int, *others: str) -> bytes:
    """The whole body, JSON or of one of the media types `others`.

    Raises UnsupportedMedia, and RequestEntityTooLarge for more than `most` bytes.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if request.mimetype not in (JSON, *others) or encoding != "identity":
        raise UnsupportedMedia(
            "web.unsupported-media",
            f"send the body as Content-Type {JSON}, without Content-Encoding",
        )
    # One byte more than promised is let in: a body sent without its length is cut off at this
    # limit in silence, and must not pass for the part that was read.
    request.max_content_length = most + 1
    content = request.get_data(cache=False)
    if len(content) > most:
        raise RequestEntityTooLarge
    return content
