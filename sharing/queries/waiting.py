"""What waits for a member in its forums: recalls to note, held versions, a policy to make.

Its own alone. What each of these is in detail lives with it (recalls, contributions, policies).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    ScalarSelect,
    Select,
    distinct,
    exists,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from auth.reader import Seated
from sharing.queries.feeds import TROUBLED_AFTER
from sharing.queries.recalls import elements_of
from sharing.tables import contribution, feed, policy, recall_notice, recall_receipt


@dataclass(frozen=True, slots=True)
class Waiting:
    """In one forum: how many recalls and held versions wait, and whether the member has said
    what it shares (not while its first policy has no rule). `troubled_feeds` are its feeds, into
    whatever forum, that fail again and again."""

    recalls: int
    held: int
    has_chosen_policy: bool
    troubled_feeds: int


def list_waiting(connection: Connection, seats: Iterable[Seated]) -> dict[int, Waiting]:
    """Of each forum, by its number; one question for all."""
    asked = [_in_forum(seated) for seated in seats if seated.member_id is not None]
    if not asked:
        return {}
    return {
        row.forum_id: Waiting(
            row.recalls, row.held, _is_chosen(row.version, row.document), row.troubled
        )
        for row in connection.execute(union_all(*asked))
    }


def _in_forum(seated: Seated) -> Select[Any]:
    return select(
        literal(seated.forum_id).label("forum_id"),
        _recalls(seated).label("recalls"),
        _held(seated).label("held"),
        _policy(seated, policy.c.version).label("version"),
        _policy(seated, policy.c.document).label("document"),
        _troubled(seated).label("troubled"),
    )


def _recalls(seated: Seated) -> ScalarSelect[Any]:
    """Those with a notice that no receipt covers: none as late, of the same kind of credential."""
    covered = exists().where(
        recall_receipt.c.recall_id == recall_notice.c.recall_id,
        recall_receipt.c.element == recall_notice.c.element,
        recall_receipt.c.at_us >= recall_notice.c.at_us,
    )
    return (
        select(func.count(distinct(recall_notice.c.recall_id)))
        .where(
            recall_notice.c.forum_id == seated.forum_id,
            recall_notice.c.element.in_(elements_of(seated)),
            ~covered,
        )
        .scalar_subquery()
    )


def _held(seated: Seated) -> ScalarSelect[Any]:
    return (
        select(func.count())
        .select_from(contribution)
        .where(
            contribution.c.originator_id == seated.member_id,
            contribution.c.forum_id == seated.forum_id,
            # Spelled out, as the index has it.
            literal_column("contribution.state = 'held'"),
        )
        .scalar_subquery()
    )


def _troubled(seated: Seated) -> ScalarSelect[Any]:
    return (
        select(func.count())
        .select_from(feed)
        .where(
            feed.c.member_id == seated.member_id,
            feed.c.state == "active",
            feed.c.failures >= TROUBLED_AFTER,
        )
        .scalar_subquery()
    )


def _policy(seated: Seated, column: Any) -> ScalarSelect[Any]:  # noqa: ANN401 - of any type
    return (
        select(column)
        .where(policy.c.forum_id == seated.forum_id, policy.c.member_id == seated.member_id)
        .order_by(policy.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )


def _is_chosen(version: int | None, document: str | None) -> bool:
    if version is None or document is None:
        return False
    try:
        value = orjson.loads(document)
    except ValueError:
        # Somebody has to look at it: that it is to be set for the first time is not what it says.
        return True
    return version > 1 or (isinstance(value, dict) and bool(value.get("rules")))
