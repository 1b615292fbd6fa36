"""The secret key and what is made with it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadInput, Misconfigured
from kernel.settings import Settings
from kernel.signing import Signer, open_signer

SIGNER = Signer(b"k" * 32)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_a_token_opens_for_its_purpose(payload: bytes, purpose: str) -> None:
    assert SIGNER.unseal(purpose, SIGNER.seal(purpose, payload)) == payload


@given(st.text(max_size=60))
def test_a_text_that_was_not_sealed_here_opens_nothing(text: str) -> None:
    with pytest.raises(BadInput, match="start again"):
        SIGNER.unseal("walk", text)


def test_a_token_of_another_purpose_or_key_opens_nothing() -> None:
    token = SIGNER.seal("walk", b"payload")
    for signer, purpose in ((SIGNER, "list"), (Signer(b"x" * 32), "walk")):
        with pytest.raises(BadInput):
            signer.unseal(purpose, token)


def test_a_secret_is_known_again_by_its_hash_alone() -> None:
    kept = SIGNER.hash("credential", "secret")
    assert SIGNER.hash("credential", "secret") == kept
    assert SIGNER.hash("token", "secret") != kept
    assert b"secret" not in kept


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "new"))
    with ThreadPoolExecutor(8) as pool:
        hashes = set(pool.map(lambda _: open_signer(settings).hash("a", "b"), range(16)))
    assert len(hashes) == 1
    (file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("key", ["00", "not hexadecimal"])
def test_a_key_that_protects_nothing_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        open_signer(Settings(secret_key=key, data_dir=str(tmp_path)))


def test_a_key_file_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "new"))
    first = open_signer(settings).hash("a", "b")
    kept = (tmp_path / "new" / "secret.key").read_bytes()
    assert open_signer(settings).hash("a", "b") == first
    assert (tmp_path / "new" / "secret.key").read_bytes() == kept
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_key_that_is_given_leaves_no_file(tmp_path: Path) -> None:
    open_signer(Settings(secret_key="ab" * 32, data_dir=str(tmp_path / "new")))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe" * 40, b"zz" * 32, b"ab"])
def test_a_key_file_that_holds_no_key_is_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(Misconfigured):
        open_signer(Settings(data_dir=str(tmp_path)))
    assert (tmp_path / "secret.key").read_bytes() == content


def test_an_operator_is_told_that_no_key_can_be_kept_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    with pytest.raises(Misconfigured, match="set COMITY_SECRET_KEY"):
        open_signer(Settings(data_dir=str(tmp_path / "file" / "folder")))
