"""Which rule counts: the most specific about the person, then about the name; of equals the one that denies."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.accounts.rules import is_allowed
from quarterdeck.accounts.subjects import Who, check_pattern, check_subject, is_match, may_concern, rank_of
from quarterdeck.errors import InputError
from quarterdeck.store.rules import RuleRow

ANN = Who("ann", "member")


def rule(subject: str, pattern: str, allowed: bool, kind: str = "model") -> RuleRow:
    return RuleRow(id=subject + pattern, subject=subject, kind=kind, pattern=pattern, is_allowed=allowed, created_at=0)  # type: ignore[arg-type]


CASES = [
    ([], True),
    ([rule("all", "*", False)], False),
    ([rule("all", "*", False), rule("all", "openai/*", True)], True),
    ([rule("all", "openai/gpt-5", False), rule("all", "openai/*", True)], False),
    ([rule("all", "openai/gpt-5", False), rule("role:member", "*", True)], True),
    ([rule("role:member", "openai/gpt-5", True), rule("user:ann", "*", False)], False),
    ([rule("user:bob", "*", False), rule("role:guest", "*", False)], True),
    ([rule("all", "openai/*", True), rule("all", "openai/*", False)], False),
    ([rule("all", "*/gpt-5", True), rule("all", "openai/*", False)], False),
    ([rule("all", "*", False, "tool")], True),
    ([rule("all", "groq/*", False)], True),
]


@pytest.mark.parametrize(("rules", "allowed"), CASES)
def test_the_most_specific_rule_counts_in_whatever_order_they_were_made(rules: list[RuleRow], allowed: bool) -> None:
    for order in permutations(rules):
        assert is_allowed(order, ANN, "model", "openai/gpt-5") is allowed


@given(st.text(max_size=30), st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_a_star_stands_for_anything_and_all_else_for_itself(middle: str, pieces: list[str]) -> None:
    literal = [piece.replace("*", "") for piece in pieces]
    assert is_match("*".join(literal), middle.join(literal))
    assert is_match("*", middle)
    name = middle.replace("*", "")
    assert is_match(name, name)
    assert not is_match(name, name + "x")


def test_a_pattern_of_many_stars_is_decided_at_once() -> None:
    assert not is_match("*" * 200, "a" * 5_000) or is_match("*" * 200, "")
    assert not is_match("*a" * 12 + "b", "a" * 60)


@pytest.mark.parametrize("subject", ["", "everybody", "user:", "role:", "role:king", "role", "user", "all:x"])
def test_a_subject_that_names_nobody_is_refused(subject: str) -> None:
    with pytest.raises(InputError):
        check_subject(subject)


@pytest.mark.parametrize("pattern", ["", " x", "x ", "a\nb", "a\x00", "x" * 201])
def test_a_pattern_that_nothing_is_called_is_refused(pattern: str) -> None:
    with pytest.raises(InputError):
        check_pattern(pattern)


def test_whom_a_subject_may_concern_is_known_without_their_role() -> None:
    assert may_concern("all", "ann")
    assert may_concern("role:owner", "ann")
    assert may_concern("user:ann", "ann")
    assert not may_concern("user:bob", "ann")
    assert [rank_of(subject, ANN) for subject in ("user:ann", "role:member", "all", "role:guest")] == [3, 2, 1, 0]
