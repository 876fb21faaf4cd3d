"""Exports as vendors write them, built strictly in their shapes: one function for each thing that an export has."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

# One dot, 1 by 1.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def chatgpt_node(
    name: str, parent: str | None, role: str = "", text: str = "", *, at: float | None = None, **message: Any
) -> dict[str, Any]:
    """`message`: what differs from a plain finished text. Without a role it is a node without a message."""
    if not role:
        return {"id": name, "message": None, "parent": parent, "children": []}
    plain: dict[str, Any] = {
        "id": name,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully",
        "end_turn": True if role == "assistant" else None,
        "weight": 1.0,
        "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {},
        "recipient": "all",
        "channel": None,
    }
    return {"id": name, "message": plain | message, "parent": parent, "children": []}


def chatgpt_conversation(name: str, title: str | None, nodes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    mapping = {node["id"]: node for node in nodes}
    for node in nodes:
        if node["parent"] in mapping:
            mapping[node["parent"]]["children"].append(node["id"])
    return {
        "title": title,
        "create_time": 1_700_000_000.5,
        "update_time": 1_700_000_900.25,
        "mapping": mapping,
        "moderation_results": [],
        "current_node": nodes[-1]["id"] if nodes else None,
        "conversation_id": name,
        "default_model_slug": "gpt-5",
        "is_archived": False,
        "is_starred": None,
        "id": name,
    } | more


def chatgpt_chat(name: str, pairs: int, title: str = "A chat") -> dict[str, Any]:
    """A root, a hidden system message, and `pairs` questions with their answers."""
    hidden = {"is_visually_hidden_from_conversation": True}
    nodes = [chatgpt_node(f"{name}-root", None), chatgpt_node(f"{name}-s", f"{name}-root", "system", metadata=hidden)]
    before = f"{name}-s"
    for number in range(pairs):
        at = 1_700_000_001.0 + 10 * number
        nodes.append(chatgpt_node(f"{name}-q{number}", before, "user", f"Question {number} of {name}", at=at))
        nodes.append(chatgpt_node(f"{name}-a{number}", f"{name}-q{number}", "assistant", f"Answer {number}", at=at + 5))
        before = f"{name}-a{number}"
    return chatgpt_conversation(name, title, nodes)


def claude_message(name: str, parent: str | None, sender: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "uuid": name,
        "text": text,
        "content": [{"type": "text", "text": text, "citations": []}],
        "sender": sender,
        "created_at": "2025-03-01T10:00:00.123456Z",
        "updated_at": "2025-03-01T10:00:00.123456Z",
        "attachments": [],
        "files": [],
        "parent_message_uuid": parent or "00000000-0000-4000-8000-000000000000",
    } | more


def claude_conversation(name: str, title: str, messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "uuid": name,
        "name": title,
        "summary": "",
        "created_at": "2025-03-01T10:00:00.123456Z",
        "updated_at": "2025-03-01T11:00:00.123456Z",
        "account": {"uuid": "someone"},
        "chat_messages": messages,
    } | more


def openwebui_message(name: str, parent: str | None, role: str, content: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": name, "parentId": parent, "childrenIds": [], "role": role, "content": content}
    return plain | {"timestamp": 1_740_000_000} | more


def openwebui_chat(name: str, title: str, messages: list[dict[str, Any]], current: str, **more: Any) -> dict[str, Any]:
    history = {"messages": {message["id"]: message for message in messages}, "currentId": current}
    return {
        "id": name,
        "user_id": "someone",
        "title": title,
        "chat": {"title": title, "models": ["llama3"], "history": history, "messages": [], "tags": []},
        "created_at": 1_740_000_000,
        "updated_at": 1_740_000_500,
        "archived": False,
        "pinned": True,
        "meta": {},
    } | more


def librechat_message(name: str, parent: str | None, is_own: bool, text: str, **more: Any) -> dict[str, Any]:
    return {
        "messageId": name,
        "parentMessageId": parent or "00000000-0000-0000-0000-000000000000",
        "isCreatedByUser": is_own,
        "sender": "User" if is_own else "GPT",
        "text": text,
        "model": None if is_own else "gpt-4o",
        "createdAt": "2025-02-01T09:00:00.000Z",
        "error": False,
        "unfinished": False,
    } | more


def librechat_conversation(name: str, title: str, messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    about = {"conversationId": name, "endpoint": "openAI", "title": title, "exportAt": "09:00:00 GMT+0000"}
    return about | {"branches": True, "recursive": False, "messages": messages} | more


def as_zip(files: Mapping[str, Any]) -> bytes:
    """By name; what is neither bytes nor text is written as JSON."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, str | bytes) else json.dumps(content))
    return target.getvalue()
