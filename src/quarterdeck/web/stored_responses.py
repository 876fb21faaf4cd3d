"""Responses that are kept: a turn with what its client asked for, and the message that it became."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from quarterdeck.domain.asked import decode_asked
from quarterdeck.domain.fold import Fold, FoldedTurn
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import NotFoundError, ParameterError
from quarterdeck.store.conversations import delete_conversation, find_conversation
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.messages import MessageRow, find_message
from quarterdeck.store.turns import TurnRow, find_turn, forget_asked
from quarterdeck.views.openai_items import items_of
from quarterdeck.views.openai_responses import ResponseIdentity, response_document
from quarterdeck.views.openai_responses_request import ID
from quarterdeck.web.house import House


class Stored(Struct, frozen=True):
    turn: TurnRow
    identity: ResponseIdentity
    answer: MessageRow | None


async def access_response(house: House, user: str, response: str, parameter: str = "") -> Stored:
    """By its id. Raises: `NotFoundError`; `ParameterError` where a `parameter` named it."""
    found = await house.database.read(lambda connection: _find(connection, user, response.removeprefix(ID)))
    if found is None and parameter:
        raise ParameterError(
            f"Previous response with id '{ID}{response[:60]}' not found.", parameter,
            reason="previous_response_not_found",
        )  # fmt: skip
    if found is None:
        raise NotFoundError("There is no such response.")
    return found


def _find(connection: AnyConnection, user: str, turn: str) -> Stored | None:
    row = find_turn(connection, user, turn)
    if row is None or row.asked is None or find_conversation(connection, user, row.conversation_id) is None:
        return None
    asked = decode_asked(row.asked)
    if not asked.told:  # wishes of a chat completion, which is kept in a conversation
        return None
    answer = find_message(connection, row.conversation_id, row.message_id)
    return Stored(row, ResponseIdentity(row.id, row.created_at, asked), answer)


async def read_document(house: House, stored: Stored) -> dict[str, Any]:
    """As it stands; of one that is being written, only that."""
    return response_document(stored.identity, _folded(stored), stored.turn.status)


async def read_input(house: House, stored: Stored) -> list[dict[str, Any]]:
    """The items that it was given; in a conversation that is its message, by the id that it has there."""
    if stored.identity.asked.is_alone:
        return stored.identity.asked.items
    turn = stored.turn
    row = await house.database.read(lambda connection: find_message(connection, turn.conversation_id, turn.request_id))
    return [] if row is None or row.deleted_at is not None else [item.document for item in items_of(row)]


def _folded(stored: Stored) -> FoldedTurn:
    empty, answer = Fold().turn(), stored.answer
    if answer is None or stored.turn.ended_at is None:
        return empty
    usage = answer.usage or Usage()
    most = stored.identity.asked.step.max_output_tokens
    return FoldedTurn(
        status="complete", parts=answer.parts, open=None, usage=usage, steps=1, attempts=1, step_ended=True,
        continuations=[], error=answer.error, started_at=stored.turn.created_at, ended_at=stored.turn.ended_at,
        finish="length" if most is not None and usage.output_tokens >= most else "stop",
    )  # fmt: skip


async def forget_response(house: House, stored: Stored) -> None:
    """With its conversation, where it is in one of its own."""

    def forget(connection: WriteConnection) -> None:
        forget_asked(connection, stored.turn.id)
        if stored.identity.asked.is_alone:
            delete_conversation(connection, stored.turn.conversation_id)

    await house.database.write(forget)


def input_page(items: list[dict[str, Any]], *, limit: int, is_newest_first: bool, after: str | None) -> dict[str, Any]:
    """In OpenAI's shape for lists."""
    ordered = items[::-1] if is_newest_first else items
    ids = [item["id"] for item in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    page = ordered[start : start + limit]
    first, last = (page[0]["id"], page[-1]["id"]) if page else ("", "")
    return {
        "object": "list", "data": page, "first_id": first, "last_id": last, "has_more": start + limit < len(ordered),
    }  # fmt: skip
