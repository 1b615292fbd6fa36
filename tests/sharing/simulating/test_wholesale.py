"""What is decided wholesale is written as deciding one by one would write it, to the letter.

Everything happens twice, in two forums that are alike: in one a change that is about much is
decided by kinds, in the other nothing is.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from auth.services import MemberChange
from kernel.db import Database
from kernel.errors import Conflict, NotFound
from sharing.rules.tlp import Tlp
from sharing.services.concerned import Concerned
from sharing.services.policies import Saved
from sharing.services.wholesale import Wholesale
from sharing.tables import (
    audience,
    collection,
    contribution,
    ledger,
    past_seen,
    release,
    view_head,
)
from tests.sharing.simulating.random_worlds import DAYS, MEMBERS, NAMES, POLICIES, Forum, open_forum
from tests.sharing.simulating.test_changes_leave_nothing import (
    CHANGES,
    DEEDS,
    STANDING,
    campaign,
)
from tests.sharing.taxii.world import Clock

ALL = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}
NONE: dict[str, Any] = {"rules": []}


def written(forum: Forum) -> dict[str, list[Any]]:
    """All that decisions have written in the forum, by what is alike in both."""
    with forum.database.read() as connection:

        def ask(*columns: Any, source: Any, here: Any) -> list[Any]:
            rows = connection.execute(select(*columns).select_from(source).where(here)).all()
            return sorted(map(repr, map(tuple, rows)))

        one = contribution.c
        which = (one.originator_id, collection.c.title, one.stix_id, one.version_us)
        placed = contribution.join(collection, collection.c.id == one.collection_id)
        shown = placed.join(release, release.c.contribution_id == one.id)
        here = one.forum_id == forum.id
        columns = ("date_added_us", "omitted", "is_first", "is_last", "opened", "closed")
        return {
            "releases": ask(
                *which,
                *(release.c[name] for name in columns),
                audience.c.mask,
                # A form's bytes are its own; the whole object's are the contribution's.
                (release.c.body_id == one.body_id),
                source=shown.join(audience, audience.c.id == release.c.audience_id),
                here=here,
            ),
            "seen": ask(*which, one.seen, one.seen_since_us, one.due_us, source=placed, here=here),
            "past": ask(
                *which,
                past_seen.c.mask,
                past_seen.c.since_us,
                past_seen.c.until_us,
                source=placed.join(past_seen, past_seen.c.contribution_id == one.id),
                here=here,
            ),
            "heads": ask(
                collection.c.title,
                collection.c.opened,
                view_head.c.element,
                view_head.c.date_added_us,
                view_head.c.opened,
                source=collection.outerjoin(
                    view_head, view_head.c.collection_id == collection.c.id
                ),
                here=collection.c.forum_id == forum.id,
            ),
            "ledger": ask(
                ledger.c.seq,
                ledger.c.kind,
                ledger.c.at_us,
                source=ledger,
                here=ledger.c.forum_id == forum.id,
            ),
        }


def live(database: Database, before: Any, done: Any, changes: Any) -> list[Any]:
    """What each step of a forum's life has written, and what was told of it."""
    forum = open_forum(database, Clock())
    steps: list[Any] = []
    for code in MEMBERS:
        forum.set_policy(code, before)
    for code, deed in done:
        forum.do(code, deed)
    for verb, *told in changes:
        try:
            saved = getattr(forum, verb)(*told)
        except (Conflict, NotFound):
            continue
        if isinstance(saved, Saved):
            steps.append((saved.change.gained, saved.change.lost))
        steps.append(written(forum))
    return steps


