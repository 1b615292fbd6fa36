"""Settings: a variable wins over the file, and a misspelt one is never taken for granted."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from kernel.errors import Misconfigured
from kernel.settings import Settings, load_settings, read_settings


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "comity.toml"
    file.write_text('title = "From the file"\nthreads = 3\n', encoding="utf-8")
    found = load_settings({"COMITY_TITLE": "From outside", "HOME": "x"}, file)
    assert (found.title, found.threads) == ("From outside", 3)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("COMITY_TITEL", "x", "unknown setting 'titel'"),
        ("COMITY_THREADS", "many", "threads must be a whole number from 1 to 256"),
        ("COMITY_THREADS", "0", "threads must be a whole number from 1 to 256"),
        ("COMITY_THREADS", "257", "threads must be"),
        ("COMITY_THREADS", "1.5", "threads must be"),
        ("COMITY_THREADS", "", "threads must be"),
        ("COMITY_PAGE_DEFAULT", "0", "page_default must be"),
        ("COMITY_PAGE_LIMIT", "-1", "page_limit must be"),
        ("COMITY_MAX_CONTENT_LENGTH", "0", "max_content_length must be"),
        ("COMITY_MAX_IMPORT_LENGTH", "0", "max_import_length must be"),
        ("COMITY_TOKEN_SECONDS", "0", "token_seconds must be"),
        ("COMITY_TRUSTED_PROXIES", "-1", "trusted_proxies must be"),
        ("COMITY_FAILED_DELAY_SECONDS", "soon", "failed_delay_seconds must be a number from"),
        ("COMITY_FAILED_DELAY_SECONDS", "nan", "failed_delay_seconds must be a number"),
        ("COMITY_FAILED_DELAY_SECONDS", "inf", "failed_delay_seconds must be a number"),
        ("COMITY_FAILED_DELAY_SECONDS", "61", "failed_delay_seconds must be a number"),
        ("COMITY_LOG_FORMAT", "xml", "log_format must be json or console"),
        ("COMITY_DATA_DIR", "", "data_dir must be the path of a folder"),
        ("COMITY_TITLE", "\udcff", "title must be a text"),
        ("COMITY_EMBEDDED_WORKER", "", "embedded_worker must be true or false"),
        ("COMITY_EMBEDDED_WORKER", "off", "embedded_worker must be true or false"),
        ("COMITY_EGRESS_ALLOW", "10.0.0.1/8", "egress_allow must be networks with commas"),
        ("COMITY_EGRESS_ALLOW", "10.0.0.0/8;fd00::/8", "'10.0.0.0/8;fd00::/8' is none"),
        ("COMITY_EGRESS_ALLOW", "localhost", "'localhost' is none"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        load_settings({name: value}, tmp_path / "none.toml")


@pytest.mark.parametrize(
    "content",
    [
        "title = ",
        "threads = true",
        "threads = 1.5",
        "title = 5",
        'data_dir = "\\u0000"',
        "threads = []",
        "embedded_worker = 1",
        "embedded_worker = []",
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "comity.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Misconfigured):
        load_settings({}, file)


@pytest.mark.parametrize(
    ("said", "meant"), [("true", True), ("False", False), ("no", False), ("1", True), ("0", False)]
)
def test_an_operator_says_whether_a_server_does_due_work(
    tmp_path: Path, said: str, meant: bool
) -> None:
    found = load_settings({"COMITY_EMBEDDED_WORKER": said}, tmp_path / "none.toml")
    assert found.embedded_worker is meant


def test_a_file_says_so_without_quotes(tmp_path: Path) -> None:
    file = tmp_path / "comity.toml"
    file.write_text("embedded_worker = false\n", encoding="utf-8")
    assert load_settings({}, file).embedded_worker is False
    assert Settings().embedded_worker is True


def test_an_operator_lists_networks_that_requests_may_go_to(tmp_path: Path) -> None:
    listed = {"COMITY_EGRESS_ALLOW": " 10.20.0.0/16, fd12::/64 ,127.0.0.1,"}
    found = load_settings(listed, tmp_path / "none.toml").egress_networks
    assert [str(network) for network in found] == ["10.20.0.0/16", "fd12::/64", "127.0.0.1/32"]
    assert Settings().egress_networks == ()


def test_the_embedded_database_is_in_the_data_folder_unless_said() -> None:
    assert Settings(data_dir="/x").effective_database_url == "sqlite:////x/comity.db"
    assert Settings(database_url="sqlite:////y/z.db").effective_database_url == "sqlite:////y/z.db"
    other = Settings(database_url="postgresql://h/d")
    assert other.effective_database_url == "postgresql://h/d"
    assert not other.is_embedded


def test_every_wrong_setting_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "comity.toml"
    file.write_text("title = ", encoding="utf-8")
    wrong = {"COMITY_THREADS": "0", "COMITY_LOG_FORMAT": "xml", "COMITY_CONTACT": "desk"}
    settings, refused = read_settings(wrong, file)
    assert (settings.threads, settings.contact) == (8, "desk")
    assert [str(file) in refused[0].message, len(refused)] == [True, 3]


def test_every_number_that_can_be_taken_has_its_bounds() -> None:
    for name, value in asdict(Settings()).items():
        if not isinstance(value, str | bool):
            with pytest.raises(Misconfigured, match="from"):
                load_settings({f"COMITY_{name.upper()}": "1e99"}, Path("none.toml"))
            assert load_settings({f"COMITY_{name.upper()}": str(value)}, Path("none.toml"))
