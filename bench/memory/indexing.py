"""`python bench/memory/indexing.py`: the CPU time that a turn spends because what is said in it can be recalled later.

A question of 30 words and an answer of 200 are written as a turn writes them, two transactions, on SQLite: without any
index, with the index of words, and with the mark that a vector is to be made of each. The ways take turns, with the
same texts; what is measured is the least of all rounds, of a process that has met the words before.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.unit.store.stored import add_conversation, add_message, add_user, open_store  # noqa: E402

from bench.filling import say  # noqa: E402
from bench.tables import table  # noqa: E402
from quarterdeck.domain.ids import now_ms  # noqa: E402
from quarterdeck.domain.parts import Part, TextPart  # noqa: E402
from quarterdeck.store.conversations import ConversationRow  # noqa: E402
from quarterdeck.store.database import Database, WriteConnection  # noqa: E402
from quarterdeck.store.search import NewEntry, index_said, words_of  # noqa: E402
from quarterdeck.store.vectors import marking  # noqa: E402

_WAYS = ("no index", "words", "words, marked for a vector")
_QUESTION, _ANSWER = 30, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=300, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taken = asyncio.run(_measure(Path(folder), options.turns, options.rounds))
    base = min(taken[_WAYS[0]])
    rows = [[way, f"{min(taken[way]):.2f}", f"{min(taken[way]) - base:.2f}"] for way in _WAYS]
    print(table(["", "CPU ms a turn", "more"], rows))


async def _measure(folder: Path, turns: int, rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {way: [] for way in _WAYS}
    async with open_store(folder) as database:
        talk = await database.write(lambda connection: add_conversation(connection, add_user(connection, "ann")))
        texts = [(say(_QUESTION), say(_ANSWER)) for _ in range(turns)]
        for number in range((rounds + 1) * len(_WAYS)):
            way = _WAYS[number % len(_WAYS)]
            spent_ms = await _write(database, talk, texts, way)
            if number >= len(_WAYS):  # the first round warms up
                taken[way].append(spent_ms / turns)
    return taken


async def _write(database: Database, talk: ConversationRow, texts: list[tuple[str, str]], way: str) -> float:
    marking.is_on = way == _WAYS[2]
    begun = time.process_time()
    for question, answer in texts:
        for role, text in (("user", question), ("assistant", answer)):
            await database.write(lambda connection, role=role, text=text: _say(connection, talk, role, text, way))  # type: ignore[misc]
    return (time.process_time() - begun) * 1000


def _say(connection: WriteConnection, talk: ConversationRow, role: str, text: str, way: str) -> None:
    parts: list[Part] = [TextPart(text)]
    message = add_message(connection, talk, None, role, parts)
    if way != _WAYS[0]:
        entry = NewEntry(message, talk.owner_id, talk.id, role, "", now_ms(), parts, words_of(parts))
        index_said(connection, entry)


if __name__ == "__main__":
    main()
