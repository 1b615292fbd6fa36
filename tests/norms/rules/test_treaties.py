"""Treaties: signatures, consents, entry into force, parties over time."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.errors import BadInput
from norms.rules.dates import format_day, parse_date, parse_day
from norms.rules.events import Event
from norms.rules.force import count_towards, read_force_rule
from norms.rules.memberships import list_members
from norms.rules.treaties import (
    Treaty,
    find_force,
    list_consents,
    list_instrument_spans,
    list_party_spans,
)
from tests.norms.rules.makers import belongs, make_event, make_treaty


def ratified(*parties: str, kind: str = "ratification", year: int = 2020) -> list[Event]:
    """Each party's consent, a month apart."""
    return [
        make_event(kind, f"{year}-{month:02}-01", party)
        for month, party in enumerate(parties, start=1)
    ]


def force_of(treaty: Treaty, events: list[Event], **more: Any) -> str | None:
    day = find_force(treaty, events, **more)
    return None if day is None else format_day(day)


def standing_on(
    treaty: Treaty, events: list[Event], day: str, party: str
) -> tuple[str, str] | None:
    at = parse_day(day)
    spans = list_party_spans(treaty, events, find_force(treaty, events)).get(party, [])
    found = [
        (one.status, one.since)
        for from_day, to_day, one in spans
        if from_day <= at and (to_day is None or at < to_day)
    ]
    return found[0] if found else None


def test_the_ninetieth_day_after_the_fortieth_instrument() -> None:
    rule = {
        "threshold": 40,
        "unit": "instruments of ratification/acceptance/approval/accession",
        "then": "90th day after deposit",
        "reio_instruments_counted": False,
        "article": "65(1)",
    }
    treaty = Treaty("xx", rule=read_force_rule(rule))
    events = [
        make_event("ratification", "2026-01-01", f"X{a}{b}") for a in "ABCD" for b in "ABCDEFGHIJ"
    ]
    assert force_of(treaty, events[:39]) is None
    last = make_event("accession", "2026-03-01", "XZZ")
    assert force_of(treaty, [*events[:39], last]) == "2026-05-30"


def test_an_instrument_of_a_regional_organization_is_not_counted_beside_its_members() -> None:
    events = [*ratified("XAA"), make_event("formal-confirmation", "2020-01-15", "XEU")]
    assert force_of(make_treaty(2), events, reio=frozenset({"XEU"})) is None
    counted = make_treaty(2, reio_instruments_counted=True)
    assert force_of(counted, events, reio=frozenset({"XEU"})) == "2020-04-14"


def test_the_first_of_the_month_after_three_months_with_three_of_a_group() -> None:
    rule = {"threshold": 5, "of_which_coe_members": 3, "then": "first day of month after 3 months"}
    treaty = Treaty("xx", rule=read_force_rule(rule))
    there = [belongs("XAA"), belongs("XAB"), belongs("XAF", "2004-03-18")]
    events = [
        *ratified("XAA", "XAB", "XAC", "XAD", year=2003),
        make_event("ratification", "2004-01-10", "XAE"),
        make_event("ratification", "2004-03-18", "XAF"),
    ]

    def group(day: int) -> frozenset[str]:
        return list_members(there, day)

    assert force_of(treaty, events[:5], group=group) is None
    assert force_of(treaty, events, group=group) == "2004-07-01"


def test_a_consent_withdrawn_before_is_not_counted() -> None:
    events = [
        *ratified("XAA"),
        make_event("withdrawal", "2020-01-20", "XAA"),
        make_event("ratification", "2020-02-01", "XAB"),
    ]
    assert force_of(make_treaty(2), events) is None
    assert (
        count_towards(
            make_treaty(2).rule,  # type: ignore[arg-type]
            list_consents(make_treaty(2), events),
            parse_day("2020-03-01"),
            reio=frozenset(),
        )
        == 1
    )


def test_what_the_depositary_says_comes_before_what_is_computed() -> None:
    treaty = Treaty("xx", in_force=parse_date("2004-07-01"), rule=make_treaty(1).rule)
    assert force_of(treaty, []) == "2004-07-01"
    said = make_event("entry-into-force", "2005-01-01")
    assert force_of(treaty, [said]) == "2005-01-01"
    assert force_of(Treaty("xx"), ratified("XAA")) is None


def test_a_party_signs_consents_is_bound_and_leaves() -> None:
    treaty = make_treaty(2)
    events = [
        make_event("invitation-to-accede", "2018-01-01", "XAA"),
        make_event("signature-simple", "2019", "XAA"),
        *ratified("XAA", "XAB"),
        make_event("denunciation", "2022-03", "XAA"),
        make_event("accession", "2023-01-01", "XAA"),
    ]
    assert standing_on(treaty, events, "2017-12-31", "XAA") is None
    assert standing_on(treaty, events, "2018-01-01", "XAA") == ("invited", "2018-01-01")
    assert standing_on(treaty, events, "2019-12-30", "XAA") == ("invited", "2018-01-01")
    assert standing_on(treaty, events, "2019-12-31", "XAA") == ("signatory", "2019")
    assert standing_on(treaty, events, "2020-01-01", "XAA") == ("contracting", "2020-01-01")
    assert standing_on(treaty, events, "2020-05-01", "XAA") == ("party", "2020-05-01")
    assert standing_on(treaty, events, "2022-03-01", "XAA") == ("former-party", "2022-03")
    assert standing_on(treaty, events, "2023-04-01", "XAA") == ("party", "2023-04-01")


