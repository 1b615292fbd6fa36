"""A TAXII 2.1 server that does what real ones have been seen to do, one quirk at a time.

It answers requests of a feed's session as the network would; nothing of the product is in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kernel.outbound.transport import Answer

TAXII = "application/taxii+json;version=2.1"
COLLECTION = "11111111-1111-4111-8111-111111111111"


def text_of(instant_us: int, digits: int = 6) -> str:
    whole, fraction = divmod(instant_us, 10**6)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{fraction:06d}"[: digits + 1] if digits else "") + "Z"


@dataclass
class Odd:
    """Objects by the date they were added; `now_us` is its clock.

    Quirks: `digits` of its dates' fractions; `next_kind` "offset" (as it should be), "none" (it
    says `more` and no `next`), "same" (always the same), "fresh" (new words, the same page);
    `forgets` its nexts; `empty_more` pages before each that holds something; `has_dates` and
    `has_clock` are headers; `sorts` by date; `ignores_after`.
    """

    now_us: int
    host: str = "odd.example"
    page: int = 2
    digits: int = 6
    next_kind: str = "offset"
    forgets: bool = False
    empty_more: int = 0
    has_dates: bool = True
    has_clock: bool = True
    sorts: bool = True
    ignores_after: bool = False
    deletes: bool = False
    max_content_length: int = 10_000_000
    refuses: Callable[[dict[str, Any]], str | None] = lambda _object: None
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    _nexts: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, *objects: Mapping[str, Any], at_us: int | None = None) -> None:
        for one in objects:
            stamp = self.now_us if at_us is None else at_us
            self.rows.append((stamp, dict(one)))

    @property
    def pages_asked(self) -> list[str]:
        return [url for method, url in self.asked if method == "GET" and "/objects" in url]

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        self.asked.append((method, url))
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.rstrip("/")
        root = "/odd/collections"
        about = {"id": COLLECTION, "title": "odd", "can_read": True, "can_write": True}
        discovery = {"title": "odd", "api_roots": [f"https://{self.host}/odd/"]}
        described: dict[str, Any] = {
            "": discovery,
            "/taxii2": discovery,
            "/odd": {
                "title": "odd",
                "versions": [TAXII],
                "max_content_length": self.max_content_length,
            },
            root: {"collections": [about]},
            f"{root}/{COLLECTION}": about,
        }
        if path in described:
            return self._say(described[path])
        if path == f"{root}/{COLLECTION}/objects":
            return self._post(body) if method == "POST" else self._page(query, is_manifest=False)
        if path == f"{root}/{COLLECTION}/manifest":
            return self._page(query, is_manifest=True)
        if path.startswith(f"{root}/{COLLECTION}/objects/"):
            return self._one(method, path.rpartition("/")[2], query)
        return self._say({"title": "not found", "http_status": "404"}, 404)

    def _page(self, query: dict[str, str], *, is_manifest: bool) -> Answer:
        limit = min(int(query.get("limit", self.page)), self.page)
        after, start = query.get("added_after", ""), 0
        if "next" in query:
            if self.forgets or query["next"] not in self._nexts:
                return self._say({"title": "unknown next", "http_status": "400"}, 400)
            after, start = self._nexts[query["next"]]
        rows = sorted(self.rows, key=lambda row: row[0]) if self.sorts else list(self.rows)
        if after and not self.ignores_after:
            rows = [row for row in rows if self._is_after(row[0], after)]
        taken = rows[max(start, 0) : max(start, 0) + limit]
        more = max(start, 0) + limit < len(rows)
        if start < 0 or (start == 0 and self.empty_more):
            # Pages of nothing, and then the first that holds something.
            left = self.empty_more + (min(0, start))
            if left > 0:
                word = f"empty-{left}-{after}"
                self._nexts[word] = (after, start - 1)
                return self._say({"more": True, "next": word})
        document: dict[str, Any] = {"more": True} if more else {}
        if more:
            self._set_next(document, after, max(start, 0) + limit, len(self._nexts))
        if taken:
            document["objects"] = [self._line(row) if is_manifest else row[1] for row in taken]
        return self._say(document, rows=taken)

    def _set_next(self, document: dict[str, Any], after: str, start: int, fresh: int) -> None:
        if self.next_kind == "none":
            return
        word = {"offset": f"{after}|{start}", "same": "again", "fresh": f"fresh-{fresh}"}
        following = start if self.next_kind == "offset" else 0
        document["next"] = word[self.next_kind]
        self._nexts[document["next"]] = (after, following)

    def _is_after(self, stamp_us: int, after: str) -> bool:
        """As coarse as its dates are."""
        return text_of(stamp_us, self.digits) > text_of(_instant(after), self.digits)

    def _line(self, row: tuple[int, dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": row[1]["id"],
            "date_added": text_of(row[0], self.digits),
            "version": row[1].get("modified", row[1].get("created", text_of(0, 3))),
        }

    def _one(self, method: str, object_id: str, query: dict[str, str]) -> Answer:
        found = [row for row in self.rows if row[1]["id"] == object_id]
        if (version := query.get("match[version]")) not in (None, "all", "last"):
            found = [row for row in found if row[1].get("modified") in (version, None)]
        if method == "DELETE":
            if not self.deletes:
                return self._say({"title": "no", "http_status": "403"}, 403)
            if not found:
                return self._say({"title": "not found", "http_status": "404"}, 404)
            self.deleted.append(object_id)
            self.rows = [row for row in self.rows if row not in found]
            return Answer(200, {"content-type": TAXII}, b"")
        if not found:
            return self._say({"title": "not found", "http_status": "404"}, 404)
        return self._say({"objects": [row[1] for row in found]}, rows=found)

    def _post(self, body: bytes | None) -> Answer:
        envelope = json.loads(body or b"{}")
        failures, successes = [], []
        for one in envelope.get("objects", []):
            reason = self.refuses(one)
            entry = {"id": one["id"], "version": one.get("modified", text_of(0, 3))}
            if reason is None:
                self.posted.append(one)
                self.add(one)
                successes.append(entry)
            else:
                failures.append(entry | {"message": reason})
        return self._say(
            {
                "id": "22222222-2222-4222-8222-222222222222",
                "status": "complete",
                "total_count": len(failures) + len(successes),
                "success_count": len(successes),
                "failure_count": len(failures),
                "pending_count": 0,
                "successes": successes,
                "failures": failures,
            },
            202,
        )

    def _say(
        self,
        document: Any,
        status: int = 200,
        rows: list[tuple[int, dict[str, Any]]] | None = None,
    ) -> Answer:
        headers = {"content-type": TAXII}
        if rows and self.has_dates:
            headers["x-taxii-date-added-first"] = text_of(rows[0][0], self.digits)
            headers["x-taxii-date-added-last"] = text_of(rows[-1][0], self.digits)
        if self.has_clock:
            moment = datetime.fromtimestamp(self.now_us // 10**6, UTC)
            headers["date"] = format_datetime(moment, usegmt=True)
        return Answer(status, headers, json.dumps(document).encode())


def _instant(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round(moment.replace(microsecond=0).timestamp()) * 10**6 + moment.microsecond
