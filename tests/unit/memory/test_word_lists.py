"""Which entries are looked at: those that most words point to."""

from __future__ import annotations

from heapq import nlargest

from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.memory.word_lists import WordLists, take_best

_ENTRIES = st.lists(st.integers(0, 80), unique=True, max_size=60)
_WEIGHT = st.sampled_from([0.1, 0.2, 0.3, 0.9, 2.0, 5.0])


@given(
    st.dictionaries(st.integers(0, 1 << 40), st.sampled_from([0.0, 0.5, 1.25, 3.5]), max_size=60),
    st.integers(1, 40),
)
def test_the_best_are_taken_and_of_those_that_are_as_good_the_newest(scores: dict[int, float], most: int) -> None:
    wanted = nlargest(most, ((score, entry) for entry, score in scores.items()))
    assert set(take_best(scores, most)) == {entry for _, entry in wanted}
    assert len(take_best(scores, most)) == len(wanted)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(_ENTRIES, _WEIGHT)), st.integers(1, 30))
@example({"a": ([1, 2], 0.3), "b": ([3], 0.1), "c": ([3], 0.2)}, 2)
@example({"a": ([1, 2], 0.9), "b": ([3], 0.3), "c": ([1, 3], 0.2)}, 1)
def test_the_best_are_those_of_all_that_have_any_of_the_words(
    given_lists: dict[str, tuple[list[int], float]], most: int
) -> None:
    sums: dict[int, float] = {}
    for entries, weight in given_lists.values():
        for entry in entries:
            sums[entry] = sums.get(entry, 0.0) + weight
    assert set(_lists(given_lists).best(most)) == set(take_best(sums, most))


def test_what_only_frequent_words_point_to_is_not_added_up() -> None:
    lists = WordLists(
        {"day": range(4_000), "tent": [7, 8], "make": range(4_000)}, {"tent": 3.0, "day": 1.0, "make": 1.0}
    )
    assert lists.pool(2) == {7, 8}
    assert len(lists.pool(3)) == 4_000, "there are not enough others"


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(_ENTRIES, _WEIGHT)), _ENTRIES)
def test_each_entry_has_the_words_in_whose_lists_it_is(
    given_lists: dict[str, tuple[list[int], float]], asked: list[int]
) -> None:
    words = {entry: [word for word, (entries, _) in given_lists.items() if entry in entries] for entry in asked}
    assert _lists(given_lists).words_of(asked) == {entry: some for entry, some in words.items() if some}


def _lists(given_lists: dict[str, tuple[list[int], float]]) -> WordLists:
    entries = {word: entries for word, (entries, _) in given_lists.items()}
    return WordLists(entries, {word: weight for word, (_, weight) in given_lists.items()})
