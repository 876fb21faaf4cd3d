"""What was said as OpenAI's items: messages, thoughts, calls and what came of them.

The same thing has the same id wherever it is told: in the output of a response and in the items of its conversation.
"""

from __future__ import annotations

import hashlib
from typing import Any

from msgspec import Struct

from quarterdeck.domain.citations import leave_out_everywhere
from quarterdeck.domain.parts import ImagePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.store.messages import MessageRow

PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco"}
_UNDER_WAY = ("queued", "running")


class Item(Struct, frozen=True):
    """`parts`: the places in its message of what it tells."""

    id: str
    parts: list[int]
    document: dict[str, Any]


def item_id(base: str, place: int | str, kind: str) -> str:
    """`base`: the turn that made it, or its message where no turn did."""
    return f"{PREFIXES[kind]}_{base}_{place}"


def base_of(item: str) -> str:
    """The turn or message that an item's id names; empty for what is no id of ours."""
    prefix, _, rest = item.partition("_")
    return rest.partition("_")[0] if prefix in PREFIXES.values() else ""


def output_item(identifier: str, kind: str, part: Part, status: str) -> dict[str, Any]:
    """A part of an answer."""
    item: dict[str, Any] = {"id": identifier, "type": kind, "status": status}
    if isinstance(part, ToolCallPart):
        return item | {"call_id": part.call, "name": part.name, "arguments": part.arguments}
    if isinstance(part, ToolResultPart):
        return item | {"call_id": part.call, "output": part.text}
    text = part.text if isinstance(part, TextPart | ReasoningPart) else ""
    if kind == "reasoning":
        return item | {"summary": [], "content": [{"type": "reasoning_text", "text": text}]}
    return item | {"role": "assistant", "content": [text_content(text)]}


def text_content(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def items_of(row: MessageRow) -> list[Item]:
    """Of a stored message, in order: none of an answer that is being written, nor of ideas and empty texts."""
    if row.status in _UNDER_WAY:
        return []
    return [_question(row)] if row.role == "user" else _answer_items(row)


def question_id(message: str) -> str:
    """Of the item that tells a user's message."""
    return f"{PREFIXES['message']}_{message}"


def _question(row: MessageRow) -> Item:
    content: list[dict[str, Any]] = []
    for part in row.parts:
        if isinstance(part, TextPart):
            content.append({"type": "input_text", "text": part.text})
        elif isinstance(part, ImagePart):
            url = f"data:{part.media_type};base64,{part.data}"
            content.append({"type": "input_image", "detail": "auto", "file_id": None, "image_url": url})
    identifier = question_id(row.id)
    told = {"id": identifier, "type": "message", "role": "user", "status": "completed", "content": content}
    return Item(identifier, list(range(len(row.parts))), told)


def _answer_items(row: MessageRow) -> list[Item]:
    """Texts that follow each other in what no turn has made are one message: its client gave them together."""
    base = row.turn_id or row.id
    items: list[Item] = []
    count = 0  # of texts and thoughts, also of those that are empty by now: the others keep their ids
    for place, part in enumerate(row.parts):
        if isinstance(part, ToolCallPart):
            items.append(_item(item_id(base, _short(part.call), "function_call"), "function_call", place, part))
        elif isinstance(part, ToolResultPart):
            kind = "function_call_output"
            items.append(_item(item_id(base, _short(part.call), kind), kind, place, part))
        elif isinstance(part, TextPart | ReasoningPart):
            kind = "message" if isinstance(part, TextPart) else "reasoning"
            identifier, count = item_id(base, count, kind), count + 1
            if kind == "message" and not row.turn_id and place and isinstance(row.parts[place - 1], TextPart) and items:
                items[-1].parts.append(place)
                items[-1].document["content"].append(text_content(part.text))
            elif part.text:
                items.append(_item(identifier, kind, place, _shown(part) if row.turn_id else part))
    return items


def _shown(part: TextPart | ReasoningPart) -> TextPart | ReasoningPart:
    """Citations lead somewhere in the page only."""
    return TextPart(leave_out_everywhere(part.text)) if isinstance(part, TextPart) else part


def _item(identifier: str, kind: str, place: int, part: Part) -> Item:
    return Item(identifier, [place], output_item(identifier, kind, part, "completed"))


def _short(call: str) -> str:
    """Providers name calls as they like: not every name can stand in an address."""
    return hashlib.sha256(call.encode()).hexdigest()[:16]
