"""Claude's export: `conversations.json`, a list of conversations with `chat_messages`; `projects.json`, `users.json`.

A message has `content`, blocks of `text`, `thinking`, `tool_use`, `tool_result`, and the same once more, flat, in
`text`. Its parent is `parent_message_uuid`; in older exports messages follow one another. Shapes of 2024 to 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.parts import ImagePart, Part, ReasoningPart, TextPart
from quarterdeck.exchange.draft import DraftConversation, DraftMessage, FilePart, has_content
from quarterdeck.exchange.reading import at, id_in, list_in, text_in, time_in

_NO_PARENT = "00000000-0000-4000-8000-000000000000"
_MAX_STEP_CHARS = 100_000


def fits(value: Any) -> bool:
    return isinstance(at(value, "chat_messages"), list)


def read(value: dict[str, Any]) -> DraftConversation:
    draft = DraftConversation(
        source=f"claude:{id_in(value, 'uuid', 'id')}",
        title=text_in(value, "name"),
        messages=[],
        current=id_in(value, "current_leaf_message_uuid") or None,
        created_at=time_in(value, "created_at"),
        updated_at=time_in(value, "updated_at"),
        is_pinned=value.get("is_starred") is True,
        folder=text_in(value, "project", "name"),
    )
    messages = list_in(value, "chat_messages")
    is_tree = any(id_in(message, "parent_message_uuid") for message in messages)
    before: str | None = None
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            draft.skip(f"message {number + 1}", "It is not an object.")
            continue
        read_one = _read_message(draft, number, message, text_in(value, "model"))
        if not is_tree:
            read_one.parent = before
        before = read_one.id
        draft.messages.append(read_one)
    return draft


def _read_message(draft: DraftConversation, number: int, message: dict[str, Any], model: str) -> DraftMessage:
    name = id_in(message, "uuid", "id") or f"#{number}"
    parent = id_in(message, "parent_message_uuid")
    read_one = DraftMessage(id=name, parent=None if parent in ("", _NO_PARENT) else parent, role="", parts=[])
    parts = _read_blocks(draft, name, message)
    if not has_content(parts) and (text := text_in(message, "text")):
        parts = [TextPart(text)]
    parts += _read_files(draft, name, message)
    sender = text_in(message, "sender") or text_in(message, "role")
    if not has_content(parts):
        return read_one
    if sender not in ("human", "user", "assistant"):
        draft.skip(f"message {name}", f"Nobody in this conversation is called {sender or 'nothing'}.")
        return read_one
    read_one.role = "assistant" if sender == "assistant" else "user"
    read_one.parts = parts
    read_one.model = (text_in(message, "model") or model) if read_one.role == "assistant" else ""
    read_one.created_at = time_in(message, "created_at")
    return read_one


def _read_blocks(draft: DraftConversation, name: str, message: dict[str, Any]) -> list[Part | FilePart]:
    parts: list[Part | FilePart] = []
    for block in list_in(message, "content"):
        kind = text_in(block, "type")
        if kind in ("text", "voice_note"):
            if text := text_in(block, "text"):
                is_next = bool(parts) and isinstance(parts[-1], TextPart)
                parts.append(TextPart(f"\n\n{text}" if is_next else text))
        elif kind == "thinking":
            if text := text_in(block, "thinking"):
                parts.append(ReasoningPart(text))
        elif kind == "tool_use":
            asked = msgspec.json.encode(at(block, "input")).decode() if at(block, "input") is not None else ""
            parts.append(ReasoningPart(f"Asked {text_in(block, 'name') or 'a tool'}:\n{asked[:_MAX_STEP_CHARS]}"))
        elif kind == "tool_result":
            parts += _read_result(block)
        elif kind == "image":
            parts += _read_image(draft, name, block)
        elif kind not in ("token_budget", "flag"):
            draft.skip(f"a part of message {name}", f"Its kind, “{kind or 'none'}”, is not known.")
    return parts


def _read_result(block: Any) -> list[Part | FilePart]:
    content = at(block, "content")
    if isinstance(content, list):
        text = "\n".join(filter(None, (text_in(piece, "text") or text_in(piece, "title") for piece in content)))
    else:
        text = text_in(block, "content")
    begins = f"{text_in(block, 'name') or 'The tool'} {'failed' if at(block, 'is_error') is True else 'returned'}:"
    return [ReasoningPart(f"{begins}\n{text[:_MAX_STEP_CHARS]}")] if text else []


def _read_image(draft: DraftConversation, name: str, block: Any) -> list[Part | FilePart]:
    data, media_type = text_in(block, "source", "data"), text_in(block, "source", "media_type")
    if data and media_type.startswith("image/"):
        return [ImagePart(media_type, data)]
    draft.skip(f"a picture of message {name}", "It is not in the export.")
    return []


def _read_files(draft: DraftConversation, name: str, message: dict[str, Any]) -> list[Part | FilePart]:
    """Claude's export has the text of attachments, and of other files nothing but their names."""
    parts: list[Part | FilePart] = []
    for attachment in list_in(message, "attachments"):
        called = text_in(attachment, "file_name") or "pasted text"
        text = text_in(attachment, "extracted_content")
        parts.append(TextPart(f"\n\n[{called}]" + (f"\n\n{text}" if text else "")))
        if not text:
            draft.skip(f"the file {called} of message {name}", "Only its name is in the export.")
    named = {text_in(attachment, "file_name") for attachment in list_in(message, "attachments")}
    for file in list_in(message, "files") + list_in(message, "files_v2"):
        called = text_in(file, "file_name") or id_in(file, "file_uuid")
        if called and called not in named:
            named.add(called)
            parts.append(FilePart(called, called))
    return parts
