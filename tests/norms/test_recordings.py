"""Four eyes of a secretariat: what one person records counts when a second has confirmed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from auth import services as auth_services
from auth.tables import audit
from norms.services.recordings import set_four_eyes
from norms.tables import norm_event, recording
from tests.norms.states import ADOPTION, STATES, Register
from tests.sharing.cli.running import Installation

SECOND = ADOPTION | {"key": "qd-again", "date": "2025-02-01"}
RESERVED = {"kind": "reservation", "instrument": "qd", "party": "XAA", "date": "2025-03-01"}


@pytest.fixture
def quay(register: Register) -> Register:
    """The quay's secretariat has two persons, Ann and Bea; the islet's has Ivo alone."""
    register.person("bea", "secretariat", forum="quay")
    return register


def events_of(*events: dict[str, Any]) -> dict[str, Any]:
    return {"events": list(events)}


def wait(register: Register, *events: dict[str, Any], who: str = "ann") -> str:
    answer = register.ask(who, "POST", "events", events_of(*events))
    assert answer.status_code == 202, answer.text
    told = answer.get_json()
    assert told["events"] == []
    return str(told["recording"])


def count_events(register: Register) -> int:
    with register.world.database.read() as connection:
        return connection.execute(select(func.count()).select_from(norm_event)).scalar_one()


def audited(register: Register, action: str) -> list[tuple[str, dict[str, Any]]]:
    with register.world.database.read() as connection:
        found = connection.execute(
            select(audit.c.actor, audit.c.detail).where(audit.c.action == action)
        )
        return [(row.actor, json.loads(row.detail)) for row in found]


def test_what_one_person_records_counts_when_a_second_has_confirmed_it(quay: Register) -> None:
    before, status = count_events(quay), quay.status("XAA", "2026-01-01")
    name = wait(quay, RESERVED)
    assert count_events(quay) == before
    assert quay.status("XAA", "2026-01-01") == status
    told = quay.done("bea", "POST", f"recordings/{name}/confirmation")
    assert told["state"] == "confirmed"
    assert (told["recorded_by"], told["decided_by"]) == (
        "ann@people.example",
        "bea@people.example",
    )
    (became,) = told["became"]
    event = quay.get("xaa-reader", f"events/{became}")
    assert (event["kind"], event["source_class"]) == ("reservation", "secretariat-recorded")
    assert quay.status("XAA", "2026-01-01") != status
    # It counts from its confirmation on, and the State's auditors can see who stands for it.
    assert event["recorded"] == told["decided"]
    (_, (actor, detail)) = audited(quay, "norms.record")
    assert (actor, detail["confirmed_by"]) == tuple(
        f"credential:{quay.world.secrets[who][0]}" for who in ("ann", "bea")
    )
    assert len(audited(quay, "recording.wait")) == len(audited(quay, "recording.confirm")) == 1


def test_nobody_confirms_what_they_recorded_by_whatever_credential(quay: Register) -> None:
    name = wait(quay, SECOND)
    with quay.world.database.write() as connection:
        new = auth_services.NewCredential(
            "another", kind="individual", person_email="ann@people.example", secretariat="quay"
        )
        issued = auth_services.add_credential(
            connection, quay.world.signer, new, actor="operator", now_us=quay.world.clock()
        )
    quay.world.secrets["ann-again"] = (issued.id, issued.secret)
    for who in ("ann", "ann-again"):
        refused = quay.refused(who, "POST", f"recordings/{name}/confirmation")
        assert refused == (403, "norms.four-eyes")
    assert quay.get("ann", f"recordings/{name}")["state"] == "waiting"
    quay.done("bea", "POST", f"recordings/{name}/confirmation")


def test_what_is_decided_is_decided(quay: Register) -> None:
    name = wait(quay, SECOND)
    quay.done("bea", "POST", f"recordings/{name}/confirmation")
    before = count_events(quay)
    for verb, body in (("confirmation", None), ("refusal", {})):
        refused = quay.refused("bea", "POST", f"recordings/{name}/{verb}", body)
        assert refused == (409, "norms.recording-over")
    assert count_events(quay) == before


@pytest.mark.parametrize("who", ["ann", "bea"])
def test_what_is_refused_or_taken_back_never_counts(quay: Register, who: str) -> None:
    before = count_events(quay)
    name = wait(quay, SECOND)
    told = quay.done(who, "POST", f"recordings/{name}/refusal", {"reason": "Another date."})
    assert (told["state"], told["reason"], told["became"]) == ("refused", "Another date.", [])
    assert quay.refused("bea", "POST", f"recordings/{name}/confirmation")[0] == 409
    assert count_events(quay) == before
    assert len(audited(quay, "recording.refuse")) == 1


def test_what_waits_is_that_secretariats_alone(quay: Register) -> None:
    name, never = wait(quay, SECOND), "5f2d7c0a-9e4b-4d1c-8a3f-6e2b9d4e1108"
    others = ("ivo", "mirror", "xaa", *(f"{code.lower()}-reader" for code in STATES))
    for who in others:
        assert quay.items(who, "recordings") == []
        for method, verb in (("GET", ""), ("POST", "/confirmation"), ("POST", "/refusal")):
            body = None if method == "GET" else {}
            answers = [
                quay.ask(who, method, f"recordings/{each}{verb}", body) for each in (name, never)
            ]
            assert answers[0].status_code == answers[1].status_code
            assert answers[0].data == answers[1].data
            assert answers[0].status_code in (403, 404)
    assert [one["id"] for one in quay.items("bea", "recordings", state="waiting")] == [name]
    assert [one["events"] for one in quay.items("ann", "recordings")] == [[SECOND]]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"kind": "adoption", "instrument": "nothing", "date": "2025"}, 400),
        ({"kind": "adoption", "instrument": "qd", "date": "never"}, 400),
        ({"kind": "contest", "instrument": "qd", "party": "XAA", "date": "2025"}, 403),
        (ADOPTION | {"forum": "islet", "kind": "termination"}, 403),
    ],
)
def test_what_could_not_be_recorded_does_not_wait(
    quay: Register, event: dict[str, Any], status: int
) -> None:
    before = count_events(quay)
    assert quay.refused("ann", "POST", "events", events_of(event))[0] == status
    # One that can and one that cannot: neither waits, and nothing is left of the trial.
    assert quay.refused("ann", "POST", "events", events_of(SECOND, event))[0] == status
    assert quay.items("ann", "recordings") == []
    assert count_events(quay) == before


def test_what_can_be_recorded_no_more_goes_on_waiting(quay: Register) -> None:
    (wrong,) = [one["id"] for one in quay.items("ann", "events") if one["key"] == "qd-adopted"]
    correction = ADOPTION | {"key": "right", "date": "2024-05-02", "corrects": wrong}
    first = wait(quay, correction)
    second = wait(quay, correction | {"key": "also-right"})
    quay.done("bea", "POST", f"recordings/{first}/confirmation")
    refused = quay.refused("bea", "POST", f"recordings/{second}/confirmation")
    assert refused == (409, "norms.corrected-already")
    assert quay.get("bea", f"recordings/{second}")["state"] == "waiting"


def test_events_that_name_each_other_wait_and_are_recorded_together(quay: Register) -> None:
    objection = {
        "kind": "objection",
        "refers_to": "xaa-reserves",
        "party": "XBB",
        "date": "2025-04-01",
    }
    name = wait(quay, RESERVED | {"key": "xaa-reserves"}, objection)
    told = quay.done("bea", "POST", f"recordings/{name}/confirmation")
    assert [quay.get("ann", f"events/{one}")["kind"] for one in told["became"]] == [
        "reservation",
        "objection",
    ]


def test_a_secretariat_of_one_records_alone_unless_its_forum_says_always(
    register: Register,
) -> None:
    assert len(register.record("ann", SECOND)) == 1
    say(register, "always")
    name = wait(register, RESERVED)
    assert register.refused("ann", "POST", f"recordings/{name}/confirmation")[0] == 403
    register.person("bea", "secretariat", forum="quay")
    say(register, "never")
    assert len(register.record("bea", RESERVED | {"date": "2025-04-01"})) == 1
    # What waited goes on waiting for a second person, whatever is asked for now.
    assert register.refused("ann", "POST", f"recordings/{name}/confirmation")[0] == 403
    register.done("bea", "POST", f"recordings/{name}/confirmation")


def test_a_person_who_is_disabled_is_no_second(quay: Register) -> None:
    with quay.world.database.write() as connection:
        auth_services.disable_person(
            connection, "bea@people.example", actor="operator", now_us=quay.world.clock()
        )
    assert len(quay.record("ann", SECOND)) == 1


def test_a_state_and_the_operator_record_as_before(quay: Register) -> None:
    own = {"kind": "reservation", "instrument": "qd", "date": "2025-01-01", "provisions": ["1"]}
    assert len(quay.record("xaa-clearance-officer", own)) == 1


def test_no_database_keeps_a_recording_that_one_person_confirmed(quay: Register) -> None:
    name = wait(quay, SECOND)
    with pytest.raises(Exception, match="ck_recording_second"), quay.world.database.write() as one:
        one.execute(
            recording.update()
            .where(recording.c.id == name)
            .values(state="confirmed", decided_by=recording.c.recorded_by)
        )


def say(register: Register, setting: str) -> None:
    with register.world.database.write() as connection:
        set_four_eyes(connection, "quay", setting, actor="operator", now_us=register.world.clock())


def test_an_operator_sets_what_a_forum_asks_for(registry: Installation, tmp_path: Path) -> None:
    registry.done("norms", "load")
    shown = registry.done("norms", "four-eyes", "osce")
    assert shown == {"forum": "osce", "setting": "automatic", "persons": 0, "asks": False}
    assert registry.done("norms", "four-eyes", "osce", "always")["asks"] is True
    assert "always, automatic, never" in registry.refused("norms", "four-eyes", "osce", "sometimes")
    for said in ((), ("never",)):
        assert "no forum 'nowhere'" in registry.refused("norms", "four-eyes", "nowhere", *said)
    registry.done(
        "person", "add", "--email", "ann@osce.example", "--forum", "osce", "--role", "secretariat"
    )
    events = tmp_path / "events.json"
    event = {"kind": "adoption", "instrument": "osce-1202", "forum": "osce", "date": "2016"}
    events.write_text(json.dumps({"events": [event]}), encoding="utf-8")
    waits = registry.done("norms", "record", str(events), "--as", "ann@osce.example")
    assert waits["events"] == []
    assert waits["recording"] is not None
    registry.done("norms", "four-eyes", "osce", "automatic")
    told = registry.done("norms", "record", str(events), "--as", "ann@osce.example")
    assert (len(told["events"]), told["recording"]) == (1, None)
    nobody = registry.refused("norms", "record", str(events), "--as", "nobody@osce.example")
    assert "no active person of a secretariat" in nobody
    # The operator's own command asks nobody.
    registry.done("norms", "four-eyes", "osce", "always")
    assert registry.done("norms", "record", str(events))["recorded"]["event"]["added"] == 1
