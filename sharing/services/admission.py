"""What becomes of each object of an envelope: admitted, known already, or refused with a reason.

Each object stands or falls alone. Here is what needs the database: markings the originator
has contributed, identities bound to members, versions already held. What does not live here:
the form of an object (the gate) and writing anything down (contribute).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from auth.queries import list_identity_owners
from kernel.clock import format_version
from kernel.values import light
from sharing.facts import StoredFacts
from sharing.gate.markings import refuse_unresolved
from sharing.gate.verdicts import Checked, Refused
from sharing.queries.answered import Answered
from sharing.queries.contributions import Stored, list_copies, list_own_copies
from sharing.rules.tlp import WELL_KNOWN, Tlp, property_tlps
from sharing.services.plan import rank_of
from sharing.services.second_hand import FeedDoor, SecondHand

_KNOWN: Final = "you have contributed this already; nothing changed"


@light
@dataclass(frozen=True, slots=True)
class Admitted:
    """An object that will be contributed; `revives` is the deleted version it brings back,
    `replaces` the version that the same feed delivered before with other content."""

    index: int
    checked: Checked
    tlp: Tlp
    facts: StoredFacts
    revives: Stored | None = None
    replaces: Stored | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it becomes a contribution of its own."""
        return self.revives is None and self.replaces is None


