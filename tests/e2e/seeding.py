"""Conversations that were held in the past, put into a server's store."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import insert, select, update

from quarterdeck.app.data import open_database
from quarterdeck.config import Settings
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import Continuation, IdeaPart, Part, TextPart, encode_parts
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import conversations, ideas, memories, memory_uses, memory_versions, messages, users

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Said(Struct, frozen=True):
    """One message; `at_ms` since 1970, `took_ms` until an answer was complete."""

    role: str
    text: str
    at_ms: int
    ideas: tuple[str, ...] = ()
    model: str = ""
    output_tokens: int = 0
    took_ms: int = 4000
    continued_after: int = 0  # characters of the text; 0 when no restart interrupted it


def seed_conversation(data_dir: Path, title: str, said: list[Said], assistant: str = "") -> str:
    """Store the messages, oldest first, in a new conversation of the owner; its id."""

    async def write() -> str:
        database = await open_database(Settings(data_dir=data_dir))
        try:
            return await database.write(lambda connection: _insert(connection, title, said, assistant))
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as elsewhere:  # the browser's driver has a running loop in this thread
        return elsewhere.submit(asyncio.run, write()).result()


def seed_learned(data_dir: Path, uses: list[tuple[str, str, dict[str, float]]]) -> None:
    """Say of all memories that a model has learned them from what was said.

    `uses`: of some, that they were recalled, by these signals, for the last answer of a conversation.
    """

    async def write() -> None:
        database = await open_database(Settings(data_dir=data_dir))
        try:
            await database.write(lambda connection: _insert_uses(connection, uses))
            await database.write(_say_they_were_learned)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, write()).result()


def _say_they_were_learned(connection: WriteConnection) -> None:
    connection.execute(update(memories).values(origin="derived", taint=""))
    connection.execute(update(memory_versions).where(memory_versions.c.change == "made").values(actor="model"))


def _insert_uses(connection: WriteConnection, uses: list[tuple[str, str, dict[str, float]]]) -> None:
    for memory, conversation, signals in uses:
        answer = connection.execute(
            select(messages)
            .where(messages.c.conversation_id == conversation, messages.c.role == "assistant")
            .order_by(messages.c.id.desc())
            .limit(1)
        ).one()
        connection.execute(
            insert(memory_uses).values(
                owner_id=answer.owner_id,
                memory_id=memory,
                turn_id=answer.turn_id,
                conversation_id=conversation,
                message_id=answer.id,
                signals=msgspec.json.encode(signals).decode(),
                created_at=answer.created_at,
            )
        )


def _insert(connection: WriteConnection, title: str, said: list[Said], assistant: str) -> str:
    owner = connection.execute(select(users.c.id).where(users.c.role == "owner")).scalar_one()
    conversation, ids = id_at(said[0].at_ms), [id_at(message.at_ms) for message in said]
    connection.execute(
        insert(conversations).values(
            id=conversation,
            owner_id=owner,
            external_id=conversation,
            title=title,
            model=next((message.model for message in reversed(said) if message.model), ""),
            assistant=assistant,
            instructions="",
            tip_id=ids[-1],
            created_at=said[0].at_ms,
            updated_at=said[-1].at_ms,
        )
    )
    rows = [
        _row(message, ids[at], ids[at - 1] if at else None) | {"conversation_id": conversation, "owner_id": owner}
        for at, message in enumerate(said)
    ]
    connection.execute(insert(messages), rows)
    for at, message in enumerate(said):
        for order, text in enumerate(message.ideas):
            connection.execute(
                insert(ideas).values(
                    id=id_at(message.at_ms + order),
                    owner_id=owner,
                    conversation_id=conversation,
                    message_id=ids[at],
                    text=text,
                    created_at=message.at_ms + order,
                )
            )
    return conversation


def _row(message: Said, own_id: str, parent: str | None) -> dict[str, object]:
    parts: list[Part] = [IdeaPart(idea) for idea in message.ideas]
    is_answer = message.role == "assistant"
    went_on = [Continuation(len(message.ideas), message.continued_after, message.at_ms + message.took_ms // 2)]
    usage = f'{{"input_tokens":900,"output_tokens":{message.output_tokens}}}' if message.output_tokens else None
    return {
        "id": own_id,
        "parent_id": parent,
        "role": message.role,
        "status": "complete",
        "parts": encode_parts([*parts, TextPart(message.text)]),
        "model": message.model,
        "turn_id": new_id(),
        "usage": usage,
        "continuations": msgspec.json.encode(went_on).decode() if message.continued_after else None,
        "first_token_ms": 420 if is_answer else None,
        "created_at": message.at_ms,
        "ended_at": message.at_ms + (message.took_ms if is_answer else 0),
    }


def id_at(at_ms: int) -> str:
    """As `domain.ids.new_id`, at another time."""
    number = (at_ms << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
