"""Set up, pause, resume and replay a feed; its partner's secrets are sealed and never shown.

What does not live here: running one (sharing.feeds) and what a run records (runs).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert, select, update

from auth.queries import list_roster
from auth.reader import Reader, Seated
from auth.services import record_audit
from auth.services.unique import refusing_duplicates
from kernel.errors import BadInput, Conflict, Forbidden, NotFound
from kernel.sealing import Sealer
from sharing.queries.collections import Collection
from sharing.queries.feeds import Feed, load_feed
from sharing.rules.tlp import Tlp
from sharing.rules.walking import Position
from sharing.tables import feed, feed_refusal

SEALED_FOR: Final = "feed-secret"
LEAST_EVERY_S: Final = 10
MOST_EVERY_S: Final = 30 * 24 * 3600
_MOST_CHARACTERS: Final = 500
_MOST_SECRET: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}", re.ASCII)
_PEM: Final = "-----BEGIN "
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class NewFeed:
    """What a feed is set up with; `secret` is a password with `user_name`, else a Bearer token.

    `as_recipient` names whose view a push sends, a member's code or a partner's name; None is
    the member itself.
    """

    name: str
    url: str
    remote: str
    direction: str = "pull"
    every_s: int = 3600
    min_tlp: Tlp | None = None
    manifest_first: bool = False
    as_recipient: str | None = None
    user_name: str | None = None
    secret: str | None = None
    client_cert: str | None = None
    ca: str | None = None


def add_feed(
    connection: Connection,
    sealer: Sealer,
    seated: Seated,
    place: Collection,
    new: NewFeed,
    *,
    now_us: int,
) -> Feed:
    """Set up a feed of the reader's member; its first run is due at once.

    Raises BadInput with what is to be written otherwise, Forbidden when the member may not
    write to the collection (pull) or read it (push), Conflict for a name that is taken.
    """
    peer = check_feed(new)
    recipient_id = _recipient(connection, seated, place, new)
    if new.direction == "pull" and not place.may_be_written_by(seated):
        raise Forbidden("sharing.read-only", "you may read this collection but not write to it")
    with refusing_duplicates(
        "sharing.feed-exists", f"your member has a feed {new.name!r} already; choose another name"
    ):
        feed_id = connection.execute(
            insert(feed)
            .values(
                uuid=str(uuid.uuid4()),
                name=new.name,
                direction=new.direction,
                forum_id=place.forum_id,
                collection_id=place.id,
                member_id=seated.member_id,
                recipient_id=recipient_id,
                url=new.url,
                remote=new.remote,
                peer=peer,
                every_s=new.every_s,
                min_tlp=None if new.min_tlp is None else int(new.min_tlp),
                manifest_first=new.manifest_first,
                user_name=new.user_name,
                state="active",
                position=Position().dump(),
                next_us=now_us,
                failures=0,
                created_us=now_us,
                created_by=seated.reader.actor,
                **_sealed(sealer, new),
            )
            .returning(feed.c.id)
        ).scalar_one()
    made = load_feed(connection, feed_id)
    if made is None:
        raise LookupError(feed_id)
    record_steering(
        connection, seated.reader, "feed.add", made, {"url": new.url, "remote": new.remote}, now_us
    )
    return made


def pause_feed(connection: Connection, reader: Reader, found: Feed, *, now_us: int) -> None:
    """Run it no more until it is resumed; a run that goes on ends after its page.

    Raises Conflict (`sharing.feed-removed`), as do all of these.
    """
    check_stands(found)
    connection.execute(
        update(feed).where(feed.c.id == found.id).values(state="paused", next_us=None)
    )
    record_steering(connection, reader, "feed.pause", found, {}, now_us)


def resume_feed(connection: Connection, reader: Reader, found: Feed, *, now_us: int) -> None:
    """Let it run again, at once and as if it had never failed."""
    check_stands(found)
    connection.execute(
        update(feed).where(feed.c.id == found.id).values(state="active", next_us=now_us, failures=0)
    )
    record_steering(connection, reader, "feed.resume", found, {}, now_us)


def ask_for_run(connection: Connection, reader: Reader, found: Feed, *, now_us: int) -> None:
    """Let it be due now. Raises BadInput while it is paused."""
    check_stands(found)
    if found.state != "active":
        raise BadInput("sharing.feed-paused", f"{found.name} is paused; resume it first")
    connection.execute(update(feed).where(feed.c.id == found.id).values(next_us=now_us))
    record_steering(connection, reader, "feed.run", found, {}, now_us)


def replay_feed(
    connection: Connection, reader: Reader, found: Feed, after_us: int | None, *, now_us: int
) -> None:
    """Go back: ask for (or send) everything again that was added after an instant; None is all.

    Harmless for what arrived: what is known already is nothing new.
    """
    check_stands(found)
    connection.execute(
        update(feed)
        .where(feed.c.id == found.id)
        .values(position=Position(after_us=after_us).dump(), failures=0)
    )
    if found.state == "active":
        connection.execute(update(feed).where(feed.c.id == found.id).values(next_us=now_us))
    connection.execute(delete(feed_refusal).where(feed_refusal.c.feed_id == found.id))
    record_steering(connection, reader, "feed.replay", found, {"after_us": after_us}, now_us)


def set_secrets(
    connection: Connection,
    sealer: Sealer,
    reader: Reader,
    found: Feed,
    new: NewFeed,
    *,
    now_us: int,
) -> None:
    """Give a feed other credentials; its secrets are replaced together. Raises BadInput."""
    check_stands(found)
    check_feed(new)
    connection.execute(
        update(feed)
        .where(feed.c.id == found.id)
        .values(user_name=new.user_name, **_sealed(sealer, new))
    )
    record_steering(connection, reader, "feed.secrets", found, {}, now_us)


def check_stands(found: Feed) -> None:
    """Raises Conflict (`sharing.feed-removed`) for a feed that was removed."""
    if found.removed_us is not None:
        raise Conflict(
            "sharing.feed-removed", f"{found.name}: it runs never again; set up another feed"
        )


def reseal_feeds(connection: Connection, sealer: Sealer, *, actor: str, now_us: int) -> int:
    """Encrypt every feed's secrets under the newest key; how many there were.

    Raises Misconfigured, and changes nothing, where one cannot be read.
    """
    rows = connection.execute(select(feed.c.id, feed.c.secret, feed.c.client_cert)).all()
    count = 0
    for row in rows:
        values = {
            name: sealer.reseal(bytes(kept))
            for name, kept in (("secret", row.secret), ("client_cert", row.client_cert))
            if kept is not None
        }
        if values:
            connection.execute(update(feed).where(feed.c.id == row.id).values(**values))
            count += len(values)
    record_audit(
        connection, actor, "feed.reseal", "feeds", detail={"secrets": count}, now_us=now_us
    )
    return count


@dataclass(frozen=True, slots=True)
class FeedSecrets:
    """A feed's secrets as they go over the wire; never shown, never logged."""

    secret: str | None
    client_cert: str | None
    ca: str | None

    def __repr__(self) -> str:
        return "FeedSecrets(...)"


