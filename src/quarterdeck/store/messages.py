"""Messages: a tree by `parent_id`. The active path is read from its tip upwards, page by page."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, case, func, insert, literal, select, text, update

from quarterdeck.domain.events import TurnFault
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import Continuation, Part, decode_parts, encode_parts
from quarterdeck.domain.usage import Usage
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import conversations, messages


class MessageRow(Struct, frozen=True):
    id: str
    conversation_id: str
    parent_id: str | None
    role: str
    status: str
    parts: list[Part]
    model: str
    turn_id: str
    usage: Usage | None
    continuations: list[Continuation]
    error: TurnFault | None
    first_token_ms: int | None
    created_at: int
    ended_at: int | None
    active_child_id: str | None = None
    version: int = 1
    edited_at: int | None = None
    deleted_at: int | None = None
    context_mark: str = ""  # pinned | excluded
    owner_id: str = ""
    speaker: str = ""
    taint: str = ""  # what untrusted was read for it


class QuoteRow(Struct, frozen=True):
    """A message found in somebody's log, with where it stands."""

    message_id: str
    conversation_id: str
    title: str
    created_at: int
    parts: list[Part]


MAX_DEPTH = 1_000_000  # of a path; what is deeper is a ring, made by an import gone wrong

# Built once: building a statement costs more than running it.
_INSERT = Prepared(insert(messages))
_FINISH = Prepared(update(messages).where(messages.c.id == bindparam("message")))
_LEAD_TO = Prepared(
    update(messages).where(messages.c.id == bindparam("message")).values(active_child_id=bindparam("child"))
)


def _path_from(message: Any, conversation: Any, limit: Any) -> Any:
    """The messages from `message` upwards, at most `limit` of those that are not deleted, nearest first."""
    is_shown = case((messages.c.deleted_at.is_(None), 1), else_=0)
    seed = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"), is_shown.label("shown"))
        .where(messages.c.id == message, messages.c.conversation_id == conversation)
        .cte("path", recursive=True)
    )
    path = seed.union_all(
        select(messages.c.id, messages.c.parent_id, seed.c.depth + 1, seed.c.shown + is_shown)
        .join(seed, messages.c.id == seed.c.parent_id)
        .where(seed.c.shown < limit, seed.c.depth < MAX_DEPTH)
    )
    return (
        select(messages)
        .join(path, messages.c.id == path.c.id)
        .where(messages.c.deleted_at.is_(None))
        .order_by(path.c.depth)
    )


_PATH = _path_from(bindparam("message"), bindparam("conversation"), bindparam("limit"))


class NewMessage(Struct, frozen=True, kw_only=True):
    """`active_child`: where the path goes on from it; who puts a message below another calls `lead_to` for that one.

    `taint`: what of its text is untrusted, such as results of tools that a client has called.
    """

    message: str
    conversation: str
    owner: str
    parent: str | None
    role: str
    status: str
    parts: list[Part]
    model: str
    turn: str
    active_child: str | None = None
    taint: str = ""
    created_at: int = msgspec.field(default_factory=now_ms)


def insert_messages(connection: WriteConnection, new: list[NewMessage]) -> None:
    _INSERT.run_for_each(connection, [_values_of(message) for message in new])


def insert_message(
    connection: WriteConnection, *, message: str, conversation: str, owner: str, parent: str | None, role: str,
    status: str, parts: list[Part], model: str, turn: str, active_child: str | None = None, taint: str = "",
) -> None:  # fmt: skip
    """As `NewMessage` says."""
    new = NewMessage(
        message=message, conversation=conversation, owner=owner, parent=parent, role=role, status=status, parts=parts,
        model=model, turn=turn, active_child=active_child, taint=taint,
    )  # fmt: skip
    _INSERT.run(connection, _values_of(new))


def _values_of(new: NewMessage) -> dict[str, Any]:
    return {
        "id": new.message, "conversation_id": new.conversation, "owner_id": new.owner, "parent_id": new.parent,
        "role": new.role, "status": new.status, "parts": encode_parts(new.parts), "model": new.model,
        "turn_id": new.turn, "created_at": new.created_at, "active_child_id": new.active_child, "taint": new.taint,
    }  # fmt: skip


def taint_message(connection: WriteConnection, message: str, taint: str) -> None:
    """What of its text is untrusted by now."""
    connection.execute(update(messages).where(messages.c.id == message).values(taint=taint))


def copy_message(connection: WriteConnection, row: MessageRow, message: str, parts: list[Part]) -> None:
    """A message of its own beside `row`, by the same speaker, that says `parts`; no turn has made it."""
    insert_message(
        connection,
        message=message,
        conversation=row.conversation_id,
        owner=row.owner_id,
        parent=row.parent_id,
        role=row.role,
        status="complete",
        parts=parts,
        model=row.model,
        turn="",
        taint=row.taint,
    )


