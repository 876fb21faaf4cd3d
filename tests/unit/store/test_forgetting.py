"""What was deleted a month ago stands nowhere any more: not in what was made of it, not in the bytes of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update
from tests.unit.store.stored import add_conversation, add_message, add_path, add_turn, add_user, open_store

from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.conversations.editing import edit_message
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.store.context_texts import digest_of, keep_text
from quarterdeck.store.conversations import KEEP_DELETED_MS, delete_conversation, restore_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.private import KEEP_PRIVATE_MS, remove_private
from quarterdeck.store.purge import purge
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import (
    context_texts,
    conversations,
    deletions,
    forgotten_sources,
    ideas,
    messages,
    summaries,
    summary_sources,
    turn_steps,
)

SECRET = "quokkamarsupial"
NUMBERS = 300  # messages around it: more than a page, and more than one segment of the index


def say_everywhere(connection: WriteConnection) -> tuple[str, str, str]:
    """A message with the secret, and all that is made of it; whose it is, the conversation and the message."""
    user = add_user(connection, "ann")
    talk = add_conversation(connection, user)
    path = add_path(connection, talk, [f"number {number}" for number in range(NUMBERS)])
    told = add_message(connection, talk, path[-1], "user", [TextPart(f"I say {SECRET} to you. " * 400)])
    index_messages(connection, [*path, told])
    edit_message(connection, user, told, version=1, text=f"I have said {SECRET}.")
    idea = {"id": new_id(), "owner_id": user, "conversation_id": talk.id, "message_id": told, "text": SECRET}
    connection.execute(insert(ideas).values(idea | {"created_at": 1}))
    _summarise(connection, user, talk.id, told)
    _recall(connection, user, told)
    return user, talk.id, told


def _summarise(connection: WriteConnection, user: str, conversation: str, message: str) -> None:
    summary = new_id()
    values = {
        "id": summary, "owner_id": user, "conversation_id": conversation, "level": 1, "first_id": message,
        "last_id": message, "message_count": 1, "text": f"They said {SECRET}.", "tokens": 1, "model": "",
        "created_at": 1,
    }  # fmt: skip
    connection.execute(insert(summaries).values(values))
    connection.execute(insert(summary_sources).values(summary_id=summary, source_id=message, version=1))


def _recall(connection: WriteConnection, user: str, message: str) -> None:
    """It was sent to a model in another conversation; beside it something that stays."""
    other = add_conversation(connection, user)
    turn = add_turn(connection, other, status="complete")
    said, stays = f"recalled: {SECRET}", "instructions that stay"
    for text in (said, stays):
        keep_text(connection, user, digest_of(text), text)
    entries: list[dict[str, Any]] = [
        {"kind": "instructions", "tokens": 1, "text": digest_of(stays)},
        {"kind": "recalled", "tokens": 1, "text": digest_of(said),
         "recalled": {"kind": "message", "id": message, "messages": [message]}},
    ]  # fmt: skip
    _add_step(connection, turn, entries)


def _add_step(connection: WriteConnection, turn: str, entries: list[dict[str, Any]]) -> None:
    manifest = msgspec.json.encode({"entries": entries}).decode()
    step = {"turn_id": turn, "step": 1, "attempt": 1, "model": "", "manifest": manifest, "started_at": 1}
    connection.execute(insert(turn_steps).values(step))


def age(connection: WriteConnection) -> None:
    """All that was deleted was deleted long ago."""
    long_ago = now_ms() - KEEP_DELETED_MS - 1
    connection.execute(update(deletions).values(created_at=long_ago))
    connection.execute(update(conversations).where(conversations.c.deleted_at.is_not(None)).values(deleted_at=long_ago))


async def purge_all(database: Database) -> None:
    await database.write(age)
    while await database.write(purge):
        pass
    await database.tidy()


async def texts(database: Database) -> list[str]:
    return await database.read(lambda connection: list(connection.execute(select(context_texts.c.text)).scalars()))


def count_in_files(folder: Path) -> int:
    return sum(file.read_bytes().count(SECRET.encode()) for file in folder.iterdir())


async def test_a_purged_message_is_in_no_table_and_the_rest_stands(database: Database) -> None:
    user, _, told = await database.write(say_everywhere)
    await database.write(lambda connection: delete_messages(connection, user, told, "one"))
    await purge_all(database)
    assert await texts(database) == ["instructions that stay"]
    left = await database.read(lambda connection: connection.execute(select(summaries.c.text)).scalars().all())
    assert left == [""]
    kept = await database.read(lambda connection: connection.execute(select(messages.c.parts)).scalars().all())
    assert len([parts for parts in kept if "number" in parts]) == NUMBERS


async def test_a_purged_conversation_leaves_nothing_but_its_name_not_to_come_back(database: Database) -> None:
    user, talk, _ = await database.write(say_everywhere)
    await database.write(lambda connection: delete_conversation(connection, talk))
    await database.write(age)
    assert not await database.write(lambda connection: restore_conversation(connection, user, talk))
    await purge_all(database)
    assert await texts(database) == ["instructions that stay"]
    assert not await database.read(lambda connection: connection.execute(select(messages.c.id)).all())
    found = await database.read(lambda connection: connection.execute(select(forgotten_sources.c.source)).scalars())
    assert list(found) == [f"quarterdeck:{talk}"]


async def test_what_was_cut_off_in_a_private_conversation_goes_with_it(database: Database) -> None:
    """An answer that was taken over was sent to the model once more, and stands nowhere else."""

    def say(connection: WriteConnection) -> None:
        user = add_user(connection, "ann")
        for memory, text in (("private", f"I know, {SECRET}"), ("", "what is said elsewhere")):
            talk = add_conversation(connection, user)
            said, stays = f"{text} is", f"instructions of a conversation, {memory or 'usual'}"
            for kept in (said, stays):
                keep_text(connection, user, digest_of(kept), kept)
            entries = [
                {"kind": "instructions", "tokens": 1, "text": digest_of(stays)},
                {"kind": "continuation", "tokens": 1, "text": digest_of(said)},
            ]
            _add_step(connection, add_turn(connection, talk, status="complete"), entries)
            long_ago = {"memory": memory, "updated_at": now_ms() - KEEP_PRIVATE_MS - 1}
            connection.execute(update(conversations).where(conversations.c.id == talk.id).values(long_ago))

    await database.write(say)
    assert await database.write(remove_private) == 1
    left = await texts(database)
    assert "what is said elsewhere is" in left
    assert not [text for text in left if SECRET in text]


@pytest.mark.parametrize("how", ["private", "deleted"])
async def test_instructions_of_a_conversation_go_with_the_last_that_has_them(database: Database, how: str) -> None:
    own, shared = f"You are {SECRET}.", "You are brief."

    def add(connection: WriteConnection, user: str, *instructions: str) -> str:
        talk = add_conversation(connection, user)
        for words in instructions:
            keep_text(connection, user, digest_of(words), words)
            turn = add_turn(connection, talk, status="complete", instructions=words)
            _add_step(connection, turn, [{"kind": "instructions", "tokens": 1, "text": digest_of(words)}])
        return talk.id

    def say(connection: WriteConnection) -> None:
        user = add_user(connection, "ann")
        gone = add(connection, user, own, shared, own)
        add(connection, user, shared)
        if how == "deleted":
            delete_conversation(connection, gone)
        else:
            over = {"memory": "private", "updated_at": now_ms() - KEEP_PRIVATE_MS - 1}
            connection.execute(update(conversations).where(conversations.c.id == gone).values(over))

    await database.write(say)
    assert sorted(await texts(database)) == [shared, own]
    await purge_all(database)
    await database.write(remove_private)
    assert await texts(database) == [shared]


async def test_the_bytes_of_a_purged_message_are_in_no_file(tmp_path: Path) -> None:
    async with open_store(tmp_path) as database:
        user, _, told = await database.write(say_everywhere)
        assert count_in_files(tmp_path) > 10  # it can be found so
        await database.write(lambda connection: delete_messages(connection, user, told, "one"))
        assert count_in_files(tmp_path) > 10
        await purge_all(database)
        assert count_in_files(tmp_path) == 0
