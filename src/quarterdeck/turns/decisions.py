"""What a turn's user decides about the tool calls that it would make."""

from __future__ import annotations

import asyncio
import contextlib

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.approvals import Decision, read_decisions
from quarterdeck.store.database import Database
from quarterdeck.turns.calls import APPROVAL_MS, Question, Verdict
from quarterdeck.turns.patience import keep_trying


class Decisions:
    """Those of one turn. `waiting`: which turns of this process wait for their users; it adds and removes its own."""

    def __init__(self, database: Database, turn: str, waiting: set[str]) -> None:
        self._database = database
        self._turn = turn
        self._waiting = waiting
        self._has_news = asyncio.Event()

    def look(self) -> None:
        """The user has decided something."""
        self._has_news.set()

    async def wait(self, questions: dict[str, Question]) -> dict[str, Verdict]:
        """What nobody decides in time is declined. Meanwhile the turn takes no other turn's place."""
        self._waiting.add(self._turn)
        try:
            while True:
                self._has_news.clear()
                found = await keep_trying(
                    lambda: self._database.read(lambda connection: read_decisions(connection, self._turn))
                )
                if verdicts := _verdicts(found, questions):
                    return verdicts
                now = now_ms()
                ends = {call: asked.asked_at + APPROVAL_MS for call, asked in questions.items()}
                if over := [call for call, end in ends.items() if end <= now]:
                    return dict.fromkeys(over, "declined")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._has_news.wait(), (min(ends.values()) - now) / 1000)
        finally:
            self._waiting.discard(self._turn)


def _verdicts(decided: list[Decision], questions: dict[str, Question]) -> dict[str, Verdict]:
    """Of several about the same question the first one counts; about others none does."""
    return {
        one.call: one.decision
        for one in reversed(decided)
        if one.call in questions and questions[one.call].digest == one.digest
    }
