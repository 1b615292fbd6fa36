"""Sharing policy §4 and §5, read aloud: who sees what of a record at one instant.

One recipient, one credential kind and one contribution at a time; references as the greatest
solution, found by starting from everything and removing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal

from tests.sharing.oracle import objects
from tests.sharing.oracle.naming import Rule, is_about, names, refuses, terms_of
from tests.sharing.oracle.objects import LEVELS, Object, Steps
from tests.sharing.oracle.record import DAY_US, Contribution, Copy, Form, Place, Recipient, Record

Forms = dict[Contribution, Form]
_UNIT_US = {"D": DAY_US, "H": 3_600_000_000, "M": 60_000_000, "S": 1_000_000}


@cache
def instant_us(text: str) -> int:
    """An RFC 3339 instant in microseconds."""
    at = datetime.fromisoformat(text)
    whole = at.replace(microsecond=0)
    return int(whole.timestamp()) * 1_000_000 + at.microsecond


@cache
def duration_us(text: str) -> int:
    """A duration of one unit, as the tests write them: `P7D`, `PT1H`."""
    amount, unit = re.fullmatch(r"PT?(\d+)([DHMS])", text).groups()  # type: ignore[union-attr]
    return int(amount) * _UNIT_US[unit]


@dataclass(frozen=True, slots=True)
class Shown:
    """One version in one view. `left` are the places of the original that are still there."""

    contribution: Contribution
    value: Object
    left: frozenset[Steps]
    is_first: bool
    is_last: bool


class Reading:
    """A record as of `now_us`; if wanted, as if all members met what others ask, or none did."""

    def __init__(
        self,
        record: Record,
        now_us: int,
        *,
        reciprocity: Literal["as counted", "met by all", "met by none"] = "as counted",
    ) -> None:
        self._record = record
        self._reciprocity = reciprocity
        self._now_us = now_us
        self._copies: dict[Copy, list[Contribution]] = {}
        for each in record.contributions:
            if not each.is_statement:
                self._copies.setdefault(each.copy, []).append(each)
        for versions in self._copies.values():
            versions.sort(key=lambda each: each.version, reverse=True)
        self._kept: dict[tuple[object, ...], frozenset[str] | None] = {}
        self._visible: dict[tuple[str, str], Forms] = {}

    # Steps 1 to 4: what is granted had the object this level.

    def grants(
        self, given: Contribution, to: Recipient, kind: str, level: int, *, is_lifted: bool
    ) -> frozenset[str] | None:
        """The units granted; None when the object is hidden. Lifted: embargoes ignored."""
        if not self._may_reach(given, to, kind, level):
            return None
        if given.answers is not None:
            # Step 9 takes the place of 2 to 4: to whoever sees the other (`_kept_beside`).
            return frozenset(given.levels)
        granted: set[str] = set()
        matched = False
        for rule in self._record.rules_of(given.originator):
            if rule["effect"] == "share" and self._shares(rule, given, to, level, is_lifted):
                matched = True
                granted |= given.levels.keys() - set(rule.get("omit", ()))
        if not matched:
            return None
        withholding = [*self._record.rules_of(given.originator), *self._record.forum_rules]
        for rule in withholding:
            if rule["effect"] == "withhold" and self._withholds(rule, given, to, level):
                if "only" not in rule:
                    return None
                granted -= set(rule["only"])
        terms = objects.releasable_to(given.value)
        if terms is not None and (to.is_partner or terms_of(to).isdisjoint(terms)):
            return None
        return frozenset(granted)

    def _may_reach(self, given: Contribution, to: Recipient, kind: str, level: int) -> bool:
        """Step 1, and section 2's table."""
        ceilings = (self._record.ceiling, given.place.ceiling, to.accredited_to)
        if to.role not in given.place.readers or level > min(ceilings):
            return False
        if not self._markings_resolve(given):
            return False
        if to.is_partner:
            return level <= objects.GREEN
        return level < objects.RED or kind == "individual"

    def _markings_resolve(self, given: Contribution) -> bool:
        """Whether every marking is a well-known TLP or a statement of the same originator."""
        statements = {
            each.id
            for each in self._record.contributions
            if each.is_statement and each.originator == given.originator
        }
        return objects.carried_markings(given.value) <= statements

    def _shares(
        self, rule: Rule, given: Contribution, to: Recipient, level: int, is_lifted: bool
    ) -> bool:
        if not (is_about(rule, given) and self._names(rule, to)):
            return False
        if level > LEVELS[rule.get("when", {}).get("tlp_at_most", "red")]:
            return False
        if level == objects.RED and f"member:{to.name}" not in rule["audience"]["any"]:
            return False
        return self._holds(rule, given, is_lifted) and self._conditions_hold(rule, given, to)

    def _withholds(self, rule: Rule, given: Contribution, to: Recipient, level: int) -> bool:
        return (
            is_about(rule, given)
            and self._names(rule, to)
            and level >= LEVELS[rule.get("when", {}).get("tlp_at_least", "clear")]
            and self._holds(rule, given, is_lifted=False)
        )

    def _names(self, rule: Rule, to: Recipient) -> bool:
        return names(rule, to, self._record.commitments, self._now_us)

    def _holds(self, rule: Rule, given: Contribution, is_lifted: bool) -> bool:
        begins = [instant_us(rule["from"])] if "from" in rule else []
        ends = [instant_us(rule["until"])] if "until" in rule else []
        if "delay" in rule:
            begins.append(given.contributed_us + duration_us(rule["delay"]))
        if "expire_after" in rule:
            ends.append(given.contributed_us + duration_us(rule["expire_after"]))
        has_begun = is_lifted or all(begin <= self._now_us for begin in begins)
        return has_begun and all(self._now_us < end for end in ends)

    def _conditions_hold(self, rule: Rule, given: Contribution, to: Recipient) -> bool:
        conditions = rule.get("conditions", {})
        if not conditions:
            return True
        if to.is_partner:
            return False
        if "residency" in conditions and to.residency not in conditions["residency"]:
            return False
        asked = conditions.get("reciprocity")
        if asked is None or self._reciprocity == "met by all":
            return True
        if self._reciprocity == "met by none":
            return False
        count = self.count_seen(given.originator, to.name, asked["window_days"])
        return count >= asked["min_contributions"]

    def count_seen(self, asker: str, giver: str, window_days: int) -> int:
        """How many of the giver's versions the asker saw in the days before the last 00:00Z."""
        midnight_us = self._now_us - self._now_us % DAY_US
        start_us = midnight_us - window_days * DAY_US
        return len(
            {
                (each.id, each.version)
                for each in self._record.contributions
                if each.originator == giver
                and any(
                    since < midnight_us and (until is None or until > start_us)
                    for since, until in each.seen.get(asker, ())
                )
            }
        )

    # Steps 0 to 5: the units that stay.

    def keeps(
        self, given: Contribution, to: Recipient, kind: str, *, is_lifted: bool = False
    ) -> frozenset[str] | None:
        """The units that steps 1 to 5 leave a recipient that is not the originator."""
        key = (given, to.name, kind, is_lifted)
        if key not in self._kept:
            self._kept[key] = self._keep(given, to, kind, is_lifted)
        return self._kept[key]

    def _keep(
        self, given: Contribution, to: Recipient, kind: str, is_lifted: bool
    ) -> frozenset[str] | None:
        granted = self.grants(given, to, kind, given.level, is_lifted=is_lifted)
        if granted is None:
            return None
        stays = set(granted)
        for unit, level in given.levels.items():
            if level > given.level:
                higher = self.grants(given, to, kind, level, is_lifted=is_lifted)
                if higher is None or unit not in higher:
                    stays.discard(unit)
        return frozenset(stays)

    # Steps 6 to 8, and the versions of a copy: one greatest solution.

    def visible(self, to: Recipient, kind: str) -> Forms:
        """All that is decided visible, deleted versions too, with the form that is served."""
        key = (to.name, kind)
        if key not in self._visible:
            self._visible[key] = self._solve(to, kind) if to.is_active else {}
        return self._visible[key]

    def _solve(self, to: Recipient, kind: str) -> Forms:
        solution = {each: each.whole for versions in self._copies.values() for each in versions}
        while True:
            copies = {each.copy for each in solution}
            less: Forms = {}
            for versions in self._copies.values():
                less |= self._stay(versions, to, kind, solution, copies)
            if less == solution:
                return solution
            solution = less

    def _stay(
        self,
        versions: list[Contribution],
        to: Recipient,
        kind: str,
        visible: Forms,
        copies: set[Copy],
    ) -> Forms:
        """The versions of one copy, the newest first, given what is visible, of which copies."""
        if versions[0].originator == to.name and not to.is_partner:
            return {each: each.whole for each in versions}
        found: Forms = {}
        taken: set[str] | None = None
        for each in versions:
            if each.is_held:
                continue
            kept = self._kept_beside(each, to, kind, visible)
            form = self._form(each, kept, set(), copies)
            if form is None:
                lifted = self._kept_beside(each, to, kind, visible, is_lifted=True)
                if self._form(each, lifted, set(), copies) is None:
                    break
                continue
            if taken is None and not refuses(to.accepts, each):
                taken = each.levels.keys() - (kept or frozenset())
            elif taken:
                form = self._form(each, kept, taken, copies)
            if form is not None:
                found[each] = form
        return found

    def _kept_beside(
        self,
        given: Contribution,
        to: Recipient,
        kind: str,
        visible: Forms,
        *,
        is_lifted: bool = False,
    ) -> frozenset[str] | None:
        """Step 9: what answers another version is nothing to whoever does not see that one."""
        if given.answers is not None and given.answers not in visible:
            return None
        return self.keeps(given, to, kind, is_lifted=is_lifted)

    def _form(
        self,
        given: Contribution,
        kept: frozenset[str] | None,
        taken: set[str],
        copies: set[Copy],
    ) -> Form | None:
        """What is served of a version that keeps these units; None when that is nothing."""
        if kept is None:
            return None
        hidden = {each for each in given.named if self._is_hidden(given, each, copies)}
        if hidden & given.hard:
            return None
        lost = (given.levels.keys() - kept) | (given.levels.keys() & taken)
        form = given.less(frozenset(lost), frozenset(hidden))
        return form if form[2] else None

    def _is_hidden(self, given: Contribution, stix_id: str, copies: set[Copy]) -> bool:
        guards = self._record.own_copies(given.originator, stix_id) or given.guards.get(stix_id)
        return bool(guards) and copies.isdisjoint(guards or ())

    # Section 5: what stands in a view.

    def view(self, to: Recipient, kind: str, place: Place) -> dict[Contribution, Shown]:
        """What the recipient sees of one collection through credentials of one kind."""
        by_id: dict[str, dict[str, list[Contribution]]] = {}
        forms = self.visible(to, kind)
        for each in forms:
            is_own = each.originator == to.name and not to.is_partner
            is_here = each.place is place and not each.is_deleted
            if is_here and (is_own or not refuses(to.accepts, each)):
                by_id.setdefault(each.id, {}).setdefault(each.originator, []).append(each)
        found: dict[Contribution, Shown] = {}
        for stix_id, rivals in by_id.items():
            stands = min(rivals, key=lambda each: self._precedence((each, place.key, stix_id)))
            found |= _flagged({each: forms[each] for each in rivals[stands]})
        return found | self._statements(found, to, place)

    def standing_copies(self, originator: Recipient, stix_id: str) -> set[Copy]:
        """The copies of an id that stand in the originator's views: what guards a new object."""
        return {
            each.copy
            for place in self._record.places
            for each in self.view(originator, "individual", place)
            if each.id == stix_id
        }

    def _precedence(self, copy: Copy) -> tuple[bool, int]:
        versions = [each for each in self._record.contributions if each.copy == copy]
        is_bound = any(
            self._record.identities.get(each.value.get("created_by_ref", "")) == each.originator
            for each in versions
        )
        return not is_bound, min(each.order for each in versions)

    def _statements(
        self, found: Mapping[Contribution, Shown], to: Recipient, place: Place
    ) -> dict[Contribution, Shown]:
        """Statement markings: where something of the same originator carries them, and at home."""
        if not to.is_active:
            return {}
        carried = {
            (each.originator, marking)
            for each, shown in found.items()
            for marking in objects.carried_markings(shown.value)
        }
        shown_of: dict[str, dict[str, Contribution]] = {}
        for each in sorted(
            self._record.contributions, key=lambda c: (c.place is not place, c.order)
        ):
            if not each.is_statement or each.is_deleted:
                continue
            is_home = each.originator == to.name and each.place is place and not to.is_partner
            if is_home or (each.originator, each.id) in carried:
                shown_of.setdefault(each.id, {}).setdefault(each.originator, each)
        stands = [
            min(rivals.values(), key=lambda each: self._precedence(each.copy))
            for rivals in shown_of.values()
        ]
        return _flagged_alone(stands)


def _flagged(
    forms: Forms,
) -> dict[Contribution, Shown]:
    ordered = sorted(forms, key=lambda each: each.version)
    return {
        each: Shown(each, *forms[each][:2], each is ordered[0], each is ordered[-1])
        for each in ordered
    }


def _flagged_alone(statements: Iterable[Contribution]) -> dict[Contribution, Shown]:
    found: dict[Contribution, Shown] = {}
    for each in statements:
        found |= _flagged({each: each.whole})
    return found


def all_views(
    reading: Reading, record: Record
) -> dict[tuple[str, str, int], dict[Contribution, Shown]]:
    """Every view that is not empty: (recipient, kind, collection's key) to what it shows."""
    found = {}
    for to in record.recipients.values():
        for kind in to.kinds:
            for place in record.places:
                shown = reading.view(to, kind, place)
                if shown:
                    found[(to.name, kind, place.key)] = shown
    return found
