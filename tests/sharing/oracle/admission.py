"""What becomes of each object of an envelope, and which versions are held (policy §1, §4, §5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.sharing.oracle import objects
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.reading import Reading
from tests.sharing.oracle.record import Contribution, Place, Recipient, Record


@dataclass(frozen=True, slots=True)
class Door:
    """Where an envelope goes in, and as what: bound to a version that it answers, or by a feed."""

    originator: Recipient
    place: Place
    answers: Contribution | None = None
    feed: str = ""
    floor: int | None = None


def contribute(record: Record, door: Door, sent: Sequence[Object]) -> dict[int, str]:
    """Enter an envelope into the record; what becomes of each object, by its number."""
    return _Entering(record, door, sent).enter(sent)


class _Entering:
    """One envelope on its way in."""

    def __init__(self, record: Record, door: Door, sent: Sequence[Object]) -> None:
        self._record = record
        self._door = door
        reading = Reading(record, record.now_us)
        self._guards = {
            stix_id: reading.standing_copies(door.originator, stix_id)
            for value in sent
            for stix_id in objects.named_ids(value)
        }
        self._first_hand = self._list_first_hand(reading)
        self._before = _Before(record)
        self._entered: list[Contribution] = []
        self._fresh: set[Contribution] = set()
        self._replaced: dict[Contribution, Contribution] = {}

    def enter(self, sent: Sequence[Object]) -> dict[int, str]:
        outcomes: dict[int, str] = {}
        in_order = sorted(enumerate(sent), key=lambda pair: pair[1]["type"] != "marking-definition")
        for number, value in in_order:
            outcomes[number] = self._refusal(value) or self._take(value)
        for each in sorted(self._entered, key=lambda e: e.version):
            if not each.is_held:
                each.is_held = self._is_downgrade(each, self._before)
        own = {c.id for c in self._record.contributions if c.originator == self._name}
        for each in self._entered:
            each.guards = {i: copies for i, copies in each.guards.items() if i not in own}
        return outcomes

    @property
    def _name(self) -> str:
        return self._door.originator.name

    # What is refused, or comes back as nothing.

    def _list_first_hand(self, reading: Reading) -> set[tuple[str, str]]:
        """What the feed's owner contributed itself, and sees that others did."""
        if not self._door.feed:
            return set()
        shown = {
            each
            for place in self._record.places
            for each in reading.view(self._door.originator, "machine", place)
            if each.originator != self._name
        }
        shown |= {each for each in self._record.contributions if each.originator == self._name}
        return {(each.id, each.version) for each in shown if not each.feed}

    def _refusal(self, value: Object) -> str:
        if self._door.feed:
            returned = self._word_of_a_feed(value)
            if returned:
                return returned
        mine = [each for each in self._record.contributions if each.originator == self._name]
        known = {each.id for each in mine if each.is_statement and not each.is_deleted}
        if not objects.carried_markings(value) <= known:
            return "sharing.unresolved-marking"
        author = value.get("created_by_ref", "")
        if self._record.identities.get(author, self._name) != self._name:
            return "sharing.identity-of-another"
        answers = self._door.answers
        if answers is not None:
            level = objects.level_of(value, self._door.place.unmarked_as)
            if max([level, *objects.unit_levels(value, level).values()]) > answers.level:
                return "sharing.answer-above"
        return ""

    def _word_of_a_feed(self, value: Object) -> str:
        """A feed speaks for no member, and brings back nothing that is known here first-hand.

        What has no versions is the same wherever it is from.
        """
        key = (value["id"], objects.version_of(value))
        is_versioned = "modified" in value
        if is_versioned and key in self._first_hand:
            return "sharing.returned"
        claimed = {value.get("created_by_ref", "")}
        claimed |= {value["id"]} if value["type"] == "identity" else set()
        is_own = is_versioned and any(
            each.id == value["id"] and not each.feed
            for each in self._record.contributions
            if each.originator == self._name
        )
        if is_own or not claimed.isdisjoint(self._record.identities):
            return "sharing.spoofed-originator"
        return ""

    # What is taken.

    def _take(self, value: Object) -> str:
        copy = (self._name, self._door.place.key, value["id"])
        known = self._record.find(copy, objects.version_of(value))
        if known is None:
            self._entered.append(self._enter_new(value))
            return "sharing.contributed"
        if known.never_returns and known not in self._entered:
            return "sharing.never-returns"
        if known.is_deleted and self._door.feed:
            return "sharing.stays-deleted"
        if known.value != value or self._door.answers not in (None, known.answers):
            return self._take_other_content(known, value)
        if not known.is_deleted:
            return "sharing.known"
        known.is_deleted = False
        self._entered.append(known)
        return "sharing.contributed"

    def _take_other_content(self, known: Contribution, value: Object) -> str:
        """A feed corrects what it delivered itself, but no marking; else the first is kept."""
        is_its_own = bool(self._door.feed) and known.feed == self._door.feed
        if not is_its_own or known.is_statement or known in self._entered:
            return "sharing.version-conflict"
        self._replace(known, value)
        return "sharing.replaced"

    def _enter_new(self, value: Object) -> Contribution:
        record = self._record
        made = self._made(value, next(record.orders), record.now_us)
        made.answers, made.feed = self._door.answers, self._door.feed
        record.contributions.append(made)
        self._fresh.add(made)
        return made

    def _replace(self, known: Contribution, value: Object) -> None:
        """Other content in the place of a version: what was held goes on being held, and what
        answered it answers it.
        """
        made = self._made(value, known.order, known.contributed_us)
        made.answers, made.feed, made.is_held = known.answers, known.feed, known.is_held
        made.seen = known.seen
        contributions = self._record.contributions
        contributions[contributions.index(known)] = made
        for each in contributions:
            each.answers = made if each.answers is known else each.answers
        self._entered.append(made)
        if not known.is_held:
            self._replaced[made] = known

    def _made(self, value: Object, order: int, contributed_us: int) -> Contribution:
        door = self._door
        made = Contribution(self._name, door.place, value, order, contributed_us, floor=door.floor)
        made.guards = {each: self._guards[each] for each in made.named if self._guards[each]}
        return made

    # What is held.

    def _is_downgrade(self, given: Contribution, before: _Before) -> bool:
        """Whether a version is looser than the newest other of its copy, and gives more by it.

        What it replaces is one to compare it with, too.
        """
        others = [
            self._replaced.get(each, each) if each.version > given.version else each
            for each in self._record.list_copy(given.copy)
            if each is not given and not each.is_held
        ]
        # What comes later in the same envelope is not there yet.
        others = [e for e in others if e not in self._fresh or e.version < given.version]
        others += [self._replaced[given]] if given in self._replaced else []
        if not others:
            return False
        newest = max(others, key=lambda each: each.version)
        if given.answers is not None and given.answers is newest.answers:
            return False
        dropped = frozenset(
            each
            for each in newest.named - given.named
            if before.guards(newest, each, self._entered)
        )
        return _is_looser(given, newest) and _gives_more(self._record, given, newest, dropped)


