"""What becomes of each object of an envelope, and which versions are held (policy §1, §4, §5)."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sharing.oracle import objects
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.reading import Reading
from tests.sharing.oracle.record import Contribution, Copy, Place, Recipient, Record


def contribute(
    record: Record, originator: Recipient, place: Place, sent: Sequence[Object]
) -> dict[int, str]:
    """Enter an envelope into the record; what becomes of each object, by its number."""
    outcomes: dict[int, str] = {}
    reading = Reading(record, record.now_us)
    guards = {
        stix_id: reading.standing_copies(originator, stix_id)
        for value in sent
        for stix_id in objects.named_ids(value)
    }
    entered: list[Contribution] = []
    before = _Before(record, reading) if _may_loosen(record, originator, place, sent) else None
    in_order = sorted(enumerate(sent), key=lambda pair: pair[1]["type"] != "marking-definition")
    for number, value in in_order:
        refusal = _refusal(record, originator, value)
        known = record.find((originator.name, place.key, value["id"]), objects.version_of(value))
        if refusal:
            outcomes[number] = refusal
        elif known is not None and known.value != value:
            outcomes[number] = "sharing.version-conflict"
        elif known is not None and not known.is_deleted:
            outcomes[number] = "sharing.known"
        else:
            outcomes[number] = "sharing.contributed"
            entered.append(known or _enter(record, originator, place, value, guards))
            entered[-1].is_deleted = False
    for each in sorted(entered, key=lambda e: e.version):
        if not each.is_held:
            each.is_held = before is not None and is_downgrade(record, each, entered, before)
    own = {
        copy[2]
        for copy in {each.copy for each in record.contributions}
        if copy[0] == originator.name
    }
    for each in entered:
        each.guards = {i: copies for i, copies in each.guards.items() if i not in own}
    return outcomes


def _refusal(record: Record, originator: Recipient, value: Object) -> str:
    known = {
        each.id
        for each in record.contributions
        if each.originator == originator.name and each.is_statement and not each.is_deleted
    }
    if not objects.carried_markings(value) <= known:
        return "sharing.unresolved-marking"
    if record.identities.get(value.get("created_by_ref", ""), originator.name) != originator.name:
        return "sharing.identity-of-another"
    return ""


def _enter(
    record: Record,
    originator: Recipient,
    place: Place,
    value: Object,
    guards: dict[str, set[tuple[str, int, str]]],
) -> Contribution:
    made = Contribution(originator.name, place, value, next(record.orders), record.now_us)
    made.guards = {each: guards[each] for each in made.named if guards[each]}
    record.contributions.append(made)
    return made


class _Before:
    """Who saw which copies, and what each member had contributed, before an envelope came."""

    def __init__(self, record: Record, reading: Reading) -> None:
        self.copies = {
            (to.name, kind): {each.copy for each in reading.visible(to, kind)}
            for to in record.recipients.values()
            for kind in to.kinds
        }
        self._own: dict[tuple[str, str], set[Copy]] = {}
        for each in record.contributions:
            self._own.setdefault((each.originator, each.id), set()).add(each.copy)

    def hides(self, old: Contribution, stix_id: str, to: Recipient, kind: str) -> bool:
        """Whether an id that the old version names was hidden from a recipient."""
        guards = self._own.get((old.originator, stix_id)) or old.guards.get(stix_id)
        return bool(guards) and self.copies[(to.name, kind)].isdisjoint(guards or ())


def _may_loosen(
    record: Record, originator: Recipient, place: Place, sent: Sequence[Object]
) -> bool:
    """Whether anything sent has another version, here or in the same envelope."""
    ids = [value["id"] for value in sent]
    return len(set(ids)) < len(ids) or any(
        record.list_copy((originator.name, place.key, stix_id)) for stix_id in ids
    )


def is_downgrade(
    record: Record, given: Contribution, entered: Sequence[Contribution], before: _Before
) -> bool:
    """Whether a version is looser than the newest other of its copy, and gives more by it."""
    later = [each for each in entered if each.version > given.version]
    others = [
        each
        for each in record.list_copy(given.copy)
        if each is not given and not each.is_held and each not in later
    ]
    return (
        bool(others)
        and _is_looser(given, others[0])
        and _gives_more(record, given, others[0], before)
    )


def _is_looser(new: Contribution, old: Contribution) -> bool:
    if new.level < old.level:
        return True
    if any(new.levels[unit] < old.levels[unit] for unit in new.levels.keys() & old.levels.keys()):
        return True
    before, after = objects.releasable_to(old.value), objects.releasable_to(new.value)
    return before is not None and (after is None or not set(after) <= set(before))


def _gives_more(record: Record, new: Contribution, old: Contribution, before: _Before) -> bool:
    """Whether anybody is given the object, or a part of it that both have, by the new alone.

    What hides an id that both name hides in both; what the new names no more hides in the old.

    Embargoes ignored, by the counts of reciprocity as they are, and if all met it: what opens
    later is given all the same.
    """
    return any(
        _gives_one_more(
            Reading(record, record.now_us, all_reciprocate=each), record, new, old, before
        )
        for each in (False, True)
    )


def _gives_one_more(
    reading: Reading, record: Record, new: Contribution, old: Contribution, before: _Before
) -> bool:
    both = new.levels.keys() & old.levels.keys()
    for to in record.recipients.values():
        if to.name == new.originator or not to.is_active:
            continue
        for kind in to.kinds:
            given = _given(reading, new, to, kind, frozenset())
            dropped = old.named - new.named
            hidden = frozenset(each for each in dropped if before.hides(old, each, to, kind))
            gave = _given(reading, old, to, kind, hidden)
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


def withdraw(versions: Sequence[Contribution]) -> None:
    for each in versions:
        each.is_deleted = True
