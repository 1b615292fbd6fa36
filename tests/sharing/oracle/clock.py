"""A record brought from one instant to the next: who saw what, at every moment on the way."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sharing.oracle.reading import Reading, duration_us, instant_us
from tests.sharing.oracle.record import DAY_US, Contribution, Record


def list_due(record: Record, until_us: int) -> list[int]:
    """The instants after the record's, up to `until_us`, at which a decision can change."""
    return sorted({at for at in _boundaries(record) if record.now_us < at <= until_us})


def _boundaries(record: Record) -> Iterator[int]:
    documents = [each.rules for each in record.recipients.values()] + [record.forum_rules]
    for rule in [rule for rules in documents for rule in rules]:
        yield from (instant_us(rule[key]) for key in ("from", "until") if key in rule)
        for key in ("delay", "expire_after"):
            if key in rule:
                after_us = duration_us(rule[key])
                yield from (each.contributed_us + after_us for each in record.contributions)
    for commitment in record.commitments:
        yield commitment.from_us
        if commitment.until_us is not None:
            yield commitment.until_us
    first_us = record.now_us - record.now_us % DAY_US
    yield from (first_us + day * DAY_US for day in range(1, 12))


def bring(record: Record, until_us: int) -> Iterator[int]:
    """Let time pass, instant by instant: each at which something falls due, for a reading."""
    for at_us in list_due(record, until_us):
        record.now_us = at_us
        yield at_us
    record.now_us = until_us


def note_seen(record: Record, reading: Reading) -> None:
    """Write down who is decided to see each version now, for reciprocity."""
    for member in record.recipients.values():
        if member.is_partner:
            continue
        seen = {each for kind in member.kinds for each in reading.visible(member, kind)}
        for each in record.contributions:
            _note(each, member.name, record.now_us, is_seen=each in seen and not each.is_deleted)


def _note(given: Contribution, code: str, now_us: int, *, is_seen: bool) -> None:
    intervals = given.seen.setdefault(code, [])
    is_open = bool(intervals) and intervals[-1][1] is None
    if is_seen and not is_open:
        intervals.append([now_us, None])
    elif is_open and not is_seen:
        intervals[-1][1] = now_us
