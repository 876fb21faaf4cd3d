"""What budgets leave for one request: pure decisions, nothing is read or written here.

Of budgets for the same models and period, those count that are most specific about the person (`user:` before
`role:` before `all`), so one person can be given more than the others. All that count must hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from quarterdeck.accounts.subjects import Who, is_match, rank_of
from quarterdeck.domain.periods import ZONE, Period, day_of, reset_at
from quarterdeck.domain.usage import ModelProfile, to_micros
from quarterdeck.errors import OverBudgetError
from quarterdeck.store.budgets import BudgetRow
from quarterdeck.store.usage import ModelUse

LEAST_OUTPUT_TOKENS = 256  # an answer that may not be this long is not begun
_USUAL_OUTPUT_TOKENS = 4_096  # where nobody told us what the model can write
_MOST_OUTPUT_TOKENS = 32_768
_HELD_S = 5.0
_NAMES: dict[Period, str] = {"day": "today", "month": "this month"}


class BudgetState(Struct, frozen=True):
    """A budget as somebody has used it by `at` (what is reserved counts), in the period that this is in."""

    row: BudgetRow
    at: int
    used_cost: int
    used_tokens: int

    @property
    def left_cost(self) -> int | None:
        return None if self.row.max_cost is None else self.row.max_cost - self.used_cost

    @property
    def left_tokens(self) -> int | None:
        return None if self.row.max_tokens is None else self.row.max_tokens - self.used_tokens

    @property
    def resets_at(self) -> int:
        return reset_at(self.row.period, day_of(self.at))


class Demand(Struct, frozen=True):
    """A request as it could be: `input_tokens` at most, `output_tokens` wanted (None: as many as usual)."""

    profile: ModelProfile
    input_tokens: int
    output_tokens: int | None = None

    @property
    def wanted(self) -> int:
        usual = self.profile.max_output_tokens or _USUAL_OUTPUT_TOKENS
        return min(self.output_tokens or usual, _MOST_OUTPUT_TOKENS)

    @property
    def least(self) -> int:
        return min(LEAST_OUTPUT_TOKENS, self.wanted)

    def cost(self, output_tokens: int) -> int:
        """At most, in millionths of a US dollar; 0 without a price."""
        return to_micros(self.profile.most_cost(self.input_tokens, output_tokens) or 0.0)


def budgets_for(budgets: Iterable[BudgetRow], who: Who) -> list[BudgetRow]:
    """Those that count for somebody, whatever the model."""
    concerned = [(rank, row) for row in budgets if (rank := rank_of(row.subject, who))]
    highest: dict[tuple[str, str], int] = {}
    for rank, row in concerned:
        highest[row.pattern, row.period] = max(rank, highest.get((row.pattern, row.period), 0))
    return [row for rank, row in concerned if rank == highest[row.pattern, row.period]]


def state_of(row: BudgetRow, used: Iterable[ModelUse], at: int) -> BudgetState:
    """`used`: from the month's first day to the day of `at`."""
    fitting = [one for one in used if is_match(row.pattern, one.model)]
    if row.period == "day":
        return BudgetState(row, at, sum(one.cost_today for one in fitting), sum(one.tokens_today for one in fitting))
    return BudgetState(row, at, sum(one.cost for one in fitting), sum(one.tokens for one in fitting))


def find_tight(states: Iterable[BudgetState], demand: Demand) -> BudgetState | None:
    """The first budget that leaves too little even for a short answer."""
    return next((state for state in states if _affordable(state, demand) < demand.least), None)


def allot_output(states: Iterable[BudgetState], demand: Demand) -> int:
    """The output tokens that may be asked for so that no budget can be overrun; all that is wanted where it fits.

    One answer takes at most half of what is left, so that another one can be written beside it, unless half would be
    less than is usual. None of `states` is tight.
    """
    allotted = demand.wanted
    for state in states:
        most = _affordable(state, demand)
        allotted = min(allotted, max(most // 2, min(most, _USUAL_OUTPUT_TOKENS)))
    return allotted


def without(state: BudgetState, held: Iterable[ModelUse]) -> BudgetState:
    """As it would be, were nothing reserved."""
    freed = state_of(state.row, held, state.at)
    return BudgetState(state.row, state.at, state.used_cost - freed.used_cost, state.used_tokens - freed.used_tokens)


def is_held(state: BudgetState, held: Iterable[ModelUse], demand: Demand) -> bool:
    """Whether a tight budget would be enough, were nothing reserved for answers that are being written."""
    return find_tight([without(state, held)], demand) is None


def over_budget(state: BudgetState, *, held: bool = False) -> OverBudgetError:
    """`held`: as `is_held` says."""
    row = state.row
    name = f"Your budget for {_NAMES[row.period]}" + ("" if row.pattern == "*" else f" ({row.pattern})")
    amounts = " and ".join(_amounts(state))
    resets = datetime.fromtimestamp(state.resets_at / 1000, ZONE)
    is_used_up = (state.left_cost is not None and state.left_cost <= 0) or (
        state.left_tokens is not None and state.left_tokens <= 0
    )
    if held:
        said = f"{name} is held by answers that are being written ({amounts}): try again when they have ended"
    elif is_used_up:
        said = f"{name} is used up ({amounts})"
    else:
        said = f"{name} has too little left for this message ({amounts})"
    wait_s = _HELD_S if held else (state.resets_at - state.at) / 1000
    return OverBudgetError(f"{said}. It begins anew on {resets:%-d %B %Y, %H:%M} UTC.", retry_after_s=wait_s)


def say_money(micros: int) -> str:
    """`$1.50`; small amounts with as many digits as they need."""
    dollars = micros / 1_000_000
    text = f"{dollars:.2f}" if micros % 10_000 == 0 else f"{dollars:.6f}".rstrip("0")
    return f"${text}"


def _affordable(state: BudgetState, demand: Demand) -> int:
    """Output tokens; negative when not even the input fits."""
    most = 4 * _MOST_OUTPUT_TOKENS  # more is never asked for
    if state.left_tokens is not None:
        most = min(most, state.left_tokens - demand.input_tokens)
    price = demand.profile.price
    if state.left_cost is not None and price is not None:
        left = state.left_cost - demand.cost(0)
        if left < 0:
            return -1
        if price.output > 0:
            most = int(min(most, left / price.output))  # a price next to nothing divides to infinity
        while most > 0 and demand.cost(most) > state.left_cost:  # rounded up, a token may be too many
            most -= 1
    return most


def _amounts(state: BudgetState) -> list[str]:
    amounts = []
    if state.row.max_cost is not None:
        amounts.append(f"{say_money(state.used_cost)} of {say_money(state.row.max_cost)}")
    if state.row.max_tokens is not None:
        amounts.append(f"{state.used_tokens:,} of {state.row.max_tokens:,} tokens")
    return amounts
