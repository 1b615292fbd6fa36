"""Settings: a variable wins over the file, and a misspelt one is never taken for granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.errors import Misconfigured
from kernel.settings import Settings, load_settings


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "comity.toml"
    file.write_text('title = "From the file"\nthreads = 3\n', encoding="utf-8")
    found = load_settings({"COMITY_TITLE": "From outside", "HOME": "x"}, file)
    assert (found.title, found.threads) == ("From outside", 3)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("COMITY_TITEL", "x", "unknown setting 'titel'"),
        ("COMITY_THREADS", "many", "threads must be a whole number"),
        ("COMITY_THREADS", "-1", "threads must not be negative"),
        ("COMITY_FAILED_DELAY_SECONDS", "soon", "failed_delay_seconds must be a number"),
        ("COMITY_FAILED_DELAY_SECONDS", "nan", "failed_delay_seconds must be a number"),
        ("COMITY_FAILED_DELAY_SECONDS", "inf", "failed_delay_seconds must be a number"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        load_settings({name: value}, tmp_path / "none.toml")


@pytest.mark.parametrize("content", ["title = ", "threads = true"])
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "comity.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Misconfigured):
        load_settings({}, file)


def test_the_embedded_database_is_in_the_data_folder_unless_said() -> None:
    assert Settings(data_dir="/x").effective_database_url == "sqlite:////x/comity.db"
    assert Settings(database_url="sqlite:////y/z.db").effective_database_url == "sqlite:////y/z.db"
    other = Settings(database_url="postgresql://h/d")
    assert other.effective_database_url == "postgresql://h/d"
    assert not other.is_embedded
