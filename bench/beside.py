"""OpenTAXII with the objects that the forum of 200 States holds, asked in turn with it.

It has no States, seats or policies: everything is in one public collection. Comity's reader is the
State that is shown everything, its contributor one of those with a policy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from bench import corpus
from bench.measure import Client, median_seconds, medians_beside
from bench.mixed import envelopes

FAR_AHEAD: Final = "?added_after=2999-01-01T00:00:00.000000Z"
_SEED: Final = 4052
_POSTS: Final = 5
_PAGES: Final = ((100, 3), (corpus.SLICE, 3))
# On SQLite it takes the longer for a page the more it holds: a walk to the end takes it hours.
_WALKED: Final = {"sqlite": 5}


def load(theirs: Client, count: int) -> str:
    """Contribute to it what the forum was given; how long that took."""
    begun = time.perf_counter()
    for _, envelope in envelopes(count):
        theirs.post(envelope)
    return f"{theirs.peer.name} took {time.perf_counter() - begun:.0f} s for the same objects."


def measure_beside(
    reader: Client, contributor: Client, theirs: Client, engine: str
) -> Iterator[str]:
    """Lines of a Markdown table. What is contributed for it stays in both, so it comes last."""
    pages = _WALKED.get(engine)
    yield f"| measured | Comity, ms | {theirs.peer.name}, ms | {theirs.peer.name} ÷ Comity |"
    yield "|---|---|---|---|"
    for limit, runs in _PAGES:
        query = f"?limit={limit}"
        yield _line(f"first page of {limit}", *_in_turn(reader, theirs, query, runs))
    ours_s, theirs_s = (
        _seconds(lambda one=one: one.walk(corpus.SLICE, pages=pages)) for one in (reader, theirs)
    )
    walk = "full walk" if pages is None else f"{pages} pages of a walk"
    yield _line(f"{walk} by {corpus.SLICE}", ours_s, theirs_s)
    yield _line("empty poll", *_in_turn(reader, theirs, FAR_AHEAD, 10))
    batches = list(corpus.envelopes((_POSTS + 1) * corpus.SLICE, seed=_SEED))
    # One after the other, as a feed contributes: a server that others let wait begins cold.
    taken = []
    for one in (contributor, theirs):
        rest = iter(batches)
        taken.append(median_seconds(lambda one=one, rest=rest: one.post(next(rest)), runs=_POSTS))
    yield _line(f"POST of {corpus.SLICE}", *taken)


def _in_turn(ours: Client, theirs: Client, query: str, runs: int) -> list[float]:
    return medians_beside(lambda: ours.fetch(query), lambda: theirs.fetch(query), runs=runs)


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def _line(what: str, ours: float, theirs: float) -> str:
    return f"| {what} | {1000 * ours:.2f} | {1000 * theirs:.2f} | {theirs / ours:.2f} |"
