"""Asking beside the answers: in the user's budget, of the cheap model where there is one, and never with an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from tests.unit.store.stored import add_user, open_place
from tests.unit.turns.rig import Script, ScriptedProvider, say

from quarterdeck.accounts import asking as asking_module
from quarterdeck.accounts.asking import Asking, Errand
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.spending import Spending
from quarterdeck.config import Settings
from quarterdeck.domain.step import FinishChunk, TextChunk, UsageChunk
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ProviderLimitError
from quarterdeck.providers.registry import Registry
from quarterdeck.store.budgets import BudgetRow, insert_budget
from quarterdeck.store.database import Database
from quarterdeck.store.rules import RuleRow, insert_rule
from quarterdeck.store.tables import usage_entries

USED: Script = [TextChunk("  A short title\n"), UsageChunk(Usage(100, 5)), FinishChunk("stop")]


class Room:
    """A database, one user, and a model that says what the test wants."""

    def __init__(self, database: Database, user: str) -> None:
        self.database, self.user = database, user
        self.provider = ScriptedProvider(USED)
        self.registry = Registry(Settings(discover=False), probes=())
        self.registry.register(self.provider)
        self.limits = Limits(database, self.registry)

    async def asking(self, model: str = "") -> Asking:
        await self.limits.load()
        return Asking(self.database, self.registry, self.limits, Spending(self.database, self.limits), model)

    def errand(self, model: str = "fake/chat") -> Errand:
        return Errand(
            user=self.user, model=model, purpose="title", instructions="Name it.", text="Cats?", output_tokens=30
        )

    async def entries(self) -> list[Any]:
        return list(await self.database.read(lambda connection: connection.execute(select(usage_entries)).all()))


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with open_place(tmp_path) as database:
        user = await database.write(lambda connection: add_user(connection, "ann"))
        opened = Room(database, user)
        yield opened
        await opened.registry.close()


async def test_the_reply_is_the_models_words_and_the_usage_has_its_purpose(room: Room) -> None:
    reply = await (await room.asking()).ask_in_background(room.errand())
    assert (reply.text, reply.model, reply.code) == ("A short title", "fake/chat", "")
    [entry] = await room.entries()
    assert (entry.purpose, entry.user_id, entry.input_tokens, entry.output_tokens) == ("title", room.user, 100, 5)
    [request] = room.provider.requests
    assert request.max_output_tokens == 30


async def test_the_cheap_model_is_asked_where_it_is_connected(room: Room) -> None:
    assert (await (await room.asking("fake/cheap")).ask_in_background(room.errand())).model == "fake/cheap"
    assert (await (await room.asking("nowhere/cheap")).ask_in_background(room.errand())).model == "fake/chat"


async def test_the_cheap_model_is_not_asked_for_somebody_who_may_not_use_it(room: Room) -> None:
    rule = RuleRow(id="r", subject="all", kind="model", pattern="fake/cheap", is_allowed=False, created_at=0)
    await room.database.write(lambda connection: insert_rule(connection, rule))
    assert (await (await room.asking("fake/cheap")).ask_in_background(room.errand())).model == "fake/chat"


async def test_without_a_language_model_there_is_no_reply(room: Room) -> None:
    asking = await room.asking()
    reply = await asking.ask_in_background(room.errand("builtin/log-reader"))
    assert (reply.text, reply.code) == ("", "model_not_found")
    assert await asking.profile_for(room.user, "builtin/log-reader") is None


async def test_a_spent_budget_and_a_failing_provider_are_told_and_not_raised(room: Room) -> None:
    budget = BudgetRow(id="b", subject="all", pattern="*", period="day", max_cost=None, max_tokens=1, created_at=0)
    room.provider.scripts = [[ProviderLimitError("Busy.")]]
    reply = await (await room.asking()).ask_in_background(room.errand())
    assert (reply.text, reply.code, reply.reason) == ("", "provider_rate_limited", "Busy.")
    await room.database.write(lambda connection: insert_budget(connection, budget))
    asked = len(room.provider.requests)
    assert (await (await room.asking()).ask_in_background(room.errand())).code == "over_budget"
    assert len(room.provider.requests) == asked


async def test_a_model_that_says_nothing_or_takes_too_long_gives_no_reply(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.provider.scripts = [say("  "), [asyncio.Event()]]
    asking = await room.asking()
    assert (await asking.ask_in_background(room.errand())).code == "provider_error"
    monkeypatch.setattr(asking_module, "_LONGEST_S", 0.05)
    reply = await asking.ask_in_background(room.errand())
    assert (reply.text, reply.code) == ("", "provider_error")
    assert room.provider.open_streams == 0
    assert len(await room.entries()) == 2, "what was asked is counted, whatever came of it"
