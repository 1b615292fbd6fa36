"""What a reader asks for: values that narrow a read, and nothing that widens one.

What does not live here: how they are written in an address (taxii.filters), or what the
reader may see (visibility).
"""

from __future__ import annotations

from dataclasses import dataclass

from sharing.rules.tlp import Tlp

SPEC_VERSION = "2.1"
"""The one version of STIX that is stored; a filter that leaves it out matches nothing."""


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Which versions of each object (TAXII 2.1 §3.4.1): a union of what is set here.

    `first` and `last` mean in this view; `exact` are versions in microseconds.
    """

    all: bool = False
    first: bool = False
    last: bool = False
    exact: frozenset[int] = frozenset()

    def choose(self, versions: list[int]) -> list[int]:
        """Those of `versions` (one object's, ascending) that the filter means."""
        if self.all:
            return versions
        ends = [*versions[: self.first], *versions[len(versions) - self.last :]]
        return sorted({*ends, *self.exact.intersection(versions)})


LAST_VERSION = VersionFilter(last=True)
ALL_VERSIONS = VersionFilter(all=True)


@dataclass(frozen=True, slots=True)
class Match:
    """The `match[...]` filters; None leaves a field open. All must hold.

    `tlp` is the level of an object that its markings, or its collection, tell the reader.
    """

    ids: frozenset[str] | None = None
    types: frozenset[str] | None = None
    versions: VersionFilter = LAST_VERSION
    spec_versions: frozenset[str] | None = None
    tlp: Tlp | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing stored here can match."""
        return self.spec_versions is not None and SPEC_VERSION not in self.spec_versions
