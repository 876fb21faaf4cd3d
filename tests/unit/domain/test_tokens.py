"""Estimates of tokens: quick ones, which say what the slow rule says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.tokens import bound_parts, estimate_text


def by_the_rule(text: str) -> int:
    """A quarter of the UTF-8 bytes, rounded up; a wide character (three bytes of it) is one token by itself."""
    wide = sum(character > "\u2e7f" for character in text)
    return (len(text.encode("utf-8", "replace")) - 3 * wide + 3) // 4 + wide


@given(st.text(alphabet=st.characters() | st.sampled_from("aä\n港。😀\ud800")))
def test_an_estimate_is_a_quarter_of_the_bytes_and_one_for_each_wide_character(text: str) -> None:
    assert estimate_text(text) == by_the_rule(text)


@given(st.text())
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    assert bound_parts([TextPart(text)]) - bound_parts([TextPart("")]) == len(text.encode("utf-8", "replace"))
