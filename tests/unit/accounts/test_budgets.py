"""What budgets leave for a request, without a database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.accounts.budgets import (
    BudgetState,
    Demand,
    allot_output,
    budgets_for,
    find_tight,
    over_budget,
    say_money,
    state_of,
)
from quarterdeck.accounts.subjects import Who
from quarterdeck.domain.periods import day_of, first_day, reset_at
from quarterdeck.domain.usage import ModelProfile, Price, to_micros
from quarterdeck.store.budgets import BudgetRow
from quarterdeck.store.usage import ModelUse

NOON = 1_795_867_200_000  # 2026-11-28, 12:00 UTC


def budget(subject: str = "all", **values: Any) -> BudgetRow:
    given = {"id": subject, "pattern": "*", "period": "day", "max_cost": None, "max_tokens": None, "created_at": 0}
    return BudgetRow(subject=subject, **(given | values))


def model(price: Price | None = None, **values: Any) -> ModelProfile:
    return ModelProfile(id="a/m", provider="a", name="m", price=price, **values)


def state(used_cost: int = 0, used_tokens: int = 0, **values: Any) -> BudgetState:
    return BudgetState(budget(**values), NOON, used_cost, used_tokens)


amounts = st.integers(0, 10**9)
prices = st.floats(0, 1_000, allow_nan=False)


@given(amounts, amounts, st.integers(0, 200_000), st.integers(1, 200_000), prices, prices)
@example(2, 1_000, 0, 1, 0.0, 5e-324)
def test_what_is_allotted_never_exceeds_what_is_left(
    left_cost: int, left_tokens: int, input_tokens: int, wanted: int, price_in: float, price_out: float
) -> None:
    states = [state(max_cost=left_cost), state(max_tokens=left_tokens)]
    demand = Demand(model(Price(price_in, price_out, price_in / 2)), input_tokens, wanted)
    if find_tight(states, demand) is None:
        tokens = allot_output(states, demand)
        assert demand.least <= tokens <= demand.wanted
        assert input_tokens + tokens <= left_tokens
        assert demand.cost(tokens) <= left_cost


def test_one_answer_takes_at_most_half_of_what_is_left_unless_that_were_little() -> None:
    demand = Demand(model(max_output_tokens=64_000), 0)
    allotted = [allot_output([state(max_tokens=left)], demand) for left in (10**9, 20_000, 6_000, 3_000, 256)]
    assert allotted == [32_768, 10_000, 4_096, 3_000, 256]
    assert find_tight([state(max_tokens=255)], demand) is not None


def test_a_model_without_a_price_is_bounded_by_tokens_only() -> None:
    demand = Demand(model(), 1_000)
    assert find_tight([state(max_cost=0)], demand) is None
    assert find_tight([state(max_tokens=0)], demand) is not None
    assert find_tight([state(max_cost=0)], Demand(model(Price(0, 0)), 1_000)) is None, "what is free costs nothing"


def test_of_budgets_for_the_same_models_and_period_the_most_specific_counts() -> None:
    who = Who("ann", "member")
    everybody, role, own, other = (budget(subject) for subject in ("all", "role:member", "user:ann", "user:bob"))
    monthly, some = budget("all", period="month"), budget("role:member", pattern="openai/*")
    assert budgets_for([everybody, role, own, other], who) == [own]
    assert budgets_for([everybody, role, other], who) == [role]
    assert budgets_for([everybody, monthly, some, own], who) == [monthly, some, own]
    twice = [budget("user:ann", max_cost=1), budget("user:ann", max_tokens=1)]
    assert budgets_for([everybody, *twice], who) == twice


def test_only_matching_models_count_and_a_day_is_not_its_month() -> None:
    used = [ModelUse("a/m", 100, 10, 30, 3), ModelUse("b/m", 1_000, 100, 500, 50)]
    today, month = (state_of(budget(pattern="a/*", period=period), used, NOON) for period in ("day", "month"))
    assert (today.used_cost, today.used_tokens, month.used_cost, month.used_tokens) == (30, 3, 100, 10)
    assert state_of(budget(), used, NOON).used_cost == 530


@pytest.mark.parametrize(
    ("given_state", "said"),
    [
        (
            state(1_500_000, max_cost=1_500_000),
            "Your budget for today is used up ($1.50 of $1.50). It begins anew on 29 ",
        ),
        (state(2_000, 90, max_cost=5_000, max_tokens=100, period="month"), "this month has too little left for this"),
        (state(0, 100, max_tokens=100, pattern="openai/*"), "for today (openai/*) is used up (100 of 100 tokens)"),
    ],
)
def test_a_refusal_says_which_budget_how_much_and_until_when(given_state: BudgetState, said: str) -> None:
    error = over_budget(given_state)
    assert said in error.message
    assert error.retry_after_s == pytest.approx((given_state.resets_at - NOON) / 1000)


def test_money_is_said_with_the_digits_it_needs() -> None:
    assert [say_money(micros) for micros in (0, 10_000, 1_500_000, 1, 12_340)] == [
        "$0.00", "$0.01", "$1.50", "$0.000001", "$0.01234",
    ]  # fmt: skip


def test_costs_are_rounded_up_and_not_by_the_errors_of_floats() -> None:
    assert [to_micros(dollars) for dollars in (0.0, 1e-7, 0.000123, 0.1 + 0.2, 4.35)] == [0, 1, 123, 300_000, 4_350_000]


def test_days_and_months_end_at_the_users_midnight() -> None:
    assert day_of(NOON) == "2026-11-28"
    assert first_day("month", "2026-11-28") == "2026-11-01"
    assert day_of(reset_at("day", "2026-12-31")) == "2027-01-01"
    assert day_of(reset_at("day", "2026-12-31") - 1) == "2026-12-31"
    assert [day_of(reset_at("month", day)) for day in ("2024-02-10", "2026-12-31", "2026-01-31")] == [
        "2024-03-01", "2027-01-01", "2026-02-01",
    ]  # fmt: skip