class _Twice:
    """Runs everything both ways; how many groups were decided wholesale, of how many asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.decided = 0
        decide = Wholesale.decide

        def watch(wholesale: Wholesale, step: Any) -> Any:
            outcome = decide(wholesale, step)
            self.decided += len(outcome.decided)
            return outcome

        monkeypatch.setattr(Wholesale, "decide", watch)

    def compare(self, *life: Any) -> None:
        found = []
        for is_wide in (False, True):
            always = property(lambda _concerned, is_wide=is_wide: is_wide)
            self._monkeypatch.setattr(Concerned, "is_wide", always)
            found.append(live(*life))
        for one_by_one, wholesale in zip(*found, strict=True):
            assert wholesale == one_by_one


def run(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    examples: int,
    drawn: st.SearchStrategy[Any],
) -> int:
    twice = _Twice(monkeypatch)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(POLICIES, DEEDS, drawn)
    def one(before: Any, done: Any, changes: Any) -> None:
        twice.compare(database, before, done, changes)

    one()
    return twice.decided


def edge(name: str, source: str, target: str) -> dict[str, Any]:
    return campaign(name, "frost") | {
        "type": "relationship",
        "id": f"relationship--{name}",
        "relationship_type": "related-to",
        "source_ref": f"campaign--{source}",
        "target_ref": f"campaign--{target}",
    }


def note(name: str, *named: str) -> dict[str, Any]:
    refs = [f"campaign--{each}" for each in named]
    return campaign(name, "thaw") | {
        "type": "note",
        "id": f"note--{name}",
        "content": "a note",
        "object_refs": refs,
    }


def shared(*audience: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "-".join(["s", *more]),
        "effect": "share",
        "audience": {"any": [*audience]},
    } | more


def withheld(*audience: str, **more: Any) -> dict[str, Any]:
    return shared(*audience, **more) | {"id": "w", "effect": "withhold"}


FIRST, SECOND, THIRD, FOURTH = NAMES
FROST = {"when": {"labels": ["frost"]}}
SENT = [
    campaign(FIRST, "frost"),
    campaign(SECOND, "frost"),
    campaign(THIRD, "thaw"),
    # Of two versions, and named.
    campaign(FOURTH, "thaw") | {"modified": DAYS[1]},
    campaign(FOURTH, "thaw"),
    edge(FIRST, FIRST, SECOND),
    edge(SECOND, FIRST, THIRD),
    edge(THIRD, THIRD, FOURTH),
    note(FIRST, FIRST, SECOND),
    note(SECOND, FIRST, THIRD),
    note(THIRD, FOURTH),
]
DONE = [
    ("XAA", ("contribute", 0, SENT)),
    # Guarded by another's copy, and in another collection.
    ("XBB", ("contribute", 0, [edge(FOURTH, FIRST, FIRST), campaign(THIRD, "thaw")])),
    ("XAA", ("contribute", 1, [note(FOURTH, FIRST), campaign(THIRD, "frost")])),
    ("XAA", ("withdraw", 0, f"campaign--{SECOND}")),
    ("XAA", ("contribute", 0, [campaign(SECOND, "frost"), edge(FOURTH, SECOND, SECOND)])),
]
LIFE = [
    ("set_policy", "XAA", {"rules": [shared("member:XBB")]}),
    ("set_policy", "XAA", ALL),
    ("set_policy", "XAA", {"rules": [shared("forum"), withheld("member:XCC", **FROST)]}),
    ("set_accepts", "XCC", {"types": ["note", "relationship"]}),
    ("set_policy", "XAA", {"rules": [shared("forum", omit=["labels"]), shared("member:XCC")]}),
    ("set_rules", {"rules": [withheld("member:XBB", **FROST)]}),
    (
        "set_policy",
        "XAA",
        {"rules": [shared("forum", delay="PT3S"), shared("member:XCC", **FROST)]},
    ),
    ("set_policy", "XBB", ALL),
    ("set_accepts", "XCC", {}),
    ("set_rules", NONE),
    ("change_seat", "XCC", "suspended"),
    ("set_policy", "XAA", ALL),
    ("change_seat", "XCC", "active"),
    ("change_member", "XBB", "suspended"),
    ("change_member", "XBB", "active"),
    ("seat", "XDD", "member"),
    ("set_member", "XCC", MemberChange(accredited_to=int(Tlp.CLEAR))),
    ("set_member", "XCC", MemberChange(accredited_to=int(Tlp.RED))),
    ("change_partner", "relay", "suspended"),
    ("change_partner", "relay", "active"),
    ("add_partner", "mirror"),
    ("set_policy", "XAA", NONE),
]


def test_what_is_decided_wholesale_is_what_would_be_decided_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = _Twice(monkeypatch)
    twice.compare(database, NONE, DONE, LIFE)
    assert twice.decided > len(LIFE)


@pytest.mark.parametrize("where", [0, 1], ids=["beside-it", "in-another-collection"])
def test_what_was_shown_less_what_it_names_is_shown_whole_once_that_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch, where: int
) -> None:
    # The note itself is granted as before, and seen by the same.
    before = {"rules": [shared("forum"), withheld("member:XCC", **FROST)]}
    done = [
        ("XAA", ("contribute", where, [campaign(FIRST, "frost")])),
        ("XAA", ("contribute", 0, [campaign(SECOND, "thaw"), note(FIRST, FIRST, SECOND)])),
    ]
    twice = _Twice(monkeypatch)
    twice.compare(database, before, done, [("set_policy", "XAA", ALL)])
    assert twice.decided


def test_a_change_asks_as_many_statements_about_much_as_about_little(database: Database) -> None:
    asked: list[str] = []

    def count(*told: Any) -> None:
        asked.append(told[2])

    event.listen(database.content, "before_cursor_execute", count)
    numbers = []
    for many in (20, 60):
        forum = open_forum(database, Clock())
        names = [str(UUID(int=1000 * many + number, version=4)) for number in range(many)]
        sent = [campaign(name, "frost") for name in names]
        sent += [edge(name, name, names[0]) for name in names]
        forum.do("XAA", ("contribute", 0, sent))
        for document in (ALL, NONE):
            asked.clear()
            saved = forum.set_policy("XAA", document)
            numbers.append(len(asked))
            assert max(saved.change.gained, saved.change.lost) == 2 * many
    event.remove(database.content, "before_cursor_execute", count)
    assert numbers[:2] == numbers[2:]


@pytest.mark.audit
@pytest.mark.parametrize("drawn", [CHANGES, STANDING], ids=["rules", "standing"])
def test_what_is_decided_wholesale_is_what_would_be_decided_one_by_one_at_length(
    database: Database, monkeypatch: pytest.MonkeyPatch, drawn: st.SearchStrategy[Any]
) -> None:
    assert run(database, monkeypatch, 500, drawn)
