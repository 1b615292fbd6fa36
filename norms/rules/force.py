"""Entry into force: when a treaty binds, computed from a rule that is data.

Sources: A/RES/79/243 annex, Art. 65 (40 instruments, 90 days; those of regional organizations
are not counted beside their member States'); CETS 185, Art. 36 (5, of which 3 of one group, the
first day of the month after three months) and Art. 47(2) (denunciation, likewise); VCLT Art. 24.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import BadInput
from norms.rules.dates import add_months, first_of_next_month

_DAYS: Final = re.compile(r"(\d{1,4})(?:st|nd|rd|th) day after(?: .*)?")
_MONTHS: Final = re.compile(r"first day of month after (\d{1,2}) months?")
_YEARS: Final = re.compile(r"(\d{1,2}) years? after(?: .*)?")
_AT_ONCE: Final = "on the day of deposit"


Group = Callable[[int], frozenset[str]]
"""From a day to the members of the group of which some must have consented."""


def nobody(_day: int) -> frozenset[str]:
    """A group without members."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after a deposit: some days, some years, or whole months and then the next first
    day."""

    days: int = 0
    months: int = 0
    years: int = 0

    def after(self, day: int) -> int:
        """The day on which what was deposited on `day` takes effect."""
        if self.months:
            return first_of_next_month(add_months(day, self.months))
        if self.years:
            return add_months(day, 12 * self.years)
        return day + self.days


@dataclass(frozen=True, slots=True)
class ForceRule:
    """`threshold` instruments, `of_group` of them by members of the forum `group`; then a delay.

    `later` is the delay of who consents once it is in force, `notice` that of a denunciation. With
    `counts_reio` a regional organization's instrument counts like a State's.
    """

    threshold: int
    delay: Delay
    later: Delay
    group: str | None = None
    of_group: int = 0
    counts_reio: bool = False
    notice: Delay = Delay()


@dataclass(frozen=True, slots=True)
class Consent:
    """That a party consented to be bound on a day; `until` is when its withdrawal took effect."""

    party: str
    day: int
    until: int | None = None


def read_force_rule(value: Mapping[str, Any]) -> ForceRule:
    """A rule as the catalogue writes it. Raises BadInput (`norms.bad-force-rule`).

    `{"threshold": 40, "then": "90th day after deposit", "reio_instruments_counted": false}`, with
    `"of_which": {"forum": F, "count": n}`, `"then_later"` and `"denunciation"` where needed.
    """
    threshold = value.get("threshold")
    if not isinstance(threshold, int) or isinstance(threshold, bool) or not 0 < threshold < 1000:
        raise _bad_rule("`threshold` is a number of instruments")
    delay = _read_delay(value.get("then", _AT_ONCE))
    later = _read_delay(value["then_later"]) if "then_later" in value else delay
    group, of_group = _read_group(value)
    counted = value.get("reio_instruments_counted", False)
    notice = _read_delay(value.get("denunciation", _AT_ONCE))
    return ForceRule(threshold, delay, later, group, of_group, bool(counted), notice)


def find_entry(
    rule: ForceRule, consents: Iterable[Consent], *, group: Group, reio: frozenset[str]
) -> int | None:
    """The day on which the treaty enters into force; None while too few have consented.

    `group` says who is of the group on a day, `reio` are the regional organizations.
    """
    counted: list[Consent] = []
    for consent in sorted(consents, key=lambda one: (one.day, one.party)):
        if consent.party in reio and not rule.counts_reio:
            continue
        counted.append(consent)
        standing = {one.party for one in counted if one.until is None or one.until > consent.day}
        if len(standing) >= rule.threshold and len(standing & group(consent.day)) >= rule.of_group:
            return rule.delay.after(consent.day)
    return None


def find_effect(rule: ForceRule | None, entry: int | None, day: int) -> int | None:
    """From which day a consent given on `day` binds; None while the treaty is not in force."""
    if entry is None:
        return None
    if day <= entry and (rule is None or rule.delay.after(day) <= entry):
        return entry
    return max(entry, day if rule is None else rule.later.after(day))


def count_towards(
    rule: ForceRule, consents: Iterable[Consent], day: int, *, reio: frozenset[str]
) -> int:
    """How many instruments count towards the threshold on a day: the x of "x of 40"."""
    return len(
        {
            one.party
            for one in consents
            if one.day <= day
            and (one.until is None or one.until > day)
            and (rule.counts_reio or one.party not in reio)
        }
    )


def _read_delay(text: object) -> Delay:
    if text == _AT_ONCE:
        return Delay()
    if isinstance(text, str):
        if match := _DAYS.fullmatch(text):
            return Delay(days=int(match[1]))
        if match := _MONTHS.fullmatch(text):
            return Delay(months=int(match[1]))
        if match := _YEARS.fullmatch(text):
            return Delay(years=int(match[1]))
    raise _bad_rule(
        "a delay is `90th day after deposit`, `first day of month after 3 months`, "
        f"`1 year after receipt` or `{_AT_ONCE}`"
    )


def _read_group(value: Mapping[str, Any]) -> tuple[str | None, int]:
    of_which = value.get("of_which")
    if "of_which_coe_members" in value:
        of_which = {"forum": "coe", "count": value["of_which_coe_members"]}
    if of_which is None:
        return None, 0
    try:
        return str(of_which["forum"]), int(of_which["count"])
    except (TypeError, KeyError, ValueError):
        raise _bad_rule('`of_which` is {"forum": F, "count": n}') from None


def _bad_rule(why: str) -> BadInput:
    return BadInput("norms.bad-force-rule", f"the rule of entry into force is wrong: {why}")
