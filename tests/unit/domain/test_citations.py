"""Citations are left out of what is shown without the page: whole texts and texts in pieces, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.citations import CitationFilter, leave_out_citations

_PIECES = st.lists(
    st.sampled_from(["Tea", " ", "[", "]", "[[", "[[m:", "01abc", "]]", "[[m:01abc]]", "\n", "[x](y)", "m"])
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("You asked for tea [[m:01abc]].", "You asked for tea."),
        ("[[m:01abc]] Tea.", " Tea."),
        ("Tea.[[m:01abc]][[m:02abc]]", "Tea."),
        ("Tea [[m:01abc]] [[m:02abc]]\nand milk", "Tea\nand milk"),
        ("`[[m:01abc]]` is how it looks [[m:01abc]]", "`[[m:01abc]]` is how it looks"),
        ("```\n[[m:01abc]]\n```\nso [[m:01abc]]", "```\n[[m:01abc]]\n```\nso"),
        ("~~~\n[[m:01abc]]", "~~~\n[[m:01abc]]"),
        ("[[m:]] [[m:ABC]] [[n:01abc]] [m:01abc]", "[[m:]] [[m:ABC]] [[n:01abc]] [m:01abc]"),
        ("A stray ` and tea [[m:01abc]]", "A stray ` and tea"),
    ],
)
def test_a_citation_is_left_out_and_what_only_looks_like_one_stays(text: str, wanted: str) -> None:
    assert leave_out_citations(text) == wanted


@given(_PIECES)
def test_in_pieces_the_same_is_left_out_as_in_the_whole_text(pieces: list[str]) -> None:
    whole = CitationFilter()
    at_once = whole.feed("".join(pieces)) + whole.end()
    cut = CitationFilter()
    assert "".join(map(cut.feed, pieces)) + cut.end() == at_once
    assert "[[m:01abc]]" not in at_once


@given(_PIECES)
def test_what_has_no_citation_comes_through_unchanged(pieces: list[str]) -> None:
    text = "".join(pieces).replace("[[m:", "[[n:")
    one = CitationFilter()
    assert one.feed(text) + one.end() == text == leave_out_citations(text)


def test_what_is_begun_waits_and_the_rest_does_not() -> None:
    one = CitationFilter()
    assert one.feed("Tea [[m:01") == "Tea"
    assert one.feed("abc]] and") == " and"
    assert one.feed(" [") == ""
    assert one.feed("x](y)") == " [x](y)"
