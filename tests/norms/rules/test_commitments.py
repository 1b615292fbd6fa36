"""Who is committed to what, since when, as of which day."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from norms.rules.commitments import Bound, Unit
from norms.rules.dates import parse_day
from norms.rules.events import Event, list_standing
from tests.norms.rules.makers import belongs, make_event, make_treaty, spans_of, status_on

MEMBERS = (belongs("XAA"), belongs("XAB"), belongs("XAC", "2018-01-01"))
ADOPTED = make_event("adoption", "2015-06-01", basis="consensus-adoption")


def test_an_adoption_commits_who_is_a_member_that_day() -> None:
    spans = spans_of([ADOPTED], MEMBERS)
    assert status_on(spans, "2015-06-01", "XAA") == "in-effect"
    assert status_on(spans, "2015-05-31", "XAA") is None
    assert {one.standing.since for one in spans} == {"2015-06-01"}


def test_a_late_joiner_is_not_committed_to_what_was_adopted_before() -> None:
    assert status_on(spans_of([ADOPTED], MEMBERS), "2020-01-01", "XAC") is None


def test_a_late_joiner_is_committed_where_the_instrument_says_so() -> None:
    bound = Bound("harbour", binds_later_members=True)
    spans = spans_of([ADOPTED], MEMBERS, bound=bound)
    assert status_on(spans, "2017-12-31", "XAC") is None
    assert status_on(spans, "2018-01-01", "XAC") == "in-effect"
    assert {one.standing.basis for one in spans if one.party == "XAC"} == {
        "membership-on-accession-of-forum"
    }


@pytest.mark.parametrize("lapses", [True, False])
def test_leaving_a_forum_ends_a_commitment_only_where_the_instrument_says_so(
    lapses: bool,
) -> None:
    members = [belongs("XAA", ends="2019-03-01")]
    spans = spans_of([ADOPTED], members, bound=Bound("harbour", lapses_on_leaving=lapses))
    assert status_on(spans, "2019-02-28", "XAA") == "in-effect"
    assert status_on(spans, "2019-03-01", "XAA") == ("lapsed" if lapses else "in-effect")


@pytest.mark.parametrize("standing", ["observer", "not-participating", "suspended", "disputed"])
def test_who_does_not_belong_is_not_committed(standing: str) -> None:
    spans = spans_of([ADOPTED], [belongs("XAA", standing=standing)])
    assert spans == []


def test_a_vote_commits_those_who_are_named() -> None:
    vote = make_event("adoption", "2015-06-01", basis="vote-for", parties=("XAB",))
    assert {one.party for one in spans_of([vote], MEMBERS)} == {"XAB"}


def test_what_begins_on_a_partial_date_counts_from_its_last_day() -> None:
    spans = spans_of([make_event("adoption", "2019")], MEMBERS)
    assert status_on(spans, "2019-12-30", "XAA") is None
    assert status_on(spans, "2019-12-31", "XAA") == "in-effect"


def test_what_ends_on_a_partial_date_counts_from_its_first_day() -> None:
    left = make_event("commitment-withdrawal", "2019-05", "XAA")
    spans = spans_of([ADOPTED, left], MEMBERS)
    assert status_on(spans, "2019-04-30", "XAA") == "in-effect"
    assert status_on(spans, "2019-05-01", "XAA") == "withdrawn"


def test_a_provision_that_comes_later_is_not_committed_to_before() -> None:
    units = (Unit("xx:1"), Unit("xx:2", parse_day("2016-01-01")))
    spans = spans_of([ADOPTED], MEMBERS, units=units)
    assert status_on(spans, "2015-12-31", "XAA", "xx:2") is None
    assert status_on(spans, "2016-01-01", "XAA", "xx:2") == "in-effect"


def test_a_reservation_qualifies_until_it_is_withdrawn() -> None:
    reserved = make_event("reservation", "2016-01-01", "XAA", provisions=("xx:1",))
    over = make_event("withdrawal-of-reservation", "2017-01-01", "XAA", refers_to=reserved.id)
    spans = spans_of([ADOPTED, reserved, over], MEMBERS)
    assert status_on(spans, "2015-12-31", "XAA") == "in-effect"
    assert status_on(spans, "2016-06-01", "XAA") == "qualified"
    assert status_on(spans, "2016-06-01", "XAA", "xx:2") == "in-effect"
    assert status_on(spans, "2017-01-01", "XAA") == "in-effect"
    assert [one.standing.is_reserved for one in spans if one.party == "XAA"][1] is True


def test_a_reservation_that_names_no_provision_may_concern_each() -> None:
    said = make_event("reservation", "2015-06-01", "XAA")
    spans = [one for one in spans_of([ADOPTED, said], MEMBERS) if one.party == "XAA"]
    assert {(one.provision, one.standing.is_reserved) for one in spans} == {
        ("xx:1", True),
        ("xx:2", True),
    }


def test_an_explanation_of_position_qualifies_and_does_not_reserve() -> None:
    said = make_event("explanation-of-position", "2015-06-01", "XAA")
    spans = [one for one in spans_of([ADOPTED, said], MEMBERS) if one.party == "XAA"]
    assert {(one.standing.status, one.standing.is_reserved) for one in spans} == {
        ("qualified", False)
    }


def test_a_suspension_ends_with_a_resumption() -> None:
    events = [
        ADOPTED,
        make_event("commitment-suspension", "2016-01-01", "XAA"),
        make_event("commitment-resumption", "2017-01-01", "XAA"),
    ]
    spans = spans_of(events, MEMBERS)
    assert status_on(spans, "2016-01-01", "XAA") == "suspended"
    assert status_on(spans, "2017-01-01", "XAA") == "in-effect"


def test_who_dissociates_itself_was_never_committed() -> None:
    apart = make_event("dissociation", "2015-06-01", "XAA")
    assert {one.party for one in spans_of([ADOPTED, apart], MEMBERS)} == {"XAB"}


def test_who_commits_itself_anew_after_a_withdrawal_is_committed() -> None:
    events = [
        ADOPTED,
        make_event("commitment-withdrawal", "2016-01-01", "XAA"),
        make_event("commitment", "2018-01-01", "XAA", basis="unilateral-declaration"),
    ]
    spans = spans_of(events, MEMBERS)
    assert status_on(spans, "2017-01-01", "XAA") == "withdrawn"
    assert status_on(spans, "2018-01-01", "XAA") == "in-effect"


def test_who_commits_itself_once_more_is_committed_since_the_first_time() -> None:
    again = make_event("commitment", "2018-01-01", "XAA", basis="unilateral-declaration")
    spans = spans_of([ADOPTED, again], MEMBERS)
    assert status_on(spans, "2019-01-01", "XAA") == "in-effect"
    assert {one.standing.since for one in spans if one.party == "XAA"} == {"2015-06-01"}


def test_what_is_superseded_says_so() -> None:
    spans = spans_of([ADOPTED, make_event("supersession", "2016-01-01", "XAA")], MEMBERS)
    assert status_on(spans, "2016-01-01", "XAA") == "superseded"


def test_a_contest_is_shown_beside_what_it_contests() -> None:
    contest = make_event("contest", "2016-01-01", "XAA", refers_to=ADOPTED.id)
    over = make_event("contest-withdrawal", "2017-01-01", "XAA", refers_to=contest.id)
    spans = [one for one in spans_of([ADOPTED, contest, over], MEMBERS) if one.provision == "xx:1"]
    own = [one.standing.is_contested for one in spans if one.party == "XAA"]
    assert own == [False, True, False]
    assert not any(one.standing.is_contested for one in spans if one.party == "XAB")


def test_being_party_to_a_treaty_commits_to_its_provisions() -> None:
    events = [
        make_event("ratification", "2020-01-01", "XAA"),
        make_event("ratification", "2020-02-01", "XAB"),
        make_event("suspension", "2021-01-01", "XAA"),
        make_event("resumption", "2021-06-01", "XAA"),
        make_event("denunciation", "2022-01-01", "XAA"),
    ]
    spans = spans_of(events, treaty=make_treaty())
    assert status_on(spans, "2020-04-30", "XAA") is None
    assert status_on(spans, "2020-05-01", "XAA") == "in-effect"
    assert status_on(spans, "2021-01-01", "XAA") == "suspended"
    assert status_on(spans, "2021-06-01", "XAA") == "in-effect"
    assert status_on(spans, "2022-01-01", "XAA") == "withdrawn"
    assert status_on(spans, "2022-01-01", "XAB") == "in-effect"


def test_a_suspension_of_a_treaty_that_is_not_over_goes_on() -> None:
    events = [
        make_event("ratification", "2020-01-01", "XAA"),
        make_event("suspension", "2021-01-01", "XAA"),
    ]
    spans = spans_of(events, treaty=make_treaty(1))
    assert status_on(spans, "2030-01-01", "XAA") == "suspended"


def test_an_adoption_of_some_provisions_commits_to_no_others() -> None:
    some = make_event("adoption", "2015-06-01", provisions=("xx:2",))
    assert {one.provision for one in spans_of([some], MEMBERS)} == {"xx:2"}


def test_who_dissociated_itself_may_commit_itself_later() -> None:
    own = make_event("commitment", "2018-01-01", "XAA", basis="unilateral-declaration")
    for apart in ("2015-06-01", "2016-01-01"):
        spans = spans_of([ADOPTED, make_event("dissociation", apart, "XAA"), own], MEMBERS)
        assert status_on(spans, "2017-12-31", "XAA") != "in-effect"
        assert status_on(spans, "2018-01-01", "XAA") == "in-effect"


@pytest.mark.parametrize(
    ("begun", "ended"), [("2015", "2015-08"), ("2015-06-01", "2015"), ("2015-06", "2015-06-10")]
)
def test_where_nobody_knows_which_was_first_a_withdrawal_ends(begun: str, ended: str) -> None:
    events = [make_event("adoption", begun), make_event("commitment-withdrawal", ended, "XAA")]
    spans = spans_of(events, MEMBERS)
    assert status_on(spans, "2016-01-01", "XAA") == "withdrawn"
    assert "in-effect" not in {one.standing.status for one in spans if one.party == "XAA"}


def test_a_denunciation_in_the_year_of_the_ratification_ends() -> None:
    events = [
        make_event("ratification", "2020", "XAA"),
        make_event("denunciation", "2020", "XAA"),
        make_event("ratification", "2020-01-01", "XAB"),
    ]
    spans = spans_of(events, treaty=make_treaty(1))
    assert {one.party for one in spans} == {"XAB"}


def test_a_withdrawal_from_the_whole_holds_for_a_provision_that_comes_later() -> None:
    units = (Unit("xx:1"), Unit("xx:2", parse_day("2017-01-01")))
    left = make_event("commitment-withdrawal", "2016-01-01", "XAA")
    spans = spans_of([ADOPTED, left], MEMBERS, units=units)
    assert status_on(spans, "2017-01-01", "XAA", "xx:2") == "withdrawn"
    assert status_on(spans, "2017-01-01", "XAB", "xx:2") == "in-effect"


@pytest.mark.parametrize(
    ("kind", "status"), [("termination", "lapsed"), ("supersession", "superseded")]
)
def test_what_ends_an_instrument_ends_what_it_commits_to(kind: str, status: str) -> None:
    over = make_event(kind, "2023-01-01")
    ratified = make_event("ratification", "2020-01-01", "XAA")
    for spans in (
        spans_of([ADOPTED, over], MEMBERS),
        spans_of([ratified, over], treaty=make_treaty(1)),
    ):
        assert status_on(spans, "2022-12-31", "XAA") == "in-effect"
        assert status_on(spans, "2023-01-01", "XAA") == status


def test_a_reservation_withdrawn_in_part_stands_for_the_rest() -> None:
    reserved = make_event("reservation", "2016-01-01", "XAA", provisions=("xx:1", "xx:2"))
    partly = make_event(
        "withdrawal-of-reservation",
        "2017-01-01",
        "XAA",
        refers_to=reserved.id,
        provisions=("xx:2",),
    )
    spans = spans_of([ADOPTED, reserved, partly], MEMBERS)
    assert status_on(spans, "2017-01-01", "XAA", "xx:1") == "qualified"
    assert status_on(spans, "2017-01-01", "XAA", "xx:2") == "in-effect"


def test_a_contest_may_be_of_one_provision() -> None:
    contest = make_event("contest", "2016-01-01", "XAA", refers_to=ADOPTED.id, provisions=("xx:1",))
    spans = spans_of([ADOPTED, contest], MEMBERS)
    contested = {(one.party, one.provision) for one in spans if one.standing.is_contested}
    assert contested == {("XAA", "xx:1")}


def test_a_contest_of_what_ended_a_commitment_is_shown_beside_it() -> None:
    left = make_event("commitment-withdrawal", "2016-01-01", "XAA")
    contest = make_event("contest", "2016-02-01", "XAA", refers_to=left.id)
    spans = spans_of([ADOPTED, left, contest], MEMBERS)
    own = [one for one in spans if (one.party, one.provision) == ("XAA", "xx:1")]
    assert [(one.standing.status, one.standing.is_contested) for one in own] == [
        ("in-effect", False),
        ("withdrawn", False),
        ("withdrawn", True),
    ]


# Corrections


@pytest.mark.parametrize("kind", ["adoption", "annulment"])
def test_rule_1_a_correction_loses_no_contest(kind: str) -> None:
    wrong = make_event("adoption", "2015-06-02", corrects=ADOPTED.id)
    contest = make_event("contest", "2016-01-01", "XAA", refers_to=ADOPTED.id)
    last = make_event(kind, "2015-06-01", corrects=wrong.id)
    spans = spans_of([ADOPTED, contest, wrong, last], MEMBERS)
    at = parse_day("2017-01-01")
    held = [one for one in spans if one.from_day <= at and (one.to_day is None or at < one.to_day)]
    assert {(one.party, one.standing.is_contested) for one in held} == {
        ("XAA", True),
        ("XAB", False),
    }


def test_rule_1_a_reservation_that_is_corrected_stays_withdrawn() -> None:
    reserved = make_event("reservation", "2016-01-01", "XAA", provisions=("xx:1",))
    over = make_event("withdrawal-of-reservation", "2017-01-01", "XAA", refers_to=reserved.id)
    right = make_event(
        "reservation", "2016-02-01", "XAA", provisions=("xx:1",), corrects=reserved.id
    )
    spans = spans_of([ADOPTED, reserved, over, right], MEMBERS)
    assert status_on(spans, "2016-02-01", "XAA") == "qualified"
    assert status_on(spans, "2017-01-01", "XAA") == "in-effect"


def test_rule_1_a_correction_replaces_what_it_corrects() -> None:
    right = make_event("adoption", "2016-06-01", corrects=ADOPTED.id)
    assert list_standing([ADOPTED, right]) == [right]


def test_rule_1_an_annulment_takes_away_and_its_annulment_gives_back() -> None:
    first = make_event("annulment", "2015-06-01", corrects=ADOPTED.id)
    second = make_event("annulment", "2015-06-01", corrects=first.id)
    assert list_standing([ADOPTED, first]) == []
    assert list_standing([ADOPTED, first, second]) == [ADOPTED]


def test_rule_1_a_corrected_correction_does_not_bring_the_first_event_back() -> None:
    second = make_event("adoption", "2016-06-01", corrects=ADOPTED.id)
    third = make_event("adoption", "2017-06-01", corrects=second.id)
    undone = make_event("annulment", "2017-06-01", corrects=third.id)
    assert list_standing([ADOPTED, second, third]) == [third]
    assert list_standing([ADOPTED, second, third, undone]) == [second]


# Laws

KINDS = (
    "adoption",
    "commitment",
    "reservation",
    "explanation-of-position",
    "commitment-withdrawal",
    "commitment-suspension",
    "commitment-resumption",
    "dissociation",
    "supersession",
    "termination",
    "contest",
    "withdrawal-of-reservation",
    "ratification",
    "signature-simple",
    "denunciation",
    "accession",
)
DATES = ("2015", "2016", "2016-02", "2016-02-10", "2017-05-05", "2018-01-01", "2019-03")
PARTIES = ("XAA", "XAB", "XAC", "XAD")
DAYS = ("2016-02-10", "2017-05-05", "2018-06-01", "2020-01-01")


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Some events in the order in which they are recorded, corrections among them."""
    events: list[Event] = []
    for number in range(1, draw(st.integers(1, 9)) + 1):
        corrected = {one.corrects for one in events}
        open_to_correction = [one for one in events if one.id not in corrected]
        if open_to_correction and draw(st.integers(0, 4)) == 0:
            target = draw(st.sampled_from(open_to_correction))
            kind = draw(st.sampled_from(("annulment", target.kind)))
            corrects: int | None = target.id
        else:
            kind, corrects = draw(st.sampled_from(KINDS)), None
        alone = kind in ("adoption", "termination")
        party = None if alone else draw(st.sampled_from(PARTIES))
        refers = kind in ("contest", "withdrawal-of-reservation") and bool(events)
        some = draw(st.sampled_from(((), ("xx:1",), ("xx:2",))))
        events.append(
            make_event(
                kind,
                draw(st.sampled_from(DATES)),
                party,
                provisions=some,
                corrects=corrects,
                refers_to=draw(st.sampled_from(events)).id if refers else None,
                id=number,
            )
        )
    return events


