"""A scripted year of small talk through the real store and the real gates: what of it is remembered, and what junk.

    python bench/memory/year.py [--people N] [--seed N] [--without-gates]

The model is a fake one (`year_model.py`), so this measures what the gates and the merging do with a mediocre model's
proposals, not the taste of any real model. The last line is `ok` when the figures of docs/memory.md are met.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from msgspec import Struct
from sqlalchemy import insert, update

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.memory.year_model import MediocreModel
from bench.memory.year_talk import Truth, Year, at_ms
from bench.tables import table
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.memory import extraction
from quarterdeck.memory.statements import Candidate
from quarterdeck.store.conversations import ConversationRow, insert_conversation
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.memories import MemoryRow, list_comparable
from quarterdeck.store.memory_sources import SourceRow, list_sources
from quarterdeck.store.messages import insert_message
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import messages, users

_WEEK = 7


class Figures(Struct):
    """Counts over all people. `noise`: current memories that say nothing true, or something true once more."""

    truths: int = 0
    kept: int = 0
    superseded: int = 0
    closed: int = 0
    current: int = 0
    noise: int = 0
    recalled: int = 0
    wrong_sources: int = 0


async def play(people: int, seed: int) -> tuple[Figures, dict[str, int]]:
    figures, proposed = Figures(), dict[str, int]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quarterdeck.sqlite3"
        migrate_sqlite(path)
        database = SqliteDatabase(path)
        try:
            for number in range(people):
                model = await _live(database, Year(seed + number), seed + number, figures)
                for what, count in model.counts.items():
                    proposed[what] = proposed.get(what, 0) + count
        finally:
            await database.close()
    return figures, proposed


async def _live(database: Database, year: Year, seed: int, figures: Figures) -> MediocreModel:
    model = MediocreModel(year.truths, seed)
    learner = extraction.Extraction(database, model, 1.0)
    user, conversation = await database.write(_begin)
    says: dict[str, tuple[int, ...]] = {}
    for week in range(0, year.said[-1].day + _WEEK, _WEEK):
        await database.write(lambda connection, week=week: _say(connection, conversation, year, week, says))  # type: ignore[misc]
        await learner.learn(user)

    def read(connection: ReadConnection) -> tuple[list[MemoryRow], dict[str, list[SourceRow]]]:
        rows = list_comparable(connection, user, 10_000)
        return rows, list_sources(connection, [row.id for row in rows])

    rows, sources = await database.read(read)
    _score(figures, year.truths, rows, sources, says, model.recalled)
    return model


def _begin(connection: WriteConnection) -> tuple[str, ConversationRow]:
    user = new_id()
    connection.execute(insert(users).values(id=user, name=user, role="member", created_at=now_ms()))
    conversation = insert_conversation(
        connection, owner=user, external_id="", title="A year", model="fake/model", assistant="", instructions="",
        temperature=None,
    )  # fmt: skip
    return user, conversation


def _say(
    connection: WriteConnection, conversation: ConversationRow, year: Year, week: int, says: dict[str, tuple[int, ...]]
) -> None:
    """The messages of one week; `says` notes what is true in each."""
    for number, said in enumerate(year.said):
        if week <= said.day < week + _WEEK:
            message = new_id()
            insert_message(
                connection, message=message, conversation=conversation.id, owner=conversation.owner_id, parent=None,
                role=said.role, status="complete", parts=[TextPart(said.text)], model="", turn="",
            )  # fmt: skip
            at = update(messages).where(messages.c.id == message)
            connection.execute(at.values(created_at=at_ms(said.day, number)))
            says[message] = said.truths


def _score(
    figures: Figures,
    truths: list[Truth],
    rows: list[MemoryRow],
    sources: dict[str, list[SourceRow]],
    says: dict[str, tuple[int, ...]],
    recalled: set[str],
) -> None:
    now = at_ms(400, 0)
    current = [row for row in rows if row.state(now) == "current"]
    told = {row.id: _truth_of(row.text, truths) for row in rows}
    held = [number for number, truth in enumerate(truths) if truth.until is None]
    over = [number for number, truth in enumerate(truths) if truth.until is not None]
    true_now = [told[row.id] for row in current]
    figures.truths += len(held)
    figures.kept += sum(number in true_now for number in held)
    figures.superseded += len(over)
    figures.closed += sum(number not in true_now for number in over)
    figures.current += len(current)
    figures.noise += len(current) - len({number for number in true_now if number in held})
    figures.recalled += sum(row.text in recalled for row in rows)
    for row in rows:
        number = told[row.id]
        figures.wrong_sources += sum(
            number is not None and number not in says[source.message_id] for source in sources[row.id]
        )


def _truth_of(text: str, truths: list[Truth]) -> int | None:
    for number, truth in enumerate(truths):
        if text in truth.statements:
            return number
    return None


def _open_the_gates() -> None:
    """What is proposed is kept, for comparison: whatever message is named is the source."""
    patch.multiple(
        extraction,
        find_quote=lambda proposed, heard: Candidate(proposed, heard, heard.own, ""),
        reject=lambda candidate: "",
    ).start()


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "none"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python bench/memory/year.py", description=__doc__)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-gates", action="store_true", help="for comparison: all that is proposed is kept")
    arguments = parser.parse_args()
    if arguments.without_gates:
        _open_the_gates()
    figures, proposed = asyncio.run(play(arguments.people, arguments.seed))
    told = ", ".join(f"{count} {what}" for what, count in sorted(proposed.items(), key=lambda item: -item[1]))
    print(f"{arguments.people} people, a year each. Proposed: {told}.\n")
    rows = [
        ["facts that hold and are remembered", _share(figures.kept, figures.truths), "≥ 95 %"],
        ["noise among what is current", _share(figures.noise, figures.current), "≤ 5 %"],
        ["facts that were superseded and are closed", _share(figures.closed, figures.superseded), "all"],
        ["memories derived from recalled text", str(figures.recalled), "0"],
        ["sources that do not say it", str(figures.wrong_sources), "0"],
    ]
    print(table(["", "measured", "wanted"], rows))
    is_met = (
        figures.kept >= 0.95 * figures.truths
        and figures.noise <= 0.05 * figures.current
        and figures.closed == figures.superseded
        and not figures.recalled
        and not figures.wrong_sources
    )
    print("\nok" if is_met else "\nnot met")
    sys.exit(0 if is_met else 1)


if __name__ == "__main__":
    main()
