"""What becomes of each object of an envelope, and which versions are held (policy §1, §4, §5)."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sharing.oracle import objects
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.reading import Reading
from tests.sharing.oracle.record import Contribution, Place, Recipient, Record


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
            each.is_held = is_downgrade(record, each, entered)
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


def is_downgrade(record: Record, given: Contribution, entered: Sequence[Contribution]) -> bool:
    """Whether a version is looser than the newest other of its copy, and gives more by it."""
    later = [each for each in entered if each.version > given.version]
    others = [
        each
        for each in record.list_copy(given.copy)
        if each is not given and not each.is_held and each not in later
    ]
    return bool(others) and _is_looser(given, others[0]) and _gives_more(record, given, others[0])


def _is_looser(new: Contribution, old: Contribution) -> bool:
    if new.level < old.level:
        return True
    if any(new.levels[unit] < old.levels[unit] for unit in new.levels.keys() & old.levels.keys()):
        return True
    before, after = objects.releasable_to(old.value), objects.releasable_to(new.value)
    return before is not None and (after is None or not set(after) <= set(before))


def _gives_more(record: Record, new: Contribution, old: Contribution) -> bool:
    """Whether anybody is given the object, or a part of it that both have, by the new alone.

    Embargoes ignored, by the counts of reciprocity as they are, and if all met it: what opens
    later is given all the same.
    """
    return any(
        _gives_one_more(Reading(record, record.now_us, all_reciprocate=each), record, new, old)
        for each in (False, True)
    )


def _gives_one_more(reading: Reading, record: Record, new: Contribution, old: Contribution) -> bool:
    both = new.levels.keys() & old.levels.keys()
    for to in record.recipients.values():
        if to.name == new.originator or not to.is_active:
            continue
        for kind in to.kinds:
            given, gave = (_given(reading, each, to, kind) for each in (new, old))
            if given is not None and (gave is None or (given - gave) & both):
                return True
    return False


def _given(reading: Reading, each: Contribution, to: Recipient, kind: str) -> frozenset[str] | None:
    kept = reading.keeps(each, to, kind, is_lifted=True)
    if kept is None:
        return None
    is_complete = each.less(frozenset(each.levels.keys() - kept), frozenset())[2]
    return kept if is_complete else None


def withdraw(versions: Sequence[Contribution]) -> None:
    for each in versions:
        each.is_deleted = True