def lead_to(connection: WriteConnection, message: str, child: str | None) -> None:
    """The active path goes from `message` on to `child`, one of its children."""
    _LEAD_TO.run(connection, {"message": message, "child": child})


def find_message(connection: AnyConnection, conversation: str, message: str) -> MessageRow | None:
    row = connection.execute(
        select(messages).where(messages.c.id == message, messages.c.conversation_id == conversation)
    ).first()
    return None if row is None else message_row(row)


def find_owned_message(connection: AnyConnection, owner: str, message: str) -> MessageRow | None:
    row = connection.execute(select(messages).where(messages.c.id == message, messages.c.owner_id == owner)).first()
    return None if row is None else message_row(row)


def list_owned_messages(connection: AnyConnection, owner: str, limit: int) -> list[MessageRow]:
    """The last ones of all their conversations, the oldest first."""
    rows = connection.execute(
        select(messages)
        .where(messages.c.owner_id == owner, messages.c.deleted_at.is_(None))
        .order_by(messages.c.id.desc())
        .limit(limit)
    )
    return [message_row(row) for row in rows][::-1]


def read_path(connection: AnyConnection, conversation: str, from_message: str, limit: int) -> list[MessageRow]:
    """`from_message` and its ancestors, newest first, without deleted ones, at most `limit`.

    The cost is that of `limit` and of the deleted ones passed by.
    """
    rows = connection.execute(_PATH, {"message": from_message, "conversation": conversation, "limit": limit})
    return [message_row(row) for row in rows]


def finish_message(
    connection: WriteConnection, message: str, *, status: str, parts: list[Part], usage: Usage | None,
    continuations: list[Continuation], error: TurnFault | None, first_token_ms: int | None, ended_at: int, model: str,
    taint: str = "",
) -> None:  # fmt: skip
    _FINISH.run(
        connection,
        {
            "message": message,
            "status": status,
            "parts": encode_parts(parts),
            "model": model,
            "usage": _json(usage),
            "continuations": _json(continuations) if continuations else None,
            "error": _json(error),
            "first_token_ms": first_token_ms,
            "ended_at": ended_at,
            "taint": taint,
        },
    )


def search_log(
    connection: AnyConnection, owner: str, words: list[str], *, skip_conversation: str, limit: int, among: int
) -> list[QuoteRow]:
    """The owner's own sentences with the most of `words`, among the last `among` messages.

    Plain substring search; full-text search over everything belongs to the conversations' own search.
    """
    recent = (
        select(messages.c.id, messages.c.conversation_id, messages.c.created_at, messages.c.parts)
        .where(messages.c.owner_id == owner, messages.c.role == "user", messages.c.deleted_at.is_(None))
        .order_by(messages.c.id.desc())
        .limit(among)
        .subquery()
    )
    said = func.replace(func.replace(recent.c.parts, '"kind":"text"', ""), '"text":', "")  # not the JSON's own words
    score: Any = literal(0)
    for word in words:
        score = score + said.icontains(word, autoescape=True).cast(messages.c.first_token_ms.type)
    rows = connection.execute(
        select(recent, conversations.c.title, score.label("score"))
        .join(conversations, conversations.c.id == recent.c.conversation_id)
        .where(
            score > 0,
            conversations.c.deleted_at.is_(None),
            conversations.c.id != skip_conversation,
            conversations.c.memory != "private",
        )
        .order_by(text("score DESC"), recent.c.id.desc())
        .limit(limit)
    )
    return [QuoteRow(row.id, row.conversation_id, row.title, row.created_at, decode_parts(row.parts)) for row in rows]


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def message_row(row: Any) -> MessageRow:
    return MessageRow(
        id=row.id,
        conversation_id=row.conversation_id,
        parent_id=row.parent_id,
        role=row.role,
        status=row.status,
        parts=decode_parts(row.parts),
        model=row.model,
        turn_id=row.turn_id,
        usage=None if row.usage is None else msgspec.json.decode(row.usage, type=Usage),
        continuations=[]
        if row.continuations is None
        else msgspec.json.decode(row.continuations, type=list[Continuation]),
        error=None if row.error is None else msgspec.json.decode(row.error, type=TurnFault),
        first_token_ms=row.first_token_ms,
        created_at=row.created_at,
        ended_at=row.ended_at,
        active_child_id=row.active_child_id,
        version=row.version,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        context_mark=row.context_mark,
        owner_id=row.owner_id,
        speaker=row.speaker,
        taint=row.taint,
    )
