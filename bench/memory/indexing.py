"""`python bench/memory/indexing.py`: the CPU time that a turn spends because what is said in it can be found later.

A question of 30 words and an answer of 200 are written as a turn writes them, two transactions, on SQLite. Both go to
the server's own queue for the index, which is written when so many turns have put in theirs: those of a second on a
busy server, or a single one. Without any index; with the index of words; with the mark that a vector is to be made of
each, too. The ways take turns, with the same texts; what is measured is the least of all rounds, of a process that has
met the words before.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.unit.store.stored import add_conversation, add_message, add_user, open_store  # noqa: E402

from bench.filling import say  # noqa: E402
from bench.tables import table  # noqa: E402
from quarterdeck.domain.ids import now_ms  # noqa: E402
from quarterdeck.domain.parts import Part, TextPart  # noqa: E402
from quarterdeck.store.conversations import ConversationRow  # noqa: E402
from quarterdeck.store.database import Database  # noqa: E402
from quarterdeck.store.search import NewEntry  # noqa: E402
from quarterdeck.store.search_queue import IndexQueue  # noqa: E402
from quarterdeck.store.vectors import marking  # noqa: E402

_QUESTION, _ANSWER = 30, 200


class _Way(Struct, frozen=True):
    """`turns`: that have put in what was said when it is written; 0: it is not."""

    turns: int = 0
    is_marked: bool = False

    def name(self) -> str:
        if not self.turns:
            return "no index"
        together = f"{self.turns} turns together" if self.turns > 1 else "each turn by itself"
        return f"words, {'marked for a vector, ' if self.is_marked else ''}{together}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=300, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--together", type=int, nargs="+", default=[1, 10, 50], help="turns a flush")
    options = parser.parse_args()
    ways = [_Way(), *(_Way(turns, is_marked) for turns in options.together for is_marked in (False, True))]
    with tempfile.TemporaryDirectory() as folder:
        taken = asyncio.run(_measure(Path(folder), ways, options.turns, options.rounds))
    base = min(taken[ways[0]])
    rows = [[way.name(), f"{min(taken[way]):.2f}", f"{min(taken[way]) - base:.2f}"] for way in ways]
    print(table(["", "CPU ms a turn", "more"], rows))


async def _measure(folder: Path, ways: list[_Way], turns: int, rounds: int) -> dict[_Way, list[float]]:
    taken: dict[_Way, list[float]] = {way: [] for way in ways}
    async with open_store(folder) as database:
        talk = await database.write(lambda connection: add_conversation(connection, add_user(connection, "ann")))
        texts = [(say(_QUESTION), say(_ANSWER)) for _ in range(turns)]
        for number in range((rounds + 1) * len(ways)):
            way = ways[number % len(ways)]
            spent_ms = await _write(database, talk, texts, way)
            if number >= len(ways):  # the first round warms up
                taken[way].append(spent_ms / turns)
    return taken


async def _write(database: Database, talk: ConversationRow, texts: list[tuple[str, str]], way: _Way) -> float:
    marking.is_on = way.is_marked
    queue = IndexQueue(database)
    begun = time.process_time()
    for number, said in enumerate(texts, 1):
        for role, text in zip(("user", "assistant"), said, strict=True):
            await _say(database, talk, role, text, queue if way.turns else None)
        if way.turns and (number % way.turns == 0 or number == len(texts)):
            await queue.settle(talk.owner_id)
    return (time.process_time() - begun) * 1000


async def _say(database: Database, talk: ConversationRow, role: str, text: str, queue: IndexQueue | None) -> None:
    parts: list[Part] = [TextPart(text)]
    message = await database.write(lambda connection: add_message(connection, talk, None, role, parts))
    if queue is not None:
        queue.put(NewEntry(message, talk.owner_id, talk.id, role, "", now_ms(), parts))


if __name__ == "__main__":
    main()