@given(histories(), st.randoms(use_true_random=False))
def test_status_is_the_same_in_any_order_of_recording(
    events: list[Event], chance: random.Random
) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)
    treaty = make_treaty()
    assert spans_of(events, MEMBERS, treaty=treaty) == spans_of(shuffled, MEMBERS, treaty=treaty)


@given(histories(), st.randoms(use_true_random=False))
def test_status_is_the_same_whichever_was_recorded_first(
    events: list[Event], chance: random.Random
) -> None:
    numbers = [one.id for one in events]
    chance.shuffle(numbers)
    number = dict(zip((one.id for one in events), numbers, strict=True))
    renumbered = [
        replace(
            one,
            id=number[one.id],
            corrects=None if one.corrects is None else number[one.corrects],
            refers_to=None if one.refers_to is None else number[one.refers_to],
        )
        for one in events
    ]
    treaty = make_treaty()
    first = spans_of(events, MEMBERS, treaty=treaty)
    second = spans_of(renumbered, MEMBERS, treaty=treaty)
    for day in ("2015-12-31", *DAYS):
        for party in PARTIES:
            for unit in ("xx:1", "xx:2"):
                assert status_on(first, day, party, unit) == status_on(second, day, party, unit)


@given(histories(), st.sampled_from(DAYS))
def test_rule_2_status_as_of_a_day_depends_only_on_events_up_to_it(
    events: list[Event], day: str
) -> None:
    at = parse_day(day)
    # What counts now, each as if it had been recorded so.
    standing = [replace(one, corrects=None) for one in list_standing(events)]
    before = [one for one in standing if one.date.first_day <= at]
    treaty = make_treaty()
    whole = spans_of(standing, MEMBERS, treaty=treaty)
    known = spans_of(before, MEMBERS, treaty=treaty)
    for party in PARTIES:
        for unit in ("xx:1", "xx:2"):
            assert status_on(whole, day, party, unit) == status_on(known, day, party, unit)


@given(histories())
def test_spans_of_one_commitment_neither_overlap_nor_touch_their_like(events: list[Event]) -> None:
    spans = spans_of(events, MEMBERS, treaty=make_treaty())
    for key in {(one.party, one.provision, one.forum) for one in spans}:
        own = [one for one in spans if (one.party, one.provision, one.forum) == key]
        for earlier, later in itertools.pairwise(own):
            assert earlier.to_day is not None
            assert earlier.to_day <= later.from_day
            assert earlier.to_day < later.from_day or earlier.standing != later.standing
