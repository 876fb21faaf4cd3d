"""Token counts, estimated offline: no vocabulary is fetched, no model is asked.

About four characters of English a token; other scripts need more. The estimate errs on the high
side, since a context that is too long fails and one that is a little shorter does not.
"""

from __future__ import annotations

import re

import msgspec

from quarterdeck.domain.parts import (
    ImagePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from quarterdeck.domain.step import ToolSpec

_WIDE = re.compile("[\u2e80-\U0010ffff]+")
_PER_MESSAGE = 4
_PER_IMAGE = 1_000
_MOST_PER_MESSAGE = 32  # marks of role and end, in any template
_MOST_PER_IMAGE = 4_000


def estimate_text(text: str) -> int:
    """Tokens of `text`: a quarter of its UTF-8 length, wide scripts about one token a character."""
    if text.isascii():
        return (len(text) + 3) // 4
    wide = len(text) - len(_WIDE.sub("", text))
    return (_bytes_of(text) - 3 * wide + 3) // 4 + wide


def estimate_parts(parts: list[Part]) -> int:
    """Tokens of what a model is sent of `parts`: reasoning is not sent again."""
    total = _PER_MESSAGE
    for part in parts:
        if type(part) is TextPart:  # as nearly all are
            total += estimate_text(part.text)
            continue
        match part:
            case ImagePart():
                total += _PER_IMAGE
            case ReasoningPart():
                pass
            case ToolCallPart(name=name, arguments=arguments):
                total += estimate_text(name) + estimate_text(arguments)
            case _:
                total += estimate_text(part.text)
    return total


def estimate_output(parts: list[Part]) -> int:
    """Tokens of what a model wrote: here its reasoning counts, and what its tools returned does not."""
    return sum(estimate_text(_written(part)) for part in parts if not isinstance(part, ToolResultPart))


def estimate_tools(tools: list[ToolSpec]) -> int:
    """Tokens of the descriptions that the model is sent of its tools."""
    return estimate_text(msgspec.json.encode(tools).decode()) if tools else 0


def bound_parts(parts: list[Part]) -> int:
    """The most tokens that these parts of one message can be: no vocabulary makes two tokens of one byte."""
    total = _MOST_PER_MESSAGE
    for part in parts:
        total += _MOST_PER_IMAGE if isinstance(part, ImagePart) else _bytes_of(_written(part))
    return total


def bound_tools(tools: list[ToolSpec]) -> int:
    """The most tokens that their descriptions can be."""
    return len(msgspec.json.encode(tools)) if tools else 0


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _written(part: Part) -> str:
    match part:
        case ToolCallPart(name=name, arguments=arguments):
            return name + arguments
        case ImagePart():
            return ""
        case _:
            return part.text
