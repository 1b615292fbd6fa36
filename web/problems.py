"""A refusal as problem+json (RFC 9457), with its stable code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from kernel.errors import ComityError

MEDIA_TYPE: Final = "application/problem+json"


def problem_of(error: ComityError) -> dict[str, Any]:
    """`title`, `status`, `detail` and `code`; and `errors` where fields are to blame."""
    problem: dict[str, Any] = {
        "title": phrase_of(error.status),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }
    errors = getattr(error, "errors", None)
    if errors:
        problem["errors"] = errors
    return problem


def render_problem(error: ComityError, _headers: Mapping[str, str]) -> Response:
    """The answer to a request that was refused."""
    content = json.dumps(problem_of(error), ensure_ascii=False)
    return Response(content, status=error.status, content_type=MEDIA_TYPE)


def phrase_of(status: int) -> str:
    """The reason phrase of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
