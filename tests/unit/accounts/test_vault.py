"""Secrets at rest: opened with the same key for the same purpose, or not at all."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.accounts.vault import Vault, load_vault
from quarterdeck.errors import SetupError

VAULT = Vault(lambda: (b"k" * 32,))


@given(secret=st.text(), purpose=st.text())
def test_what_was_sealed_is_opened_again_and_cannot_be_read_meanwhile(secret: str, purpose: str) -> None:
    sealed = VAULT.seal(secret, purpose)
    assert VAULT.open(sealed, purpose) == secret
    assert len(secret) < 4 or secret.encode() not in sealed
    assert VAULT.seal(secret, purpose) != sealed


@given(secret=st.text(), purpose=st.text(), other=st.text())
def test_a_secret_sealed_for_one_purpose_does_not_open_for_another(secret: str, purpose: str, other: str) -> None:
    if purpose != other:
        with pytest.raises(SetupError):
            VAULT.open(VAULT.seal(secret, purpose), other)


@given(secret=st.text(), at=st.integers(0), flip=st.integers(1, 255))
def test_a_changed_byte_is_noticed(secret: str, at: int, flip: int) -> None:
    sealed = bytearray(VAULT.seal(secret, "p"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(SetupError):
        VAULT.open(bytes(sealed), "p")


@pytest.mark.parametrize("sealed", [b"", b"short", b"x" * 12, b"x" * 400])
def test_what_was_never_sealed_is_refused_with_a_sentence(sealed: bytes) -> None:
    with pytest.raises(SetupError, match="Enter the key again"):
        VAULT.open(sealed, "p")


def test_another_installations_key_opens_nothing(tmp_path: Path) -> None:
    sealed = load_vault(tmp_path / "one.key").seal("secret", "p")
    with pytest.raises(SetupError):
        load_vault(tmp_path / "two.key").open(sealed, "p")


def test_the_key_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = load_vault(path).seal("secret", "p")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_vault(path).open(sealed, "p") == "secret"


@pytest.mark.parametrize("content", [b"", b"too short", b"k" * 33])
def test_a_damaged_key_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(SetupError, match=r"secret\.key"):
        load_vault(path)
    assert path.read_bytes() == content


def test_a_key_that_is_given_needs_no_file(tmp_path: Path) -> None:
    given = base64.b64encode(bytes(range(32))).decode()
    sealed = load_vault(tmp_path / "one.key", given).seal("sk-1", "endpoint:x")
    assert load_vault(tmp_path / "two.key", given).open(sealed, "endpoint:x") == "sk-1"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["short", "AAAA", "%" * 44, base64.b64encode(bytes(31)).decode()])
def test_a_given_key_that_is_none_is_refused_without_repeating_it(tmp_path: Path, given: str) -> None:
    with pytest.raises(SetupError, match="QUARTERDECK_SECRET_KEY") as refused:
        load_vault(tmp_path / "secret.key", given)
    assert given not in refused.value.message


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old, new = b"o" * 32, b"n" * 32
    before, both, after = Vault(lambda: (old,)), Vault(lambda: (new, old)), Vault(lambda: (new,))
    sealed = before.seal("secret", "p")
    assert both.open(sealed, "p") == "secret"
    assert not both.is_current(sealed)
    again = both.seal("secret", "p")
    assert both.is_current(again)
    assert after.open(again, "p") == "secret"
    with pytest.raises(SetupError):
        after.open(sealed, "p")


def test_what_version_0_1_sealed_still_opens() -> None:
    """Without the id of a key: nonce and ciphertext, nothing else."""
    nonce = bytes(range(12))
    sealed = nonce + AESGCM(b"k" * 32).encrypt(nonce, b"sk-1", b"endpoint:openai")
    assert VAULT.open(sealed, "endpoint:openai") == "sk-1"
    assert not VAULT.is_current(sealed)


def test_several_keys_may_be_given_with_commas(tmp_path: Path) -> None:
    one, two = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    sealed = load_vault(tmp_path / "secret.key", one).seal("secret", "p")
    both = load_vault(tmp_path / "secret.key", f"{two}, {one}")
    assert both.open(sealed, "p") == "secret"
    assert not both.is_current(sealed)
