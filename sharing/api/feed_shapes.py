"""What the JSON API tells of feeds: never a secret, and no number that counts what others have."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from marshmallow import fields

from sharing.api.documents import FEED_EXAMPLE, OBJECT_EXAMPLE
from sharing.api.entering import LEVELS, PLACE
from sharing.feeds.remote.checking import STEPS, Checked
from sharing.queries.feed_lists import FEED_STATES, RUN_STATES, SENT_STATES
from web.listing import ListQuery
from web.shapes import Instant, Shape, count, flag, instant, text, text_filter, word, word_filter

DIRECTIONS: Final = ("pull", "push")
_ID, _AT = "5f3c9b52-7e0a-4a3e-8f5e-1c2d3e4f5a6b", "2026-11-27T08:30:00.000000Z"


class OdditySchema(Shape):
    """What a partner's server did by its own lights, and how it was dealt with."""

    EXAMPLE: ClassVar = {
        "name": "second-precision",
        "meaning": "its dates have no fractions: the last second is asked for again each time",
    }
    name = text()
    meaning = text()


class FeedRunSchema(Shape):
    """One turn of a feed; counts are of objects. `more` says that its budget was spent, `cut-off`
    that its process ended. `step` and `reason` tell where it failed.
    """

    EXAMPLE: ClassVar = {
        "state": "done",
        "started": _AT,
        "ended": "2026-11-27T08:30:02.000000Z",
        "pages": 2,
        "bytes": 812_345,
        "objects": 640,
        "contributed": 612,
        "replaced": 3,
        "known": 20,
        "returned": 4,
        "refused": 1,
        "withdrawn": 0,
        "step": None,
        "code": None,
        "reason": None,
        "oddities": [OdditySchema.EXAMPLE],
    }
    state = word(*RUN_STATES)
    started = instant()
    ended = instant(nullable=True)
    pages = count()
    bytes = count()
    objects = count("That came, or were to be sent.")
    contributed = count("New here; of a push, sent.")
    replaced = count("That took the place of what this feed had brought before.")
    known = count("Not new.")
    returned = count("Come back to where they were contributed, and passed over.")
    refused = count()
    withdrawn = count("Of a push: deleted there, or recorded as kept by the partner.")
    step = text(nullable=True)
    code = text(nullable=True)
    reason = text(nullable=True)
    oddities = fields.List(fields.Nested(OdditySchema), required=True)


class CursorSchema(Shape):
    """How far a feed has come. While it is `walking`, `reached` is the latest date it has met."""

    EXAMPLE: ClassVar = {"added_after": _AT, "walking": False, "reached": None}
    added_after = instant(nullable=True)
    walking = flag()
    reached = instant(nullable=True)