@light
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the object at `index`. `version` is text as TAXII status resources have it."""

    index: int
    stix_id: str
    version: str
    is_success: bool
    code: str
    message: str


@dataclass(slots=True)
class Admission:
    """An envelope sorted: what to write, and what is settled already.

    `copies` are all earlier contributions of its ids in the collection, whoever made them.
    """

    admitted: list[Admitted] = field(default_factory=list)
    settled: list[Outcome] = field(default_factory=list)
    copies: list[Stored] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Marking:
    """A marking the originator may refer to: what it means for the object that carries it."""

    is_understood: bool
    marked_tlp: Tlp | None
    carried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Door:
    """Where the envelope goes in: the originator, the collection, its TLP for the unmarked.

    `answers` is the earlier contribution that everything in it is bound to, if any; `feed` the
    feed that brings it, second-hand.
    """

    forum_id: int
    collection_id: int
    originator_id: int
    unmarked_as: Tlp
    answers: Answered | None = None
    feed: FeedDoor | None = None


def settled_by_gate(index: int, refused: Refused) -> Outcome:
    """The outcome of an object that the gate refused."""
    return Outcome(
        index,
        refused.stix_id or f"objects[{index}]",
        refused.version or format_version(0),
        is_success=False,
        code=refused.code,
        message=refused.reason,
    )


def admit(connection: Connection, door: Door, objects: Sequence[Checked | Refused]) -> Admission:
    """Sort the objects of one envelope by what is known at this moment."""
    admission = Admission()
    good: list[tuple[int, Checked]] = []
    for index, checked in enumerate(objects):
        if isinstance(checked, Refused):
            admission.settled.append(settled_by_gate(index, checked))
        else:
            good.append((index, checked))
    admission.copies = list_copies(
        connection, door.collection_id, dict.fromkeys(checked.stix_id for _, checked in good)
    )
    _Sorting(connection, door, admission, good).sort(good)
    return admission


class _Sorting:
    def __init__(
        self,
        connection: Connection,
        door: Door,
        admission: Admission,
        good: list[tuple[int, Checked]],
    ) -> None:
        self._door = door
        self._admission = admission
        self._markings = _own_markings(connection, door, (checked for _, checked in good))
        creators = {checked.created_by_ref for _, checked in good if checked.created_by_ref}
        self._owners = list_identity_owners(connection, sorted(creators))
        self._own: dict[str, dict[int, Stored]] = {}
        for stored in admission.copies:
            if stored.originator_id == door.originator_id:
                self._own.setdefault(stored.stix_id, {})[stored.version_us] = stored
        self._taken: dict[str, dict[int, Checked]] = {}
        self._second_hand = (
            SecondHand(connection, door.forum_id, door.originator_id, door.feed, good)
            if door.feed is not None
            else None
        )

    def sort(self, good: list[tuple[int, Checked]]) -> None:
        """Markings first, so that an object may carry one that stands after it."""
        for index, checked in _in_order(good):
            settled = (
                self._settle_second_hand(index, checked)
                or self._refuse_markings(index, checked)
                or self._refuse_identity(index, checked)
                or self._refuse_level(index, checked)
                or self._settle_repeated(index, checked)
                or self._settle_known(index, checked)
            )
            if settled is not None:
                self._admission.settled.append(settled)
                continue
            self._take(index, checked)

    def _settle_second_hand(self, index: int, checked: Checked) -> Outcome | None:
        word = self._second_hand.judge(checked) if self._second_hand is not None else None
        if word is None:
            return None
        return Outcome(
            index,
            checked.stix_id,
            checked.version,
            is_success=word.is_success,
            code=word.code,
            message=word.message,
        )

    def _refuse_markings(self, index: int, checked: Checked) -> Outcome | None:
        refused = refuse_unresolved(checked, self._markings)
        return None if refused is None else settled_by_gate(index, refused)

    def _refuse_identity(self, index: int, checked: Checked) -> Outcome | None:
        owner = self._owners.get(checked.created_by_ref or "")
        if owner is None or owner == self._door.originator_id:
            return None
        return _refused(
            index,
            checked,
            "sharing.identity-of-another",
            f"created_by_ref {checked.created_by_ref} is an identity bound to another member; "
            "name one of your own, or leave it out",
        )

    def _refuse_level(self, index: int, checked: Checked) -> Outcome | None:
        """What answers another contribution reaches those who see that one, so no higher."""
        answers = self._door.answers
        if answers is None:
            return None
        level = self._level_of(self._marked_tlp(checked))
        levels = property_tlps(checked.properties, checked.granular_markings, level)
        if max(level, *levels.values()) <= answers.tlp:
            return None
        return _refused(
            index,
            checked,
            "sharing.answer-above",
            f"an answer may be marked no higher than what it answers, TLP:{answers.tlp.text}; "
            "mark it so, or contribute it on its own",
        )

    def _level_of(self, marked_tlp: Tlp | None) -> Tlp:
        if self._door.feed is not None and self._door.feed.min_tlp is not None:
            floor = self._door.feed.min_tlp
            return floor if marked_tlp is None else max(marked_tlp, floor)
        return self._door.unmarked_as if marked_tlp is None else marked_tlp

    def _marked_tlp(self, checked: Checked) -> Tlp | None:
        """The highest level that the object is marked with, by statements that carry one too."""
        refs = checked.object_marking_refs
        levels = [WELL_KNOWN[m] for m in refs if m in WELL_KNOWN]
        if self._markings:
            own = [self._markings[m].marked_tlp for m in refs if m in self._markings]
            levels += [level for level in own if level is not None]
        return max(levels, default=None)

    def _settle_repeated(self, index: int, checked: Checked) -> Outcome | None:
        earlier = self._taken.get(checked.stix_id, {})
        rival = earlier.get(checked.version_us)
        if not has_modified(checked) and earlier:
            rival = rival or next(iter(earlier.values()))
        if rival is None:
            return None
        if rival.digest == checked.digest:
            return _accepted(index, checked, "the same object stands twice in this envelope")
        return _refused(
            index,
            checked,
            "sharing.version-conflict",
            "the same id and version stand in this envelope with other content; the first was "
            "kept: give the change a new `modified`",
        )

    def _settle_known(self, index: int, checked: Checked) -> Outcome | None:
        held = self._known_version(checked)
        if held is None:
            return None
        if held.never_returns:
            return _refused(
                index,
                checked,
                "sharing.never-returns",
                "you recalled this version for good; give what shall replace it a new `modified`",
            )
        if held.is_deleted and self._second_hand is not None:
            return _refused(
                index,
                checked,
                "sharing.stays-deleted",
                "you deleted this version; a feed never brings back what was deleted",
            )
        if held.digest != checked.digest:
            return self._settle_rival(index, checked, held)
        if not self._is_bound_alike(held):
            return _refused(
                index,
                checked,
                "sharing.version-conflict",
                "you have contributed this version before, not as an answer to that object; give "
                "it a new `modified` to answer with it",
            )
        return None if held.is_deleted else _accepted(index, checked, _KNOWN)

    def _is_bound_alike(self, held: Stored) -> bool:
        """Whether a version that is held answers what this envelope answers, if it does."""
        answers = self._door.answers
        return answers is None or held.bound_id == answers.contribution_id

    def _settle_rival(self, index: int, checked: Checked, held: Stored) -> Outcome | None:
        """Other content under a version that is held: a feed corrects what it brought itself, but
        no marking: that would mark anew, unseen, whatever carries it (STIX 2.1 §7.2.1)."""
        if checked.stix_type == "marking-definition":
            return _refused(
                index,
                checked,
                "sharing.version-conflict",
                "you have this marking with other content; a marking never changes, and that one "
                "was kept: give the other an id of its own",
            )
        if self._door.feed is not None and held.feed_id == self._door.feed.feed_id:
            return None
        return _refused(
            index,
            checked,
            "sharing.version-conflict",
            "you have contributed this id and version with other content; that one was kept: "
            "give the change a new `modified`",
        )

    def _known_version(self, checked: Checked) -> Stored | None:
        versions = self._own.get(checked.stix_id, {})
        held = versions.get(checked.version_us)
        if held is None and not has_modified(checked):
            # Without `modified` there is one version only (sharing policy §5).
            held = next((v for v in versions.values() if not v.facts.has_modified), None)
        return held

    def _take(self, index: int, checked: Checked) -> None:
        self._taken.setdefault(checked.stix_id, {})[checked.version_us] = checked
        marked_tlp = self._marked_tlp(checked)
        tlp = self._level_of(marked_tlp)
        own = [m for m in _named_markings(checked) if m in self._markings] if self._markings else []
        carries = {m: self._markings[m].carried for m in own}
        carried = [*own, *(m for markings in carries.values() for m in markings)]
        facts = StoredFacts(
            labels=checked.labels,
            created_by_ref=checked.created_by_ref,
            properties=property_tlps(checked.properties, checked.granular_markings, tlp),
            releasable_to=checked.releasable_to,
            references=checked.named.references,
            hard_references=checked.named.hard,
            vanishing=checked.named.vanishing,
            entangled=checked.named.entangled,
            clauses=checked.needs.clauses,
            ties=checked.needs.ties,
            markings=tuple(dict.fromkeys(carried)),
            statements={m: () for m in checked.object_marking_refs if m in self._markings},
            carries=carries,
            is_scheme_understood=all(self._markings[m].is_understood for m in own),
            has_granular_markings=any(ref for ref, _ in checked.granular_markings),
            is_statement=checked.marking_statement,
            has_modified=has_modified(checked),
            marked_tlp=marked_tlp,
        )
        known = self._known_version(checked)
        is_back = known is not None and known.is_deleted
        self._admission.admitted.append(
            Admitted(
                index,
                checked,
                tlp,
                facts,
                revives=known if is_back else None,
                replaces=None if is_back else known,
            )
        )
        # What a well-known marking means is compiled in, whoever sends its definition along.
        if checked.stix_type == "marking-definition" and checked.stix_id not in WELL_KNOWN:
            self._markings[checked.stix_id] = _meaning(facts)


def _in_order(good: list[tuple[int, Checked]]) -> list[tuple[int, Checked]]:
    """Markings before what carries them, and a marking before the markings that carry it."""
    ordered = sorted(good, key=lambda pair: rank_of(pair[1].stix_type))
    pending = [pair for pair in ordered if pair[1].stix_type == "marking-definition"]
    others = ordered[len(pending) :]
    placed: list[tuple[int, Checked]] = []
    while pending:
        waiting = {checked.stix_id for _, checked in pending}
        ready = [pair for pair in pending if waiting.isdisjoint(_named_markings(pair[1]))]
        # Markings that carry each other in a circle are refused, each for what it lacks.
        placed += ready or pending
        pending = [pair for pair in pending if ready and pair not in ready]
    return placed + others


def _named_markings(checked: Checked) -> Iterable[str]:
    yield from checked.object_marking_refs
    for marking_ref, _selectors in checked.granular_markings:
        if marking_ref is not None:
            yield marking_ref


def has_modified(checked: Checked) -> bool:
    """Whether the object has versions at all: without `modified` it has one only."""
    return "modified" in checked.value


def _own_markings(
    connection: Connection, door: Door, objects: Iterable[Checked]
) -> dict[str, _Marking]:
    named = {m for checked in objects for m in _named_markings(checked)} - set(WELL_KNOWN)
    if not named:
        return {}
    stored = list_own_copies(connection, door.forum_id, door.originator_id, sorted(named))
    return {
        copy.stix_id: _meaning(copy.facts)
        for copy in stored
        if copy.stix_type == "marking-definition" and not copy.is_deleted
    }


def _meaning(facts: StoredFacts) -> _Marking:
    """A marking means what it says and what it carries itself."""
    return _Marking(
        is_understood=facts.is_statement and facts.is_scheme_understood,
        marked_tlp=facts.marked_tlp,
        carried=facts.markings,
    )


def _refused(index: int, checked: Checked, code: str, message: str) -> Outcome:
    return Outcome(
        index, checked.stix_id, checked.version, is_success=False, code=code, message=message
    )


def _accepted(index: int, checked: Checked, message: str) -> Outcome:
    return Outcome(
        index,
        checked.stix_id,
        checked.version,
        is_success=True,
        code="sharing.known",
        message=message,
    )


def accepted_now(admitted: Admitted, message: str) -> Outcome:
    """The outcome of an object that has been contributed."""
    return Outcome(
        admitted.index,
        admitted.checked.stix_id,
        admitted.checked.version,
        is_success=True,
        code="sharing.contributed" if admitted.replaces is None else "sharing.replaced",
        message=message,
    )
