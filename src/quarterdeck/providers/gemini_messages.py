"""Our messages in Gemini's shape: contents of parts, roles `user` and `model`."""

from __future__ import annotations

from typing import Any

from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import StepRequest
from quarterdeck.providers.anthropic_messages import read_arguments, write_system
from quarterdeck.providers.openai_messages import text_of

__all__ = ["write_contents", "write_system"]

# Thoughts are not kept, so there is no signature to give back with a call; Gemini 3 takes this word
# instead: https://ai.google.dev/gemini-api/docs/thought-signatures
_NO_SIGNATURE = "skip_thought_signature_validator"


def write_contents(request: StepRequest) -> list[dict[str, Any]]:
    """All but the leading system messages; neighbours of one role are one content."""
    names = {
        part.call: part.name for message in request.messages for part in message.parts if isinstance(part, ToolCallPart)
    }
    signs = not request.model.startswith(("gemini-1", "gemini-2"))
    written: list[dict[str, Any]] = []
    leads = True
    for message in request.messages:
        leads = leads and message.role == "system"
        parts = [] if leads else [wire for part in message.parts if (wire := _write_part(part, names, signs))]
        if not parts:
            continue
        role = "model" if message.role == "assistant" else "user"
        if written and written[-1]["role"] == role:
            written[-1]["parts"] += parts
        else:
            written.append({"role": role, "parts": parts})
    return written


def _write_part(part: Part, names: dict[str, str], signs: bool) -> dict[str, Any] | None:
    match part:
        case TextPart() | IdeaPart():
            text = text_of([part])
            return {"text": text} if text else None
        case ImagePart(media_type=media_type, data=data):
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case ToolCallPart(name=name, arguments=arguments):
            call: dict[str, Any] = {"functionCall": {"name": name, "args": read_arguments(arguments)}}
            return call | {"thoughtSignature": _NO_SIGNATURE} if signs else call
        case ToolResultPart(call=call_id, text=text, is_error=is_error):
            answer = {"error" if is_error else "result": text}
            return {"functionResponse": {"name": names.get(call_id, call_id), "response": answer}}
    return None
