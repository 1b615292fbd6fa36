"""Our transport for libraries that bring a session of `requests` of their own.

What they send goes over `kernel.outbound`'s sockets: bounded, judged, without the environment's
proxies and `.netrc`, and never redirected. What does not live here: trying again.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from kernel.outbound.errors import OutboundError
from kernel.outbound.transport import Transport

# How bodies are packed and connections kept is the transport's to say.
_OWN: Final = frozenset({"accept-encoding", "connection", "host"})


class LentTransport(BaseAdapter):
    """What `requests.Session.mount` takes; what fails is a `requests.ConnectionError`."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(  # type: ignore[override]  # what else is passed is the transport's to decide
        self, request: requests.PreparedRequest, **_options: object
    ) -> requests.Response:
        """One try of the request."""
        headers = {
            name: str(value) for name, value in request.headers.items() if name.lower() not in _OWN
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            found = self._transport(request.method or "GET", request.url or "", headers, body)
        except OutboundError as fault:
            raise requests.ConnectionError(fault.message, request=request) from None
        answer = requests.Response()
        answer.status_code = found.status
        answer.headers = CaseInsensitiveDict(_unpacked(found.headers))
        answer.raw = io.BytesIO(found.body)
        answer.url = request.url or ""
        answer.request = request
        return answer

    def close(self) -> None:
        """Nothing: whoever made the transport ends it."""


def lend(session: requests.Session, transport: Transport) -> None:
    """Let a session send over this transport and nothing else."""
    session.trust_env = False
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, LentTransport(transport))


def _unpacked(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name != "content-encoding"}
