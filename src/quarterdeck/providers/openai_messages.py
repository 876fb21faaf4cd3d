"""Our messages in OpenAI's shape."""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import PromptMessage


def write_messages(messages: list[PromptMessage]) -> list[dict[str, Any]]:
    """Messages with nothing to say to a model (only reasoning, or empty) are left out, but not a question at the end:
    an API client may ask nothing, and is answered.
    """
    written: list[dict[str, Any]] = []
    for message in messages:
        parts = message.parts
        if message.role == "tool":
            written += [_write_result(part) for part in parts if isinstance(part, ToolResultPart)]
        elif len(parts) == 1 and type(parts[0]) is TextPart:  # as most are
            written += [{"role": message.role, "content": parts[0].text}] if parts[0].text else []
        elif message.role == "assistant":
            written += _write_assistant(parts)
        else:
            written += _write_prompt(message)
    if messages and messages[-1].role == "user" and not _write_prompt(messages[-1]):
        written.append({"role": "user", "content": ""})
    return written


def text_of(parts: list[Part]) -> str:
    """Text and ideas as the model wrote them; ideas in the tagged format."""
    return "".join(
        part.text if isinstance(part, TextPart) else f"idea: {msgspec.json.encode(part.text).decode()}\n"
        for part in parts
        if isinstance(part, (TextPart, IdeaPart))
    )


def _write_prompt(message: PromptMessage) -> list[dict[str, Any]]:
    if not any(isinstance(part, ImagePart) for part in message.parts):
        text = text_of(message.parts)
        return [{"role": message.role, "content": text}] if text else []
    pieces: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, ImagePart):
            address = f"data:{part.media_type};base64,{part.data}"
            pieces.append({"type": "image_url", "image_url": {"url": address}})
        elif isinstance(part, TextPart) and part.text:
            pieces.append({"type": "text", "text": part.text})
    return [{"role": message.role, "content": pieces}]


def _write_assistant(parts: list[Part]) -> list[dict[str, Any]]:
    text = text_of(parts)
    calls = [
        {"id": part.call, "type": "function", "function": {"name": part.name, "arguments": part.arguments or "{}"}}
        for part in parts
        if isinstance(part, ToolCallPart)
    ]
    written: dict[str, Any] = {"role": "assistant"}
    if text:
        written["content"] = text
    if calls:
        written["tool_calls"] = calls
    return [written] if text or calls else []


def _write_result(part: ToolResultPart) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": part.call, "content": part.text}
