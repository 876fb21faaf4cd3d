"""Our messages in Anthropic's shape: content blocks, the system prompt apart, tool results from the user."""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import PromptMessage
from quarterdeck.providers.faults import MALFORMED
from quarterdeck.providers.openai_messages import text_of


def write_system(messages: list[PromptMessage]) -> str:
    """The system messages that lead, as one text."""
    texts = []
    for message in messages:
        if message.role != "system":
            break
        texts.append(text_of(message.parts))
    return "\n\n".join(text for text in texts if text)


def write_messages(messages: list[PromptMessage], prefill: bool) -> list[dict[str, Any]]:
    """All but the leading system messages; a later one is the user's, since it has its place in the order."""
    written: list[dict[str, Any]] = []
    leads = True
    for message in messages:
        leads = leads and message.role == "system"
        blocks = [] if leads else _write_blocks(message.parts)
        if not blocks:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if written and written[-1]["role"] == role:
            written[-1]["content"] += blocks
        else:
            written.append({"role": role, "content": blocks})
    if prefill:
        _strip_end(written)
    return written


def trailing_space(messages: list[PromptMessage]) -> str:
    """The white space at the end of a prefill, which the API does not take."""
    text = text_of(messages[-1].parts)
    return text[len(text.rstrip()) :]


def _strip_end(written: list[dict[str, Any]]) -> None:
    blocks = written[-1]["content"] if written and written[-1]["role"] == "assistant" else []
    while blocks and blocks[-1]["type"] == "text":
        blocks[-1]["text"] = blocks[-1]["text"].rstrip()
        if blocks[-1]["text"]:
            return
        blocks.pop()
    if not blocks and written and written[-1]["role"] == "assistant":
        written.pop()


def _write_blocks(parts: list[Part]) -> list[dict[str, Any]]:
    return [block for part in parts if (block := _write_block(part)) is not None]


def _write_block(part: Part) -> dict[str, Any] | None:
    match part:
        case TextPart() | IdeaPart():
            text = text_of([part])
            return {"type": "text", "text": text} if text.strip() else None
        case ImagePart(media_type=media_type, data=data):
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
        case ToolCallPart(call=call, name=name, arguments=arguments):
            return {"type": "tool_use", "id": call, "name": name, "input": read_arguments(arguments)}
        case ToolResultPart(call=call, text=text, is_error=is_error):
            return {"type": "tool_result", "tool_use_id": call, "content": text, "is_error": is_error}
    return None


def read_arguments(arguments: str) -> dict[str, Any]:
    """A tool call's arguments as an object; what the model wrote wrongly becomes an empty one."""
    try:
        content = msgspec.json.decode(arguments)
    except MALFORMED:
        return {}
    return content if isinstance(content, dict) else {}
