"""What is set for this server's users, as this process knows it: rules and budgets, and prices in the registry.

Read once and again when somebody says that it has changed, and now and then in case nobody was heard. It only decides
whether the database need be asked: what is left of a budget is always decided there.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from quarterdeck.accounts.budgets import (
    BudgetState,
    Demand,
    allot_output,
    budgets_for,
    find_tight,
    is_held,
    over_budget,
    state_of,
)
from quarterdeck.accounts.rules import is_allowed
from quarterdeck.accounts.subjects import Who, is_match, may_concern
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.periods import day_of, first_day
from quarterdeck.errors import ModelForbiddenError, QuarterdeckError
from quarterdeck.log.bell import Bell
from quarterdeck.providers.registry import Registry
from quarterdeck.store.budgets import BudgetRow, list_budgets
from quarterdeck.store.database import AnyConnection, Database, ReadConnection, WriteConnection
from quarterdeck.store.prices import PriceRow, list_prices
from quarterdeck.store.rules import RuleRow, list_rules
from quarterdeck.store.usage import read_reserved, read_used
from quarterdeck.store.users import find_role

logger = get_logger("quarterdeck.limits")

LIMITS_CHANGED = "limits"  # told to all processes: rules, budgets and prices must be read again
FREE = "builtin/"  # no model is asked there: nothing is used, nothing is counted
_READ_AGAIN_S = 15.0


class Known(Struct, frozen=True):
    rules: list[RuleRow] = []
    budgets: list[BudgetRow] = []
    prices: list[PriceRow] = []


class Limits:
    """One per process; `load` it before the first message."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._known = Known()
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Raises: `StorageError`."""
        async with self._loading:  # what is read first must not be what counts last
            self._known = await self._database.read(_read_known)
        self._registry.set_prices({row.model: row.price for row in self._known.prices})

    async def change(self, bell: Bell) -> None:
        """Something was set: it holds here when this returns, and in the other processes a moment later."""
        await self.load()
        await bell.tell(LIMITS_CHANGED)

    async def watch(self) -> None:
        """Runs as long as the server does."""
        while True:
            await asyncio.sleep(_READ_AGAIN_S)
            try:
                await self.load()
            except QuarterdeckError as error:
                logger.warning("limits_not_read", reason=error.message, detail=error.detail)

    def may_be_budgeted(self, user: str, model: str) -> bool:
        """False when certainly no budget bounds what `user` spends on `model`."""
        if model.startswith(FREE):
            return False
        return any(may_concern(row.subject, user) and is_match(row.pattern, model) for row in self._known.budgets)

    def is_allowed(self, who: Who, model: str) -> bool:
        return is_allowed(self._known.rules, who, "model", model)

    def is_tool_allowed(self, who: Who, tool: str) -> bool:
        return is_allowed(self._known.rules, who, "tool", tool)

    def require_allowed(self, who: Who, model: str) -> None:
        """Raises: `ModelForbiddenError`."""
        if not self.is_allowed(who, model):
            raise ModelForbiddenError(f"You may not use {model} on this server. Choose another model.")

    def admit(self, connection: WriteConnection, user: str, model: str) -> None:
        """Whether a message of `user` may be taken for `model`; asked in the transaction that records it.

        Raises: `ModelForbiddenError`, `OverBudgetError` when not even a short answer fits.
        """
        if self._known.rules:
            self.require_allowed(Who(user, find_role(connection, user)), model)
        if self.may_be_budgeted(user, model):
            allot(connection, user, Demand(self._registry.profile_of(model), input_tokens=0))

    async def default_model(self, user: str) -> str:
        """The server's default where `user` may use it, else the first model that they may.

        With nothing to choose from it is the server's default all the same: whoever sends to it is told.
        """
        default = await self._registry.default_model()
        if not self._known.rules:
            return default
        who = Who(user, await self._database.read(lambda connection: find_role(connection, user)))
        if self.is_allowed(who, default):
            return default
        offered = (await self._registry.models()).items
        return next((profile.id for profile in offered if self.is_allowed(who, profile.id)), default)


def list_states(connection: AnyConnection, who: Who, model: str | None = None) -> list[BudgetState]:
    """The budgets that count for somebody as they are now, all or those that bound `model`."""
    rows = budgets_for(list_budgets(connection), who)
    if model is not None:
        rows = [row for row in rows if is_match(row.pattern, model)]
    if not rows:
        return []
    at = now_ms()
    today = day_of(at)
    used = read_used(connection, who.user, first_day("month", today), today)
    return [state_of(row, used, at) for row in rows]


def allot(connection: WriteConnection, user: str, demand: Demand) -> int | None:
    """The output tokens that may be asked for; None when no budget bounds what `user` spends on this model.

    Raises: `OverBudgetError`.
    """
    states = list_states(connection, Who(user, find_role(connection, user)), demand.profile.id)
    tight = find_tight(states, demand)
    if tight is None:
        return allot_output(states, demand) if states else None
    today = day_of(tight.at)
    held = read_reserved(connection, user, first_day("month", today), today)
    raise over_budget(tight, held=is_held(tight, held, demand))


def _read_known(connection: ReadConnection) -> Known:
    return Known(list_rules(connection), list_budgets(connection), list_prices(connection))
