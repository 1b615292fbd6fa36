"""What a partner says, as values: servers, roots, collections, pages, statuses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a server says of itself (TAXII 2.1 §4.1.1); `api_roots` are absolute, the default first.

    `elsewhere` are origins of roots on other servers, which are not asked.
    """

    title: str
    api_roots: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RootInfo:
    """An API root (§4.2.1); `max_content_length` is the longest body it takes, in bytes."""

    url: str
    title: str
    max_content_length: int


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection (§5.2.1) of the API root at `root_url`, which ends in a slash."""

    root_url: str
    id: str
    title: str = ""
    alias: str = ""
    can_read: bool = True
    can_write: bool = True

    @property
    def url(self) -> str:
        """Its address, with a slash at its end."""
        return f"{self.root_url}collections/{self.id}/"


@dataclass(frozen=True, slots=True)
class RemotePage:
    """A page of objects, each as the bytes that came; `next` may lack where `more` is true.

    `first_us` and `last_us` are its `X-TAXII-Date-Added-*`, cut to microseconds, None where the
    server does not say. `size` is the answer's length in bytes, unpacked.
    """

    objects: tuple[bytes, ...] = ()
    more: bool = False
    next: str | None = None
    first_us: int | None = None
    last_us: int | None = None
    server_us: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A line of a manifest (§5.3.1); `version` is the text by which the server names it."""

    id: str
    date_added_us: int
    version: str
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ManifestPage:
    """A page of a manifest; the rest as in RemotePage."""

    records: tuple[Record, ...] = ()
    more: bool = False
    next: str | None = None
    first_us: int | None = None
    last_us: int | None = None
    server_us: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a server says of one object that it was sent; `message` is its own words, cut."""

    id: str
    version: str
    message: str


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """What became of what was sent (§4.3.1)."""

    id: str
    is_complete: bool
    total_count: int
    success_count: int
    failure_count: int
    pending_count: int
    failures: tuple[Told, ...] = ()
