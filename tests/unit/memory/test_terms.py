"""Words of an entry in the search index are counted by their stems."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.domain.indexed import index_words
from quarterdeck.domain.languages import DUTCH, FRENCH, GERMAN, Language
from quarterdeck.domain.words import stem
from quarterdeck.memory.terms import count_stems, terms_of

_BEGINNINGS = ("", "a", "t", "st", "fil", "hik", "dat", "siz", "agen", "happ", "troubl", "relat", "abil", "ya", "öl")
_ENDS = (
    "", "e", "s", "es", "ies", "y", "ed", "ing", "eed", "ating", "ated", "bly", "bility", "ization", "izer", "ational",
    "ency", "ancy", "fulness", "ous", "ally", "ement", "ll", "ss", "sses", "ication", "ogy", "ivity", "t", "5",
)  # fmt: skip
_WORDS = st.one_of(
    st.builds(str.__add__, st.sampled_from(_BEGINNINGS), st.sampled_from(_ENDS)),
    st.sampled_from(("the", "does", "being", "日本", "hiking", "Straße")),
)


@given(st.lists(_WORDS, max_size=30), st.lists(_WORDS, max_size=8))
@example(["filing", "file", "files", "filed"], ["file"])
@example(["ability"], ["abl"])
@example(["a", "ies", "i5"], ["ties", "i"])
def test_only_what_is_looked_for_is_counted_and_as_if_all_words_were(said: list[str], looked_for: list[str]) -> None:
    text = " ".join(said)
    whole = Counter(terms_of(text))
    roots = list(dict.fromkeys([*terms_of(" ".join(looked_for)), *list(whole)[::3]]))
    counted = count_stems(index_words(text, 100_000), roots)
    assert counted == {root: whole[root] for root in roots if whole[root]}


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12).flatmap(
    lambda begun: st.sampled_from(_ENDS).map(lambda end: begun + end)
))  # fmt: skip
def test_a_word_begins_with_its_stem_but_for_the_last_letter_of_that(word: str) -> None:
    assert word.startswith(stem(word)[:-1])


@pytest.mark.parametrize(
    ("language", "said", "asked"),
    [
        (FRENCH, "constamment constant chevaux constamment", "constant"),
        (FRENCH, "chevaux cheval", "cheval"),
        (GERMAN, "hauser haus hausern", "haus"),
        (DUTCH, "mogelijkheden", "mogelijkheid"),
    ],
)
def test_forms_of_other_languages_are_counted_however_they_begin(language: Language, said: str, asked: str) -> None:
    root = language.root(asked)
    times = sum(language.root(word) == root for word in said.split())
    assert times
    assert count_stems(index_words(said, 100_000), [root], language) == {root: times}


def test_an_entry_without_words_has_none() -> None:
    assert count_stems("", ["i", "hike"]) == {}
    assert count_stems("", ["maison"], FRENCH) == {}
