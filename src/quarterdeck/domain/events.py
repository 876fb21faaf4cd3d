"""The typed events of a turn's log, in the order they may come:

    turn.started  step.started  (step.retrying | context.shortened)  [part.started text.delta* part.ended]*
    usage.reported  step.ended  [(approval.requested approval.settled)? tool.called tool.returned]*
    and so on with the next step, until one asks for no tool: turn.ended;
    turn.continued after a take-over, turn.restored in place of all before it when the log was lost

They are stored as one line of JSON each, whose `type` is the event's name. The sequence number is
not part of the event: it is the log's. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.parts import Approval, Continuation, Part
from quarterdeck.domain.usage import Usage

PartKind = Literal["text", "reasoning", "idea", "tool_call"]
TurnStatus = Literal["complete", "stopped", "failed"]


class _Event(Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """What all events share: the `type` tag."""


class TurnStarted(_Event, frozen=True, tag="turn.started"):
    """Always seq 1. `message` is the answer's id, `request` the user message it answers."""

    turn: str
    conversation: str
    message: str
    request: str
    model: str
    at: int


class StepStarted(_Event, frozen=True, tag="step.started"):
    """A model call begins; `step` counts from 1. `taint`: what of the text it is sent is untrusted."""

    step: int
    model: str
    at: int
    taint: str = ""


class StepRetrying(_Event, frozen=True, tag="step.retrying"):
    """The provider was busy before the first token; it is asked again in `wait_s` seconds."""

    step: int
    reason: str
    wait_s: float


class ContextShortened(_Event, frozen=True, tag="context.shortened"):
    """The provider said that this was too long, before the first token; it is asked again with fewer old messages."""

    step: int
    reason: str


class PartStarted(_Event, frozen=True, tag="part.started"):
    """`part` counts from 0 within the message. `call` and `name` for tool calls only."""

    part: int
    kind: PartKind
    call: str = ""
    name: str = ""


class TextDelta(_Event, frozen=True, tag="text.delta"):
    """More of the open part's text (of a tool call: of its JSON arguments)."""

    part: int
    text: str


class PartEnded(_Event, frozen=True, tag="part.ended"):
    """Nothing is added to this part any more."""

    part: int


class UsageReported(_Event, frozen=True, tag="usage.reported"):
    """Tokens of the step as its provider counted them."""

    step: int
    usage: Usage


class StepEnded(_Event, frozen=True, tag="step.ended"):
    """The model came to its own end; whoever takes the turn over from here need not ask it again."""

    step: int
    finish: str


class ApprovalRequested(_Event, frozen=True, tag="approval.requested"):
    """A tool would do something, and waits until the user has approved exactly this (`digest`) or declined it."""

    call: str
    name: str
    digest: str
    at: int
    taint: str = ""


class ApprovalSettled(_Event, frozen=True, tag="approval.settled"):
    """The user has decided, or has not in time: then it is declined."""

    call: str
    decision: Literal["approved", "declined"]
    at: int


class ToolCalled(_Event, frozen=True, tag="tool.called"):
    """The call of the tool call part `call` is made now."""

    call: str
    at: int


class ToolReturned(_Event, frozen=True, tag="tool.returned"):
    """What came of the call `call`, as part `part` of the answer. Also of one that was not made: `is_error` then."""

    part: int
    call: str
    text: str
    is_error: bool = False
    taint: str = ""


class TurnContinued(_Event, frozen=True, tag="turn.continued"):
    """Another process (or the restarted one) went on from the partial answer."""

    at: int
    reason: Literal["restart", "takeover"] = "restart"


class TurnRestored(_Event, frozen=True, tag="turn.restored"):
    """The log was lost and begins anew, above its old numbers: this is the whole answer so far, in place of all before.

    `open` is the index of the part still being written, else null; `attempts` counts the model calls of the last of
    `steps`, and `step_ended` says that it came to its own end (`finish`). `called` are the tool calls that were begun
    and have not returned. `at` is when the turn began.
    """

    turn: str
    conversation: str
    message: str
    request: str
    model: str
    at: int
    parts: list[Part] = []
    open: int | None = None
    steps: int = 0
    attempts: int = 0
    step_ended: bool = False
    finish: str = ""
    usage: Usage = Usage()
    attempt_usage: Usage = Usage()
    continuations: list[Continuation] = []
    called: list[str] = []
    approvals: list[Approval] = []
    taint: str = ""


class TurnFault(Struct, frozen=True, omit_defaults=True):
    """Why a turn failed: a stable code and one sentence for the user."""

    code: str
    message: str
    retryable: bool = False
    retry_after_s: float | None = None


class TurnEnded(_Event, frozen=True, tag="turn.ended"):
    """Always last. `error` is there when the status is failed."""

    status: TurnStatus
    at: int
    error: TurnFault | None = None


Event = (
    TurnStarted
    | StepStarted
    | StepRetrying
    | ContextShortened
    | PartStarted
    | TextDelta
    | PartEnded
    | UsageReported
    | StepEnded
    | ApprovalRequested
    | ApprovalSettled
    | ToolCalled
    | ToolReturned
    | TurnContinued
    | TurnRestored
    | TurnEnded
)


class FeedConversation(_Event, frozen=True, tag="conversation.changed"):
    """A conversation was made, renamed, moved, deleted or restored, in this or another tab; empty: many of them."""

    conversation: str


class FeedTurnStarted(_Event, frozen=True, tag="turn.running"):
    """A turn began, or went on after a restart: it can be followed."""

    conversation: str
    turn: str


class FeedTurnEnded(_Event, frozen=True, tag="turn.finished"):
    """A turn ended; its message is saved."""

    conversation: str
    turn: str
    status: TurnStatus


class FeedModels(_Event, frozen=True, tag="models.changed"):
    """A provider was connected or removed."""


class FeedMessages(_Event, frozen=True, tag="messages.changed"):
    """Messages were changed by hand: `edited`: what `message` says; `path`: which ones are on the active path."""

    conversation: str
    message: str
    what: Literal["edited", "path"]


FeedEvent = FeedConversation | FeedTurnStarted | FeedTurnEnded | FeedModels | FeedMessages
"""A user's feed carries pointers only, never content."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_feed_decoder: msgspec.json.Decoder[FeedEvent] = msgspec.json.Decoder(FeedEvent)


encode_event: Callable[[Event | FeedEvent], bytes] = _encoder.encode
"""One line of JSON."""


def decode_event(raw: bytes) -> Event:
    return _decoder.decode(raw)


def decode_feed_event(raw: bytes) -> FeedEvent:
    return _feed_decoder.decode(raw)


_END = b'{"type":"turn.ended"'
_RESTORATION = b'{"type":"turn.restored"'


def is_turn_end(raw: bytes) -> bool:
    """Whether an encoded event is the last one of its turn, without decoding it."""
    return raw.startswith(_END)


def is_restoration(raw: bytes) -> bool:
    """Whether an encoded event is `turn.restored`, without decoding it."""
    return raw.startswith(_RESTORATION)
