"""Stored messages as `UIMessage`s of Vercel's AI SDK: what its stream adds up to."""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.citations import leave_out_everywhere
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.store.messages import MessageRow
from quarterdeck.views.ui_message_stream import read_arguments

UiPart = dict[str, Any]


def ui_message(row: MessageRow) -> dict[str, Any]:
    results = {part.call: part for part in row.parts if isinstance(part, ToolResultPart)}
    parts = [made for part in row.parts if (made := _part(row, part, results)) is not None]
    metadata: dict[str, Any] = {"conversation": row.conversation_id, "status": row.status}
    if row.turn_id is not None:
        metadata["turn"] = row.turn_id
    if row.model:
        metadata["model"] = row.model
    return {"id": row.id, "role": row.role, "parts": parts, "metadata": metadata}


def _part(row: MessageRow, part: Part, results: dict[str, ToolResultPart]) -> UiPart | None:
    match part:
        case TextPart(text=text):
            return {"type": "text", "text": _shown(row, text), "state": "done"}
        case ReasoningPart(text=text):
            return {"type": "reasoning", "text": text, "state": "done"}
        case IdeaPart(text=text):
            return {"type": "data-idea", "data": {"text": _shown(row, text)}}
        case ImagePart(media_type=media_type, data=data):
            return {"type": "file", "mediaType": media_type, "url": f"data:{media_type};base64,{data}"}
        case ToolCallPart():
            return _tool(part, results.get(part.call))
        case ToolResultPart():
            return None  # told with its call


def _shown(row: MessageRow, text: str) -> str:
    return leave_out_everywhere(text) if row.role == "assistant" else text


def _tool(part: ToolCallPart, result: ToolResultPart | None) -> UiPart:
    made: UiPart = {
        "type": "dynamic-tool",
        "toolName": part.name,
        "toolCallId": part.call,
        "input": read_arguments(part.arguments).input,
        "providerExecuted": True,
    }
    if result is None:
        return made | {"state": "input-available"}
    if result.is_error:
        return made | {"state": "output-error", "errorText": result.text}
    return made | {"state": "output-available", "output": result.text}


def encode_ui_messages(messages: list[dict[str, Any]]) -> bytes:
    return msgspec.json.encode(messages)
