"""What ranking needs of a message beside its words: how many these are, and whether they ask something.

It stands with the message's entry in the search index, so that of hundreds of candidates neither words nor messages are
read. An entry that was written before there was this, or by a process of an older version, has none: recall looks at
its message itself, until a job has brought it up to date.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select, update

from quarterdeck.domain.parts import Part, encode_parts
from quarterdeck.domain.stop_words import count_said
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.tables import messages, search_entries

LEFT_OUT, SAYS, ASKS = 0, 1, 2
"""Never a candidate; says something; ends with a question."""
QUOTES_ONLY = "builtin/"
"""Begins the names of models that only quote what was said."""
QUESTION_ENDS = ('?"}]', '？"}]')
"""Of the JSON of a message that ends with a question."""

_AT_ONCE = 250
_PAUSE_S = 0.02  # others want the database, too
_END = len(QUESTION_ENDS[0])


def standing_of(model: str, parts: Sequence[Part]) -> int:
    return _standing(model, encode_parts(list(parts[-1:]))[-_END:])


def _standing(model: str, end: str) -> int:
    if model.startswith(QUOTES_ONLY):
        return LEFT_OUT
    return ASKS if end in QUESTION_ENDS else SAYS


# Built once: building a statement costs more than running it. Who changes an entry meanwhile waits, or is left out.
_SOME = (
    select(
        search_entries.c.id, search_entries.c.words, messages.c.model,
        func.substr(messages.c.parts, func.length(messages.c.parts) - _END + 1).label("end"),
    )
    .join(messages, messages.c.id == search_entries.c.message_id)
    .where(search_entries.c.standing.is_(None))
    .limit(_AT_ONCE)
    .with_for_update(of=search_entries, skip_locked=True)
)  # fmt: skip
_SET = (
    update(search_entries)
    .where(search_entries.c.id == bindparam("entry"))
    .values(length=bindparam("counted"), standing=bindparam("found"))
)


async def bring_up_to_date(database: Database) -> None:
    """All entries that have no standing yet, some at a time. Broken off anywhere, it goes on with what is left."""
    done = await database.write(bring_some_up_to_date)
    while done:
        await asyncio.sleep(_PAUSE_S)
        done = await database.write(bring_some_up_to_date)


def bring_some_up_to_date(connection: WriteConnection) -> int:
    """How many."""
    values = [
        {"entry": row.id, "counted": count_said(row.words), "found": _standing(row.model, row.end)}
        for row in connection.execute(_SOME)
    ]
    if values:
        connection.execute(_SET, values)
    return len(values)
