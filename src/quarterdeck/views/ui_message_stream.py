"""The UI-message stream of Vercel's AI SDK (`x-vercel-ai-ui-message-stream: v1`): a turn's events as its chunks.

An idea is a part `data-idea`, told when it is whole. Tools run here, so their calls are `providerExecuted`; an approval
is a part `data-approval`, because the chunks that the SDK has for it are not the same in each of its versions.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.events import (
    ApprovalRequested,
    ApprovalSettled,
    Event,
    PartEnded,
    PartStarted,
    StepEnded,
    StepRetrying,
    StepStarted,
    TextDelta,
    ToolReturned,
    TurnEnded,
    TurnRestored,
    TurnStarted,
    UsageReported,
)
from quarterdeck.domain.parts import Approval
from quarterdeck.domain.usage import Usage
from quarterdeck.views.parts_told import OpenPart, OpenParts
from quarterdeck.views.uncited import UncitedIncrements

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
DONE = b"data: [DONE]\n\n"

Chunk = dict[str, Any]
_FINISH = {"length": "length", "content_filter": "content-filter", "tool_calls": "tool-calls"}
_NO_REASON = "The answer could not be finished."
_encoder = msgspec.json.Encoder()


class ToolInput(Struct, frozen=True):
    """`input` is the arguments' value; where they are no JSON, their text, and `is_json` is false."""

    input: Any
    is_json: bool


def read_arguments(arguments: str) -> ToolInput:
    try:
        return ToolInput(msgspec.json.decode(arguments or "{}"), True)
    except (msgspec.DecodeError, RecursionError):
        return ToolInput(arguments, False)


