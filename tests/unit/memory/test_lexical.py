"""How well words fit a message, with what stands around it."""

from __future__ import annotations

import pytest

from quarterdeck.memory.candidates import Candidates
from quarterdeck.memory.lexical import score_words
from quarterdeck.store.recall_candidates import CandidateRow
from quarterdeck.store.recall_find import MemoryKeyRow

_WEIGHTS = {"hike": 1.0, "tent": 1.0}


def score(*texts: str, talks: str = "", remembered: str = "") -> list[float]:
    """Each of `texts` counts as five words. `talks`: a letter for each, the talk that it belongs to; `remembered`: of
    the first."""
    rows = [
        CandidateRow(at, f"m{at}", talk, "user", frozenset(), 5, 0, False, words=text)
        for at, (text, talk) in enumerate(zip(texts, talks or "a" * len(texts), strict=True))
    ]
    keys = {"m0": [MemoryKeyRow("k", remembered, 0, None, "", ["m0"])]} if remembered else {}
    return score_words(Candidates(rows, keys, dict.fromkeys(range(len(rows)), _WEIGHTS)), _WEIGHTS)


def test_two_words_of_the_question_around_a_message_say_more_than_one_of_them_twice() -> None:
    again, different = score("hike", "hike")[1], score("hike", "tent")[1]
    alone = score("", "hike")[1]
    assert alone < again < different
    assert different == pytest.approx(alone * 1.7), "the message before counts 0.7, as much as by itself"


def test_a_word_said_once_counts_by_where_it_stands() -> None:
    before_and_after = score("", "", "", "hike", "", "", "")
    alone = before_and_after[3]
    shares = [given / alone for given in before_and_after]
    assert shares == pytest.approx([0.1, 0.1, 0.1, 1.0, 0.7, 0.35, 0.0])


def test_what_is_said_in_another_talk_adds_nothing() -> None:
    assert score("hike", "tent", talks="ab")[1] == score("", "tent")[1]


def test_what_is_remembered_of_a_message_has_half_its_words() -> None:
    by_itself, said = score("", "", remembered="hikes")[0], score("hike", "")[0]
    assert 0 < by_itself < said
    assert score("", "", remembered="tea")[0] == 0
