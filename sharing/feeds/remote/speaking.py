"""The connection that taxii2-client's classes are given: our session, and strict JSON.

Its own would follow redirects anywhere, wait for ever, take any length and read duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode

from taxii2client.common import _HTTPConnection
from taxii2client.exceptions import AccessError, TAXIIServiceException

from kernel.errors import BadInput, TooLarge
from kernel.outbound.session import Outbound
from kernel.outbound.transport import Answer
from kernel.strictjson import Element, Limits, split_array
from sharing.feeds.remote.errors import BadAnswer, NotAllowed, NotTaxii

TAXII: Final = "application/taxii+json;version=2.1"
_OLDER: Final = ("application/vnd.oasis.taxii+json", "application/vnd.oasis.stix+json")
_MOST_NODES: Final = 1_000_000


class Received(dict[str, Any]):
    """A JSON object that was answered, but for its `objects`: these stay as they came."""

    def __init__(
        self, members: Mapping[str, Any], elements: tuple[Element, ...] | None, answer: Answer
    ) -> None:
        super().__init__(members)
        self.elements = elements
        self.answer = answer


class Speaking(_HTTPConnection):  # type: ignore[misc]  # the library has no types
    """What taxii2-client's classes ask through, one partner's session."""

    def __init__(self, outbound: Outbound, *, repeats_posts: bool = True) -> None:
        # Not the library's own beginning: it makes a session that would be a second way out.
        self.outbound = outbound
        self.version = "2.1"
        self._repeats_posts = repeats_posts

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Received:
        """What is there. Raises OutboundError."""
        answer = self.outbound.request("GET", _with(url, params), headers=_accepting(headers))
        return self._read(answer, url)

    def post(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        data: bytes = b"",
    ) -> Received:
        """Send it there. Raises OutboundError.

        An object that is there already is a success (TAXII 2.1 §5.4): it may be sent twice.
        """
        answer = self.outbound.request(
            "POST",
            _with(url, params),
            headers=_accepting(headers),
            body=data,
            is_repeatable=self._repeats_posts,
        )
        return self._read(answer, url)

    def delete(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Remove what is there. Raises OutboundError."""
        self.outbound.request("DELETE", _with(url, params), headers=_accepting(headers))

    def close(self) -> None:
        """End the session."""
        self.outbound.close()

    def _read(self, answer: Answer, url: str) -> Received:
        _check_media(answer.headers.get("content-type", ""))
        limits = Limits(max_bytes=self.outbound.limits.most_body_bytes, max_nodes=_MOST_NODES)
        try:
            split = split_array(answer.body, "objects", limits=limits)
        except (BadInput, TooLarge) as fault:
            raise BadAnswer(f"what comes from {url} is not read: {fault.message}") from None
        if split.members is None:
            raise BadAnswer(f"what comes from {url} is a list, where an object belongs")
        return Received(split.members, split.elements, answer)


@contextmanager
def understanding(what: str) -> Iterator[None]:
    """Turns whatever the library makes of a wrong answer into one refusal that names `what`."""
    try:
        yield
    except AccessError:
        raise NotAllowed(f"the {what} does not allow that to this credential") from None
    except (TAXIIServiceException, AttributeError, KeyError, TypeError, ValueError):
        raise BadAnswer(
            f"the {what} is not described as TAXII 2.1 says: a property that it must have is "
            "missing or is of another kind"
        ) from None


def _with(url: str, params: Mapping[str, Any] | None) -> str:
    return f"{url}?{urlencode(params, doseq=True)}" if params else url


def _accepting(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"Accept": TAXII, **(headers or {})}


def _check_media(header: str) -> None:
    """Raise NotTaxii unless it is `application/taxii+json`, of version 2.1 or of none said."""
    name, *parameters = (part.strip().lower() for part in header.split(";"))
    said = dict(
        part.replace(" ", "").replace('"', "").split("=", 1) for part in parameters if "=" in part
    )
    if name == "application/taxii+json" and said.get("version", "2.1") == "2.1":
        return
    if name in _OLDER:
        raise NotTaxii("the server speaks TAXII 2.0, not 2.1")
    if name == "text/html":
        raise NotTaxii(
            "a web page answers (text/html), no TAXII server; see whether the address is right"
        )
    if name == "application/taxii+json":
        raise NotTaxii("the server speaks another version of TAXII than 2.1")
    shown = ascii(name[:60]) if name else "no media type"
    raise NotTaxii(f"what answers is {shown}, no TAXII 2.1")
