"""What is in a partner's collection: read, sent, withdrawn. TAXII 2.1 §5.3 to §5.8 and §4.3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from taxii2client.v21 import ApiRoot, Collection

from kernel.clock import format_instant
from kernel.outbound.errors import StatusRefused
from sharing.feeds.remote.errors import BadAnswer
from sharing.feeds.remote.reading import is_segment, read_manifest, read_page, read_status
from sharing.feeds.remote.speaking import Speaking, understanding
from sharing.feeds.remote.values import CollectionInfo, ManifestPage, RemotePage, RemoteStatus

_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Place:
    """A collection of a partner, over the session of the one who made it."""

    def __init__(self, speaking: Speaking, info: CollectionInfo) -> None:
        self.info = info
        self._speaking = speaking
        self._budget = speaking.outbound.budget
        described = {
            "id": info.id,
            "title": info.title or info.id,
            "can_read": info.can_read,
            "can_write": info.can_write,
        }
        with understanding("collection"):
            self._collection = Collection(info.url, conn=speaking, collection_info=described)

    def objects_page(
        self,
        *,
        added_after_us: int | None = None,
        next: str | None = None,  # noqa: A002 - TAXII's word
        limit: int | None = None,
        version: str | None = None,
    ) -> RemotePage:
        """A page of objects, in the order in which they were added. Raises OutboundError.

        What is given is what is asked, beside `next` too: some servers want every filter again,
        and `limit` with them (medallion). `version` is `all`, or the last one where none is said.
        Counted in the budget's pages.
        """
        self._budget.spend_page()
        asked = _asked(added_after_us, next, limit) | {"version": version}
        with understanding("page of objects"):
            received = self._collection.get_objects(**asked)
        return read_page(received)

    def manifest_page(
        self,
        *,
        added_after_us: int | None = None,
        next: str | None = None,  # noqa: A002 - TAXII's word
        limit: int | None = None,
    ) -> ManifestPage:
        """A page of what there is, without it. Raises OutboundError."""
        self._budget.spend_page()
        with understanding("manifest"):
            received = self._collection.get_manifest(**_asked(added_after_us, next, limit))
        return read_manifest(received)

    def object(self, object_id: str, version: str | None = None) -> RemotePage:
        """The last version of an object, or the one named, or `all`. Raises OutboundError."""
        self._check_id(object_id)
        with understanding("object"):
            received = self._collection.get_object(object_id, version=version)
        return read_page(received)

    def find(self, object_id: str, version: str | None = None) -> Sequence[bytes]:
        """The same, nothing where the server shows no such object. Raises OutboundError."""
        try:
            return self.object(object_id, version).objects
        except StatusRefused as fault:
            if fault.answered == 404:
                return ()
            raise

    def post(self, envelope: bytes, *, wait_seconds: float = 60.0) -> RemoteStatus:
        """Send an envelope; what became of it, complete unless that took longer than to wait.

        Raises OutboundError.
        """
        with understanding("status"):
            sent = self._collection.add_objects(envelope, wait_for_completion=False)
            status = read_status(sent)
        return self.wait(status, wait_seconds=wait_seconds)

    def wait(self, status: RemoteStatus, *, wait_seconds: float = 60.0) -> RemoteStatus:
        """The status once it is complete, or as it is after so long, or after half of the time that
        the run has left. Raises OutboundError."""
        around = self._speaking.outbound.around
        now = around.clock()
        until = now + min(wait_seconds, self._budget.seconds_left(now) / 2)
        pause = _FIRST_PAUSE_SECONDS
        while not status.is_complete and around.clock() + pause <= until:
            around.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            status = self.status(status.id)
        return status

    def status(self, status_id: str) -> RemoteStatus:
        """What became of what was sent. Raises OutboundError."""
        if not is_segment(status_id):
            raise BadAnswer("a status has an id that TAXII 2.1 does not know")
        with understanding("status"):
            root = ApiRoot(self.info.root_url, conn=self._speaking)
            return read_status(root.get_status(status_id))

    def delete(self, object_id: str, version: str | None = None) -> bool:
        """Withdraw an object, every version or the one named; whether it was there.

        Raises OutboundError: StatusRefused where the server does not do that.
        """
        self._check_id(object_id)
        try:
            with understanding("object"):
                self._collection.delete_object(object_id, version=version)
        except StatusRefused as fault:
            if fault.answered == 404:
                return False
            raise
        return True

    def _check_id(self, object_id: str) -> None:
        if not is_segment(object_id):
            raise BadAnswer("an object has an id that no address holds")


def _asked(
    added_after_us: int | None,
    following: str | None,
    limit: int | None,
) -> dict[str, Any]:
    # Six digits always: medallion reads no other form.
    after = None if added_after_us is None else format_instant(added_after_us)
    return {"added_after": after, "next": following, "limit": limit}
