"""Bearer tokens: only ours are taken for ours."""

from __future__ import annotations

from typing import Literal

from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.accounts.tokens import hash_secret, is_secret, new_token, parse_token

KINDS: st.SearchStrategy[Literal["key", "session"]] = st.sampled_from(["key", "session"])


@given(kind=KINDS)
def test_a_token_is_read_as_it_was_written(kind: Literal["key", "session"]) -> None:
    token = new_token(kind)
    assert parse_token(str(token)) == token
    assert str(token).startswith("qd_k" if kind == "key" else "qd_s")


@given(text=st.text())
@example("")
@example("qd_")
@example("qd_k")
@example("qd_k" + "a" * 65)
@example("qd_k" + "a" * 67)
@example("qd_x" + "a" * 66)
@example("qd_k" + "é" * 66)
@example("qd_k" + "²" * 66)
@example("QD_k" + "a" * 66)
@example(" qd_k" + "a" * 66)
@example("qd_qd_k" + "a" * 66)
@example("\x00" * 70)
def test_nothing_else_is_taken_for_a_token_and_nothing_makes_the_reader_fail(text: str) -> None:
    assert parse_token(text) is None


@given(kind=KINDS, at=st.integers(0, 69), other=st.characters())
def test_a_token_with_one_character_changed_is_no_longer_the_same_token(
    kind: Literal["key", "session"], at: int, other: str
) -> None:
    token = new_token(kind)
    text = str(token)
    changed = text[:at] + other + text[at + 1 :]
    if changed != text:
        assert parse_token(changed) != token


@given(first=st.text(), second=st.text())
def test_a_secret_is_known_by_its_hash_and_no_other_is(first: str, second: str) -> None:
    assert is_secret(first, hash_secret(first))
    assert is_secret(second, hash_secret(first)) is (first == second)


def test_tokens_never_repeat_and_are_not_shown_by_their_representation() -> None:
    tokens = [new_token("key") for _ in range(1000)]
    assert len({token.secret for token in tokens}) == len({token.id for token in tokens}) == 1000
    assert not any(token.secret in repr(token) for token in tokens)
