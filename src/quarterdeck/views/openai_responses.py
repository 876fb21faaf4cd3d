"""A turn as OpenAI's Responses API tells it: a list of items, whole or as a stream of events.

Each event of the log becomes some of theirs; their `sequence_number` is the log's seq, thousandfold, and a place. So
whoever comes back with one goes on at exactly that event: numbers grow, and have holes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.domain.asked import ApiRequest
from quarterdeck.domain.citations import leave_out_everywhere
from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartStarted,
    StepEnded,
    TextDelta,
    TurnEnded,
    TurnFault,
    UsageReported,
)
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.parts import Part, ReasoningPart, TextPart, ToolCallPart
from quarterdeck.domain.usage import Usage
from quarterdeck.views.increments import Increments
from quarterdeck.views.openai_items import item_id, output_item, text_content
from quarterdeck.views.openai_responses_request import ID
from quarterdeck.views.uncited import UncitedIncrements

PER_SEQ = 1_000
_PROMPT_CODES = ("provider_rejected_request", "context_too_long", "provider_refused", "bad_input")
_KINDS = {"text": "message", "reasoning": "reasoning", "tool_call": "function_call"}

_encode = msgspec.json.encode


class ResponseIdentity(Struct, frozen=True):
    """`created_at` in milliseconds."""

    turn: str
    created_at: int
    asked: ApiRequest

    @property
    def id(self) -> str:
        return f"{ID}{self.turn}"

    @property
    def tells_calls(self) -> bool:
        """Calls that the server makes itself are not told."""
        return bool(self.asked.step.tools)


class _Ending(Struct):
    """How it stands with a response; `status` in their words."""

    status: str
    usage: Usage | None = None
    error: TurnFault | None = None
    finish: str = ""
    ended_at: int | None = None


def response_document(identity: ResponseIdentity, folded: FoldedTurn, status: str) -> dict[str, Any]:
    """The whole response; `status` is the turn's."""
    items = [
        output_item(
            item_id(identity.turn, number, kind), kind, part, "completed" if status != "running" else "in_progress"
        )
        for number, (kind, part) in enumerate(_told_parts(identity, folded.parts))
    ]
    is_used = folded.usage.input_tokens or folded.usage.output_tokens
    ending = _Ending(
        _status(status, folded.finish), folded.usage if is_used else None, folded.error, folded.finish,
        folded.ended_at,
    )  # fmt: skip
    return _response(identity, items, ending)


class ResponseStream:
    """Feed it one turn's events from the first on; it tells those after the client's cursor."""

    def __init__(self, identity: ResponseIdentity, after: int = -1) -> None:
        self._identity = identity
        self._after = after
        self._number = 0
        self._out: list[bytes] = []
        self._increments = Increments() if identity.asked.is_alone else UncitedIncrements()
        self._items: list[_OpenItem] = []
        self._by_part: dict[int, _OpenItem] = {}
        self._ending = _Ending("in_progress")

    def encode(self, seq: int, event: Event) -> bytes:
        self._number = seq * PER_SEQ
        self._out = []
        if seq == 1:
            self._say("response.created", response=self._response())
            self._say("response.in_progress", response=self._response())
        for added in self._increments.of(event):
            self._tell(added)
        return b"".join(self._out)

    def _tell(self, event: Event) -> None:
        match event:
            case TextDelta(part=part, text=text):
                if (item := self._by_part.get(part)) is not None:
                    self._add_text(item, text)
            case PartStarted(part=part, kind=kind, call=call, name=name):
                if kind in _KINDS and (kind != "tool_call" or self._identity.tells_calls):
                    self._open(part, _KINDS[kind], call, name)
            case PartEnded(part=part):
                if (item := self._by_part.pop(part, None)) is not None:
                    self._close(item)
            case UsageReported(usage=usage):
                self._ending.usage = usage if self._ending.usage is None else self._ending.usage.plus(usage)
            case StepEnded(finish=finish):
                self._ending.finish = finish
            case TurnEnded():
                self._end(event)

    def _open(self, part: int, kind: str, call: str, name: str) -> None:
        item = _OpenItem(self._identity, len(self._items), kind, call, name)
        self._items.append(item)
        self._by_part[part] = item
        self._say("response.output_item.added", output_index=item.index, item=item.encode("in_progress", is_new=True))
        if kind == "message":
            self._say("response.content_part.added", **item.place, part=text_content(""))

    def _add_text(self, item: _OpenItem, text: str) -> None:
        item.texts.append(text)
        match item.kind:
            case "message":
                self._say("response.output_text.delta", **item.place, delta=text, logprobs=[])
            case "reasoning":
                self._say("response.reasoning_text.delta", **item.place, delta=text)
            case _:
                self._say("response.function_call_arguments.delta", **item.call_place, delta=text)

    def _close(self, item: _OpenItem) -> None:
        text = "".join(item.texts)
        match item.kind:
            case "message":
                self._say("response.output_text.done", **item.place, text=text, logprobs=[])
                self._say("response.content_part.done", **item.place, part=text_content(text))
            case "reasoning":
                self._say("response.reasoning_text.done", **item.place, text=text)
            case _:
                self._say("response.function_call_arguments.done", **item.call_place, arguments=text)
        self._say("response.output_item.done", output_index=item.index, item=item.encode("completed"))

    def _end(self, event: TurnEnded) -> None:
        for item in self._by_part.values():
            self._close(item)
        self._by_part = {}
        ending = self._ending
        ending.status, ending.error, ending.ended_at = _status(event.status, ending.finish), event.error, event.at
        name = "incomplete" if ending.status == "cancelled" else ending.status  # they have no event for that
        self._say(f"response.{name}", response=self._response())

    def _response(self) -> dict[str, Any]:
        is_over = self._ending.status != "in_progress"
        items = [item.encode("completed") for item in self._items] if is_over else []
        return _response(self._identity, items, self._ending)

    def _say(self, kind: str, **fields: Any) -> None:
        number, self._number = self._number, self._number + 1
        if number <= self._after:
            return
        told = {"type": kind, "sequence_number": number} | fields
        self._out.append(b"event: " + kind.encode() + b"\ndata: " + _encode(told) + b"\n\n")