class UiMessageStream:
    """Feed it one turn's events from the first on."""

    def __init__(self) -> None:
        self._increments = UncitedIncrements()
        self._parts = OpenParts()
        self._names: dict[str, str] = {}  # of the tools, by call
        self._approvals: dict[str, Approval] = {}  # as they were told, by call
        self._is_begun = False
        self._step = 0
        self._is_in_step = False
        self._finish = "stop"
        self._usage = Usage()

    def encode(self, event: Event) -> bytes:
        """The chunks that `event` makes, as server-sent events; after the turn's end `[DONE]`."""
        chunks = self._begin_message(event) if isinstance(event, TurnStarted | TurnRestored) else []
        chunks += [chunk for added in self._increments.of(event) for chunk in self._tell(added)]
        if isinstance(event, TurnRestored):
            chunks += [chunk for approval in event.approvals for chunk in self._tell_approval(approval)]
        lines = b"".join(b"data: %s\n\n" % _encoder.encode(chunk) for chunk in chunks)
        return lines + DONE if isinstance(event, TurnEnded) else lines

    def _tell(self, event: Event) -> list[Chunk]:
        match event:
            case TextDelta(part=number, text=text):
                return self._say(number, text)
            case PartStarted():
                return [*self._begin_step(self._step or 1), *self._begin(self._parts.begin(event))]
            case PartEnded(part=number):
                return self._end(number)
            case StepStarted(step=step):
                return [] if step == self._step else self._begin_step(step)
            case StepRetrying(reason=reason, wait_s=wait_s):
                return [{"type": "data-retrying", "data": {"reason": reason, "wait_s": wait_s}, "transient": True}]
            case StepEnded(finish=finish):
                self._finish = finish
                return []
            case UsageReported(usage=usage):
                self._usage = self._usage.plus(usage)
                return []
            case TurnEnded():
                return self._end_turn(event)
            case ToolReturned() | ApprovalRequested() | ApprovalSettled():
                return self._tell_of_tool(event)
            case _:
                return []

    def _begin_message(self, event: TurnStarted | TurnRestored) -> list[Chunk]:
        if isinstance(event, TurnRestored):
            self._usage, self._finish, self._step = event.usage, event.finish or "stop", event.steps
        if self._is_begun:
            return []
        self._is_begun = True
        about = {"turn": event.turn, "conversation": event.conversation, "model": event.model}
        return [{"type": "start", "messageId": event.message, "messageMetadata": about}]

    def _begin_step(self, step: int) -> list[Chunk]:
        if self._is_in_step and step == self._step:
            return []
        chunks = self._end_step()
        self._step, self._is_in_step = step, True
        return [*chunks, {"type": "start-step"}]

    def _end_step(self) -> list[Chunk]:
        was_in_step, self._is_in_step = self._is_in_step, False
        return [{"type": "finish-step"}] if was_in_step else []

    def _begin(self, part: OpenPart) -> list[Chunk]:
        match part.kind:
            case "text" | "reasoning" as kind:
                return [{"type": f"{kind}-start", "id": _name(part)}]
            case "tool_call":
                self._names[part.call] = part.name
                return [{"type": "tool-input-start", "toolName": part.name, **_call(part.call)}]
            case "idea":
                return []

    def _say(self, number: int, text: str) -> list[Chunk]:
        part = self._parts.find(number)
        if part is None:
            return self._say_after(number, text)
        match part.kind:
            case "text" | "reasoning" as kind:
                return [{"type": f"{kind}-delta", "id": _name(part), "delta": text}]
            case "tool_call":
                part.texts.append(text)
                return [{"type": "tool-input-delta", "toolCallId": part.call, "inputTextDelta": text}]
            case "idea":
                part.texts.append(text)
                return []

    def _say_after(self, number: int, text: str) -> list[Chunk]:
        """Text for a part that has ended (an answer that begins anew after it): a part of its own."""
        name = f"part-{number}-more"
        return [
            {"type": "text-start", "id": name},
            {"type": "text-delta", "id": name, "delta": text},
            {"type": "text-end", "id": name},
        ]

    def _end(self, number: int) -> list[Chunk]:
        part = self._parts.end(number)
        if part is None:
            return []
        match part.kind:
            case "text" | "reasoning" as kind:
                return [{"type": f"{kind}-end", "id": _name(part)}]
            case "tool_call":
                return [_input_chunk(part)]
            case "idea":
                return [{"type": "data-idea", "id": _name(part), "data": {"text": part.text}}]

    def _tell_of_tool(self, event: ToolReturned | ApprovalRequested | ApprovalSettled) -> list[Chunk]:
        match event:
            case ToolReturned(call=call) if call not in self._names:
                return []
            case ToolReturned(call=call, text=text, is_error=True):
                return [{"type": "tool-output-error", "errorText": text, **_call(call)}]
            case ToolReturned(call=call, text=text):
                return [{"type": "tool-output-available", "output": text, **_call(call)}]
            case ApprovalRequested(call=call):
                return self._tell_approval(Approval(call, event.name, event.digest, event.taint, at=event.at))
            case ApprovalSettled(call=call, decision=decision) if call in self._approvals:
                return self._tell_approval(msgspec.structs.replace(self._approvals[call], decision=decision))
            case _:
                return []

    def _tell_approval(self, asked: Approval) -> list[Chunk]:
        """The same part again when it is settled: the SDK then replaces what it says."""
        if self._approvals.get(asked.call) == asked:
            return []
        self._approvals[asked.call] = asked
        return [{"type": "data-approval", "id": asked.call, "data": msgspec.to_builtins(asked)}]

    def _end_turn(self, event: TurnEnded) -> list[Chunk]:
        chunks = [chunk for number in self._parts.numbers() for chunk in self._end(number)]
        chunks += self._end_step()
        about: Chunk = {"status": event.status}
        if self._usage != Usage():
            about["usage"] = msgspec.to_builtins(self._usage)
        match event.status:
            case "complete":
                return [
                    *chunks,
                    {"type": "finish", "finishReason": finish_reason(self._finish), "messageMetadata": about},
                ]
            case "stopped":
                return [*chunks, _metadata(about), {"type": "abort", "reason": "stopped"}]
            case "failed":
                if event.error is not None:
                    about["code"] = event.error.code
                sentence = event.error.message if event.error else _NO_REASON
                return [*chunks, _metadata(about), {"type": "error", "errorText": sentence}]


def finish_reason(finish: str) -> Literal["stop", "length", "content-filter", "tool-calls"]:
    """The SDK's word for why a model came to its end."""
    return _FINISH.get(finish, "stop")  # type: ignore[return-value]  # the dictionary's values are among them


def _name(part: OpenPart) -> str:
    return f"part-{part.number}"


def _call(call: str) -> Chunk:
    return {"toolCallId": call, "providerExecuted": True, "dynamic": True}


def _input_chunk(part: OpenPart) -> Chunk:
    found = read_arguments(part.text)
    named = {"toolName": part.name, "input": found.input, **_call(part.call)}
    if found.is_json:
        return {"type": "tool-input-available", **named}
    return {"type": "tool-input-error", "errorText": "The model wrote arguments that are no JSON.", **named}


def _metadata(about: Chunk) -> Chunk:
    return {"type": "message-metadata", "messageMetadata": about}
