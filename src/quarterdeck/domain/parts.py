"""The parts of a message, as they are stored (`messages.parts`, a JSON list) and sent to the page."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct


class TextPart(Struct, frozen=True, tag_field="kind", tag="text"):
    text: str


class ReasoningPart(Struct, frozen=True, tag_field="kind", tag="reasoning"):
    """What the model thought before it spoke, when the provider shows it. Never sent back to a model."""

    text: str


class IdeaPart(Struct, frozen=True, tag_field="kind", tag="idea"):
    """One `idea` entry of an answer in the tagged format."""

    text: str


class ImagePart(Struct, frozen=True, tag_field="kind", tag="image"):
    """A picture the user sent: base64 `data` of the given media type."""

    media_type: str
    data: str


class ToolCallPart(Struct, frozen=True, tag_field="kind", tag="tool_call"):
    """The model asks for a tool; `arguments` is the JSON text as the model wrote it."""

    call: str
    name: str
    arguments: str


class ToolResultPart(Struct, frozen=True, tag_field="kind", tag="tool_result"):
    """What came of the tool call `call`; `taint` says what of it is untrusted (`domain.taint`)."""

    call: str
    text: str
    is_error: bool = False
    taint: str = ""


Part = TextPart | ReasoningPart | IdeaPart | ImagePart | ToolCallPart | ToolResultPart


class Approval(Struct, frozen=True, omit_defaults=True):
    """The user is asked whether a tool may do something. `digest` is of the tool's name and its exact arguments."""

    call: str
    name: str
    digest: str
    taint: str = ""
    decision: Literal["", "approved", "declined"] = ""
    at: int = 0  # when it was asked


class Continuation(Struct, frozen=True):
    """Where the answer went on after a restart: after `offset` characters of part `part`."""

    part: int
    offset: int
    at: int


_decoder = msgspec.json.Decoder(list[Part])
_encoder = msgspec.json.Encoder()


def decode_parts(raw: str | bytes) -> list[Part]:
    """Parts from a stored JSON list."""
    return _decoder.decode(raw)


def encode_parts(parts: list[Part]) -> str:
    return _encoder.encode(parts).decode()


def plain_text(parts: list[Part]) -> str:
    """What a reader would call the text of the message: its text parts, joined."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))
