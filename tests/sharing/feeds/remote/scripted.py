"""A partner that answers what a test says, by path: a transport, with nothing on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.outbound.errors import OutboundError
from kernel.outbound.session import Outbound, Surroundings
from kernel.outbound.transport import Answer
from sharing.feeds.remote.server import Remote
from sharing.feeds.remote.speaking import TAXII
from sharing.feeds.remote.values import CollectionInfo

BASE = "https://partner.example"
ROOT = f"{BASE}/forum/"
ID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
Said = bytes | Answer | OutboundError | Mapping[str, Any] | list[Any]


def described(**more: Any) -> dict[str, Any]:
    return {"id": ID, "title": "Reports", "can_read": True, "can_write": True} | more


def answering(body: bytes, media: str = TAXII, code: int = 200, **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(code, {"content-type": media, **told}, body)


@dataclass
class Scripted:
    """`said` is by path; `asked` holds methods and paths with their queries, in order."""

    said: dict[str, Said] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[bytes | None] = field(default_factory=list)
    now: float = 0.0

    @classmethod
    def whole(cls, *collections: dict[str, Any], **more: Said) -> Scripted:
        """A server with one root and these collections, or one."""
        own = list(collections) or [described()]
        said: dict[str, Said] = {
            "/taxii2/": {"title": "Partner", "default": ROOT, "api_roots": [ROOT]},
            "/forum/": {"title": "Root", "versions": [TAXII], "max_content_length": 1000},
            "/forum/collections/": {"collections": own},
        }
        for one in own:
            said[f"/forum/collections/{one['id']}/"] = one
        return cls(said | more)

    def __call__(
        self, method: str, url: str, _headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        whole = url.removeprefix(BASE)
        self.asked.append(f"{method} {whole}")
        self.sent.append(body)
        said = self.said.get(whole.partition("?")[0], Answer(404, {}, b""))
        if isinstance(said, OutboundError):
            raise said
        if isinstance(said, Answer):
            return said
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        return answering(content)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def outbound(self, url: str = f"{BASE}/taxii2/") -> Outbound:
        around = Surroundings(clock=lambda: self.now, sleep=self.sleep, uniform=lambda: 0.5)
        return Outbound(url, transport=self, surroundings=around)

    def remote(self) -> Remote:
        return Remote(self.outbound())

    def place(self, **rights: bool) -> Any:
        return self.remote().collection(CollectionInfo(ROOT, ID, **rights))
