"""An operator asks what is misconfigured: each defect is found, with its mend, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import update

import migrations
from auth.services import seat_for_operator
from auth.tables import credential
from kernel import checkup, clock
from kernel.db import Database
from kernel.leases import Leases
from kernel.settings import Settings
from sharing.queries.collections import list_collections
from sharing.services.jobs import ask_export
from sharing.tables import forum_head
from tests.sharing.cli.running import FORUM, SHARES_WITH_XBB, Installation


@pytest.fixture
def sound(embedded_harbour: Installation) -> Installation:
    """An installation at which nothing is wrong."""
    Path(embedded_harbour.settings.data_dir).chmod(0o700)
    _make_sound(embedded_harbour)
    return embedded_harbour


def _make_sound(installation: Installation) -> None:
    for code in ("XAA", "XBB"):
        installation.set_policy(code, SHARES_WITH_XBB)
    installation.done("seat", "add", FORUM, "XCC", "--role", "observer")


@contextmanager
def opened(installation: Installation) -> Iterator[Database]:
    database = Database.open(installation.settings)
    yield database
    database.close()


def examine(installation: Installation, **environment: str) -> dict[str, Any]:
    """What is found, by its code; the command exits with 0 whatever that is."""
    ran = installation.run("doctor", "--json", **environment)
    assert (ran.code, ran.err) == (0, "")
    found = {finding["code"]: finding for finding in ran.document}
    assert all(finding["problem"] and finding["mend"] for finding in ran.document)
    assert len(found) == len(ran.document), ran.document
    return found


def test_nothing_is_wrong_with_a_sound_installation(sound: Installation) -> None:
    assert examine(sound) == {}
    assert sound.run("doctor").out == "nothing to mend\n"


def test_nothing_is_wrong_with_a_sound_installation_on_either_database(
    harbour: Installation,
) -> None:
    _make_sound(harbour)
    folder = Path(harbour.settings.data_dir)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    # The test's own PostgreSQL may trade safety for speed.
    assert set(examine(harbour)) <= {"postgresql-loses-commits"}


def test_each_finding_is_one_line_with_its_mend(sound: Installation) -> None:
    sound.done("member", "add", "XDD", "--name", "State XDD")
    sound.done("forum", "add", "basin", "--title", "Basin")
    lines = sound.run("doctor").out.splitlines()
    assert len(lines) == 3
    assert all("; mend: comity " in line for line in lines)


def test_a_forum_without_collections_and_seats_is_found(sound: Installation) -> None:
    sound.done("forum", "add", "basin", "--title", "Basin")
    found = examine(sound)
    assert found.keys() == {"forum-without-collections", "forum-without-seats"}
    assert "comity collection add basin" in found["forum-without-collections"]["mend"]


def test_a_member_without_a_seat_is_found(sound: Installation) -> None:
    sound.done("seat", "suspend", FORUM, "XCC")
    assert "XCC" in examine(sound)["member-without-seat"]["problem"]
    sound.done("member", "suspend", "XCC")
    assert examine(sound) == {}


def test_a_policy_that_shares_nothing_is_found(sound: Installation) -> None:
    sound.set_policy("XAA", {"rules": []})
    found = examine(sound)["policy-shares-nothing"]
    assert f"comity policy set XAA {FORUM}" in found["mend"]


def test_an_expired_credential_is_found_until_it_is_revoked(sound: Installation) -> None:
    issued = sound.done("credential", "add", "XAA", "--name", "feed")
    assert examine(sound) == {}
    with opened(sound) as database, database.write() as connection:
        connection.execute(update(credential).values(expires_us=1))
    assert issued["id"] in examine(sound)["credential-expired"]["problem"]
    sound.done("credential", "revoke", issued["id"])
    assert examine(sound) == {}


def test_an_expired_credential_of_a_partner_is_found(sound: Installation) -> None:
    sound.done("partner", "add", FORUM, "relay")
    sound.done("credential", "add", "--partner", f"{FORUM}/relay", "--name", "pull")
    with opened(sound) as database, database.write() as connection:
        connection.execute(update(credential).values(expires_us=1))
    assert f"{FORUM}/relay" in examine(sound)["credential-expired"]["problem"]


def test_a_credential_of_a_disabled_person_is_found(sound: Installation) -> None:
    sound.done("person", "add", "XAA", "--email", "a@b.example", "--role", "reader")
    sound.done(
        *("credential", "add", "XAA", "--name", "desk"),
        *("--kind", "individual", "--person", "a@b.example"),
    )
    assert examine(sound) == {}
    sound.done("person", "disable", "a@b.example")
    assert "a@b.example" in examine(sound)["credential-of-disabled-person"]["problem"]


def test_a_clock_behind_the_ledger_is_found(sound: Installation) -> None:
    ahead = clock.now_us() + 2 * clock.HOUR_US
    with opened(sound) as database, database.write() as connection:
        connection.execute(update(forum_head).values(date_added_us=ahead))
    assert clock.format_instant(ahead, digits=3) in examine(sound)["clock-behind"]["problem"]


def test_a_database_behind_its_migrations_is_found(sound: Installation) -> None:
    with opened(sound) as database:
        migrations.downgrade(database, "base")
        with database.write() as connection:
            # Not a new one: a table of something older stands in it.
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")
    found = examine(sound)
    assert found.keys() == {"database-unfit"}
    assert found["database-unfit"]["mend"] == "comity db upgrade"


def test_a_database_that_does_not_answer_is_found(sound: Installation) -> None:
    found = examine(sound, COMITY_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert found.keys() == {"database-unreachable"}


def test_proxies_without_a_public_address_are_found(sound: Installation) -> None:
    found = examine(sound, COMITY_TRUSTED_PROXIES="1")
    assert found.keys() == {"public-url-unset"}
    https = "https://comity.example"
    assert examine(sound, COMITY_TRUSTED_PROXIES="1", COMITY_PUBLIC_URL=https) == {}
    assert examine(sound, COMITY_PUBLIC_URL=https).keys() == {"proxies-uncounted"}


@pytest.mark.parametrize("url", ["comity.example", "ftp://comity.example", "http://", "http://["])
def test_a_public_address_that_is_none_is_found(sound: Installation, url: str) -> None:
    assert examine(sound, COMITY_PUBLIC_URL=url).keys() == {"public-url-malformed"}


def test_settings_that_cannot_be_taken_are_found(sound: Installation) -> None:
    ran = sound.run("doctor", "--json", COMITY_PAGE_LIMIT="0", COMITY_LOG_FORMAT="xml")
    assert (ran.code, ran.err) == (0, "")
    assert [found["code"] for found in ran.document] == ["setting-refused"] * 2
    assert "page_limit must be" in ran.document[0]["problem"]
    assert "log_format must be json or console" in ran.document[1]["problem"]


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "postgresql://h:port/name"])
def test_a_database_address_that_is_none_is_found(sound: Installation, url: str) -> None:
    found = examine(sound, COMITY_DATABASE_URL=url)
    assert found.keys() == {"database-url-refused"}
    assert "sqlite:///FILE or postgresql://" in found["database-url-refused"]["problem"]


def test_a_file_that_is_no_database_is_found(sound: Installation, tmp_path: Path) -> None:
    file = tmp_path / "letter"
    file.write_text("no database, and long enough to be one. " * 40, "ascii")
    assert examine(sound, COMITY_DATABASE_URL=f"sqlite:///{file}").keys() == {
        "database-unreachable"
    }


def test_looking_at_a_new_installation_changes_nothing(tmp_path: Path) -> None:
    new = Installation(Settings(data_dir=str(tmp_path / "var")))
    assert examine(new).keys() == {"folder-missing"}
    assert not (tmp_path / "var").exists()
    (tmp_path / "var").mkdir(mode=0o700)
    assert examine(new) == {}
    assert list((tmp_path / "var").iterdir()) == []


def test_a_server_that_keeps_nothing_in_its_folder_needs_none(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=str(tmp_path / "none"), database_url="postgresql://h/d", secret_key="ab" * 32
    )
    assert list(checkup.check_folder(settings)) == []


def test_a_secret_key_that_others_can_read_is_found(sound: Installation) -> None:
    sound.done("credential", "add", "XAA", "--name", "feed")
    key = Path(sound.settings.data_dir) / "secret.key"
    assert examine(sound) == {}
    key.chmod(0o640)
    found = examine(sound)
    assert found.keys() == {"secret-key-exposed"}
    assert found["secret-key-exposed"]["mend"] == f"chmod go= {key}"


def test_a_secret_key_in_a_settings_file_that_others_can_read_is_found(
    sound: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "comity.toml"
    file.write_text(f'secret_key = "{"ab" * 32}"\n')
    file.chmod(0o644)
    assert examine(sound, COMITY_CONFIG=str(file)).keys() == {"secret-key-exposed"}
    file.chmod(0o600)
    assert examine(sound, COMITY_CONFIG=str(file)) == {}


@pytest.mark.parametrize("content", ["short", "abcd", "", "é"])
def test_a_secret_key_that_is_none_is_found(sound: Installation, content: str) -> None:
    key = Path(sound.settings.data_dir) / "secret.key"
    key.write_text(content)
    key.chmod(0o600)
    assert examine(sound).keys() == {"secret-key-unusable"}


def test_a_database_that_others_can_read_is_found(sound: Installation) -> None:
    folder = Path(sound.settings.data_dir)
    folder.chmod(0o755)
    (folder / "comity-deliveries.db").chmod(0o600)
    (folder / "comity.db").chmod(0o644)
    found = examine(sound)
    assert found.keys() == {"database-exposed"}
    assert found["database-exposed"]["mend"] == f"chmod go= {folder / 'comity.db'}"


def test_a_folder_that_is_missing_is_found(tmp_path: Path) -> None:
    found = list(checkup.check_folder(Settings(data_dir=str(tmp_path / "none"))))
    assert [finding.code for finding in found] == ["folder-missing"]


def test_a_folder_that_cannot_be_written_to_is_found(
    sound: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = list(checkup.check_folder(sound.settings))
    assert [finding.code for finding in found] == ["folder-read-only"]


def test_a_disk_that_is_nearly_full_is_found(
    sound: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "_LITTLE_ROOM", 2**62)
    assert examine(sound).keys() == {"disk-nearly-full"}


def test_an_embedded_database_without_wal_is_found(sound: Installation) -> None:
    class Rows:
        def scalar_one(self) -> str:
            return "delete"

    class Reading:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def exec_driver_sql(self, _: str) -> Rows:
            return Rows()

    with opened(sound) as database:
        database.read = Reading  # type: ignore[method-assign,assignment]
        found = list(checkup.check_database(database))
    assert [finding.code for finding in found] == ["sqlite-not-wal"]


def test_a_server_that_loses_commits_is_found(postgresql_url: str) -> None:
    separator = "&" if "?" in postgresql_url else "?"
    losing = f"{postgresql_url}{separator}options=-c%20synchronous_commit%3Doff"
    database = Database.open(replace(Settings(), database_url=losing))
    found = list(checkup.check_database(database))
    database.close()
    assert any("synchronous_commit = off" in finding.problem for finding in found)


def test_something_due_that_nobody_settles_is_found(sound: Installation) -> None:
    with opened(sound) as database:
        for seconds in (30, 90):
            due_us = clock.now_us() - seconds * 1_000_000
            with database.write() as connection:
                connection.execute(update(forum_head).values(due_us=due_us))
            found = examine(sound)
            assert set(found) == ({"due-unsettled"} if seconds == 90 else set())
    assert clock.format_instant(due_us, digits=3) in found["due-unsettled"]["problem"]
    assert "comity worker" in found["due-unsettled"]["mend"]


def test_long_work_that_no_worker_is_at_is_found(sound: Installation) -> None:
    with opened(sound) as database:
        with database.read() as connection:
            seated = seat_for_operator(connection, "XAA", FORUM)
            (place, *_) = list_collections(connection, seated)
        now_us = clock.now_us()
        job_id = ask_export(database, seated, place, now_us=now_us - 30_000_000)
        assert examine(sound) == {}
        ask_export(database, seated, place, now_us=now_us - 90_000_000)
        assert "(1 of it)" in examine(sound)["work-waits"]["problem"]
        leases = Leases(database, "a worker", seconds=60)
        assert leases.take(f"job/{job_id}")
        assert examine(sound) == {}


def test_what_an_upgrade_left_due_is_found_without_an_instant(sound: Installation) -> None:
    with opened(sound) as database, database.write() as connection:
        connection.execute(update(forum_head).values(due_us=0))
    problem = examine(sound)["due-unsettled"]["problem"]
    assert "since the upgrade" in problem
    assert "1970" not in problem