class _Before:
    """What each member had contributed before an envelope came; what comes in it guards too."""

    def __init__(self, record: Record) -> None:
        self._own = {(each.originator, each.id) for each in record.contributions}

    def guards(self, old: Contribution, stix_id: str, entered: Iterable[Contribution]) -> bool:
        """Whether an id that the old version names is guarded: that may hide it from anybody."""
        return (
            (old.originator, stix_id) in self._own
            or bool(old.guards.get(stix_id))
            or any(each.id == stix_id for each in entered)
        )


def _is_looser(new: Contribution, old: Contribution) -> bool:
    if new.level < old.level:
        return True
    if any(new.levels[unit] < old.levels[unit] for unit in new.levels.keys() & old.levels.keys()):
        return True
    before, after = objects.releasable_to(old.value), objects.releasable_to(new.value)
    return before is not None and (after is None or not set(after) <= set(before))


def _gives_more(
    record: Record, new: Contribution, old: Contribution, dropped: frozenset[str]
) -> bool:
    """Whether anybody may be given the object, or a part of it that both have, by the new alone.

    By what its originator may know: embargoes ignored, all meet the new one's reciprocity and none
    the old one's, everybody sees what the new answers and nobody what the old answered, and the
    guarded ids that the old alone names are hidden from everybody.
    """
    most = Reading(record, record.now_us, reciprocity="met by all")
    least = Reading(record, record.now_us, reciprocity="met by none")
    both = new.levels.keys() & old.levels.keys()
    for to in record.recipients.values():
        if to.name == new.originator or not to.is_active:
            continue
        for kind in to.kinds:
            given = _given(most, new, to, kind, frozenset())
            gave = _given(least, old, to, kind, dropped) if old.answers is None else None
            if given is not None and (gave is None or (given - gave) & both):
                return True
    return False


def _given(
    reading: Reading, each: Contribution, to: Recipient, kind: str, hidden: frozenset[str]
) -> frozenset[str] | None:
    """The units that are served, whole or in part, without these ids."""
    kept = reading.keeps(each, to, kind, is_lifted=True)
    if kept is None or hidden & each.hard:
        return None
    served, _, is_complete = each.less(frozenset(each.levels.keys() - kept), hidden)
    if not is_complete:
        return None
    # Selectors go with what they point at, which is no loss of its own.
    gone = set(objects.unit_levels(each.value, 0)) - set(objects.unit_levels(served, 0))
    return kept - (gone - {"granular_markings"}) if hidden else kept


def withdraw(versions: Iterable[Contribution]) -> None:
    for each in versions:
        each.is_deleted = True


def recall(versions: Iterable[Contribution], *, never_return: bool, keep: bool) -> None:
    """Taken back, for good if it is said; what is kept stays where it is."""
    for each in versions:
        each.is_deleted = each.is_deleted or not keep
        each.never_returns = each.never_returns or never_return
