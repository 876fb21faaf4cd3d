"""Where a continued answer meets what was there: what a model repeats is dropped, and nothing else."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from quarterdeck.turns.seam import Seam

BEFORE = "The harbour lay still under a thin mist while the crew"
REST = " wrote the day into the log, line after line."


def joined(before: str, said: str, sizes: list[int]) -> str:
    """`before` and what the seam lets through of `said`, fed in pieces of these sizes."""
    seam = Seam(before)
    let_through, at = before, 0
    for size in [*sizes, len(said)]:
        let_through += seam.feed(said[at : at + size])
        at += size
    let_through += seam.close()
    assert seam.close() == ""
    return let_through


SIZES = st.lists(st.integers(1, 30), max_size=20)


@given(sizes=SIZES)
def test_a_model_that_goes_on_exactly_is_left_alone(sizes: list[int]) -> None:
    assert joined(BEFORE, REST, sizes) == BEFORE + REST


@given(sizes=SIZES)
def test_a_model_that_begins_again_from_the_top_says_nothing_twice(sizes: list[int]) -> None:
    assert joined(BEFORE, BEFORE + REST, sizes) == BEFORE + REST


@given(sizes=SIZES, overlap=st.integers(24, len(BEFORE)))
def test_the_last_words_said_again_are_dropped(sizes: list[int], overlap: int) -> None:
    assert joined(BEFORE, BEFORE[-overlap:] + REST, sizes) == BEFORE + REST


@given(before=st.text(), said=st.text(), sizes=SIZES)
def test_what_is_no_repetition_comes_through_whole(before: str, said: str, sizes: list[int]) -> None:
    assume(len(before) < 24 or not said.startswith(before))
    assume(not any(before.endswith(said[:size]) for size in range(24, min(len(before), len(said)) + 1)))
    assert joined(before, said, sizes) == before + said


@given(before=st.text(), said=st.text(), sizes=SIZES)
def test_nothing_but_a_repetition_at_the_beginning_is_ever_dropped(before: str, said: str, sizes: list[int]) -> None:
    after = joined(before, said, sizes)
    kept = after[len(before) :]
    assert after.startswith(before)
    assert said.endswith(kept)
    dropped = said[: len(said) - len(kept)]
    assert dropped == "" or before.endswith(dropped) or dropped == before


@given(said=st.text(min_size=1), sizes=SIZES)
def test_the_beginning_of_another_sentence_that_sounds_alike_is_kept(said: str, sizes: list[int]) -> None:
    assume(not BEFORE.startswith("The harbour" + said) and not said.startswith(BEFORE[11:]))
    assert joined(BEFORE, "The harbour" + said, sizes) == BEFORE + "The harbour" + said


def test_what_was_held_is_let_go_at_once_when_it_differs() -> None:
    seam = Seam(BEFORE)
    assert seam.feed("The harb") == ""
    assert seam.feed("ring") == "The harbring"
    assert seam.feed(" more") == " more"


def test_a_short_beginning_is_never_taken_for_a_repetition() -> None:
    assert joined("Yes", "Yes", [1]) == "YesYes"
