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
    assert SIGNER.is_hash_of("credential", "secret", kept)
    assert not SIGNER.is_hash_of("token", "secret", kept)
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
