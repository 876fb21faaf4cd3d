"""Entries that recall has read before: it takes them for what they were, and they are, whatever changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart, encode_parts
from quarterdeck.memory import kept
from quarterdeck.memory.kept import Keeper
from quarterdeck.store import recall_candidates
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.recall_candidates import CandidateRow, KnownEntries, read_candidates
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import changed_messages, conversations, messages, search_entries

OAK, BED = ["The oak is old.", "Is the ash?", "Ash burns well."], ["The bed is oak.", "And the chair?"]


@pytest.fixture
async def ann(database: Database) -> str:
    def talk(connection: WriteConnection) -> str:
        owner = add_user(connection, "ann")
        for sentences in (OAK, BED):
            index_messages(connection, add_path(connection, add_conversation(connection, owner), sentences))
        return owner

    return await database.write(talk)


def candidates(
    connection: AnyConnection, owner: str, known: KnownEntries, *, words: bool = True
) -> Sequence[CandidateRow]:
    entries = list(connection.execute(select(search_entries.c.id)).scalars())
    return read_candidates(connection, owner, entries, entries if words else [], known)


def edit(connection: Connection) -> None:
    for sentence, becomes in (
        ("The oak is old.", "Is the oak old, the old oak?"),
        ("And the chair?", "Chairs are ash."),
    ):
        said, now = encode_parts([TextPart(sentence)]), encode_parts([TextPart(becomes)])
        message = connection.execute(select(messages.c.id).where(messages.c.parts == said)).scalar_one()
        connection.execute(update(messages).where(messages.c.id == message).values(parts=now))
        index_messages(connection, [message])


def delete(connection: Connection) -> None:
    """As of many, of which the index hears later."""
    rows = connection.execute(select(messages.c.id, messages.c.owner_id).order_by(messages.c.id)).all()
    gone = [{"message_id": row.id, "owner_id": row.owner_id} for row in rows[1:3]]
    connection.execute(insert(changed_messages), gone)
    connection.execute(update(messages).where(messages.c.id == rows[2].id).values(deleted_at=now_ms()))


def change_conversation(**values: object) -> Callable[[Connection], None]:
    def change(connection: Connection) -> None:
        first = connection.execute(select(conversations.c.id).order_by(conversations.c.id).limit(1)).scalar_one()
        connection.execute(update(conversations).where(conversations.c.id == first).values(**values))

    return change


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (edit, 5),
        (delete, 4),
        (change_conversation(memory="off"), 2),
        (change_conversation(deleted_at=1), 2),
    ],
    ids=["edited", "deleted", "off", "gone"],
)
async def test_what_is_known_is_what_is_read(
    database: Database, ann: str, change: Callable[[Connection], None], left: int
) -> None:
    known = KnownEntries()
    before = await database.read(lambda connection: candidates(connection, ann, known))
    await database.write(lambda connection: change(connection))
    after = await database.read(lambda connection: candidates(connection, ann, known))
    fresh = await database.read(lambda connection: candidates(connection, ann, KnownEntries()))
    assert after == fresh != before
    assert len(after) == left


async def test_what_is_known_is_not_read_again_but_for_words(
    database: Database, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownEntries()
    times: list[int] = []
    read = recall_candidates._read

    def count_and_read(*given: Any) -> Any:
        times.append(len(given[2]))
        return read(*given)

    monkeypatch.setattr(recall_candidates, "_read", count_and_read)
    for words in (False, False, True, True, False):
        found = await database.read(partial(candidates, owner=ann, known=known, words=words))
        assert len(found) == len(OAK) + len(BED)
    assert times == [5, 0, 5, 0, 0], "without words, and with them"


async def test_no_more_is_kept_than_there_is_room_for(
    database: Database, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall_candidates, "_MOST_KEPT", 4)
    known = KnownEntries()
    await database.read(lambda connection: candidates(connection, ann, known))
    assert len(known) == 5
    await database.read(lambda connection: candidates(connection, ann, known, words=False))
    row = CandidateRow(1, "m", "c", "user", frozenset(), 0, 1, False, "word " * 1_000)
    known.keep([row])
    assert len(known) == 6, "a long message takes more room, and the others have gone"
    assert known.take([1], [1]) == ([row], [])


async def test_they_are_not_kept_for_long(database: Database, ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, now = Keeper(), now_ms() // 600_000 * 600_000

    async def entries_at(at: int) -> object:
        monkeypatch.setattr(kept, "now_ms", lambda: at)
        keys = await database.read(lambda connection: keeper.read(connection, ann, frozenset()))
        return keys and keys.entries

    first = await entries_at(now)
    assert first is await entries_at(now + 599_999)
    assert first is not await entries_at(now + 600_000)
