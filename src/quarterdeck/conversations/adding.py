"""Messages that a client adds to a conversation by itself: nobody is asked, and they are history for who is next."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.access import access_conversation
from quarterdeck.conversations.derived import follow_change
from quarterdeck.conversations.editing import rewrite_parts
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import Part, ToolCallPart, ToolResultPart, plain_text
from quarterdeck.domain.taint import join_taints
from quarterdeck.domain.titles import shorten
from quarterdeck.errors import ParameterError
from quarterdeck.store.conversations import ConversationRow, update_conversation
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.messages import MessageRow, find_message, insert_message, read_path, taint_message
from quarterdeck.store.tree import lead

_FAR = 50  # messages up from the end: so far away a call may be whose result comes


class Said(Struct, frozen=True):
    """One message; `tool`: results of calls that an earlier answer has made."""

    role: Literal["user", "assistant", "tool"]
    parts: list[Part]


class Added(Struct, frozen=True):
    """A message, and the first of its parts that is new."""

    message: MessageRow
    first: int


def add_messages(connection: WriteConnection, user: str, conversation: str, said: list[Said]) -> list[Added]:
    """At the end of the active path. Raises: `NotFoundError`; `ParameterError` for a result of no call."""
    lock_conversation(connection, access_conversation(connection, user, conversation).id)
    row = access_conversation(connection, user, conversation)
    tip = row.tip_id
    added: list[tuple[str, int]] = []
    for one in said:
        if one.role == "tool":
            added.append(_add_result(connection, row, tip, one.parts))
            continue
        made = new_id()
        insert_message(
            connection, message=made, conversation=row.id, owner=user, parent=tip, role=one.role, status="complete",
            parts=one.parts, model="", turn="", taint=_taint_of(one.parts),
        )  # fmt: skip
        lead(connection, row.id, tip, made)
        tip = made
        added.append((made, 0))
    first = next((plain_text(one.parts) for one in said if one.role == "user"), "")
    named: dict[str, object] = {} if row.title or row.title_from != "words" else {"title": shorten(first)}
    update_conversation(connection, row.id, {"tip_id": tip, "updated_at": now_ms(), **named})
    follow_change(connection, user, list(dict.fromkeys(message for message, _ in added)))
    return [Added(found, at) for message, at in added if (found := find_message(connection, row.id, message))]


def _add_result(
    connection: WriteConnection, conversation: ConversationRow, tip: str | None, results: list[Part]
) -> tuple[str, int]:
    """Into the answer that made the call: a call and its result are told together."""
    path = [] if tip is None else read_path(connection, conversation.id, tip, _FAR)
    for result in results:
        for row in path:
            if isinstance(result, ToolResultPart) and _waits_for(row, result.call):
                rewrite_parts(connection, conversation.owner_id, row.id, [*row.parts, result])
                taint_message(connection, row.id, join_taints((row.taint, result.taint)))
                return row.id, len(row.parts)
    raise ParameterError("There is no call in this conversation that this is the result of.", "items")


def _waits_for(row: MessageRow, call: str) -> bool:
    has_called = any(isinstance(part, ToolCallPart) and part.call == call for part in row.parts)
    return has_called and not any(isinstance(part, ToolResultPart) and part.call == call for part in row.parts)


def _taint_of(parts: list[Part]) -> str:
    return join_taints(part.taint for part in parts if isinstance(part, ToolResultPart))
