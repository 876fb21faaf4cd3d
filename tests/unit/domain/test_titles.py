"""Whatever a model answers when it is asked for a title, what is kept of it is one short, harmless line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.titles import MAX_TITLE_CHARS, clean_title, shorten


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Trip to Lisbon", "Trip to Lisbon"),
        ('"Trip to Lisbon."', "Trip to Lisbon"),
        ("**Title:** „Reise nach Lissabon“", "Reise nach Lissabon"),
        ("# Trip\n\nHere is why I chose it", "Trip"),
        ("<think>what would\nthey like</think>\nTrip", "Trip"),
        ("<think>it never ends", ""),
        ("标题：《猫的名字》", "猫的名字"),
        ("\n\n  ---\n Trip  to\tLisbon ", "Trip to Lisbon"),
        ("Trip\u202eto\x07 Lisbon\u200b", "Tripto Lisbon"),
        ("To be continued...", "To be continued..."),
        ("", ""),
        ("…\n", ""),
        ("word " * 40, "word " * 14 + "word…"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_a_reply_becomes_a_title(reply: str, title: str) -> None:
    assert clean_title(reply) == title


@given(st.text(max_size=300))
def test_a_title_is_one_short_line_without_control_characters(reply: str) -> None:
    title = clean_title(reply)
    assert len(title) <= MAX_TITLE_CHARS
    assert title == title.strip()
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in title)


@given(st.text(max_size=300))
def test_what_is_shortened_has_at_most_eighty_characters_and_begins_the_same(text: str) -> None:
    line = shorten(text)
    assert len(line) <= MAX_TITLE_CHARS
    assert " ".join(text.split()).startswith(line.removesuffix("…"))
