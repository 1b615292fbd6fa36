"""An operator exports a member's view: whole, recorded first, and never what is red."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import audit
from kernel.db import Database
from kernel.errors import Unavailable
from sharing.queries import exporting as questions
from sharing.services import exporting
from sharing.tables import delivery
from tests.sharing.cli.running import (
    FORUM,
    SHARES_WITH_XBB,
    TLP_GREEN,
    TLP_RED,
    Installation,
    Ran,
    indicator,
    statement,
)


def contribute(installation: Installation, *objects: dict[str, Any], to: str = "reports") -> None:
    given = json.dumps(list(objects))
    done = installation.done("import", "-", "--member", "XAA", "--collection", to, given=given)
    assert done["failures"] == []


def export(installation: Installation, out: Path, code: str = "XBB", to: str = "reports") -> Any:
    return installation.done("export", "--as", code, "--collection", to, "--out", str(out))


def list_rows(installation: Installation, table: Any) -> list[Any]:
    database = Database.open(installation.settings)
    opened = database.record() if table is delivery else database.read()
    with opened as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).all()
    database.close()
    return list(rows)


def look_at(file: Path) -> tuple[int, bytes] | None:
    """Which file it is, and what it holds: of a database, which is written to, how it begins."""
    if not file.exists():
        return None
    return file.stat().st_ino, file.read_bytes()[: 16 if file.suffix == ".db" else None]


@pytest.mark.parametrize("name", ["comity.db", "comity-deliveries.db-wal", "secret.key"])
def test_no_bundle_takes_the_place_of_what_the_installation_lives_by(
    embedded_harbour: Installation, name: str
) -> None:
    own = Path(embedded_harbour.settings.data_dir) / "." / name
    before = look_at(own)
    refused = embedded_harbour.run(
        "export", "--as", "XBB", "--collection", "reports", "--out", str(own)
    )
    assert refused.code == 1
    assert "is this installation's own; name another file" in refused.err
    assert look_at(own) == before


def test_a_member_s_view_comes_out_as_a_bundle(harbour: Installation, tmp_path: Path) -> None:
    harbour.set_policy("XAA", SHARES_WITH_XBB)
    older = indicator(1)
    newer = indicator(1, modified="2026-02-01T00:00:00.000Z", x_note=1.50)
    contribute(harbour, older, indicator(2))
    contribute(harbour, newer)
    out = tmp_path / "view.json"
    done = export(harbour, out)
    bundle = json.loads(out.read_text())
    assert bundle["type"] == "bundle"
    assert bundle["id"].startswith("bundle--")
    assert bundle["objects"] == [older, indicator(2), newer]
    assert (done["count"], done["types"], done["left_out"]) == (
        3,
        {"indicator": 3},
        {"tlp_red": 0},
    )
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_an_object_leaves_with_its_bytes_as_received(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    raw = json.dumps(indicator(1)).replace('"name": "indicator 1"', '"name" :  "\\u0069ndicator 1"')
    embedded_harbour.done(
        "import", "-", "--member", "XAA", "--collection", "reports", given=f"[{raw}]"
    )
    out = tmp_path / "view.json"
    export(embedded_harbour, out, "XAA")
    assert raw in out.read_text()


def test_a_view_of_many_pages_comes_out_in_order(
    embedded_harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_PAGE", 2)
    objects = [indicator(number) for number in range(7)]
    contribute(embedded_harbour, *objects)
    out = tmp_path / "view.json"
    assert export(embedded_harbour, out, "XAA")["count"] == 7
    assert json.loads(out.read_text())["objects"] == objects


def test_what_another_member_is_not_granted_stays_out(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    contribute(embedded_harbour, indicator(1))
    out = tmp_path / "view.json"
    assert export(embedded_harbour, out)["count"] == 0
    assert json.loads(out.read_text()).keys() == {"type", "id"}


def test_red_never_leaves_in_a_file_not_even_to_its_originator(
    harbour: Installation, tmp_path: Path
) -> None:
    harbour.set_policy("XAA", SHARES_WITH_XBB)
    contribute(harbour, indicator(1), indicator(2, object_marking_refs=[TLP_RED]))
    for code in ("XAA", "XBB"):
        out = tmp_path / f"{code}.json"
        done = export(harbour, out, code)
        assert (done["count"], done["left_out"]) == (1, {"tlp_red": 1})
        assert json.loads(out.read_text())["objects"] == [indicator(1)]
    assert (
        "stayed out"
        in harbour.run(
            "export",
            "--as",
            "XAA",
            "--collection",
            "reports",
            "--out",
            str(tmp_path / "again.json"),
        ).out
    )


def test_an_object_with_a_red_property_never_leaves_in_a_file(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    granular = [{"marking_ref": TLP_RED, "selectors": ["name"]}]
    contribute(embedded_harbour, indicator(1, granular_markings=granular))
    out = tmp_path / "view.json"
    assert export(embedded_harbour, out, "XAA")["left_out"] == {"tlp_red": 1}
    assert "indicator" not in out.read_text()


def test_a_statement_leaves_with_what_carries_it_and_else_stays(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    embedded_harbour.done(
        *("collection", "add", FORUM, "--title", "Red", "--alias", "red", "--unmarked-as", "red")
    )
    needed, alone = statement(1), statement(2)
    carrier = indicator(1, object_marking_refs=[TLP_GREEN, needed["id"]])
    secret = indicator(2, object_marking_refs=[TLP_RED, alone["id"]])
    contribute(embedded_harbour, needed, alone, carrier, secret, to="red")
    out = tmp_path / "view.json"
    done = export(embedded_harbour, out, "XAA", "red")
    assert {one["id"] for one in json.loads(out.read_text())["objects"]} == {
        needed["id"],
        carrier["id"],
    }
    assert (done["count"], done["left_out"]) == (2, {"tlp_red": 2})


def test_an_export_is_on_record_as_a_delivery_and_in_the_audit(
    harbour: Installation, tmp_path: Path
) -> None:
    contribute(harbour, indicator(1), indicator(2))
    export(harbour, tmp_path / "view.json", "XAA")
    served = list_rows(harbour, delivery)
    assert len(served) == 1
    assert (served[0].door, served[0].count, served[0].credential_id) == ("export", 2, "operator")
    assert served[0].element % 2 == 1
    assert 0 < served[0].first_us < served[0].last_us
    assert json.loads(served[0].filters)["tlp_at_most"] == "amber+strict"
    entry = next(row for row in list_rows(harbour, audit) if row.action == "export")
    assert (entry.actor, json.loads(entry.detail)["count"]) == ("operator", 2)


def test_an_empty_export_is_no_delivery(embedded_harbour: Installation, tmp_path: Path) -> None:
    export(embedded_harbour, tmp_path / "view.json")
    assert list_rows(embedded_harbour, delivery) == []
    assert any(row.action == "export" for row in list_rows(embedded_harbour, audit))


def test_without_a_record_there_is_no_file(
    embedded_harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise Unavailable("sharing.delivery-not-recorded", "it cannot be recorded; try again")

    monkeypatch.setattr(exporting, "record_delivery", refuse)
    contribute(embedded_harbour, indicator(1))
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "view.json").write_text("as it was")
    embedded_harbour.refused(
        *("export", "--as", "XAA", "--collection", "reports", "--out", str(folder / "view.json"))
    )
    assert [file.name for file in folder.iterdir()] == ["view.json"]
    assert (folder / "view.json").read_text() == "as it was"


def test_a_fault_in_the_middle_leaves_no_half_file(
    embedded_harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_more: Any) -> list[questions.ViewedRow]:
        raise Unavailable("kernel.database-unavailable", "the database is gone; try again")

    monkeypatch.setattr(exporting, "list_viewed", fail)
    contribute(embedded_harbour, indicator(1))
    folder = tmp_path / "out"
    folder.mkdir()
    embedded_harbour.refused(
        *("export", "--as", "XAA", "--collection", "reports", "--out", str(folder / "view.json"))
    )
    assert list(folder.iterdir()) == []
    assert list_rows(embedded_harbour, delivery) == []


def test_a_place_that_cannot_be_written_is_refused(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    for out in (tmp_path, tmp_path / "missing" / "view.json", Path("/dev/null")):
        reason = embedded_harbour.refused(
            "export", "--as", "XAA", "--collection", "reports", "--out", str(out)
        )
        assert str(out) in reason
    assert Path("/dev/null").is_char_device()


def export_to_standard_output(installation: Installation, *more: str) -> Ran:
    return installation.run("export", "--as", "XAA", "--collection", "reports", "--out", "-", *more)


def test_a_view_goes_to_standard_output_and_its_counts_elsewhere(
    harbour: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    contribute(harbour, indicator(1), indicator(2, object_marking_refs=[TLP_RED]))
    ran = export_to_standard_output(harbour)
    assert (ran.code, ran.document["objects"]) == (0, [indicator(1)])
    assert ran.err == "1 versions of objects; 1 marked TLP:RED stayed out\n"
    assert [row.count for row in list_rows(harbour, delivery)] == [1]
    assert not (tmp_path / "-").exists()


def test_standard_output_holds_one_document_at_a_time(embedded_harbour: Installation) -> None:
    contribute(embedded_harbour, indicator(1))
    both = export_to_standard_output(embedded_harbour, "--json")
    assert (both.code, both.out) == (2, "")
    assert "name a file, or leave --json out" in both.err
    assert list_rows(embedded_harbour, delivery) == []


def run_in_a_shell(
    installation: Installation, goes_to: str, **more: Any
) -> subprocess.CompletedProcess[str]:
    command = f'"$0" -m app export --as XAA --collection reports --out - {goes_to}'
    surroundings = {
        "COMITY_DATA_DIR": installation.settings.data_dir,
        "COMITY_DATABASE_URL": installation.settings.database_url,
    }
    return subprocess.run(
        ["/bin/bash", "-c", command, sys.executable],
        check=False,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | surroundings,
        **more,
    )


def test_what_others_wrote_steers_no_terminal(embedded_harbour: Installation) -> None:
    contribute(embedded_harbour, indicator(1))
    watched, shown = pty.openpty()
    ran = run_in_a_shell(embedded_harbour, "", stdout=shown)
    os.set_blocking(watched, False)
    assert ran.returncode == 2
    assert "send it on by a pipe" in ran.stderr
    with pytest.raises(BlockingIOError):
        os.read(watched, 1)
    for each in (watched, shown):
        os.close(each)
    assert list_rows(embedded_harbour, delivery) == []


def test_without_a_record_nothing_is_in_the_stream(
    embedded_harbour: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise Unavailable("sharing.delivery-not-recorded", "it cannot be recorded; try again")

    monkeypatch.setattr(exporting, "record_delivery", refuse)
    contribute(embedded_harbour, indicator(1))
    embedded_harbour.refused("export", "--as", "XAA", "--collection", "reports", "--out", "-")


@pytest.mark.parametrize(
    ("goes_to", "says"),
    [
        ("> /dev/full", "comity: the bundle cannot be written: No space left on device\n"),
        # Longer than a pipe: whoever reads it is gone before it is all there.
        ("| head -c 1; exit ${PIPESTATUS[0]}", ""),
    ],
)
def test_a_stream_that_takes_no_more_is_told_in_one_line_at_most(
    embedded_harbour: Installation, goes_to: str, says: str
) -> None:
    contribute(embedded_harbour, *(indicator(number, x_long="x" * 9000) for number in range(20)))
    ran = run_in_a_shell(embedded_harbour, goes_to, stdout=subprocess.DEVNULL)
    assert (ran.returncode, ran.stderr) == (1, says)


def test_a_member_that_may_only_write_exports_nothing(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    embedded_harbour.done(
        *("collection", "add", FORUM, "--title", "Drop", "--alias", "drop", "--read", "observer")
    )
    reason = embedded_harbour.refused(
        *("export", "--as", "XAA", "--collection", "drop", "--out", str(tmp_path / "view.json"))
    )
    assert "not read it" in reason


def test_formats_of_later_releases_are_bad_usage(
    embedded_harbour: Installation, tmp_path: Path
) -> None:
    for form in ("misp", "csv"):
        ran = embedded_harbour.run(
            *("export", "--as", "XAA", "--collection", "reports", "--format", form),
            *("--out", str(tmp_path / "view.json")),
        )
        assert (ran.code, ran.out) == (2, "")
