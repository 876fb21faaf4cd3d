"""Memories that come from a file: in steps, with what superseded what, and with what is wrong with a line."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.unit.store.stored import add_user

from quarterdeck.errors import InputError
from quarterdeck.memory.portable import import_memories, read_lines
from quarterdeck.store.database import Database
from quarterdeck.store.memories import MemoryFilter, list_memories
from quarterdeck.store.tables import memories

MANY = 600
"""More than one transaction takes."""


def as_lines(*given: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in given)


async def test_others_write_while_many_are_imported(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    given, _ = read_lines(as_lines(*({"text": f"Lamp {number} is lit."} for number in range(MANY))))
    seen: list[int] = []

    async def count() -> int:
        return int(
            await database.read(lambda connection: connection.scalar(select(func.count()).select_from(memories)) or 0)
        )

    done = await import_memories(database, owner, given, tell=lambda some, total: seen.append(some))
    assert (done.imported, await count(), seen[-1]) == (MANY, MANY, MANY)
    assert len(seen) > 1, "one transaction for all keeps everybody else waiting until its end"
    again = await import_memories(database, owner, given)
    assert (again.imported, again.known, await count()) == (0, MANY, MANY)


@pytest.mark.parametrize("turned", [False, True])
async def test_what_was_superseded_is_so_wherever_in_the_file_its_successor_is(
    database: Database, turned: bool
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    chain = [
        {"id": "old", "text": "Ann lives in Porto.", "state": "superseded", "superseded_by": "older"},
        {"id": "older", "text": "Ann lives in Faro.", "state": "superseded", "superseded_by": "new"},
        {"id": "round", "text": "Ben lives in Oslo.", "state": "superseded", "superseded_by": "about"},
        {"id": "about", "text": "Ben lives in Bergen.", "state": "superseded", "superseded_by": "round"},
        *({"text": f"Lamp {number} is lit."} for number in range(MANY)),
        {"id": "new", "text": "Ann lives in Lisbon."},
    ]
    given, wrong = read_lines(as_lines(*(chain[::-1] if turned else chain)))
    assert (wrong, (await import_memories(database, owner, given)).imported) == ([], len(chain))
    every = MemoryFilter(owner=owner, state="all")
    rows = await database.read(lambda connection: list_memories(connection, every, limit=2 * MANY))
    by = {row.id: row.text for row in rows}
    closed = {row.text: by[row.superseded_by] for row in rows if row.superseded_by}
    assert closed["Ann lives in Porto."] == "Ann lives in Faro."
    assert closed["Ann lives in Faro."] == "Ann lives in Lisbon."
    held = Counter(row.superseded_at is None for row in rows)
    assert held == {True: MANY + 1, False: 4}


def test_a_line_that_is_not_taken_says_what_is_wrong_with_it() -> None:
    body = as_lines(
        {"text": "a b", "confidence": "high"}, {"text": "a b", "pinned": "yes"}, {"kind": "fact"}, {"text": 1}
    )
    _, skipped = read_lines(body + b'\n{"text": "a b"\n[]\n\xff\xfe')
    no_text = "This line is no JSON object with a text."
    assert [skip.reason for skip in skipped] == [
        "What this line has in `confidence` is not of the kind that belongs there.",
        "What this line has in `pinned` is not of the kind that belongs there.",
        *[no_text] * 5,
    ]


@pytest.mark.parametrize(
    "body", [b"\x89PNG\r\n\x1a\n\x00\x00", b"Dear diary,\n\ntoday it rained.", b'{"conversations": []}']
)
def test_a_file_of_another_kind_is_told_in_one_sentence(body: bytes) -> None:
    with pytest.raises(InputError, match="Nothing was imported"):
        read_lines(body)
    assert read_lines(b"\n\n") == ([], [])