def read_secrets(connection: Connection, sealer: Sealer, feed_id: int) -> FeedSecrets:
    """What a run needs. Raises Misconfigured where they cannot be read."""
    row = connection.execute(
        select(feed.c.secret, feed.c.client_cert, feed.c.ca).where(feed.c.id == feed_id)
    ).one()
    return FeedSecrets(
        secret=None if row.secret is None else sealer.unseal(bytes(row.secret)),
        client_cert=None if row.client_cert is None else sealer.unseal(bytes(row.client_cert)),
        ca=row.ca,
    )


def _sealed(sealer: Sealer, new: NewFeed) -> dict[str, Any]:
    auth = "none"
    if new.secret is not None:
        auth = "bearer" if new.user_name is None else "basic"
    return {
        "auth": auth,
        "secret": None if new.secret is None else sealer.seal(new.secret),
        "client_cert": None if new.client_cert is None else sealer.seal(new.client_cert),
        "ca": new.ca,
    }


def choose_secrets(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a feed is given of `user`, `password`, `token`, `client_cert` and `ca`, for NewFeed.

    Raises BadInput for a password beside a token, and for one without its user.
    """
    user, password, token = (given.get(name) for name in ("user", "password", "token"))
    if token is not None and (user is not None or password is not None):
        raise _bad("a credential", "a user with a password, or a token, not both")
    if (user is None) != (password is None):
        raise _bad("a user and a password", "given together")
    return {
        "user_name": user,
        "secret": password if token is None else token,
        "client_cert": given.get("client_cert"),
        "ca": given.get("ca"),
    }


def check_feed(new: NewFeed) -> str:
    """The peer of a feed that can be set up so. Raises BadInput."""
    if not _NAME.fullmatch(new.name):
        raise _bad("its name", "1 to 64 letters, digits, spaces, dots, dashes or underscores")
    if new.direction not in ("pull", "push"):
        raise _bad("its direction", "`pull` or `push`")
    if not new.remote.strip() or not _is_plain(new.remote):
        raise _bad("the collection there", "its id, its alias or its title")
    if not LEAST_EVERY_S <= new.every_s <= MOST_EVERY_S:
        raise _bad("how often it runs", "from 10 seconds to 30 days")
    return check_partner(new)


def check_partner(new: NewFeed) -> str:
    """The same of what says how its partner is reached: address and secrets. Raises BadInput."""
    for name, text in (("the CA", new.ca), ("the client certificate", new.client_cert)):
        if text is not None and (_PEM not in text or len(text) > _MOST_SECRET):
            raise _bad(name, "PEM text (`-----BEGIN ...`)")
    if new.user_name is not None and new.secret is None:
        raise _bad("its password", "given together with the user's name")
    for secret in (new.user_name, new.secret):
        if secret is not None and (not secret or not _is_plain(secret)):
            raise _bad("a user's name, a password or a token", "one line of text")
    return read_peer(new.url)


def read_peer(url: str) -> str:
    """Scheme, host and port of a partner's address, in one spelling. Raises BadInput."""
    # A `?` part may hold a key, and would be shown to everybody who sees the feed.
    wanted = (
        "an https address like https://taxii.example/taxii2/, without a user in it and without a "
        "? or # part"
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("its address", wanted) from None
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or parts.username is not None
        or parts.password is not None
        or not {"?", "#"}.isdisjoint(url)
        or not _is_plain(url)
    ):
        raise _bad("its address", wanted)
    return f"{parts.scheme}://{parts.hostname.rstrip('.')}:{port or _PORTS[parts.scheme]}"


def _is_plain(text: str) -> bool:
    return len(text) <= _MOST_CHARACTERS and text.isprintable()


def _recipient(
    connection: Connection, seated: Seated, place: Collection, new: NewFeed
) -> int | None:
    if new.direction == "pull":
        if new.as_recipient is not None:
            raise _bad("a recipient", "given only of a push")
        return None
    if new.min_tlp is not None or new.manifest_first:
        raise _bad("a least TLP or `manifest first`", "given only of a pull")
    if new.as_recipient is None:
        if not place.may_be_read_by(seated):
            raise Forbidden("sharing.write-only", "you may write to this collection, not read it")
        return seated.recipient_id
    roster = list_roster(connection, place.forum_id)
    found = [row for row in roster if row.name == new.as_recipient and row.is_active]
    if not found:
        raise NotFound(
            "sharing.unknown-recipient",
            f"no active seat or partner of this forum is called {new.as_recipient!r}",
        )
    # A name of both is the member's: partners' names are the operator's to choose.
    return min(found, key=lambda row: row.is_partner).recipient_id


def _bad(what: str, wanted: str) -> BadInput:
    return BadInput("sharing.bad-feed", f"{what} must be {wanted}")


def record_steering(
    connection: Connection,
    reader: Reader,
    action: str,
    found: Feed,
    detail: dict[str, Any],
    now_us: int,
) -> None:
    """Put on record in the audit what was done to a feed, and by whom."""
    record_audit(
        connection,
        reader.actor,
        action,
        f"feed:{found.name}",
        member_id=found.member_id,
        detail=detail,
        now_us=now_us,
    )
