"""Which entries are looked at: those that most words point to."""

from __future__ import annotations

from heapq import nlargest

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.memory.finding import take_best


@given(
    st.dictionaries(st.integers(0, 1 << 40), st.sampled_from([0.0, 0.5, 1.25, 3.5]), max_size=60),
    st.integers(1, 40),
)
def test_the_best_are_taken_and_of_those_that_are_as_good_the_newest(scores: dict[int, float], most: int) -> None:
    wanted = nlargest(most, ((score, entry) for entry, score in scores.items()))
    assert set(take_best(scores, most)) == {entry for _, entry in wanted}
    assert len(take_best(scores, most)) == len(wanted)