class _OpenItem:
    def __init__(self, identity: ResponseIdentity, index: int, kind: str, call: str, name: str) -> None:
        self.index, self.kind, self.call, self.name = index, kind, call, name
        self.texts: list[str] = []
        self._identity = identity

    @property
    def id(self) -> str:
        return item_id(self._identity.turn, self.index, self.kind)

    @property
    def place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index, "content_index": 0}

    @property
    def call_place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index}

    def encode(self, status: str, *, is_new: bool = False) -> dict[str, Any]:
        text = "".join(self.texts)
        part: Part = TextPart(text)
        if self.kind == "reasoning":
            part = ReasoningPart(text)
        elif self.kind == "function_call":
            part = ToolCallPart(self.call, self.name, text)
        item = output_item(self.id, self.kind, part, status)
        return item | {"content": []} if is_new and self.kind != "function_call" else item


def _told_parts(identity: ResponseIdentity, parts: list[Part]) -> list[tuple[str, Part]]:
    told: list[tuple[str, Part]] = []
    for part in parts:
        if isinstance(part, TextPart):
            told.append(("message", part if identity.asked.is_alone else TextPart(leave_out_everywhere(part.text))))
        elif isinstance(part, ReasoningPart):
            told.append(("reasoning", part))
        elif isinstance(part, ToolCallPart) and identity.tells_calls:
            told.append(("function_call", part))
    return told


def _status(turn_status: str, finish: str) -> str:
    match turn_status:
        case "complete":
            return "incomplete" if finish == "length" else "completed"
        case "stopped":
            return "cancelled"
        case "failed" | "queued":
            return turn_status
    return "in_progress"


def _response(identity: ResponseIdentity, items: list[dict[str, Any]], ending: _Ending) -> dict[str, Any]:
    told = identity.asked.told
    error = None
    if ending.error is not None:
        error = {"code": _error_code(ending.error.code), "message": ending.error.message}
    is_completed = ending.status == "completed"
    return {
        "id": identity.id,
        "object": "response",
        "created_at": identity.created_at // 1000,
        "status": ending.status,
        "completed_at": ending.ended_at // 1000 if ending.ended_at is not None and is_completed else None,
        "error": error,
        "incomplete_details": {"reason": "max_output_tokens"} if ending.status == "incomplete" else None,
        "output": items,
        "usage": None if ending.usage is None else _usage(ending.usage),
        **told,
    }


def _error_code(code: str) -> str:
    if code in ("provider_rate_limited", "limit", "over_budget"):
        return "rate_limit_exceeded"
    return "invalid_prompt" if code in _PROMPT_CODES else "server_error"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
