"""Signals become one order."""

from __future__ import annotations

import pytest

from quarterdeck.memory.candidates import Candidates
from quarterdeck.memory.ranking import Priors, Ranked, Signal, rank
from quarterdeck.store.recall_candidates import CandidateRow


def put_in_order(
    talks: str,
    fits: list[float],
    *,
    by: str = "words",
    asks: str = "",
    sections: list[float] | None = None,
    timeless: str = "",
) -> list[Ranked]:
    """`talks`: a letter for each message, the talk that it belongs to; `asks`: "?" for what is a question; `timeless`:
    "-" for what names no time."""
    rows = [CandidateRow(at, f"m{at}", talk, "user", frozenset(), at, 0, False) for at, talk in enumerate(talks)]
    none = [0.0] * len(rows)
    is_asked = [mark == "?" for mark in asks.ljust(len(rows))]
    is_timeless = [mark == "-" for mark in timeless.ljust(len(rows))]
    priors = Priors(spoken=none, timely=none, sections=sections or none, asks=is_asked, timeless=is_timeless)
    return rank(Candidates(rows, {}, {}), [Signal(by, fits, 1.0)], priors)


def places(ranked: list[Ranked]) -> list[int]:
    return [one.at for one in ranked]


def test_where_talks_are_lifted_the_third_of_one_lets_another_talk_have_its_say() -> None:
    fits = [1.0, 0.99, 0.98, 0.975]
    assert places(put_in_order("aaab", fits)) == [0, 1, 3, 2]
    assert places(put_in_order("aaab", fits, by="meaning")) == [0, 1, 2, 3]
    assert places(put_in_order("aaab", [1.0, 0.99, 0.98, 0.6])) == [0, 1, 2, 3], "not one that fits much less"


def test_however_much_was_said_in_a_talk_nothing_loses_more_than_a_tenth() -> None:
    long_talk = put_in_order("a" * 40, [1.0] * 40)
    assert long_talk[0].score - long_talk[-1].score == pytest.approx(0.1 * long_talk[0].score)


@pytest.mark.parametrize("by", ["words", "meaning"])
def test_what_only_asks_stands_behind_what_says_as_much(by: str) -> None:
    assert places(put_in_order("ab", [0.95, 1.0], by=by, asks=" ?")) == [0, 1]
    assert places(put_in_order("ab", [0.95, 1.0], by=by)) == [1, 0]
    assert places(put_in_order("ab", [0.5, 1.0], by=by, asks=" ?")) == [1, 0], "if that fits much less, not"


@pytest.mark.parametrize("by", ["words", "meaning"])
def test_of_what_fits_about_as_well_what_names_a_time_stands_first_where_one_is_asked_for(by: str) -> None:
    assert places(put_in_order("ab", [0.95, 1.0], by=by, timeless=" -")) == [0, 1]
    assert places(put_in_order("ab", [0.5, 1.0], by=by, timeless=" -")) == [1, 0], "if that fits much less, not"
    both = put_in_order("ab", [0.75, 1.0], by=by, asks=" ?", timeless=" -")
    assert places(both) == [0, 1], "a question that names no time loses by both"


def test_the_summary_of_a_section_decides_between_what_fits_about_as_well() -> None:
    assert places(put_in_order("ab", [0.95, 1.0], by="meaning", sections=[0.9, 0.0])) == [0, 1]
    assert places(put_in_order("ab", [0.5, 1.0], by="meaning", sections=[1.0, 0.0])) == [1, 0]


def test_a_score_is_the_sum_of_what_the_signals_gave() -> None:
    for one in put_in_order("aaab", [1.0, 0.9, 0.0, 0.4], asks=" ?", sections=[0.0, 0.2, 0.0, 0.0]):
        assert one.score == pytest.approx(sum(one.signals.values()))


@pytest.mark.parametrize("by", ["words", "meaning"])
def test_a_score_is_what_its_signals_give_together(by: str) -> None:
    ranked = put_in_order("aabab", [1.0, 0.5, 0.5, 0.25, 0.0], by=by, asks="? ", sections=[0.0, 0.5, 0.0, 0.0, 1.0])
    assert len(ranked) == 5
    assert [one.score for one in ranked] == pytest.approx([sum(one.signals.values()) for one in ranked])
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


def test_of_two_that_are_as_good_the_later_one_stands_first() -> None:
    assert places(put_in_order("abcd", [0.5, 1.0, 0.5, 1.0], by="meaning")) == [3, 1, 2, 0]
