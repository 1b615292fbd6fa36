"""An operator imports files of STIX as a member: every form, every refusal, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import audit
from kernel.db import Database
from sharing.services import sources
from tests.sharing.cli.running import (
    FORUM,
    SHARES_WITH_XBB,
    TLP_GREEN,
    Installation,
    indicator,
    statement,
)

OBJECTS = [indicator(1), indicator(2), indicator(3)]


def write(folder: Path, name: str, content: Any) -> str:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(file)


def lines_of(objects: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


def run_import(installation: Installation, *files: str, **more: Any) -> Any:
    return installation.done("import", *files, "--member", "XAA", "--collection", "reports", **more)


def list_seen(installation: Installation, tmp_path: Path, code: str = "XAA") -> list[str]:
    """The ids that a member sees, in order, by the way of an export."""
    out = tmp_path / f"{code}.json"
    installation.done("export", "--as", code, "--collection", "reports", "--out", str(out))
    return [one["id"] for one in json.loads(out.read_text()).get("objects", [])]


FORMS = {
    "a bundle": ("b.json", {"type": "bundle", "id": "bundle--1", "objects": OBJECTS}),
    "an envelope": ("e.json", {"objects": OBJECTS}),
    "an array": ("a.json", OBJECTS),
    "JSON lines": ("l.jsonl", lines_of(OBJECTS)),
    "JSON lines by any name": ("l.txt", "\n" + lines_of(OBJECTS)),
    "JSON lines without an end": ("l.ndjson", lines_of(OBJECTS).rstrip("\n")),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_operator_imports_every_form(
    embedded_harbour: Installation, tmp_path: Path, form: str
) -> None:
    document = run_import(embedded_harbour, write(tmp_path, *FORMS[form]))
    assert (document["total"], document["contributed"], document["failed"]) == (3, 3, 0)
    assert document["failures"] == []
    assert list_seen(embedded_harbour, tmp_path) == [one["id"] for one in OBJECTS]


def test_an_operator_imports_a_single_object(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    spread = json.dumps(indicator(1), indent=1)
    for name, content in (("one.json", spread), ("two.json", json.dumps(indicator(2)))):
        assert run_import(embedded_harbour, write(tmp_path, name, content))["contributed"] == 1


def test_what_comes_by_standard_input_is_imported(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    document = run_import(embedded_harbour, "-", given=lines_of(OBJECTS))
    assert (document["files"], document["contributed"]) == (["-"], 3)


def test_an_import_reaches_whom_the_policy_grants_it(harbour: Installation, tmp_path: Path) -> None:
    harbour.set_policy("XAA", SHARES_WITH_XBB)
    file = write(tmp_path, "a.json", OBJECTS)
    document = run_import(harbour, file)
    assert (document["member"], document["forum"]) == ("XAA", FORUM)
    assert (document["contributed"], document["notes"]) == (3, [])
    assert list_seen(harbour, tmp_path, "XBB") == [one["id"] for one in OBJECTS]


def test_repeating_an_import_changes_nothing(harbour: Installation, tmp_path: Path) -> None:
    file = write(tmp_path, "l.jsonl", lines_of(OBJECTS))
    run_import(harbour, file)
    before = list_seen(harbour, tmp_path)
    document = run_import(harbour, file)
    assert (document["contributed"], document["known"], document["failed"]) == (0, 3, 0)
    assert list_seen(harbour, tmp_path) == before


def test_each_refusal_is_reported_with_its_place(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    bad = indicator(2, created="2024")
    listed = write(tmp_path, "a.json", [indicator(1), bad, 17, indicator(3)])
    document = run_import(embedded_harbour, listed)
    assert (document["total"], document["contributed"], document["failed"]) == (4, 2, 2)
    first, second = document["failures"]
    assert (first["file"], first["index"], first["id"]) == (listed, 1, bad["id"])
    assert "created" in first["reason"]
    assert (second["index"], second["id"], second["code"]) == (2, None, "sharing.not-an-object")


def test_each_refused_line_is_reported_by_its_number(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    content = "\n" + lines_of([indicator(1)]) + '{"type": "indica\n' + lines_of([indicator(2)])
    file = write(tmp_path, "l.jsonl", content)
    document = run_import(embedded_harbour, file)
    assert (document["contributed"], document["failed"]) == (2, 1)
    assert (document["failures"][0]["line"], document["failures"][0]["file"]) == (3, file)
    shown = embedded_harbour.run("import", file, "--member", "XAA", "--collection", "reports")
    assert shown.code == 0
    assert f"{file}, line 3: " in shown.out


def test_a_marking_that_stands_later_in_a_sliced_file_is_found(
    embedded_harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SLICE_OBJECTS", 2)
    marking = statement(9)
    marked = [indicator(n, object_marking_refs=[TLP_GREEN, marking["id"]]) for n in range(5)]
    for name, content in (
        ("a.json", [*marked, marking]),
        ("l.jsonl", lines_of([*marked, marking])),
    ):
        document = run_import(embedded_harbour, write(tmp_path, name, content))
        assert (document["contributed"] + document["known"], document["failures"]) == (6, [])
    assert list_seen(embedded_harbour, tmp_path)[0] == marking["id"]


def test_edges_of_a_sliced_file_come_after_their_ends(
    embedded_harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SLICE_OBJECTS", 1)
    edge = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "derived-from",
        "source_ref": indicator(1)["id"],
        "target_ref": indicator(2)["id"],
    }
    file = write(tmp_path, "l.jsonl", lines_of([edge, indicator(1), indicator(2)]))
    assert run_import(embedded_harbour, file)["contributed"] == 3
    assert list_seen(embedded_harbour, tmp_path)[-1] == edge["id"]


def test_a_slice_holds_so_many_bytes_at_most(
    embedded_harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SLICE_BYTES", 10)
    assert run_import(embedded_harbour, write(tmp_path, "a.json", OBJECTS))["contributed"] == 3


def test_what_only_the_member_sees_is_said_with_its_reason(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    scheme = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--7f1a4a5e-4b0c-4d5b-9f62-0a3f6f1f7c11",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "x-house",
        "definition": {"x-house": "blue"},
    }
    foreign = indicator(7, object_marking_refs=[scheme["id"]])
    file = write(tmp_path, "a.json", [scheme, foreign, indicator(8)])
    notes = {note["message"]: note for note in run_import(embedded_harbour, file)["notes"]}
    assert len(notes) == 2
    hidden = next(note for message, note in notes.items() if "marking of a scheme" in message)
    assert (hidden["count"], hidden["ids"]) == (1, [foreign["id"]])
    assert any("no share rule" in message for message in notes)


def test_an_import_of_which_nothing_is_taken_exits_with_1_and_says_why(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.json", [indicator(1, created="2024"), 4])
    ran = embedded_harbour.run(
        "import", file, "--member", "XAA", "--collection", "reports", "--json"
    )
    assert (ran.code, ran.document["failed"]) == (1, 2)
    assert ran.err.startswith("comity: nothing was contributed; first reason: ")


def test_a_file_without_objects_is_no_failure(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    assert run_import(embedded_harbour, write(tmp_path, "a.json", []))["total"] == 0
    assert run_import(embedded_harbour, write(tmp_path, "l.jsonl", "\n \n"))["total"] == 0


@pytest.mark.parametrize("content", ["", "{", "[1, 2", "nonsense", '{"a": 1}', "3"])
def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(
    embedded_harbour: Installation, tmp_path: Path, content: str
) -> None:
    broken = write(tmp_path, "broken.json", content)
    good = write(tmp_path, "good.json", OBJECTS)
    ran = embedded_harbour.run(
        "import", broken, good, "--member", "XAA", "--collection", "reports", "--json"
    )
    assert ran.code == 1
    assert (ran.document["contributed"], ran.document["failed"]) == (3, 0)
    failure = ran.document["failures"][0]
    assert failure["file"] == broken
    assert "line" not in failure
    assert "index" not in failure
    assert ran.err.startswith(f"comity: could not import {broken}: ")
    assert ran.err.count("\n") == 1


def test_a_missing_file_is_refused(embedded_harbour: Installation, tmp_path: Path) -> None:
    file = str(tmp_path / "none")
    ran = embedded_harbour.run("import", file, "--member", "XAA", "--collection", "reports")
    assert ran.code == 1
    assert f"could not import {file}: No such file" in ran.err


def test_a_line_longer_than_an_object_may_be_is_refused_alone(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    long = indicator(2, description="x" * 5000)
    file = write(tmp_path, "l.jsonl", lines_of([indicator(1), long, indicator(3)]))
    ran = embedded_harbour.run(
        *("import", file, "--member", "XAA", "--collection", "reports", "--json"),
        COMITY_MAX_CONTENT_LENGTH="2000",
    )
    assert (ran.code, ran.document["contributed"]) == (0, 2)
    assert [failure["line"] for failure in ran.document["failures"]] == [2]


def test_an_object_larger_than_a_request_is_refused_alone(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    long = indicator(2, description="x" * 5000)
    file = write(tmp_path, "a.json", [indicator(1), long, indicator(3)])
    ran = embedded_harbour.run(
        *("import", file, "--member", "XAA", "--collection", "reports", "--json"),
        COMITY_MAX_CONTENT_LENGTH="2000",
    )
    assert (ran.code, ran.document["contributed"]) == (0, 2)
    assert [failure["index"] for failure in ran.document["failures"]] == [1]


def test_one_object_larger_than_a_request_is_refused(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.json", indicator(1, description="x" * 5000))
    ran = embedded_harbour.run(
        *("import", file, "--member", "XAA", "--collection", "reports"),
        COMITY_MAX_CONTENT_LENGTH="2000",
    )
    assert ran.code == 1
    assert "2000 bytes" in ran.err


def test_a_document_that_breaks_off_contributes_nothing_and_says_where(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    whole = Path(write(tmp_path, "a.json", OBJECTS)).read_bytes()
    for number, broken in enumerate((whole[:-1], whole[:-1] + b",]", whole + b"x", b"[{]}]")):
        file = tmp_path / f"b{number}.json"
        file.write_bytes(broken)
        ran = embedded_harbour.run(
            *("import", str(file), "--member", "XAA", "--collection", "reports", "--json")
        )
        assert (ran.code, ran.document["contributed"]) == (1, 0)
        assert "byte" in ran.document["failures"][0]["reason"]


def test_a_member_whose_seat_is_suspended_imports_nothing(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    embedded_harbour.done("seat", "suspend", FORUM, "XAA")
    file = write(tmp_path, "a.json", OBJECTS)
    reason = embedded_harbour.refused("import", file, "--member", "XAA", "--collection", "reports")
    assert "no active seat" in reason


def test_a_member_that_only_reads_imports_nothing(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    embedded_harbour.done("seat", "add", FORUM, "XCC", "--role", "observer")
    file = write(tmp_path, "a.json", OBJECTS)
    reason = embedded_harbour.refused("import", file, "--member", "XCC", "--collection", "reports")
    assert "not write to it" in reason


def test_an_unknown_member_or_collection_is_refused(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.json", OBJECTS)
    unknown = embedded_harbour.refused("import", file, "--member", "XQQ", "--collection", "reports")
    assert "comity member list" in unknown
    nowhere = embedded_harbour.refused("import", file, "--member", "XAA", "--collection", "nowhere")
    assert "comity collection list" in nowhere


def test_an_alias_of_two_forums_must_be_spelt_out(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    embedded_harbour.done("forum", "add", "basin", "--title", "Basin")
    embedded_harbour.done("seat", "add", "basin", "XAA")
    place = embedded_harbour.done(
        "collection", "add", "basin", "--title", "Reports", "--alias", "reports"
    )
    file = write(tmp_path, "a.json", OBJECTS)
    reason = embedded_harbour.refused("import", file, "--member", "XAA", "--collection", "reports")
    assert "give the collection's id" in reason
    document = embedded_harbour.done("import", file, "--member", "XAA", "--collection", place["id"])
    assert (document["forum"], document["contributed"]) == ("basin", 3)


def test_who_imported_for_whom_is_on_record(embedded_harbour: Installation, tmp_path: Path) -> None:
    file = write(tmp_path, "a.json", OBJECTS)
    document = run_import(embedded_harbour, file)
    database = Database.open(embedded_harbour.settings)
    with database.read() as connection:
        entries = connection.execute(select(audit).where(audit.c.action == "import")).all()
    database.close()
    assert len(entries) == 1
    assert entries[0].actor == "operator"
    assert entries[0].subject == f"collection:{document['collection']}"
    assert json.loads(entries[0].detail) == {"file": file}


def test_an_import_without_files_is_bad_usage(embedded_harbour: Installation) -> None:
    ran = embedded_harbour.run("import", "--member", "XAA", "--collection", "reports")
    assert (ran.code, ran.out) == (2, "")
