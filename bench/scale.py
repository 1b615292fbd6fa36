"""How reading grows: with the collection, with what is hidden, with the policies of 200 States.

The small and the large forum are asked in turn. What counts are the ratios.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Integer,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from auth.services import seat_for_operator
from bench.beside import FAR_AHEAD, load, measure_beside
from bench.installations import opentaxii
from bench.measure import Client, Peer, medians_beside
from bench.mixed import FEW, FORUM, NONE, RARE, WHOLE, Mixed, codes, make_mixed
from bench.servers import free_port, resident_mib, running, this_python
from kernel.db import BINARY_ROWS, Database
from kernel.settings import Settings
from sharing.queries.matching import Match
from sharing.queries.releases import Page, find_head, list_objects
from sharing.tables import audience, body, collection, forum_head, release

SMALL = 1000
_RUNS = 30
_READERS = {
    "a contributor": codes()[0],
    "shown everything": WHOLE,
    "shown one in a hundred": FEW,
    "shown nothing": NONE,
}
_ASKED = {
    "page of 100": "?limit=100",
    "page of 1,000": "?limit=1000",
    "rare type": f"?limit=100&match[type]={RARE}",
    "empty poll": FAR_AHEAD,
}


@dataclass(frozen=True, slots=True)
class _Forum:
    made: Mixed
    settings: Settings
    port: int

    @property
    def folder(self) -> Path:
        """Where what is kept of it is."""
        return Path(self.settings.data_dir)

    def client(self, code: str) -> Client:
        """A connection that is kept open, with the credential of one State."""
        user, secret = self.made.entries[code]
        return Client(Peer("Comity", "127.0.0.1", self.port, user, secret, self.made.path))


def measure_scale(
    folder: Path,
    make_url_for: Callable[[str], str],
    count: int,
    engine: str,
    kept: Path | None = None,
) -> Iterator[str]:
    """Lines of Markdown: the corpus, the tables, the control without policy, the memory, a peer.

    On SQLite the forums are copied from `kept`, made there unless they are: with 200 seats and
    policies, making one takes a minute, and four more for 100,000 objects.
    """
    small, large = (_made(folder, make_url_for, size, kept) for size in (SMALL, count))
    yield f"### Scale, {engine}\n\n{_told(large.made)}\n"
    with _serving(small), _serving(large) as peak_mib:
        yield from _tables(small, large)
        walker = large.client(WHOLE)
        begun = time.perf_counter()
        seen = walker.walk(1000)
        seconds = time.perf_counter() - begun
        yield (
            f"\nFull walk by 1,000 as the State that is shown everything: {seen:,} objects in "
            f"{seconds:.1f} s. The web process then had had at most "
            f"{peak_mib():.0f} MiB of memory."
        )
    yield f"{_control(large)}\n"
    with opentaxii(folder / "opentaxii", make_url_for("opentaxii")) as peer, _serving(large):
        theirs = Client(peer)
        yield f"{load(theirs, count)}\n"
        reader, contributor = large.client(WHOLE), large.client(codes()[0])
        yield from measure_beside(reader, contributor, theirs, engine)


def _made(
    folder: Path, make_url_for: Callable[[str], str], count: int, kept: Path | None
) -> _Forum:
    name = f"mixed-{count}"
    there = (kept or folder) / name
    there.mkdir(parents=True, exist_ok=True)
    settings = Settings(data_dir=str(there), database_url=make_url_for(name))
    made = make_mixed(settings, there, count)
    if kept is not None:
        shutil.copytree(there, folder / name)
        settings = Settings(data_dir=str(folder / name))
    return _Forum(made, settings, free_port())


@contextmanager
def _serving(forum: _Forum) -> Iterator[Callable[[], float]]:
    port = forum.port
    command = [this_python(), "-m", "app", "serve", "--port", str(port), "--workers", "1"]
    environment = {
        "COMITY_DATA_DIR": forum.settings.data_dir,
        "COMITY_DATABASE_URL": forum.settings.database_url,
    }
    log = forum.folder / "serve.log"
    with running(command, port, environment=environment, log=log) as process:
        yield lambda: resident_mib(process)


def _told(made: Mixed) -> str:
    return (
        f"{made.objects:,} objects of {len(codes()) - 3} States, contributed through the door in "
        f"{made.seconds:.0f} s with the seating of 200 States and their 200 policies: "
        f"{made.audiences:,} audiences, {made.variants:,} variants and {made.releases:,} releases "
        "arose. Milliseconds at "
        f"{SMALL:,} objects and at {made.objects:,}, and how many times as long that is."
    )


def _tables(small: _Forum, large: _Forum) -> Iterator[str]:
    heading = " | ".join(_ASKED)
    yield f"| reader | {heading} |"
    yield "|---|" + "---|" * len(_ASKED)
    pages: dict[str, float] = {}
    for name, code in _READERS.items():
        near, far = small.client(code), large.client(code)
        cells = []
        for asked, query in _ASKED.items():
            before, after = medians_beside(
                lambda near=near, query=query: near.fetch(query),
                lambda far=far, query=query: far.fetch(query),
                runs=_RUNS,
            )
            pages[f"{code} {asked}"] = after
            cells.append(f"{1000 * before:.1f} → {1000 * after:.1f} ({after / before:.2f})")
        yield f"| {name} | {' | '.join(cells)} |"
    for asked in ("page of 100", "page of 1,000"):
        whole, few = large.client(WHOLE), large.client(FEW)
        query = _ASKED[asked]
        first, second = medians_beside(
            lambda whole=whole, query=query: whole.fetch(query),
            lambda few=few, query=query: few.fetch(query),
            runs=_RUNS,
        )
        yield (
            f"\nA {asked} takes the State that is shown one in a hundred {second / first:.2f} "
            "times what it takes the one that is shown everything (both in turn)."
        )


def _control(forum: _Forum) -> str:
    """The same pages read without policy: the same range, whoever may see it.

    In processor time of this process; on PostgreSQL its server's is not in it.
    """
    database = Database.open(forum.settings)
    try:
        with database.read() as connection:
            seated = seat_for_operator(connection, WHOLE, FORUM)
            place = connection.execute(
                select(collection.c.id).where(collection.c.uuid == forum.made.collection)
            ).scalar_one()
            head = replace(find_head(connection, seated, place), newest=_newest(connection))
            lines = []
            for limit in (100, 1000):
                with_policy, without = _least_cpu(
                    lambda limit=limit: list_objects(
                        connection, seated, place, Match(), after_us=None, limit=limit, head=head
                    ),
                    lambda limit=limit: _bare(connection, place, limit),
                )
                lines.append(
                    f"a page of {limit:,} is read in {1000 * with_policy:.2f} ms of CPU under "
                    f"policy, in {1000 * without:.2f} without ({with_policy / without:.2f} times)"
                )
    finally:
        database.close()
    return f"\nThe control without policy, in process: {'; '.join(lines)}."


def _newest(connection: Connection) -> tuple[int, bytes]:
    """The audience that was made last, as a door finds it before it reads a page."""
    last = select(audience.c.id, audience.c.digest).order_by(audience.c.id.desc()).limit(1)
    row = connection.execute(last).one()
    return row.id, bytes(row.digest)


def _bare(connection: Connection, place: int, limit: int) -> Page[bytes]:
    """As `list_objects` reads, less the condition that says who may see it."""
    with closing(connection.execute(_WITHOUT, {"place": place, "most": limit + 1})) as answer:
        (seq, due_us, _), *rows = sorted(answer.cursor.fetchall(), key=itemgetter(0))
    stamps_us, _, contents = zip(*rows[:limit], strict=True)
    return Page(contents, stamps_us, has_more=len(rows) > limit, seq=seq, due_us=due_us)


def _select_without() -> CompoundSelect[Any]:
    keys = (
        select(release.c.date_added_us, release.c.body_id)
        .where(
            release.c.collection_id == bindparam("place"),
            release.c.closed.is_(None),
            literal_column("release.is_last"),
        )
        .order_by(release.c.date_added_us)
        .limit(bindparam("most", type_=Integer))
        .subquery()
    )
    page = select(keys.c.date_added_us, null(), body.c.content).select_from(
        keys.join(body, body.c.id == keys.c.body_id)
    )
    head = select(forum_head.c.seq, forum_head.c.due_us, cast(null(), body.c.content.type)).where(
        forum_head.c.forum_id
        == select(collection.c.forum_id)
        .where(collection.c.id == bindparam("place"))
        .scalar_subquery()
    )
    both: CompoundSelect[Any] = union_all(head, page)
    return both.execution_options(**BINARY_ROWS)


_WITHOUT: Final = _select_without()


def _least_cpu(*actions: Callable[[], object]) -> list[float]:
    least = [1e9 for _ in actions]
    for _ in range(50):
        for place, action in enumerate(actions):
            begun = time.process_time()
            action()
            least[place] = min(least[place], time.process_time() - begun)
    return least