class FeedSchema(Shape):
    """A feed of the caller's member, without its secrets."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": _ID,
        "name": FEED_EXAMPLE["name"],
        "direction": "pull",
        "member": "XAA",
        "forum": "harbour",
        "collection": PLACE,
        "url": FEED_EXAMPLE["url"],
        "remote": FEED_EXAMPLE["remote"],
        "every": 900,
        "min_tlp": "green",
        "manifest_first": False,
        "auth": "basic",
        "user": FEED_EXAMPLE["user"],
        "client_cert": False,
        "ca": False,
        "state": "active",
        "seated": True,
        "failures": 0,
        "in_trouble": False,
        "next_try": "2026-11-27T08:45:00.000000Z",
        "cursor": CursorSchema.EXAMPLE,
        "created": _AT,
        "removed": None,
        "last_success": "2026-11-27T08:30:02.000000Z",
        "last_run": FeedRunSchema.EXAMPLE,
    }
    id = text()
    name = text()
    direction = word(*DIRECTIONS)
    member = text()
    forum = text()
    collection = text()
    url = text()
    remote = text()
    every = count("Seconds from the end of a run to the next.")
    min_tlp = fields.String(required=True, allow_none=True, metadata={"enum": [*LEVELS, None]})
    manifest_first = flag()
    auth = word("none", "basic", "bearer")
    user = text(nullable=True)
    client_cert = flag("Whether it shows one.")
    ca = flag("Whether it believes a CA of its own.")
    state = word(*FEED_STATES)
    seated = flag("Whether the one as whom it reads or writes here has an active seat.")
    failures = count("In a row, up to now.")
    in_trouble = flag("It has failed so often that it is tried rarely.")
    next_try = instant(nullable=True)
    cursor = fields.Nested(CursorSchema, required=True)
    created = instant()
    removed = instant("When it was; it runs never again.", nullable=True)
    last_success = instant(nullable=True)
    last_run = fields.Nested(FeedRunSchema, required=True, allow_none=True)


class FeedRefusalSchema(Shape):
    """A version that was not taken: by us of a pull, by the partner of a push."""

    EXAMPLE: ClassVar = {
        "id": OBJECT_EXAMPLE["id"],
        "version": OBJECT_EXAMPLE["modified"],
        "code": "sharing.bad-spec-version",
        "reason": "spec_version: write 2.1, which is all that Comity takes",
        "at": _AT,
    }
    id = text()
    version = text("As the partner has it.")
    code = text()
    reason = text()
    at = instant()


class FeedSentSchema(Shape):
    """A version that a push has sent. `recalled`: the partner was told to delete it, and keeps it;
    `reason` says why.
    """

    EXAMPLE: ClassVar = {
        "id": OBJECT_EXAMPLE["id"],
        "version": OBJECT_EXAMPLE["modified"],
        "state": "sent",
        "reason": "",
        "at": _AT,
    }
    id = text()
    version = instant()
    state = word(*SENT_STATES)
    reason = text()
    at = instant()


class RemoteCollectionSchema(Shape):
    """A collection that the partner shows to the credential."""

    EXAMPLE: ClassVar = {
        "id": PLACE,
        "title": "Reports",
        "alias": "",
        "can_read": True,
        "can_write": False,
    }
    id = text()
    title = text()
    alias = text()
    can_read = flag()
    can_write = flag()


class TestStepSchema(Shape):
    """One step of a connection test."""

    EXAMPLE: ClassVar = {"step": "address", "passed": True, "sentence": "the address can be asked"}
    step = word(*STEPS)
    passed = flag()
    sentence = text()


class FeedTestSchema(Shape):
    """A connection test: its steps up to the end, or to the first that fails."""

    EXAMPLE: ClassVar = {
        "passed": True,
        "steps": [TestStepSchema.EXAMPLE],
        "collections": [RemoteCollectionSchema.EXAMPLE],
    }
    passed = flag()
    steps = fields.List(fields.Nested(TestStepSchema), required=True)
    collections = fields.List(fields.Nested(RemoteCollectionSchema), required=True)


class FeedQuery(ListQuery):
    """Which feeds to list, by name."""

    direction = word_filter(*DIRECTIONS)
    state = word_filter(*FEED_STATES)
    forum = text_filter()
    in_trouble = word_filter("yes", "no")


class FeedRunQuery(ListQuery):
    """Which runs to list, begun at or after `since`, before `until`; newest first."""

    state = word_filter(*RUN_STATES)
    since = Instant()
    until = Instant()


class FeedRefusalQuery(ListQuery):
    """Which refusals to list, newest first."""

    id = text_filter()
    code = text_filter()


class FeedSentQuery(ListQuery):
    """What of that which was sent to list, newest first."""

    id = text_filter()
    state = word_filter(*SENT_STATES)


def test_document(checked: Checked) -> dict[str, Any]:
    """A connection test as the API tells of it."""
    return {
        "passed": checked.is_passed,
        "steps": [
            {"step": one.name, "passed": one.is_passed, "sentence": one.sentence}
            for one in checked.steps
        ],
        "collections": [
            {
                "id": one.id,
                "title": one.title,
                "alias": one.alias,
                "can_read": one.can_read,
                "can_write": one.can_write,
            }
            for one in checked.collections
        ],
    }