@pytest.mark.parametrize(
    ("notice", "last", "first"),
    [
        ("first day of month after 3 months", "2022-06-30", "2022-07-01"),
        ("1 year after receipt", "2023-03-14", "2023-03-15"),
        ("30th day after receipt", "2022-04-13", "2022-04-14"),
        ("on the day of deposit", "2022-03-14", "2022-03-15"),
    ],
)
def test_who_denounces_is_bound_until_its_notice_is_over(
    notice: str, last: str, first: str
) -> None:
    treaty = make_treaty(2, denunciation=notice)
    events = [*ratified("XAA", "XAB"), make_event("denunciation", "2022-03-15", "XAA")]
    assert standing_on(treaty, events, last, "XAA") == ("party", "2020-05-01")
    assert standing_on(treaty, events, first, "XAA") == ("former-party", first)
    again = [*events, make_event("accession", "2022-03-20", "XAA")]
    assert standing_on(treaty, again, "2024-01-01", "XAA") == ("party", "2022-06-18")


def test_a_consent_counts_until_its_denunciation_takes_effect() -> None:
    treaty = make_treaty(2, denunciation="1 year after receipt")
    early = [*ratified("XAA"), make_event("denunciation", "2020-02-01", "XAA")]
    within = [*early, make_event("ratification", "2021-01-31", "XAB")]
    assert force_of(treaty, within) == "2021-05-01"
    assert force_of(treaty, [*early, make_event("ratification", "2021-02-01", "XAB")]) is None


def test_who_consents_later_is_bound_after_a_delay_of_its_own() -> None:
    treaty = make_treaty(1, then_later="30th day after deposit")
    events = ratified("XAA", "XAB", "XAC", "XAD", "XAE", "XAF")
    assert standing_on(treaty, events, "2020-03-31", "XAA") == ("party", "2020-03-31")
    # Before it is in force, so with it; after, thirty days after its own deposit.
    assert standing_on(treaty, events, "2020-03-31", "XAB") == ("party", "2020-03-31")
    assert standing_on(treaty, events, "2020-06-29", "XAF") == ("contracting", "2020-06-01")
    assert standing_on(treaty, events, "2020-07-01", "XAF") == ("party", "2020-07-01")


def test_a_states_own_word_does_not_end_or_revive_what_its_depositary_keeps() -> None:
    treaty = make_treaty(1)
    events = [
        *ratified("XAA"),
        make_event("commitment-withdrawal", "2021-01-01", "XAA"),
        make_event("suspension", "2022-01-01", "XAA"),
        make_event("commitment-resumption", "2022-06-01", "XAA"),
    ]
    assert standing_on(treaty, events, "2021-06-01", "XAA") == ("party", "2020-03-31")
    assert standing_on(treaty, events, "2023-01-01", "XAA") == ("suspended", "2022-01-01")


def test_a_definitive_signature_binds() -> None:
    treaty = make_treaty(1, then="on the day of deposit")
    events = [make_event("signature-definitive", "2020-01-01", "XAA")]
    assert standing_on(treaty, events, "2020-01-01", "XAA") == ("party", "2020-01-01")


def test_an_instrument_is_adopted_opened_closed_in_force_and_terminated() -> None:
    treaty = Treaty(
        "xx",
        adopted=parse_date("2024-12-24"),
        opens=parse_date("2025-10-25"),
        closes=parse_date("2026-12-31"),
    )
    ended = make_event("termination", "2040-01-01")
    spans = list_instrument_spans(treaty, [ended], parse_day("2028-01-01"))
    assert [(format_day(from_day), status) for from_day, _, (status, _) in spans] == [
        ("2024-12-24", "adopted"),
        ("2025-10-25", "open-for-signature"),
        ("2027-01-01", "closed-for-signature"),
        ("2028-01-01", "in-force"),
        ("2040-01-01", "terminated"),
    ]
    over = make_event("supersession", "2026-01-01")
    assert list_instrument_spans(treaty, [over], None)[-1][2] == ("superseded", "2026-01-01")


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"threshold": "5"},
        {"threshold": True},
        {"threshold": 0},
        {"threshold": 1, "then": "soon"},
        {"threshold": 1, "then": 90},
        {"threshold": 1, "denunciation": "when it likes"},
        {"threshold": 1, "of_which": {"forum": "coe"}},
        {"threshold": 1, "of_which": 3},
        {"threshold": 1, "of_which_coe_members": "many"},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        read_force_rule(rule)
    assert refused.value.code == "norms.bad-force-rule"


def test_who_consents_before_the_treaty_is_in_force_is_contracting_and_no_party_yet() -> None:
    treaty = make_treaty(threshold=2)
    alone = ratified("XAA")
    assert force_of(treaty, alone) is None
    assert standing_on(treaty, alone, "2020-02-01", "XAA") == ("contracting", "2020-01-01")
