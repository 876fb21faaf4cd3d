"""LibreChat's export of a conversation: `{conversationId, title, messages: […]}`, or `messagesTree` with `children`.

A message has `messageId`, `parentMessageId`, `isCreatedByUser`, and `text` or `content`, parts of `text`, `think`,
`tool_call`, `image_file`, `error`. Shapes as of 2024 to 2026; several conversations may stand in one list or one zip.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.parts import Part, ReasoningPart, TextPart
from quarterdeck.exchange.draft import DraftConversation, DraftMessage, FilePart, has_content
from quarterdeck.exchange.reading import at, id_in, list_in, text_in, time_in

_NO_PARENT = "00000000-0000-0000-0000-000000000000"


def fits(value: Any) -> bool:
    messages = at(value, "messagesTree") if at(value, "messagesTree") is not None else at(value, "messages")
    if isinstance(messages, dict):
        messages = [messages]
    return isinstance(messages, list) and (
        bool(id_in(value, "conversationId")) or any(id_in(message, "messageId") for message in messages)
    )


def read(value: dict[str, Any]) -> DraftConversation:
    draft = DraftConversation(
        source=f"librechat:{id_in(value, 'conversationId')}",
        title=text_in(value, "title"),
        messages=[],
        created_at=time_in(value, "createdAt"),
        updated_at=time_in(value, "updatedAt"),
        is_archived=value.get("isArchived") is True,
    )
    messages = value["messagesTree"] if value.get("messagesTree") is not None else value.get("messages")
    found = _flatten(messages if isinstance(messages, list) else [messages])
    has_parents = any(id_in(message, "parentMessageId") for message, _ in found)
    before: str | None = None
    for number, (message, above) in enumerate(found):
        if not isinstance(message, dict):
            draft.skip(f"message {number + 1}", "It is not an object.")
            continue
        read_one = _read_message(draft, number, message, above if above or has_parents else before)
        before = read_one.id
    if prompt := text_in(value, "options", "promptPrefix") or text_in(value, "options", "system"):
        draft.columns["instructions"] = prompt
    return draft


def _flatten(messages: list[Any]) -> list[tuple[Any, str | None]]:
    """All messages of a tree, with the id of the one that each stands below. Not recursive: they may be deep."""
    found: list[tuple[Any, str | None]] = []
    waiting: list[tuple[Any, str | None]] = [(message, None) for message in reversed(messages)]
    while waiting:
        message, above = waiting.pop()
        found.append((message, above))
        name = id_in(message, "messageId") or None
        waiting += [(child, name) for child in reversed(list_in(message, "children"))]
    return found


def _read_message(draft: DraftConversation, number: int, message: dict[str, Any], above: str | None) -> DraftMessage:
    name = id_in(message, "messageId") or f"#{number}"
    parent = id_in(message, "parentMessageId") or above or ""
    read_one = DraftMessage(id=name, parent=None if parent in ("", _NO_PARENT) else parent, role="", parts=[])
    draft.messages.append(read_one)
    parts = _read_content(draft, name, message)
    if not has_content(parts) and (text := text_in(message, "text")):
        parts = [TextPart(text)]
    parts += _read_files(message)
    if not has_content(parts):
        return read_one
    is_own = message.get("isCreatedByUser")
    read_one.role = (
        "user" if is_own is True or (is_own is None and text_in(message, "sender") == "User") else "assistant"
    )
    read_one.parts = parts
    read_one.model = text_in(message, "model") if read_one.role == "assistant" else ""
    read_one.created_at = time_in(message, "createdAt", "updatedAt")
    if message.get("error") is True:
        draft.change(f"message {name}", "It is the message of an error, kept as text.")
    elif message.get("unfinished") is True:
        draft.change(f"message {name}", "The answer was not finished.")
    return read_one


def _read_content(draft: DraftConversation, name: str, message: dict[str, Any]) -> list[Part | FilePart]:
    parts: list[Part | FilePart] = []
    for piece in list_in(message, "content"):
        kind = text_in(piece, "type")
        if kind in ("text", "error"):
            if text := _text_of(piece, kind) or _text_of(piece, "text"):
                is_next = bool(parts) and isinstance(parts[-1], TextPart)
                parts.append(TextPart(f"\n\n{text}" if is_next else text))
        elif kind == "think":
            if text := _text_of(piece, "think"):
                parts.append(ReasoningPart(text))
        elif kind == "tool_call":
            parts.append(ReasoningPart(_read_call(at(piece, "tool_call"))))
        elif kind == "image_file":
            called = text_in(piece, "image_file", "filename") or text_in(piece, "image_file", "filepath") or "picture"
            parts.append(FilePart(called, called))
        elif kind not in ("agent_update", "summary"):
            draft.skip(f"a part of message {name}", f"Its kind, “{kind or 'none'}”, is not known.")
    return parts


def _text_of(piece: Any, name: str) -> str:
    return text_in(piece, name) or text_in(piece, name, "value")


def _read_call(call: Any) -> str:
    tool = text_in(call, "name") or text_in(call, "function", "name") or text_in(call, "type") or "a tool"
    asked = at(call, "args") if at(call, "args") is not None else at(call, "function", "arguments")
    arguments = asked if isinstance(asked, str) else "" if asked is None else msgspec.json.encode(asked).decode()
    result = text_in(call, "output") or text_in(call, "function", "output")
    return f"Asked {tool}:\n{arguments}" + (f"\nIt returned:\n{result}" if result else "")


def _read_files(message: dict[str, Any]) -> list[Part | FilePart]:
    """LibreChat's files stay on its server; their names are what there is."""
    names = [text_in(file, "filename") or text_in(file, "name") for file in list_in(message, "files")]
    return [FilePart(name, name) for name in names if name]
