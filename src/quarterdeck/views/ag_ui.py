"""AG-UI: a turn's events as the events of its protocol, for `@ag-ui/client` and what is built on it.

The first text of an answer goes by the answer's own id. An idea is a `CUSTOM` event named `idea`, told when whole.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartStarted,
    StepStarted,
    TextDelta,
    ToolReturned,
    TurnEnded,
    TurnRestored,
    TurnStarted,
    UsageReported,
)
from quarterdeck.domain.usage import Usage
from quarterdeck.views.parts_told import OpenPart, OpenParts
from quarterdeck.views.uncited import UncitedIncrements

Told = dict[str, Any]
_NO_REASON = "The answer could not be finished."
_encoder = msgspec.json.Encoder()


class AgUi:
    """Feed it one turn's events from the first on; `thread` and `run` are the client's own names."""

    def __init__(self, thread: str, run: str) -> None:
        self._thread, self._run = thread, run
        self._increments = UncitedIncrements()
        self._parts = OpenParts()
        self._names: dict[int, str] = {}  # of the messages that text and reasoning are told as
        self._message = self._model = ""
        self._last_text = ""
        self._step = 0
        self._usage = Usage()

    def encode(self, event: Event) -> bytes:
        """What `event` makes, as server-sent events."""
        told = self._begin_run(event) if isinstance(event, TurnStarted | TurnRestored) else []
        told += [one for added in self._increments.of(event) for one in self._tell(added)]
        return b"".join(b"data: %s\n\n" % _encoder.encode(one) for one in told)

    def _tell(self, event: Event) -> list[Told]:
        match event:
            case TextDelta(part=number, text=text):
                return self._say(number, text)
            case PartStarted():
                return self._begin(self._parts.begin(event))
            case PartEnded(part=number):
                return self._end(number)
            case StepStarted(step=step) if step != self._step:
                ended = self._end_step()
                self._step = step
                return [*ended, {"type": "STEP_STARTED", "stepName": f"step {step}"}]
            case UsageReported(usage=usage):
                self._usage = self._usage.plus(usage)
                return []
            case ToolReturned(part=number, call=call, text=text):
                told = {"messageId": f"{self._message}:{number}", "toolCallId": call, "content": text, "role": "tool"}
                return [{"type": "TOOL_CALL_RESULT", **told}]
            case TurnEnded():
                return self._end_turn(event)
            case _:
                return []

    def _begin_run(self, event: TurnStarted | TurnRestored) -> list[Told]:
        if isinstance(event, TurnRestored):
            self._usage = event.usage
        if self._message:
            return []
        self._message, self._model = event.message, event.model
        return [{"type": "RUN_STARTED", "threadId": self._thread, "runId": self._run}]

    def _begin(self, part: OpenPart) -> list[Told]:
        match part.kind:
            case "text":
                self._names[part.number] = self._last_text = self._next_text(part)
                return [{"type": "TEXT_MESSAGE_START", "messageId": self._last_text, "role": "assistant"}]
            case "reasoning":
                name = self._names[part.number] = f"{self._message}:{part.number}"
                begun = {"type": "REASONING_MESSAGE_START", "messageId": name, "role": "reasoning"}
                return [{"type": "REASONING_START", "messageId": name}, begun]
            case "tool_call":
                parent = self._last_text or self._message
                called = {"toolCallId": part.call, "toolCallName": part.name, "parentMessageId": parent}
                return [{"type": "TOOL_CALL_START", **called}]
            case "idea":
                return []

    def _next_text(self, part: OpenPart) -> str:
        return self._message if not self._last_text else f"{self._message}:{part.number}"

    def _say(self, number: int, text: str) -> list[Told]:
        part = self._parts.find(number)
        if part is None:
            return self._say_after(number, text)
        match part.kind:
            case "text":
                return [{"type": "TEXT_MESSAGE_CONTENT", "messageId": self._names[number], "delta": text}]
            case "reasoning":
                return [{"type": "REASONING_MESSAGE_CONTENT", "messageId": self._names[number], "delta": text}]
            case "tool_call":
                return [{"type": "TOOL_CALL_ARGS", "toolCallId": part.call, "delta": text}]
            case "idea":
                part.texts.append(text)
                return []

    def _say_after(self, number: int, text: str) -> list[Told]:
        """Text for a part that has ended (an answer that begins anew after it): a message of its own."""
        name = {"messageId": f"{self._message}:{number}:more"}
        return [
            {"type": "TEXT_MESSAGE_START", **name, "role": "assistant"},
            {"type": "TEXT_MESSAGE_CONTENT", **name, "delta": text},
            {"type": "TEXT_MESSAGE_END", **name},
        ]

    def _end(self, number: int) -> list[Told]:
        part = self._parts.end(number)
        if part is None:
            return []
        match part.kind:
            case "text":
                return [{"type": "TEXT_MESSAGE_END", "messageId": self._names[number]}]
            case "reasoning":
                name = {"messageId": self._names[number]}
                return [{"type": "REASONING_MESSAGE_END", **name}, {"type": "REASONING_END", **name}]
            case "tool_call":
                return [{"type": "TOOL_CALL_END", "toolCallId": part.call}]
            case "idea":
                return [{"type": "CUSTOM", "name": "idea", "value": {"text": part.text}}]

    def _end_step(self) -> list[Told]:
        return [{"type": "STEP_FINISHED", "stepName": f"step {self._step}"}] if self._step else []

    def _end_turn(self, event: TurnEnded) -> list[Told]:
        told = [one for number in self._parts.numbers() for one in self._end(number)]
        told += self._end_step()
        usage = {} if self._usage == Usage() else {"usage": [_usage(self._model, self._usage)]}
        if event.status == "failed":
            code = event.error.code if event.error else "internal"
            sentence = event.error.message if event.error else _NO_REASON
            return [*told, {"type": "RUN_ERROR", "message": sentence, "code": code, **usage}]
        outcome = {"type": "cancelled" if event.status == "stopped" else "success"}
        ended = {"threadId": self._thread, "runId": self._run, "outcome": outcome, **usage}
        return [*told, {"type": "RUN_FINISHED", **ended}]


def _usage(model: str, usage: Usage) -> Told:
    provider, _, name = model.partition("/")
    counted = {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "reasoningTokens": usage.reasoning_tokens,
        "cachedInputTokens": usage.cached_tokens,
    }
    return {"provider": provider, "model": name, **{name: count for name, count in counted.items() if count}}
